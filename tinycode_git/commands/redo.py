"""``git tiny redo``: bring a rolled-back plan back."""

from __future__ import annotations

from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.checkpoints import after_move
from tinycode_git.commands.onrecord import about
from tinycode_git.commands.opening import executing
from tinycode_git.commands.undoview import tell
from tinycode_git.plan.record import State
from tinycode_git.plan.store import find_plan
from tinycode_git.plan.undo import carry_out, prepare_redo

app = new_app()


@app.command()
def redo(
    plan: Annotated[str, typer.Argument(metavar="[PLAN]", help="A plan (default: the one rolled back last).")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Bring a rolled-back plan back: the very same merge commit, or, where it was reverted, by reverting the revert.

    Examples:

    \b
      git tiny redo
      git tiny redo rename-get-cwd --json

    Exit codes:

    \b
      0  done
      1  refused: not rolled back, the target moved, overlap with uncommitted work
      2  no plan of that name
    """
    repo, ledger = executing("redo")
    found = find_plan(repo, plan or None, State.ROLLED_BACK)
    about(found.id, found.record.target)
    undo = prepare_redo(repo, found)
    done = carry_out(repo, ledger, undo)
    tell(undo, done, json=json)
    after_move(repo, ledger, undo.target, undo.old, done.tip, found.id)
