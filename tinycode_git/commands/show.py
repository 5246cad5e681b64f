"""``git tiny show``: one plan, whole."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.opening import reading
from tinycode_git.commands.planview import summary, view
from tinycode_git.plan.record import State
from tinycode_git.plan.store import find_plan
from tinycode_git.render import console, jsonout

app = new_app()


@app.command()
def show(
    plan: Annotated[str, typer.Argument(metavar="[PLAN]", help="A plan (default: the newest open one).")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show a plan: its steps with risk and size, why the risk is what it is, findings, where it stands.

    Examples:

    \b
      git tiny show
      git tiny show rename-get-cwd --json

    Exit codes:

    \b
      0  done
      1  there is no open plan
      2  no plan of that name, or more than one
    """
    repo = reading()
    found = find_plan(repo, plan or None, State.OPEN, State.DRAFT, State.ROLLED_BACK)
    if json:
        jsonout.write(view(found))
    else:
        sys.stdout.write(summary(found, console.for_stdout(repo.git)))
