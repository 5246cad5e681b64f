"""Modes: the ceiling on what may be done.

A guard rail against mistakes, not a wall against a hostile program of the same user.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from tinycode_git.errors import Refused, UsageError

ENVIRONMENT = "TINY_MODE"
SETTING = "tiny.mode"


class Mode(IntEnum):
    """What may be done, each including the ones before it."""

    CHAT = 0  # read
    PROPOSE = 1  # and make plans: objects and refs of git tiny's own spaces
    EXECUTE = 2  # and move the user's branches and write the working tree

    @property
    def word(self) -> str:
        """The mode as settings and people write it."""
        return self.name.lower()


MEANING = {
    Mode.CHAT: "read only: look, scan, answer",
    Mode.PROPOSE: "make plans; never move your branches or write your working tree",
    Mode.EXECUTE: "also apply and roll back what you approve",
}


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The highest mode allowed, and what sets it: ``TINY_MODE``, ``tiny.mode``, or ``default``."""

    mode: Mode
    source: str


def parse(text: str, source: str) -> Mode:
    """The mode that ``text`` names. Raises UsageError for anything else: a typing mistake never means ``execute``."""
    for mode in Mode:
        if text == mode.word:
            return mode
    names = ", ".join(mode.word for mode in Mode)
    raise UsageError(f"{source} is '{text}', which is not a mode", f"set it to one of {names}, or unset it")


def ceiling(environment: Mapping[str, str], configured: str | None) -> Ceiling:
    """The lowest of ``TINY_MODE`` and ``tiny.mode``; ``execute`` where neither is set. Raises UsageError."""
    found = Ceiling(Mode.EXECUTE, "default")
    if configured is not None:
        found = Ceiling(parse(configured, SETTING), SETTING)
    if ENVIRONMENT in environment:
        mode = parse(environment[ENVIRONMENT], ENVIRONMENT)
        if mode < found.mode or found.source == "default":
            found = Ceiling(mode, ENVIRONMENT)
    return found


def require(held: Ceiling, needed: Mode, action: str) -> None:
    """Raise Refused where ``action`` needs more than is held."""
    if held.mode >= needed:
        return
    if held.source == ENVIRONMENT:
        hint = f"{ENVIRONMENT}={held.mode.word} is set in the environment of this process"
    else:
        hint = f"git tiny mode {needed.word} raises it (at a terminal)"
    raise Refused(f"{action} needs mode {needed.word}; the ceiling is {held.mode.word} ({held.source})", hint)


def not_raised(held: Mode, wanted: Mode) -> Refused:
    """The refusal of a person who was asked."""
    return Refused(f"the ceiling stays at {held.word}; it was not raised to {wanted.word}", "nothing was changed")
