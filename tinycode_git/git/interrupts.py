"""Holding back Ctrl-C, a hang-up and a request to end while something is done that must not stop half-way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Past the point of no return: signals that would end the process do nothing until the block ends.

    A handler that does nothing, and not SIG_IGN, which every child would inherit. Only the main thread gets signals;
    in another one there is nothing to hold back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {}
    try:
        for number in _ENDING:
            kept[number] = signal.signal(number, _nothing)
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _nothing(number: int, frame: FrameType | None) -> None:
    """The signal came too late."""
