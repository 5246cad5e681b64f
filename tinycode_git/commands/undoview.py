"""What rollback and redo say when they are done."""

from __future__ import annotations

from dataclasses import dataclass

from tinycode_git.commands.opening import say
from tinycode_git.plan.undo import Undo, Undone
from tinycode_git.render import jsonout
from tinycode_git.render.escape import visible_block


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
        word = "rolled back" if undo.action == "rollback" else "brought back"
        print(f"{word} {record.id}: {target} is at {done.tip[:12]}{' again' if undo.action == 'rollback' else ''}")
    else:
        word = "reverted" if undo.action == "rollback" else "reapplied"
        print(f"{word} {record.id} on {target} by {done.tip[:12]} ({undo.why})")
    back = "redo" if undo.action == "rollback" else "rollback"
    say(f"git tiny {back} {record.id} undoes this")
