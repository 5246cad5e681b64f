"""Plans that came from elsewhere: nothing in them is believed before it is checked here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from tinycode_git.edits.paths import check_path
from tinycode_git.errors import Incomplete, Refused, TinyError, Unsettled
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.refs import RefMove
from tinycode_git.git.remote import FetchedRefs
from tinycode_git.git.worktrees import holders
from tinycode_git.git.write import PlanRepo
from tinycode_git.ledger import Ledger, Operation
from tinycode_git.plan.names import branch_ref, is_id, keep_ref, record_ref
from tinycode_git.plan.propose import Validator
from tinycode_git.plan.record import Event, Record, State, load
from tinycode_git.plan.risk import raised
from tinycode_git.plan.steps import derive_steps
from tinycode_git.plan.store import Plan, all_plans, save


class Outcome(StrEnum):
    """What became of one fetched plan."""

    NEW = "new"
    UPDATED = "updated"
    SAME = "same"
    CLOSED = "closed there"
    DIVERGED = "diverged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Imported:
    """One fetched plan: its id, what became of it, why."""

    id: str
    outcome: Outcome
    reason: str = ""


def import_plans(
    repo: PlanRepo, ledger: Ledger, remote: str, fetched: FetchedRefs, *, validate: Validator
) -> list[Imported]:
    """Take over each plan of ``fetched`` that is sound; the others are named with the reason, and left."""
    here = {plan.id: plan for plan in all_plans(repo)}
    return [
        _import(repo, ledger, remote, plan_id, record, fetched, here, validate)
        for plan_id, record in sorted(fetched.records.items())
    ]


def _import(
    repo: PlanRepo,
    ledger: Ledger,
    remote: str,
    plan_id: str,
    head: str,
    fetched: FetchedRefs,
    here: Mapping[str, Plan],
    validate: Validator,
) -> Imported:
    known = here.get(plan_id)
    tip = fetched.branches.get(plan_id, "")
    if known is not None and (known.head == head or repo.is_ancestor(head, known.head)):
        return Imported(plan_id, Outcome.SAME)
    try:
        record = _checked(repo, plan_id, head, tip)
        if record is None:
            return Imported(plan_id, Outcome.CLOSED)
        if known is not None:
            _may_replace(repo, known, head)
        findings = tuple(validate(repo, record.base, tip))
        _store(
            repo,
            ledger,
            remote,
            replace(record, steps=raised(record.steps, findings), findings=findings),
            head,
            tip,
            known,
        )
    except _Diverged as diverged:
        return Imported(plan_id, Outcome.DIVERGED, diverged.message)
    except TinyError as error:
        return Imported(plan_id, Outcome.REFUSED, error.message)
    return Imported(plan_id, Outcome.NEW if known is None else Outcome.UPDATED)


class _Diverged(Refused):
    """The plan was changed on both sides."""


def _checked(repo: ReadRepo, plan_id: str, head: str, tip: str) -> Record | None:
    """The record, as far as it is true of the commits that came with it; None where the plan waits for nothing."""
    if not is_id(plan_id):
        raise Refused(f"{plan_id!r} is no plan id")
    [data] = repo.read_many([f"{head}:plan.json"])
    if data is None:
        raise Incomplete("its record holds no plan.json")
    record = load(data, record_ref(plan_id))
    if record.id != plan_id:
        raise Refused(f"its record is of another plan, {record.id!r}")
    if record.state.closed:
        return None
    if not tip:
        raise Incomplete("its branch was not pushed with it")
    if not record.target.startswith("refs/heads/"):
        raise Refused(f"its target {record.target!r} is not a branch")
    if repo.git.quiet("check-ref-format", record.target, ok=(0, 1)).code:
        raise Refused(f"its target {record.target!r} is no name of a branch")
    base = repo.find(record.base) if _is_oid(record.base) else None
    if base is None or not repo.is_ancestor(base, tip):
        raise Refused("its base is not below its branch")
    steps = derive_steps(repo, base, tip)
    for step in steps:
        for path in step.paths:
            check_path(path)
    return replace(record, base=base, tip=tip, steps=steps, state=State.OPEN, merge="", before="", undone="", kept=0)


def _is_oid(text: str) -> bool:
    return len(text) == 40 and all(c in "0123456789abcdef" for c in text)


def _may_replace(repo: ReadRepo, known: Plan, head: str) -> None:
    """Their record has to continue ours, and our branch must be as our record has it and not in use."""
    if not repo.is_ancestor(known.head, head):
        raise _Diverged("it was changed here and there since")
    if known.edited:
        raise _Diverged("its branch was changed here")
    used = holders(repo, known.branch)
    if used:
        raise _Diverged(f"its branch is checked out in {used[0].path}")


def _store(
    repo: PlanRepo, ledger: Ledger, remote: str, record: Record, head: str, tip: str, known: Plan | None
) -> None:
    who = repo.identity()
    event = Event("fetched", f"{who.name} <{who.email}>", who.when, f"from {remote}")
    branch = branch_ref(repo.prefix, record.id)
    before = known.branch_tip if known is not None else ""
    old_head = known.head if known is not None else ""
    operation = Operation(
        "fetch", ref=branch, old=before, new=tip, plan=record.id, details={"record": old_head, "remote": remote}
    )
    intent = ledger.intend(operation)
    try:
        kept = known.record.kept + 1 if known is not None else 0
        saved = save(repo, record.after(event, kept=kept), head)
        moves = [RefMove(saved.ref, old_head, saved.new), RefMove(branch, before, tip)]
        if known is not None and before and before != tip:
            moves.append(RefMove(keep_ref(record.id, kept), "", before))
        repo.move_refs(moves, f"tiny: fetch {record.id} from {remote}")
    except Unsettled:
        raise
    except TinyError as error:
        ledger.failed(intent, error.message)
        raise
    ledger.done(intent, new=tip)
