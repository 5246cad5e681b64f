"""Where commits came from, as git tiny knows it: the plans that they were steps of, and what was done with those."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinycode_git.errors import TinyError
from tinycode_git.git.read import ReadRepo
from tinycode_git.plan.store import all_plans


def plans_of(repo: ReadRepo, ids: Iterable[str]) -> tuple[dict[str, Any], ...]:
    """What is on record of the plans named; one whose record is not here is passed over."""
    wanted = set(ids)
    return tuple(
        {
            "id": plan.id,
            "task": plan.record.task,
            "planner": plan.record.planner,
            "state": plan.record.state.value,
            "risk": plan.risk.value,
            "proposed_by": plan.record.event.by if plan.record.event.action == "propose" else "",
            "last": {
                "action": plan.record.event.action,
                "by": plan.record.event.by,
                "at": plan.record.event.at,
                "note": plan.record.event.note,
            },
            "merge": plan.record.merge,
        }
        for plan in all_plans(repo)
        if plan.id in wanted
    )


def operations_of(repo: ReadRepo, ids: Iterable[str]) -> tuple[dict[str, Any], ...]:
    """What the audit log has on the plans named, oldest first; nothing where there is no log or it cannot be read."""
    from tinycode_git.audit.store import Store
    from tinycode_git.commands.audit_open import records

    store = Store(repo.place.tiny_dir)
    names = list(ids)
    if not names or not (store.folder / "journal").exists():
        return ()
    # The words of the statement are ours; the plans are parameters.
    marks = ", ".join("?" * len(names))
    columns = "seq, started, action, outcome, user, plan, risk_level, old, new"
    try:
        rows = store.query(f"SELECT {columns} FROM operations WHERE plan IN ({marks}) ORDER BY seq", names)  # noqa: S608
    except TinyError:
        return ()
    return tuple(records(rows))
