"""Validating a plan as its branch is now, and noting in the record what the user changed on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from tinycode_git.edits.paths import check_path
from tinycode_git.errors import Refused, TinyError, Unsettled
from tinycode_git.git.write import PlanRepo
from tinycode_git.ledger import Ledger, Operation
from tinycode_git.plan.approve import prepare
from tinycode_git.plan.propose import Findings
from tinycode_git.plan.record import Event, Step
from tinycode_git.plan.risk import raised
from tinycode_git.plan.store import Plan, save


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that stands against applying a plan."""

    kind: str
    message: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """The plan as noted in its record now, and what stands against it."""

    plan: Plan
    problems: tuple[Problem, ...]


def check_plan(repo: PlanRepo, ledger: Ledger, plan: Plan, findings: Findings) -> Checked:
    """Check ``plan``, for which the validator just found ``findings``.

    Where the branch or the findings are not what the record says, the record says so afterwards.
    """
    problems = [*_path_problems(repo, plan), *_merge_problems(repo, plan)]
    return Checked(note_edits(repo, ledger, plan, findings), tuple(problems))


def note_edits(repo: PlanRepo, ledger: Ledger, plan: Plan, findings: Findings) -> Plan:
    """Write into the record what the branch has become and what was found; the plan with its new record."""
    same = json.dumps(list(findings)) == json.dumps(list(plan.record.findings))
    if (not plan.edited and same) or not plan.branch_tip:
        return plan
    who = repo.identity()
    action = "edited" if plan.edited else "validated"
    event = Event(
        action,
        f"{who.name} <{who.email}>",
        who.when,
        f"{len(plan.steps)} step{'s' * (len(plan.steps) != 1)} at {plan.tip[:12]}",
    )
    record = replace(plan.record, event=event, base=plan.base, tip=plan.tip, steps=plan.steps)
    record = record.after(event, steps=raised(plan.steps, findings), findings=tuple(findings), conflicts=())
    intent = ledger.intend(
        Operation(
            "edit" if plan.edited else "validate",
            ref=plan.branch,
            old=plan.record.tip,
            new=plan.tip,
            plan=plan.id,
            details={"record": plan.head},
        )
    )
    try:
        saved = save(repo, record, plan.head)
        repo.move_refs([saved], f"tiny: {plan.id} was edited")
    except Unsettled:
        raise
    except TinyError as error:
        ledger.failed(intent, error.message)
        raise
    ledger.done(intent)
    return Plan(repo, record, saved.new, plan.branch, plan.branch_tip)


def _path_problems(repo: PlanRepo, plan: Plan) -> list[Problem]:
    found = []
    before = repo.snapshot(plan.base)
    for step in plan.steps:
        for path in step.paths:
            try:
                check_path(path, existing=before.entry(path) is not None)
            except Refused as refused:
                found.append(Problem("path", f"step {step.n}: {refused.message}", path))
        found += _undeclared(step, plan.record.declared)
    if not plan.steps:
        found.append(Problem("empty", "the branch has no commit of its own: nothing would be applied"))
    return found


def _undeclared(step: Step, declared: Sequence[str]) -> list[Problem]:
    """Paths outside of what the plan declared that it may touch."""
    if not declared:
        return []
    outside = [path for path in step.paths if not any(_covers(glob, path) for glob in declared)]
    return [
        Problem("declared", f"step {step.n} touches {path}, which the plan did not declare", path) for path in outside
    ]


def _covers(glob: str, path: str) -> bool:
    return fnmatchcase(path, glob) or path.startswith(glob.rstrip("/") + "/")


def _merge_problems(repo: PlanRepo, plan: Plan) -> list[Problem]:
    try:
        approval = prepare(repo, plan)
    except Refused as refused:
        return [Problem("state", refused.message)]
    return [Problem("conflict", f"conflict: {one.message}", one.path) for one in approval.conflicts]
