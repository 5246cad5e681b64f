"""``git tiny rollback``: take an applied plan back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.opening import executing, say
from tinycode_git.plan.record import State
from tinycode_git.plan.store import find_plan
from tinycode_git.plan.undo import Undo, Undone, carry_out, prepare_rollback
from tinycode_git.render import jsonout
from tinycode_git.render.escape import visible_block

app = new_app()


@dataclass(frozen=True, slots=True)
class Moved:
    """What ``--json`` prints: where the target was and is; ``how`` is ``reset`` or ``revert``, ``why`` the reason."""

    id: str
    state: str
    target: str
    before: str
    tip: str
    how: str
    why: str


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
    undo = prepare_rollback(repo, found, revert=revert)
    tell(undo, carry_out(repo, ledger, undo), json=json)


def tell(undo: Undo, done: Undone, *, json: bool) -> None:
    """Say what a rollback or redo did."""
    record = done.record
    for text in done.output:
        say(visible_block(text))
    how = "revert" if done.reverted else "reset"
    if json:
        jsonout.write(Moved(record.id, record.state.value, record.target, undo.old, done.tip, how, undo.why))
        return
    target = record.target.removeprefix("refs/heads/")
    if not done.reverted:
        word = "rolled back" if undo.action == "rollback" else "redone:"
        print(f"{word} {record.id}: {target} is at {done.tip[:12]}{' again' if undo.action == 'rollback' else ''}")
    else:
        word = "reverted" if undo.action == "rollback" else "reapplied"
        print(f"{word} {record.id} on {target} by {done.tip[:12]} ({undo.why})")
    back = "redo" if undo.action == "rollback" else "rollback"
    say(f"git tiny {back} {record.id} undoes this")
