"""The one fatal error type, and the exit codes that scripts rely on."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    BUG = 3
    INCOMPLETE = 4
    INTERRUPTED = 130


class TinyError(Exception):
    """A refusal in words: what was refused and why, what to do next, and the exit code.

    ``message`` is one line. ``hint`` is the next line: what the user can do. ``detail`` is longer material that
    belongs to the refusal (a hook's output, the nearest lines of a file), printed between the two as it is.
    """

    exit = Exit.REFUSED

    def __init__(self, message: str, hint: str = "", *, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail


class Refused(TinyError):
    """The request is understood and will not be done: conflict, overlap, failed hook, moved ref (exit 1)."""


class UsageError(TinyError):
    """The request itself is malformed: unknown recipe, wrong argument (exit 2)."""

    exit = Exit.USAGE


class Incomplete(TinyError):
    """Something needed is missing or could not be read: objects, a model, permissions (exit 4)."""

    exit = Exit.INCOMPLETE


class Unsettled(TinyError):
    """Something was stopped half-way and could not be put right at once: its intent stays open for recovery."""
