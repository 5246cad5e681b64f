"""Locks between processes: flock, which the kernel gives back however a process ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinycode_git.errors import Incomplete

PATIENCE = 30.0


@contextmanager
def locked(path: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold ``path`` alone as long as the block runs. Raises Incomplete where another process keeps it; OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _wait(descriptor, fcntl.LOCK_EX, path, patience)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def shared(path: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Keep writers out as long as the block runs, without writing anything; nothing where there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield
        return
    try:
        _wait(descriptor, fcntl.LOCK_SH, path, patience)
        yield
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Take the lock if nobody has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(descriptor: int, kind: int, path: Path, patience: float) -> None:
    # flock cannot be given a time limit; a process that was stopped while it held the lock must not stop all others.
    deadline = time.monotonic() + patience
    pause = 0.0002
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError as busy:
            if time.monotonic() > deadline:
                raise Incomplete(
                    f"another process has held {path.name} for {patience:.0f} s", "is a git tiny process stopped?"
                ) from busy
        time.sleep(pause)
        pause = min(pause * 1.5, 0.005)
