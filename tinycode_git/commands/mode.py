"""``git tiny mode``: show the ceiling, lower it, raise it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tinycode_git import config, modes
from tinycode_git.commands.app import new_app
from tinycode_git.git.process import Git
from tinycode_git.modes import Mode
from tinycode_git.render import jsonout

app = new_app()


@dataclass(frozen=True, slots=True)
class Shown:
    """The ceiling, what sets it, and what that allows."""

    mode: Mode
    source: str
    meaning: str


@app.command()
def mode(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the ceiling on what may be done: chat, propose or execute.

    chat reads. propose also makes plans, and touches nothing of yours. execute also applies and rolls back what you
    approve. The ceiling is the lower of the environment variable TINY_MODE and the setting tiny.mode; without either it
    is execute.

    Examples:

    \b
      git tiny mode
      TINY_MODE=propose git tiny mode --json

    Exit codes:

    \b
      0  done
      2  TINY_MODE or tiny.mode is not a mode
    """
    held = current(Git(Path.cwd(), {}))
    shown = Shown(held.mode, held.source, modes.MEANING[held.mode])
    if json:
        jsonout.write(shown)
        return
    print(f"{shown.mode.word} ({shown.source}): {shown.meaning}")


def current(git: Git) -> modes.Ceiling:
    """The ceiling for the repository where ``git`` runs. Raises UsageError where a setting is no mode."""
    return modes.ceiling(os.environ, config.read(git).mode)
