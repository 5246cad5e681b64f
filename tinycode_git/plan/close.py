"""Ending a plan without applying it, and clearing away what closed plans left."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tinycode_git.errors import Refused, TinyError, Unsettled
from tinycode_git.git.refs import RefMove
from tinycode_git.git.worktrees import holders
from tinycode_git.git.write import PlanRepo
from tinycode_git.ledger import Ledger, Operation
from tinycode_git.plan.backup import BACKUPS, backups
from tinycode_git.plan.names import KEEP, keep_ref
from tinycode_git.plan.record import Event, Record, State
from tinycode_git.plan.store import Plan, all_plans, save

KEEP_DAYS = 30
RECORD_DAYS = 365
_DAY = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Rejected:
    """What rejecting did: the record, where the steps are kept (empty: purged), a branch left because it is in use."""

    record: Record
    kept: str
    left: str = ""


def reject(repo: PlanRepo, ledger: Ledger, plan: Plan, *, purge: bool = False) -> Rejected:
    """Close a plan: its branch goes, its steps stay under ``refs/tiny/keep`` for 30 days (``purge``: not at all)."""
    record = plan.record
    if record.state.closed and not (purge and record.state is State.REJECTED):
        hint = (
            f"git tiny rollback {plan.id} takes it back" if record.state is State.APPLIED else "nothing is to be done"
        )
        raise Refused(f"{plan.id} is {record.state}", hint)
    who = repo.identity()
    used = holders(repo, plan.branch)
    number = record.kept + (0 if purge else 1)
    event = Event("purged" if purge else "rejected", f"{who.name} <{who.email}>", who.when)
    changed = replace(
        record, state=State.REJECTED, event=event, tip=plan.tip, base=plan.base, steps=plan.steps, kept=number
    )
    operation = Operation(
        "reject", ref=plan.branch, old=plan.branch_tip, plan=plan.id, details={"record": plan.head, "purge": purge}
    )
    intent = ledger.intend(operation)
    kept = "" if purge else keep_ref(plan.id, number)
    moves = [RefMove(plan.branch, plan.branch_tip, "")] if plan.branch_tip and not used else []
    if kept:
        moves.append(RefMove(kept, "", plan.tip))
    else:
        moves += [RefMove(name, oid, "") for name, oid in repo.refs(f"{KEEP}{plan.id}/").items()]
    try:
        repo.move_refs([*moves, save(repo, changed, plan.head)], f"tiny: reject {plan.id}")
    except Unsettled:
        raise
    except TinyError as error:
        ledger.failed(intent, error.message)
        raise
    ledger.done(intent)
    return Rejected(changed, kept, plan.branch.removeprefix("refs/heads/") if used else "")


@dataclass(frozen=True, slots=True)
class Expired:
    """One ref that ``gc`` drops, and why."""

    ref: str
    oid: str
    why: str


def expired(repo: PlanRepo, *, days: int = KEEP_DAYS) -> list[Expired]:
    """What ``gc`` would drop now: branches and kept commits of plans closed more than ``days`` ago, old records.

    A branch that is checked out, and any record younger than a year, stays.
    """
    now = repo.identity().when
    kept = repo.refs(KEEP)
    found = []
    alive = set()
    for plan in all_plans(repo):
        age = now - plan.record.event.at
        alive.add(plan.id)
        if not plan.record.state.closed or age < days * _DAY:
            continue
        why = f"{plan.record.state} {age // _DAY} days ago"
        if plan.branch_tip and not holders(repo, plan.branch):
            found.append(Expired(plan.branch, plan.branch_tip, why))
        found += [Expired(ref, oid, why) for ref, oid in kept.items() if ref.startswith(f"{KEEP}{plan.id}/")]
        if age >= RECORD_DAYS * _DAY:
            found.append(Expired(f"refs/tiny/plans/{plan.id}", plan.head, why))
    found += [
        Expired(f"{BACKUPS}{one.n}", one.oid, f"a backup of {(now - one.at) // _DAY} days ago")
        for one in backups(repo)
        if now - one.at >= days * _DAY
    ]
    orphans = (ref for ref in kept if ref.removeprefix(KEEP).rpartition("/")[0] not in alive)
    return found + [Expired(ref, kept[ref], "its plan is gone") for ref in orphans]


def collect(repo: PlanRepo, ledger: Ledger, found: list[Expired]) -> None:
    """Drop what ``expired`` named."""
    if not found:
        return
    intent = ledger.intend(Operation("gc", details={"refs": {one.ref: one.oid for one in found}}))
    try:
        repo.move_refs([RefMove(one.ref, one.oid, "") for one in found], "tiny: gc")
    except Unsettled:
        raise
    except TinyError as error:
        ledger.failed(intent, error.message)
        raise
    ledger.done(intent)
