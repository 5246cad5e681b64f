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
    rows.append(f"  branch {visible(plan.branch.removeprefix('refs/heads/'))} at {paint(plan.tip[:12], Style.OID)}")
    rows.append(f"  {visible(record.event.action)} by {visible(record.event.by)}{_note(record.event.note)}")
    if record.merge and record.state is State.APPLIED:
        rows.append(f"  merged as {paint(record.merge[:12], Style.OID)}")
    if plan.edited:
        rows.append("  the branch was changed since the record was written; these are its steps now")
    text = "\n".join(rows) + "\n\n" + _steps(plan, console)
    reasons = dict.fromkeys((reason, step.n) for step in plan.steps for reason in step.reasons)
    if reasons:
        text += "\n" + "".join(f"  step {n} {visible(reason)}\n" for reason, n in reasons)
    text += _conflicts(plan)
    text += _findings(plan, console)
    return text + "".join(f"\n  note: {visible(note)}" for note in record.notes) + ("\n" if record.notes else "")


def _findings(plan: Plan, console: Console) -> str:
    rows = []
    numbers = {step.oid: step.n for step in plan.steps}
    for one in plan.record.findings:
        place = f"{one['path']}:{one['line']}" if one["line"] else f"{one['path']}"
        mark = console.paint("blocks", Style.WORST) if one["blocking"] else console.paint("noted", Style.DIM)
        step = f"step {numbers[one['commit']]}, " if one.get("commit") in numbers else ""
        rows.append(f"\n  {mark}  {step}{visible(place)}: {visible(one['message'])} ({one['severity']}, {one['rule']})")
        if one.get("redacted"):
            rows.append(f"\n          {visible(one['redacted'])}")
    return "".join(rows) + ("\n" if rows else "")


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
    for depth, name, plan in graph(plans):
        if plan is None:
            text += console.paint(visible(name), Style.REF) + "\n"
            continue
        state, risk = plan.record.state, plan.risk
        marks = f"{console.paint(state.value, STATE_STYLE[state])}, {console.paint(risk.value, RISK_STYLE[risk])}"
        count = len(plan.steps)
        title = visible(plan.record.task.strip().split("\n")[0][:80])
        steps = f"{count} step{'s' * (count != 1)}"
        text += f"{'   ' * (depth - 1)}└─ {console.paint(plan.id, Style.STRONG)} ({marks}, {steps}) {title}\n"
    return text
