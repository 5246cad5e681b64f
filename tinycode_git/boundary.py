"""The one place where errors become messages and exit codes.

A refusal, a wrong use, an interrupt, a reader that went away, a full disk and a bug each look different, and none of
them is a traceback. See ``tinycode_git.errors`` for the codes; ``141`` is what a shell reports for git itself when the
reader of a pipe went away.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING

from tinycode_git.ending import end_orderly_on_signals, ignore_signals, leave
from tinycode_git.errors import Exit, TinyError

if TYPE_CHECKING:
    from typing import TextIO

    from _typeshed import ReadableBuffer

PIPE_CLOSED = 128 + signal.SIGPIPE
_LOGS_KEPT = 20
# What the system may answer to any call of any program: a full or broken disk, no memory, too many open files.
_SYSTEM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
_SYSTEM_HINT = "put that right; then git tiny recover finishes or takes back what was begun"


def guarded(action: Callable[[], int], *, json: bool = False) -> int:
    """Run ``action``; the exit code of the process.

    With ``json`` an error is also a JSON object on stdout, unless the command had printed its own: there is only one.
    """
    _prepare_streams()
    end_orderly_on_signals()
    try:
        code = _reported(action, json)
        sys.stdout.flush()
    except KeyboardInterrupt:
        # One that arrives while the first is being reported.
        code = Exit.INTERRUPTED
    except _OutputFailed as failure:
        code = _output_failed(failure)
    ignore_signals()
    _discard_unwritten()
    return leave(int(code))


def _reported(action: Callable[[], int], json: bool) -> int:
    try:
        return action()
    except TinyError as refusal:
        return _report(refusal.message, refusal.hint, refusal.exit, json=json, detail=refusal.detail)
    except KeyboardInterrupt:
        return _report("interrupted", "", Exit.INTERRUPTED, json=json)
    except _OutputFailed:
        raise
    except Exception as bug:  # noqa: BLE001  # the boundary: whatever was not foreseen is a bug, and is logged as one
        if isinstance(bug.__cause__, KeyboardInterrupt):  # Python 3.11 wraps what comes while a class is made
            return _report("interrupted", "", Exit.INTERRUPTED, json=json)
        if isinstance(bug, OSError) and bug.errno in _SYSTEM:
            return _report(_system_failed(bug), _SYSTEM_HINT, Exit.INCOMPLETE, json=json)
        return _report(f"a bug in git tiny: {_named(bug)}", _log(bug), Exit.BUG, json=json)


def _report(message: str, hint: str, code: int, *, json: bool, detail: str = "") -> int:
    """Say it on stderr, escaped, and with ``json`` as an object on stdout."""
    from tinycode_git.render.escape import visible, visible_block

    lines = [f"error: {visible(message)}"]
    if detail:
        lines.append(visible_block(detail.rstrip("\n")))
    if hint:
        lines.append(f"hint: {visible(hint)}")
    try:
        sys.stdout.flush()
    finally:
        _say("\n".join(lines))
    if json:
        from tinycode_git.render.jsonout import dumps, written

        if id(sys.stdout) not in written:
            found = {"message": message, "detail": detail, "hint": hint, "exit": int(code)}
            sys.stdout.write(dumps({"error": found}) + "\n")
    return int(code)


def _say(text: str) -> None:
    """Words for the user; a terminal that is gone takes nothing with it."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        pass


def _system_failed(failure: OSError) -> str:
    what = f"{failure.filename}: " if failure.filename else ""
    return f"{what}{failure.strerror or failure}"


def _named(error: BaseException) -> str:
    text = str(error).strip()
    first = text.splitlines()[0] if text else ""
    return f"{type(error).__name__}: {first[:300]}" if first else type(error).__name__


def _log(bug: BaseException) -> str:
    """Write the traceback to a file of the user's; the hint that names it (or says why there is none)."""
    import time
    import traceback
    from pathlib import Path

    from tinycode_git import __version__

    text = "".join(traceback.format_exception(bug))
    head = f"git-tiny {__version__}, Python {sys.version.split()[0]}, {sys.platform}\narguments: {sys.argv[1:]!r}\n\n"
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    try:
        import platformdirs

        folder = Path(platformdirs.user_log_dir("tinycode-git"))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"bug-{stamp}-{os.getpid()}.log"
        path.write_text(head + text, encoding="utf-8", errors="backslashreplace")
        for old in sorted(folder.glob("bug-*.log"))[:-_LOGS_KEPT]:
            old.unlink(missing_ok=True)
    except (ImportError, OSError, RuntimeError) as failure:
        return f"the log could not be written ({_named(failure)})"
    return f"the details are in {path}; please report them"


def _prepare_streams() -> None:
    """Make writing safe: closed descriptors open on /dev/null as git does, no encoding error whatever the locale."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout = _writable(sys.stdout, 1)
    sys.stderr = _writable(sys.stderr, 2)


class _OutputFailed(OSError):
    """What was printed could not be written."""


class _Output(TextIOWrapper):
    """Text on a descriptor. Fails with an error of its own, which no file and no other pipe raises."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as failure:
            raise _OutputFailed(failure.errno, failure.strerror) from failure

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as failure:
            raise _OutputFailed(failure.errno, failure.strerror) from failure


class _Bytes(BufferedWriter):
    """Below the text: for what is written as bytes. Not the descriptor itself: what interrupts a call of ours there,
    with the bytes out and the buffer still full, has them written twice."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as failure:
            raise _OutputFailed(failure.errno, failure.strerror) from failure

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as failure:
            raise _OutputFailed(failure.errno, failure.strerror) from failure


def _writable(stream: TextIO | None, number: int) -> _Output:
    """The stream of a descriptor, in the encoding of the locale; what that has no letters for is escaped."""
    encoding = stream.encoding if stream is not None else "utf-8"
    buffer = _Bytes(FileIO(number, "w", closefd=False))
    return _Output(buffer, encoding, "backslashreplace", line_buffering=number == 2 or os.isatty(number))


def _output_failed(failure: _OutputFailed) -> int:
    if failure.errno == errno.EPIPE:
        return PIPE_CLOSED
    _say(f"error: the output could not be written: {failure.strerror or failure}")
    return Exit.REFUSED


def _discard_unwritten() -> None:
    """Leave nothing that the interpreter would try to flush again while it ends."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, number)
            os.close(null)
