"""``git tiny mode``: show the ceiling, lower it, raise it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tinycode_git import config, modes
from tinycode_git.commands.app import new_app
from tinycode_git.commands.onrecord import attempt, changing
from tinycode_git.commands.opening import ledger_of, reading, say
from tinycode_git.git.process import Git
from tinycode_git.git.read import ReadRepo
from tinycode_git.ledger import Operation
from tinycode_git.modes import Ceiling, Mode
from tinycode_git.render import jsonout
from tinycode_git.render.prompt import confirm

app = new_app()


@dataclass(frozen=True, slots=True)
class Shown:
    """The ceiling, what sets it, and what that allows."""

    mode: Mode
    source: str
    meaning: str


@app.command()
def mode(
    name: Annotated[
        str | None, typer.Argument(metavar="MODE", help="The new ceiling of this clone: chat, propose or execute.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show or set the ceiling on what may be done: chat, propose or execute.

    chat reads. propose also makes plans, and touches nothing of yours. execute also applies and rolls back what you
    approve. The ceiling is the lower of the environment variable TINY_MODE and the setting tiny.mode; without either it
    is execute.

    With MODE, tiny.mode is set for this clone. Anything may lower it; raising it is asked of a person at a terminal.
    Both are written to the audit log. It guards against mistakes, a model's and yours, not against a hostile program
    that runs as you.

    Examples:

    \b
      git tiny mode
      git tiny mode propose
      TINY_MODE=propose git tiny mode --json

    Exit codes:

    \b
      0  done
      1  not raised: nobody to ask, or the answer was no
      2  MODE, TINY_MODE or tiny.mode is not a mode
    """
    if name is not None:
        _set(reading(), modes.parse(name, "MODE"))
    held = current(Git(Path.cwd(), {}))
    shown = Shown(held.mode, held.source, modes.MEANING[held.mode])
    if json:
        jsonout.write(shown)
        return
    print(f"{shown.mode.word} ({shown.source}): {shown.meaning}")


def current(git: Git) -> Ceiling:
    """The ceiling for the repository where ``git`` runs. Raises UsageError where a setting is no mode."""
    return modes.ceiling(os.environ, config.read(git).mode)


def _set(repo: ReadRepo, wanted: Mode) -> None:
    """Set ``tiny.mode`` for this clone, intent first. Raises Refused where raising it is not confirmed."""
    before = modes.ceiling({}, config.read(repo.git).mode).mode
    held = current(repo.git).mode
    raises = wanted > before
    ledger = ledger_of(repo, held)
    attempt(ledger, "mode")
    if raises:
        question = f"Raise the ceiling of this clone from {before.word} to {wanted.word} ({modes.MEANING[wanted]})?"
        if not confirm(question, hint=f"run this at a terminal: git tiny mode {wanted.word}"):
            raise modes.not_raised(before, wanted)
    operation = Operation(
        action="mode", risk="high" if raises else "none", details={"from": before.word, "to": wanted.word}
    )
    with changing(ledger, operation):
        repo.git.quiet("config", "--local", "--replace-all", modes.SETTING, wanted.word)
    _say_what_still_counts(repo.git, wanted)


def _say_what_still_counts(git: Git, wanted: Mode) -> None:
    value = config.read(git).value(modes.SETTING)
    if value is not None and value.text != wanted.word:
        say(f"tiny.mode is also set in scope {value.scope}, which counts before the clone's")
    elif current(git).mode < wanted:
        say(f"{modes.ENVIRONMENT} holds it lower in this environment")
