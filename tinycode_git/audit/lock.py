"""Locks between processes: flock, which the kernel gives back however a process ends."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tinycode_git.errors import Incomplete

if TYPE_CHECKING:
    from types import FrameType

    Name = str | os.PathLike[str]

PATIENCE = 30.0


@contextmanager
def locked(path: Name, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold ``path`` alone as long as the block runs. Raises Incomplete where another process keeps it; OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    with _held(descriptor, fcntl.LOCK_EX, path, patience):
        yield


@contextmanager
def shared(path: Name, *, patience: float = PATIENCE) -> Iterator[None]:
    """Keep writers out as long as the block runs, without writing anything; nothing where there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield
        return
    with _held(descriptor, fcntl.LOCK_SH, path, patience):
        yield


def try_lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Take the lock if nobody has it."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _held(descriptor: int, kind: int, path: Name, patience: float) -> Iterator[None]:
    try:
        if not try_lock(descriptor, kind) and not _wait(descriptor, kind, patience):
            raise Incomplete(
                f"another process has held {os.path.basename(path)} for {patience:g} s",
                "is a git tiny process stopped or hanging?",
            )
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, kind: int, patience: float) -> bool:
    """Queue for the lock: the kernel serves waiters in turn, which asking again and again does not.

    flock takes no time limit, and a process that was stopped while it held the lock must not stop all others: an alarm
    ends the wait. Where the alarm is not ours to set, asking again is what is left.
    """
    taken = signal.getsignal(signal.SIGALRM) != signal.SIG_DFL or any(signal.getitimer(signal.ITIMER_REAL))
    if taken or threading.current_thread() is not threading.main_thread():
        return _poll(descriptor, kind, patience)
    signal.signal(signal.SIGALRM, _late)
    try:
        signal.setitimer(signal.ITIMER_REAL, patience)
        fcntl.flock(descriptor, kind)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except _Late:
        return False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    return True


def _poll(descriptor: int, kind: int, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while not try_lock(descriptor, kind):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


class _Late(Exception):
    """The alarm of a wait."""


def _late(number: int, frame: FrameType | None) -> None:
    raise _Late
