"""Moving a plan to its target's newer commit, or to another target; a conflict is noted in its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tinycode_git.errors import Refused, TinyError, Unsettled
from tinycode_git.git.refs import RefMove
from tinycode_git.git.snapshot import TreeSnapshot
from tinycode_git.git.worktrees import holders
from tinycode_git.git.write import PlanRepo
from tinycode_git.ledger import Ledger, Operation
from tinycode_git.plan.names import keep_ref
from tinycode_git.plan.record import Event, Record, State
from tinycode_git.plan.store import Plan, save
from tinycode_git.plan.transplant import Moved, conflict_lines, move, sources

_MOVABLE = (State.OPEN, State.DRAFT, State.ROLLED_BACK)


@dataclass(frozen=True, slots=True)
class Restacked:
    """The plan after a restack; ``dropped`` are old numbers of steps that the new base has already."""

    plan: Plan
    dropped: tuple[int, ...]
    conflicts: tuple[Mapping[str, Any], ...]


def restack(repo: PlanRepo, ledger: Ledger, plan: Plan, *, target: str = "") -> Restacked:
    """Move the steps of ``plan`` onto the tip of its target (of the branch ``target`` where given: a full ref).

    A conflict leaves the branch where it is and is written into the record, with paths and lines. Raises Refused where
    the plan is closed, its branch checked out, or nothing is to be moved.
    """
    record = plan.record
    if record.state not in _MOVABLE:
        raise Refused(f"{plan.id} is {record.state}", "only a plan that waits can be moved")
    ref = target or record.target
    onto = repo.ref(ref)
    if onto is None:
        raise Refused(f"{_short(ref)} is gone", "name another target: git tiny restack --target BRANCH")
    used = holders(repo, plan.branch)
    if used:
        raise Refused(
            f"the branch of {plan.id} is checked out in {used[0].path}, and is not moved under you",
            f"rebase it there: git rebase {_short(ref)}, or check out something else",
        )
    if plan.base == onto and ref == record.target:
        raise Refused(f"{plan.id} stands on the newest {_short(ref)} already", "nothing is to be moved")
    who = repo.identity()
    details = {"record": plan.head, "onto": onto}
    operation = Operation("restack", str(plan.risk), plan.branch, plan.tip, plan=plan.id, details=details)
    intent = ledger.intend(operation)
    try:
        moved = move(repo, sources(repo, plan.steps), onto, who, sign=repo.config_flag("commit.gpgSign"))
        conflicts = recorded_conflicts(repo, moved)
        event = Event("restacked", f"{who.name} <{who.email}>", who.when, f"onto {onto[:12]}")
        if conflicts:
            event = replace(event, action="restack conflicted")
            changed = record.after(event, conflicts=conflicts)
            moves = []
        else:
            number = record.kept + 1
            changed = _moved_record(plan, moved, ref, onto, event, number)
            moves = [RefMove(plan.branch, plan.tip, moved.tip), RefMove(keep_ref(plan.id, number), "", plan.tip)]
        saved = save(repo, changed, plan.head)
        repo.move_refs([saved, *moves], f"tiny: restack {plan.id}")
    except Unsettled:
        raise
    except TinyError as error:
        ledger.failed(intent, error.message)
        raise
    except BaseException:
        ledger.failed(intent, "interrupted")
        raise
    if conflicts:
        ledger.failed(intent, "conflict")
    else:
        ledger.done(intent, new=moved.tip)
    tip = plan.tip if conflicts else moved.tip
    return Restacked(Plan(repo, changed, saved.new, plan.branch, tip), moved.dropped, conflicts)


def _moved_record(plan: Plan, moved: Moved, ref: str, onto: str, event: Event, number: int) -> Record:
    if not moved.steps:
        raise Refused(
            f"{_short(ref)} has everything that {plan.id} would change", f"git tiny reject {plan.id} closes the plan"
        )
    return plan.record.after(
        event, target=ref, base=onto, tip=moved.tip, steps=moved.steps, conflicts=(), kept=number, state=State.OPEN
    )


def recorded_conflicts(repo: PlanRepo, moved: Moved) -> tuple[Mapping[str, Any], ...]:
    """The conflicts as the record holds them: step, path, kind, the lines where git's markers open."""
    if moved.stuck is None:
        return ()
    merged = TreeSnapshot.of(repo.objects, moved.conflict_tree)
    found = []
    for conflict in moved.conflicts:
        content = merged.read(conflict.path) or b""
        row = {"step": moved.stuck.n, "path": conflict.path, "kind": conflict.kind, "message": conflict.message}
        found.append({**row, "lines": list(conflict_lines(content))})
    return tuple(found)


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/")
