"""``git tiny review``: findings on the lines of a change, few and sure, remembered in git."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

from tinycode_git.commands import review_changes, review_notes
from tinycode_git.commands.app import new_app


class OrChanges(TyperGroup):
    """A group whose usual command may be left out: ``git tiny review A..B`` is ``git tiny review changes A..B``."""

    usual = "changes"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``changes`` in front where no command is named."""
        asks_help = args[:1] in (["-h"], ["--help"])
        if not asks_help and (not args or args[0] not in self.commands):
            args = [self.usual, *args]
        return list(super().parse_args(ctx, args))


app = new_app(
    "Review a change: git tiny review [RANGE | BRANCH | COMMIT | PLAN | --staged] is git tiny review changes ...\n\n"
    "What the validator, linters and history have to say, all of it on lines that the change touches; remembered in "
    "refs/notes/tiny-review, so that the next review says what is new, fixed and still open."
)
app.info.cls = OrChanges
app.command("changes")(review_changes.changes)
app.command("show")(review_notes.show)
app.command("verify")(review_notes.verify)
app.command("resolve")(review_notes.resolve)
app.command("dismiss")(review_notes.dismiss)
app.command("noise")(review_notes.noise)
