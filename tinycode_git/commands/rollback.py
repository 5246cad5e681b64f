"""``git tiny rollback``: take an applied plan back."""

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
from tinycode_git.plan.undo import carry_out, prepare_rollback

app = new_app()


@app.command()
def rollback(
    plan: Annotated[str, typer.Argument(metavar="[PLAN]", help="A plan (default: the one applied last).")] = "",
    revert: Annotated[
        bool, typer.Option("--revert", help="Make a reverting commit even where a reset would do.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Take an applied plan back; everything else stays, your uncommitted work too.

    As long as nobody else can have the merge and nothing came on top of it, the branch goes back to where it was.
    Otherwise (a remote-tracking branch or a tag holds it, or there are later commits) a commit reverts it. git tiny
    redo brings the plan back either way.

    Examples:

    \b
      git tiny rollback
      git tiny rollback rename-get-cwd --revert

    Exit codes:

    \b
      0  done
      1  refused: not applied, overlap with uncommitted work, the revert conflicts
      2  no plan of that name
    """
    repo, ledger = executing("rollback")
    found = find_plan(repo, plan or None, State.APPLIED)
    about(found.id, found.record.target)
    undo = prepare_rollback(repo, found, revert=revert)
    done = carry_out(repo, ledger, undo)
    tell(undo, done, json=json)
    after_move(repo, ledger, undo.target, undo.old, done.tip, found.id)
