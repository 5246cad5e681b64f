"""Answers that never end: a line without its end, bytes that drip, tokens beyond those that were asked for.

A read that is given up after a silence is not enough: each byte begins the silence anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from tinycode_git.errors import Incomplete

LONGEST_LINE = 4 * 1024 * 1024
_LONGEST = 64 * 1024 * 1024


class Endless(Incomplete):
    """The server does not come to an end by itself."""


class Lines:
    """Watches bytes as they come: a line is to end within ``wait`` seconds of waiting, and within ``LONGEST_LINE``."""

    def __init__(self, wait: float) -> None:
        self._wait = wait
        self._waited = 0.0
        self._held = 0

    def watched(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        """The parts. Raises TimeoutError, or Endless."""
        while True:
            begun = time.monotonic()
            part = next(parts, b"")
            self._waited += time.monotonic() - begun
            if not part:
                return
            end = part.rfind(b"\n")
            if end >= 0:
                self._waited, self._held = 0.0, 0
            self._held += len(part) - end - 1
            if self._held > LONGEST_LINE:
                raise Endless("the model server sends a line that does not end")
            if self._waited > self._wait:
                raise TimeoutError
            yield part


class Pieces:
    """Counts the pieces of an answer: a server that keeps to ``most`` tokens sends about as many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = self._size = 0

    def take(self, text: str) -> None:
        """One more. Raises Endless."""
        self._count += 1
        self._size += len(text)
        if self._count > 4 * self._most + 1000 or self._size > _LONGEST:
            raise Endless(
                f"the model server goes on beyond the {self._most} tokens that it was asked for",
                "it was ended; git tiny model test says what this model can do",
            )
