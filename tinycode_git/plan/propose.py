"""From a proposal to an open plan: objects, then the branch and its record in one ref transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tinycode_git.errors import Refused, TinyError, Unsettled, UsageError
from tinycode_git.git.interrupts import uninterrupted
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.refs import RefMove
from tinycode_git.git.write import PlanRepo
from tinycode_git.ledger import Ledger, Operation
from tinycode_git.plan.materialise import materialise
from tinycode_git.plan.names import RECORDS, branch_ref, is_id, new_id
from tinycode_git.plan.record import Event, Record, State
from tinycode_git.plan.risk import raised
from tinycode_git.plan.store import Plan, save
from tinycode_git.proposal import Proposal

Findings = Sequence[Mapping[str, Any]]
Validator = Callable[[ReadRepo, str, str], Findings]
MAX_TASK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """What a plan is for: the full name of a branch and the commit that the plan is based on."""

    ref: str
    base: str


def target_of(repo: ReadRepo, name: str | None) -> Target:
    """The branch ``name`` (the checked-out one where None), or the plan of that id, to stack on.

    Raises Refused or UsageError where there is no such branch or commit.
    """
    if name is None:
        ref = repo.head_branch()
        if ref is None:
            raise Refused(
                "HEAD is detached: there is no branch that an approval could merge into", "name one: --target BRANCH"
            )
    else:
        ref = name if name.startswith("refs/") else f"refs/heads/{name}"
        stacked = branch_ref(repo.config("tiny.prefix") or "tiny", name) if is_id(name) else ""
        if stacked and repo.ref(ref) is None and repo.ref(stacked) is not None:
            ref = stacked
        if not ref.startswith("refs/heads/"):
            raise UsageError(f"{name!r} is not a branch", "a plan is merged into a branch: --target BRANCH")
    base = repo.ref(ref)
    if base is None:
        short = ref.removeprefix("refs/heads/")
        if name is None:
            raise Refused(f"{short} has no commit yet", "make a first commit: a plan needs one to stand on")
        raise UsageError(f"there is no branch {short!r}", _nearest(repo, short))
    return Target(ref, base)


def _nearest(repo: ReadRepo, short: str) -> str:
    from difflib import get_close_matches

    names = [ref.removeprefix("refs/heads/") for ref in repo.refs("refs/heads/")]
    near = get_close_matches(short, names, n=3)
    return f"did you mean {', '.join(near)}?" if near else "git branch lists them"


def check_task(task: str) -> str:
    """A task that can be stored: not empty, at most 64 KiB. Raises UsageError."""
    if not task.strip():
        raise UsageError("the task is empty", "say in a sentence what to change")
    size = len(task.encode("utf-8", "surrogateescape"))
    if size > MAX_TASK_BYTES:
        raise UsageError(
            f"the task is {size:,} bytes long; {MAX_TASK_BYTES:,} is the most",
            "a task is a sentence: put long material into a file of the repository and name it",
        )
    return task


def propose(
    repo: PlanRepo,
    ledger: Ledger,
    proposal: Proposal,
    target: Target,
    *,
    validate: Validator,
    state: State = State.OPEN,
    attached: Mapping[str, bytes] | None = None,
) -> Plan:
    """Make the plan; the refs appear only once every object is stored. Raises TinyError with nothing changed."""
    task = check_task(proposal.task)
    committer = repo.identity()
    prefix = repo.prefix
    taken = {name.removeprefix(RECORDS) for name in repo.refs(RECORDS)}
    plan_id = new_id(task, taken)
    branch = branch_ref(prefix, plan_id)
    details = {"planner": proposal.planner, "target": target.ref, "base": target.base}
    intent = ledger.intend(Operation("propose", ref=branch, old="", plan=plan_id, details=details))
    try:
        sign = repo.config_flag("commit.gpgSign")
        built = materialise(repo, proposal, target.base, plan_id, committer, sign=sign)
        findings = tuple(validate(repo, target.base, built.tip))
        record = Record(
            id=plan_id,
            task=task,
            planner=proposal.planner,
            state=state,
            target=target.ref,
            base=target.base,
            tip=built.tip,
            steps=raised(built.steps, findings),
            created=committer.when,
            event=Event("proposed", f"{committer.name} <{committer.email}>", committer.when),
            declared=proposal.declared,
            notes=proposal.notes,
            findings=findings,
        )
        saved = save(repo, record, "", attached or {})
        with uninterrupted():
            repo.move_refs([saved, RefMove(branch, "", built.tip)], f"tiny: propose {plan_id}")
            ledger.done(intent, new=built.tip, details={"steps": len(built.steps), "risk": str(record.risk)})
    except Unsettled:
        raise
    except TinyError as error:
        ledger.failed(intent, error.message)
        raise
    except BaseException:
        ledger.failed(intent, "interrupted")
        raise
    return Plan(repo, record, saved.new, branch, built.tip)
