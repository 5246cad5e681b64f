"""How far long work has come: one line on stderr, on a terminal only, gone when the work is done."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tinycode_git.render.escape import visible
from tinycode_git.render.table import cut

_CLEAR = "\r\x1b[K"
_EVERY = 0.1


@dataclass(slots=True)
class Progress:
    """The line: ``label``, how many are done and of how many (None: not known). Costs nothing off a terminal."""

    label: str
    total: int | None
    drawn: bool
    done: int = 0
    _next: float = field(default=0.0)

    def step(self, count: int = 1) -> None:
        """``count`` more are done."""
        self.done += count
        self._draw()

    def say(self, label: str) -> None:
        """What is worked on now."""
        self.label = label
        self._draw()

    def _draw(self) -> None:
        if not self.drawn or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY
        _write(_CLEAR + cut(self.text(), max(10, shutil.get_terminal_size().columns - 1)))

    def text(self) -> str:
        """The line without anything that moves the cursor."""
        label = visible(self.label)
        if self.total:
            return f"{label}: {100 * min(self.done, self.total) // self.total}% ({self.done}/{self.total})"
        return f"{label}: {self.done}" if self.done else f"{label} ..."


@contextmanager
def progress(label: str, total: int | None = None, *, delay: float = 0.3) -> Iterator[Progress]:
    """Show progress while the block runs, after ``delay`` seconds (0: at once, for one long wait)."""
    drawn = sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "")
    line = Progress(label, total, drawn, _next=time.monotonic() + delay)
    try:
        line.step(0)
        yield line
    finally:
        if drawn:
            _write(_CLEAR)


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        # The terminal is gone; the work goes on.
        pass
