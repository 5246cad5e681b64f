"""``git tiny restack``: move a plan onto its target's newer commit."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.onrecord import about
from tinycode_git.commands.opening import planning, say
from tinycode_git.commands.planview import PlanView, summary, view
from tinycode_git.errors import Exit, Refused, UsageError
from tinycode_git.plan.propose import target_of
from tinycode_git.plan.record import State
from tinycode_git.plan.restack import restack as move_plan
from tinycode_git.plan.store import Plan, find_plan
from tinycode_git.render import console, jsonout

app = new_app()


@dataclass(frozen=True, slots=True)
class Restacked:
    """What ``--json`` prints; ``conflicts`` has ``step, path, kind, message, lines`` a row, none when it moved."""

    plan: PlanView
    dropped: tuple[int, ...]
    conflicts: tuple[Mapping[str, Any], ...]


@app.command()
def restack(
    plan: Annotated[str, typer.Argument(metavar="[PLAN]", help="A plan (default: the newest open one).")] = "",
    target: Annotated[
        str, typer.Option("--target", metavar="REF", help="Move it to this branch (or plan) instead.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Move a plan onto its target's newest commit, in memory: no working tree takes part.

    A conflict leaves the plan where it is and is noted in it, with paths and lines; resolve it with plain git: check
    the branch out (or rebase it in a worktree), edit, commit.

    Examples:

    \b
      git tiny restack
      git tiny restack rename-get-cwd --target next

    Exit codes:

    \b
      0  moved
      1  refused, or a conflict
      2  no plan or branch of that name
    """
    repo, ledger = planning("restack")
    found = find_plan(repo, plan or None, State.OPEN, State.DRAFT, State.ROLLED_BACK)
    about(found.id, found.branch)
    ref = target_of(repo, target).ref if target else ""
    if ref == found.branch:
        raise UsageError(f"{found.id} cannot stand on itself", "name another branch or plan")
    done = move_plan(repo, ledger, found, target=ref)
    if json:
        jsonout.write(Restacked(view(done.plan), done.dropped, done.conflicts))
    elif not done.conflicts:
        sys.stdout.write(summary(done.plan, console.for_stdout(repo.git)))
    for n in done.dropped:
        say(f"step {n} is on the new base already and was dropped")
    if done.conflicts:
        refusal = _conflicting(found, done.plan.record.target, done.conflicts)
        if not json:
            raise refusal
        say(f"error: {refusal.message}")
        say(f"hint: {refusal.hint}")
        raise typer.Exit(Exit.REFUSED)


def _conflicting(plan: Plan, target: str, conflicts: tuple[Mapping[str, Any], ...]) -> Refused:
    rows = []
    for row in conflicts:
        lines = f", lines {', '.join(map(str, row['lines']))} of the merge" if row["lines"] else ""
        rows.append(f"  step {row['step']}: {row['path']} ({row['kind']}{lines})")
    short, onto = plan.branch.removeprefix("refs/heads/"), target.removeprefix("refs/heads/")
    steps = f"--onto {onto} {plan.base[:12]} {short}"  # its steps alone: the target may have dropped what they stand on
    return Refused(
        f"{plan.id} conflicts with {onto} and was left where it is",
        f"resolve it: git rebase {steps}",
        detail="\n".join(rows),
    )
