"""``git tiny reject``: close a plan without applying it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.onrecord import about
from tinycode_git.commands.opening import planning, say
from tinycode_git.plan.close import KEEP_DAYS
from tinycode_git.plan.close import reject as close
from tinycode_git.plan.store import find_plan
from tinycode_git.render import jsonout

app = new_app()


@dataclass(frozen=True, slots=True)
class Closed:
    """What ``--json`` prints: ``kept`` is the ref that keeps the steps (empty: none)."""

    id: str
    state: str
    tip: str
    kept: str
    branch_left: str


@app.command()
def reject(
    plan: Annotated[str, typer.Argument(metavar="[PLAN]", help="A plan (default: the newest open one).")] = "",
    purge: Annotated[bool, typer.Option("--purge", help="Do not keep its commits for a while.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Close a plan without applying it: its branch goes, its commits are kept for 30 days.

    A branch that is checked out somewhere stays.

    Examples:

    \b
      git tiny reject
      git tiny reject rename-get-cwd --purge

    Exit codes:

    \b
      0  done
      1  refused: the plan is applied or closed already
      2  no plan of that name
    """
    repo, ledger = planning("reject")
    found = find_plan(repo, plan or None)
    about(found.id, found.branch)
    done = close(repo, ledger, found, purge=purge)
    if json:
        jsonout.write(Closed(done.record.id, done.record.state.value, done.record.tip, done.kept, done.left))
        return
    print(f"{'purged' if purge else 'rejected'} {done.record.id}")
    if done.kept:
        say(f"its commits stay for {KEEP_DAYS} days: git branch NAME {done.kept} brings them back")
    if done.left:
        say(f"the branch {done.left} is checked out and was left")
