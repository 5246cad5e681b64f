"""git tiny on a pseudo-terminal: what it asks, what a person types."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.repos import ROOT, TINY
from tests.world import tick


@dataclass(slots=True)
class Terminal:
    """A process whose controlling terminal we hold; ``shown`` is all that it printed so far."""

    child: subprocess.Popen[bytes]
    descriptor: int
    shown: str = ""
    _seen: int = field(default=0)

    def expect(self, pattern: str, timeout: float = 30) -> str:
        """Wait until ``pattern`` (a regular expression) appears after what was expected before; the text up to it."""
        end = time.monotonic() + timeout
        while not (match := re.compile(pattern, re.S).search(self.shown, self._seen)):
            left = end - time.monotonic()
            assert left > 0, f"{pattern!r} did not appear in {timeout} s:\n{self.shown}"
            assert self._read(left), f"the process ended before {pattern!r} appeared:\n{self.shown}"
        before, self._seen = self.shown[self._seen : match.end()], match.end()
        return before

    def send(self, text: str) -> None:
        """Type ``text`` (a newline is the Enter key, ``\\x03`` is Ctrl-C, ``\\x04`` is Ctrl-D)."""
        os.write(self.descriptor, text.encode())

    def wait(self, timeout: float = 30) -> int:
        """Read to the end; the exit code (negative: the signal)."""
        end = time.monotonic() + timeout
        while self._read(max(0.0, end - time.monotonic())):
            assert time.monotonic() < end, f"still running after {timeout} s:\n{self.shown}"
        return self.child.wait(timeout)

    def _read(self, timeout: float) -> bool:
        ready, _, _ = select.select([self.descriptor], [], [], timeout)
        if not ready:
            return True
        try:
            data = os.read(self.descriptor, 65536)
        except OSError:  # Linux reports the end of a terminal whose other side is closed as EIO
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)


@contextmanager
def on_terminal(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None, columns: int = 100
) -> Iterator[Terminal]:
    """Run a program as the leader of a session with a terminal of its own; killed when the block ends."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    child = subprocess.Popen(
        argv,
        cwd=cwd,
        env={**os.environ, "TERM": "xterm-256color", **(env or {})},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    try:
        yield Terminal(child, ours)
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
        os.close(ours)


@contextmanager
def tiny_tty(*args: str, cwd: Path, env: Mapping[str, str] | None = None, columns: int = 100) -> Iterator[Terminal]:
    """``git-tiny`` on a terminal: ``with tiny_tty("apply", cwd=repo.path) as t: t.expect("Apply"); t.send("y\\n")``."""
    tick()
    with on_terminal(
        [*TINY, *args], cwd=cwd, env={"PYTHONPATH": str(ROOT), **(env or {})}, columns=columns
    ) as terminal:
        yield terminal
