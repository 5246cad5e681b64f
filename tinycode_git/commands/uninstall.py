"""``git tiny uninstall``: take the hooks away, put back what was there before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.install import installer, show
from tinycode_git.commands.onrecord import attempt, changing
from tinycode_git.commands.opening import ledger_here
from tinycode_git.git.process import Git
from tinycode_git.ledger import Operation

app = new_app()


@app.command()
def uninstall(
    global_: Annotated[bool, typer.Option("--global", help="Those for all of your repositories.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Take git tiny's hooks away and put back the ones that were there before.

    Examples:

    \b
      git tiny uninstall
      git tiny uninstall --global

    Exit codes:

    \b
      0  done, also where there was none
      4  the hooks cannot be removed
    """
    ledger = ledger_here(needed=not global_)
    if ledger is not None:
        attempt(ledger, "uninstall")
    with changing(ledger, Operation("uninstall", "medium", details={"global": global_})):
        done = installer().uninstall(Git(Path.cwd(), {}), everywhere=global_)
    show(done, json=json)
