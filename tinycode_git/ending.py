"""How a process of ours ends: on a signal, and with threads that still load modules in the background.

A KeyboardInterrupt inside the import system leaves its locks held: it comes between taking one and the block that
gives it back, or in a weak reference's callback, where Python drops it. Every thread that imports then waits for ever.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_IMPORTING = "<frozen importlib._bootstrap>"
# A signal that comes while modules are loaded is sent again so much later, and so often at most: a load may hang.
_LATER = 0.005
_PATIENCE = 100


def end_orderly_on_signals() -> None:
    """A hang-up or a request to end unwinds like Ctrl-C does; what is ignored (nohup) stays ignored."""
    postponed = 0

    def unwind(number: int, frame: FrameType | None) -> None:
        nonlocal postponed
        if importing(frame) and postponed < _PATIENCE:
            postponed += 1
            _thread.start_new_thread(_send_again, (_thread.get_ident(), number))
            return
        postponed = 0
        raise KeyboardInterrupt

    for number in _ENDING:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, unwind)


def fork() -> int:
    """As os.fork; a signal that ends us waits until Python has tidied up behind it, and is then raised in the parent.

    What is raised in a function of os.register_at_fork is dropped, and nobody would know that they are to end.
    The child begins with these signals held back: ``release_signals`` once it has said what they mean to it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    child = -1
    try:
        child = os.fork()
    finally:
        if child:
            release_signals()
    return child


def release_signals() -> None:
    """Signals that were held back for a fork come from here on."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


def importing(frame: FrameType | None) -> bool:
    """Whether modules are loaded there: what is raised in a signal's handler then would leave locks held."""
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTING:
            return True
        frame = frame.f_back
    return False


def _send_again(thread: int, number: int) -> None:
    time.sleep(_LATER)
    signal.pthread_kill(thread, number)


def ignore_signals() -> None:
    """What is done is done: a Ctrl-C while the interpreter ends would only change the exit code, with a traceback."""
    try:
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
    except KeyboardInterrupt:
        pass


def leave(code: int) -> int:
    """``code``, for the interpreter to end with; where something is still loaded in the background, end at once.

    The interpreter would take modules apart under a thread that is in the middle of one.
    """
    threading = sys.modules.get("threading")
    if threading is not None:
        others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
        if others and all(thread.daemon for thread in others):
            os._exit(code)
    return code
