"""``git tiny check``: validate a plan again, as it stands now."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from tinycode_git.commands import onrecord
from tinycode_git.commands.app import new_app
from tinycode_git.commands.opening import planning
from tinycode_git.commands.planview import summary, view
from tinycode_git.commands.validating import cannot_look, look
from tinycode_git.errors import Exit, Incomplete
from tinycode_git.plan.check import Problem, check_plan
from tinycode_git.plan.record import State
from tinycode_git.plan.store import find_plan
from tinycode_git.render import console, jsonout
from tinycode_git.render.escape import visible

app = new_app()


@dataclass(frozen=True, slots=True)
class Checked:
    """What ``--json`` prints: ``ok`` is whether nothing stands against an approval."""

    id: str
    tip: str
    ok: bool
    problems: tuple[Problem, ...]
    findings: tuple[Mapping[str, Any], ...]


@app.command()
def check(
    plan: Annotated[str, typer.Argument(metavar="[PLAN]", help="A plan (default: the newest open one).")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check a plan as its branch is now: paths, declared paths, whether it merges cleanly, what the validator finds.

    Commits that were added or amended on the branch are checked like the others, and the record takes note of them.

    Examples:

    \b
      git tiny check
      git tiny check rename-get-cwd --json

    Exit codes:

    \b
      0  nothing stands against applying it
      1  something does; it is listed
      2  no plan of that name
      4  an object that it needs is missing
    """
    repo, ledger = planning("check")
    found = find_plan(repo, plan or None, State.OPEN, State.DRAFT, State.ROLLED_BACK)
    onrecord.about(found.id, found.branch)
    verdict = look(repo, found.base, found.tip)
    with suppress(Incomplete):  # where nothing can be written, looking is still answered
        onrecord.verdict(ledger, found.base, found.tip, found.id, verdict)
    done = check_plan(repo, ledger, found, verdict.findings)
    if verdict.gaps:
        raise cannot_look(verdict, found.id)
    ok = not (done.problems or verdict.blocking)
    if json:
        record = view(done.plan)
        jsonout.write(Checked(record.id, record.tip, ok, done.problems, record.findings))
    else:
        sys.stdout.write(summary(done.plan, console.for_stdout(repo.git)))
        for problem in done.problems:
            print(f"  problem: {visible(problem.message)}")
        print("\nnothing stands against applying it" if ok else "")
    if not ok:
        raise typer.Exit(Exit.REFUSED)
