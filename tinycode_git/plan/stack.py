"""Plans on plans: which plan is for which, drawn, and moved on when the one below has landed."""

from __future__ import annotations

from collections.abc import Sequence

from tinycode_git.git.refs import RefMove
from tinycode_git.git.write import PlanRepo
from tinycode_git.plan.record import Event
from tinycode_git.plan.store import Plan, readable_plans, save


def above(plans: Sequence[Plan], plan: Plan) -> list[Plan]:
    """The waiting plans whose target is the branch of ``plan``."""
    return [one for one in plans if one.record.target == plan.branch and not one.record.state.closed]


def retarget_above(repo: PlanRepo, plan: Plan) -> list[RefMove]:
    """The record moves by which plans stacked on ``plan`` get its target, once it is applied."""
    who = repo.identity()
    moves = []
    for one in above(readable_plans(repo)[0], plan):
        note = f"{plan.id} was applied to {plan.record.target.removeprefix('refs/heads/')}"
        event = Event("retargeted", f"{who.name} <{who.email}>", who.when, note)
        moves.append(save(repo, one.record.after(event, target=plan.record.target), one.head))
    return moves


def graph(plans: Sequence[Plan]) -> list[tuple[int, str, Plan | None]]:
    """Targets and the plans for them as rows of (depth, text, plan), each plan below what it is for."""
    branches = {plan.branch: plan for plan in plans}
    roots = dict.fromkeys(plan.record.target for plan in plans if plan.record.target not in branches)
    rows: list[tuple[int, str, Plan | None]] = []
    seen: set[str] = set()
    for root in roots:
        rows.append((0, root.removeprefix("refs/heads/"), None))
        rows += _below(plans, root, 1, seen)
    left = [plan for plan in plans if plan.id not in seen]  # each is for the other: shown all the same
    return rows + [(0, plan.id, plan) for plan in left]


def _below(plans: Sequence[Plan], target: str, depth: int, seen: set[str]) -> list[tuple[int, str, Plan | None]]:
    rows: list[tuple[int, str, Plan | None]] = []
    for plan in plans:
        if plan.record.target == target and plan.id not in seen:
            seen.add(plan.id)
            rows.append((depth, plan.id, plan))
            rows += _below(plans, plan.branch, depth + 1, seen)
    return rows
