"""A plan as the verbs show it: the JSON object that others rely on, and the summary for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tinycode_git.git.diff import FileDiff, diff_commits
from tinycode_git.plan.record import Risk, State
from tinycode_git.plan.stack import graph
from tinycode_git.plan.store import Plan
from tinycode_git.render.console import Console, Style
from tinycode_git.render.escape import visible
from tinycode_git.render.table import Cell, Column, table

RISK_STYLE = {
    Risk.NONE: Style.DIM,
    Risk.LOW: Style.GOOD,
    Risk.MEDIUM: Style.WARN,
    Risk.HIGH: Style.BAD,
    Risk.CRITICAL: Style.WORST,
}
STATE_STYLE = {
    State.DRAFT: Style.DIM,
    State.OPEN: Style.REF,
    State.APPLIED: Style.GOOD,
    State.ROLLED_BACK: Style.WARN,
    State.REJECTED: Style.DIM,
    State.SUPERSEDED: Style.DIM,
}

_MOST_PLACES = 10


@dataclass(frozen=True, slots=True)
class StepView:
    """One step."""

    n: int
    title: str
    risk: str
    paths: tuple[str, ...]
    oid: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanView:
    """One plan; the fields of the documented JSON first, further ones after them."""

    id: str
    task: str
    state: str
    risk: str
    target: str
    base: str
    tip: str
    steps: tuple[StepView, ...]
    findings: tuple[Mapping[str, Any], ...]
    planner: str
    branch: str
    edited: bool
    merge: str
    created: int
    event: Mapping[str, Any]
    declared: tuple[str, ...]
    notes: tuple[str, ...]


def view(plan: Plan) -> PlanView:
    """What ``--json`` prints of a plan."""
    record = plan.record
    steps = tuple(StepView(s.n, s.title, s.risk.value, s.paths, s.oid, s.reasons) for s in plan.steps)
    event = {"action": record.event.action, "by": record.event.by, "at": record.event.at, "note": record.event.note}
    return PlanView(
        id=plan.id,
        task=record.task,
        state=record.state.value,
        risk=plan.risk.value,
        target=record.target,
        base=plan.base,
        tip=plan.tip,
        steps=steps,
        findings=record.findings,
        planner=record.planner,
        branch=plan.branch,
        edited=plan.edited,
        merge=record.merge,
        created=record.created,
        event=event,
        declared=record.declared,
        notes=record.notes,
    )


def summary(plan: Plan, console: Console) -> str:
    """The plan for a person: what it is, its steps with risk and diffstat, why the risk, findings, notes."""
    record = plan.record
    paint = console.paint
    target = record.target.removeprefix("refs/heads/")
    state = paint(record.state.value, STATE_STYLE[record.state])
    risk = paint(plan.risk.value, RISK_STYLE[plan.risk])
    head = f"{paint(plan.id, Style.STRONG)}  {state}, risk {risk}, for {visible(target)}"
    rows = [head, *_task(record.task)]
    # A part of a plan that is looked at before it is approved: no ref names it, and no record.
    here = (
        "branch " + visible(plan.branch.removeprefix("refs/heads/"))
        if plan.head
        else "not made yet: its steps would be"
    )
    rows.append(f"  {here} at {paint(plan.tip[:12], Style.OID)}")
    rows.append(f"  {visible(record.event.action)} by {visible(record.event.by)}{_note(record.event.note)}")
    if record.merge and record.state is State.APPLIED:
        rows.append(f"  merged as {paint(record.merge[:12], Style.OID)}")
    if plan.head and not plan.branch_tip and record.state in (State.OPEN, State.DRAFT):
        short = visible(plan.branch.removeprefix("refs/heads/"))
        rows.append(f"  the branch is gone; git branch {short} {plan.tip[:12]} brings it back")
    if plan.edited:
        rows.append("  the branch was changed since the record was written; these are its steps now")
    text = "\n".join(rows) + "\n\n" + _steps(plan, console)
    text += _reasons(plan)
    text += _conflicts(plan)
    text += _findings(plan, console)
    return text + "".join(f"\n  note: {visible(note)}" for note in record.notes) + ("\n" if record.notes else "")


def _reasons(plan: Plan) -> str:
    """Why the steps have their risk: a line a reason, with the steps it holds for."""
    steps: dict[str, list[int]] = {}
    for step in plan.steps:
        for reason in dict.fromkeys(step.reasons):
            steps.setdefault(reason, []).append(step.n)
    rows = [f"  step{'s' * (len(ns) != 1)} {_runs(ns)}: {visible(reason)}\n" for reason, ns in steps.items()]
    return "\n" + "".join(rows) if rows else ""


def _runs(numbers: Sequence[int]) -> str:
    """Ascending numbers as ``--steps`` takes them: ``1,3-4``."""
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][-1] + 1:
            runs[-1][1:] = [n]
        else:
            runs.append([n])
    return ",".join("-".join(map(str, run)) for run in runs)


def _findings(plan: Plan, console: Console) -> str:
    """What the validator saw, what blocks first: one alone on a line, the same thing in many places as a list."""
    numbers = {step.oid: step.n for step in plan.steps}
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for one in sorted(plan.record.findings, key=lambda one: not one["blocking"]):
        mark = console.paint("blocks", Style.WORST) if one["blocking"] else console.paint("noted", Style.DIM)
        groups.setdefault((mark, one["message"], f"({one['severity']}, {one['rule']})"), []).append(one)
    rows = []
    for (mark, message, kind), found in groups.items():
        places = [line for one in found[:_MOST_PLACES] for line in _place(one, numbers)]
        if len(found) == 1:
            rows += [f"  {mark}  {places[0]}: {visible(message)} {kind}", *(f"        {line}" for line in places[1:])]
            continue
        rows += [f"  {mark}  {len(found)} places: {visible(message)} {kind}", *(f"          {line}" for line in places)]
        if len(found) > _MOST_PLACES:
            rows.append(f"          and {len(found) - _MOST_PLACES} more (--json has them all)")
    return "".join(f"\n{row}" for row in rows) + ("\n" if rows else "")


def _place(finding: Mapping[str, Any], numbers: Mapping[str, int]) -> list[str]:
    """Where a finding is and, on a line of its own, what was seen there, where that says more than the path."""
    path, line, redacted = finding["path"], finding["line"], finding.get("redacted")
    step = f"step {numbers[finding['commit']]}, " if finding.get("commit") in numbers else ""
    place = f"{step}{visible(path)}" + (f":{line}" if line else "")
    return [place, f"  {visible(redacted)}"] if redacted and redacted != path else [place]


def _conflicts(plan: Plan) -> str:
    if not plan.record.conflicts or plan.edited:
        return ""
    target = plan.record.target.removeprefix("refs/heads/")
    rows = [f"\n  does not fit on {visible(target)} (git tiny restack):"]
    rows += [
        f"    step {row['step']}: {visible(row['path'])} ({visible(row['kind'])})" for row in plan.record.conflicts
    ]
    return "\n".join(rows) + "\n"


def _task(task: str) -> list[str]:
    lines = [line for line in task.strip().split("\n")[:4] if line.strip()]
    return [f"  {visible(line[:200])}" for line in lines]


def _note(note: str) -> str:
    return f" ({visible(note)})" if note else ""


def _steps(plan: Plan, console: Console) -> str:
    diffs = diff_commits(plan.repo.git, [step.oid for step in plan.steps])
    columns = (
        Column("step", right=True),
        Column("risk"),
        Column("commit", style=Style.OID),
        Column("files", right=True),
        Column("lines"),
        Column("title", shrinks=True),
    )
    rows = [
        (
            str(step.n),
            Cell(step.risk.value, RISK_STYLE[step.risk]),
            step.oid[:12],
            str(len(files)),
            counts(files),
            step.title,
        )
        for step, files in zip(plan.steps, diffs, strict=True)
    ]
    return table(columns, rows, console) if rows else "  no steps\n"


def counts(files: Sequence[FileDiff]) -> str:
    """Lines added and removed, and binary files, as ``+3 -1 (1 binary)``."""
    added = sum(file.added or 0 for file in files)
    removed = sum(file.removed or 0 for file in files)
    binary = sum(file.added is None for file in files)
    return f"+{added} -{removed}" + (f" ({binary} binary)" if binary else "")


def listing(plans: Sequence[Plan], console: Console) -> str:
    """Plans as a table, a line each."""
    columns = (
        Column("plan", style=Style.STRONG),
        Column("state"),
        Column("risk"),
        Column("steps", right=True),
        Column("target"),
        Column("task", shrinks=True),
    )
    rows = [
        (
            plan.id,
            Cell(plan.record.state.value, STATE_STYLE[plan.record.state]),
            Cell(plan.risk.value, RISK_STYLE[plan.risk]),
            str(len(plan.steps)),
            plan.record.target.removeprefix("refs/heads/"),
            plan.record.task.strip().split("\n")[0][:200],
        )
        for plan in plans
    ]
    return table(columns, rows, console)


def drawn(plans: Sequence[Plan], console: Console) -> str:
    """The plans as a tree: each target, below it the plans for it, below those the plans stacked on them."""
    text = ""
    rows = graph(plans)
    for (_, name, plan), before in zip(rows, branches([depth for depth, _, _ in rows]), strict=True):
        if plan is None:
            text += console.paint(visible(name), Style.REF) + "\n"
            continue
        state, risk = plan.record.state, plan.risk
        marks = f"{console.paint(state.value, STATE_STYLE[state])}, {console.paint(risk.value, RISK_STYLE[risk])}"
        count = len(plan.steps)
        title = visible(plan.record.task.strip().split("\n")[0][:80])
        steps = f"{count} step{'s' * (count != 1)}"
        text += f"{before or '└─ '}{console.paint(plan.id, Style.STRONG)} ({marks}, {steps}) {title}\n"
    return text


def branches(depths: Sequence[int]) -> list[str]:
    """What stands before each row of a tree: a line goes on as long as more of the same depth come below."""
    drawn, open_at = [], set[int]()
    for depth in reversed(depths):
        open_at = {one for one in open_at if one <= depth}
        above = ["│  " if one in open_at else "   " for one in range(1, depth)]
        drawn.append("".join(above) + (("├─ " if depth in open_at else "└─ ") if depth else ""))
        open_at.add(depth)
    return drawn[::-1]
