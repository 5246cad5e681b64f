"""``git tiny recover``: finish or take back what a crash interrupted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.opening import recovering
from tinycode_git.plan.recover import Recovery
from tinycode_git.plan.recover import recover as settle
from tinycode_git.render import jsonout
from tinycode_git.render.escape import visible

app = new_app()


@dataclass(frozen=True, slots=True)
class Recovered:
    """What ``--json`` prints."""

    recovered: tuple[Recovery, ...]


@app.command()
def recover(json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Finish or take back operations that a crash interrupted; every other verb that changes something does so first.

    Examples:

    \b
      git tiny recover

    Exit codes:

    \b
      0  done, or nothing was interrupted
      1  something holds a lock, so it cannot be put right yet
    """
    repo, ledger = recovering()
    done = settle(repo, ledger)
    if json:
        jsonout.write(Recovered(tuple(done)))
        return
    for one in done:
        print(visible(str(one)))
    if not done:
        print("nothing was interrupted")
