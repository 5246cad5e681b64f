"""Where it is decided whether and how to draw: colour, width, terminal or not. Results go to stdout, words to stderr.

In order, the first that speaks decides on colour: ``NO_COLOR`` (no-color.org; ``--no-color`` sets it),
``CLICOLOR_FORCE`` (bixense.com/clicolors), whether the output is a terminal (or git's own pager reads it),
``TERM=dumb``, ``color.ui``. So ``color.ui=always`` does not colour a pipe, which a program may be reading;
``CLICOLOR_FORCE`` does.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from tinycode_git.git.process import Git

_NEVER = ("never", "false", "no", "off", "0")


class Style(StrEnum):
    """What a piece of text is; the value is its SGR parameters (ECMA-48 8.3.117), git's own where git has one."""

    PLAIN = ""
    STRONG = "1"
    DIM = "2"
    GOOD = "32"
    WARN = "33"
    BAD = "31"
    WORST = "1;31"
    OID = "33"  # as color.diff.commit
    REF = "36"
    META = "1"  # as color.diff.meta
    HUNK = "36"  # as color.diff.frag
    ADDED = "32"  # as color.diff.new
    REMOVED = "31"  # as color.diff.old


@dataclass(frozen=True, slots=True)
class Console:
    """How to draw on one stream: in colour or not, how wide (None: as wide as it takes), whether a person looks on."""

    color: bool = False
    width: int | None = None
    terminal: bool = False

    def paint(self, text: str, style: Style) -> str:
        """``text``, which is safe to print already, in ``style`` where this console has colour."""
        return f"\x1b[{style.value}m{text}\x1b[m" if self.color and style.value and text else text


PLAIN = Console()


def for_stdout(git: Git | None = None) -> Console:
    """The console of results; ``git`` names the repository whose ``color.ui`` counts (None: the current folder's)."""
    return _console(sys.stdout, git)


def for_stderr(git: Git | None = None) -> Console:
    """The console of everything that is no result."""
    return _console(sys.stderr, git)


def use_color(environment: Mapping[str, str], *, terminal: bool, color_ui: Callable[[], str]) -> bool:
    """Whether to draw in colour; ``color_ui`` is asked only where nothing else decides (it costs a process)."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    if not terminal and environment.get("GIT_PAGER_IN_USE", "").lower() not in ("true", "1", "yes", "on"):
        return False
    if environment.get("TERM", "dumb") in ("dumb", ""):
        return False
    return color_ui().lower() not in _NEVER


def _console(stream: TextIO, git: Git | None) -> Console:
    terminal = stream.isatty()
    color = use_color(os.environ, terminal=terminal, color_ui=lambda: _color_ui(git))
    width = max(20, shutil.get_terminal_size().columns) if terminal else None
    return Console(color, width, terminal)


def _color_ui(git: Git | None) -> str:
    from pathlib import Path

    from tinycode_git.errors import TinyError
    from tinycode_git.git.process import Git

    try:
        return (git or Git(Path.cwd(), {})).quiet("config", "--get", "color.ui", ok=(0, 1)).text
    except TinyError:
        return ""
