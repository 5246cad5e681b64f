"""Runs one command and leaves nothing of it running. A program of its own: it imports the standard library only.

It reads one line of JSON from standard input (``argv``, ``cwd``, ``env``, ``limits``, ``grace``, ``wrapper``,
``report``), and ends everything when the command ends or when standard input closes, which happens too when whoever
started it is killed. What the command forks into the background, also in sessions of its own, becomes a child of this
process (Linux: prctl(2), PR_SET_CHILD_SUBREAPER), so that it can be found. How it went is written to the descriptor
``report`` as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

PR_SET_CHILD_SUBREAPER = 36
_POLL = 0.02
_KILLING = 10.0


def main() -> NoReturn:
    """See the module. Ends with code 0 once nothing is left running."""
    request = _request()
    _adopt_orphans()
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        _become(request)
    code = _wait(child, woken)
    seconds = time.monotonic() - begun
    stopped = code is None
    spared = child if request["wrapper"] else 0
    left, ending = _end_all(child, spared, request["grace"] if stopped else min(0.5, request["grace"]))
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = {
        "code": code if code is not None else ending,
        "stopped": stopped,
        # A sandbox that has just ended takes a moment to end what was in it: that is not something left behind.
        "left": 0 if stopped or request["wrapper"] else left,
        "seconds": seconds,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    }
    os.write(request["report"], json.dumps(report).encode())
    os._exit(0)


def _request() -> dict[str, Any]:
    line = b""
    while not line.endswith(b"\n"):
        block = os.read(0, 65536)
        if not block:
            os._exit(2)
        line += block
    request: dict[str, Any] = json.loads(line)
    return request


def _adopt_orphans() -> None:
    """Processes whose parent has ended become ours. Only Linux has it; elsewhere their group still names them."""
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _become(request: dict[str, Any]) -> NoReturn:
    """In the child: a process group of its own, nothing to read, the limits, then the command."""
    try:
        os.setpgid(0, 0)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for name, most in request["limits"].items():
            kind = getattr(resource, name)
            hard = resource.getrlimit(kind)[1]
            ceiling = most if hard == resource.RLIM_INFINITY else min(most, hard)
            # A little more than the soft one: SIGXCPU can be told apart from SIGKILL.
            over = ceiling + 5 if name == "RLIMIT_CPU" and hard == resource.RLIM_INFINITY else ceiling
            resource.setrlimit(kind, (ceiling, over))
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.chdir(request["cwd"])
        os.execvpe(request["argv"][0], request["argv"], request["env"])  # noqa: S606 - the very purpose
    except OSError as error:
        os.write(2, f"{request['argv'][0]}: {error.strerror}\n".encode("utf-8", "surrogateescape"))
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


def _wait(child: int, woken: int) -> int | None:
    """The code of the child, or None where we are told to stop first."""
    while True:
        code = _reap(child)
        if code is not None:
            return code
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
        if 0 in ready and not os.read(0, 4096):
            return _reap(child)


def _reap(child: int) -> int | None:
    """Collect everything that has ended; the code of ``child`` where it is among it."""
    code = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if pid == child:
            code = os.waitstatus_to_exitcode(status)


def _end_all(child: int, spared: int, grace: float) -> tuple[int, int | None]:
    """End what is left: asked first, killed after ``grace`` seconds. How many there were; the code of ``child``.

    ``spared`` is not asked: a sandbox that is ended takes what runs in it along at once.
    """
    code: int | None = None
    found = _descendants()
    for pid in found:
        if pid != spared:
            _signal(pid, signal.SIGTERM)
    end = time.monotonic() + grace
    while _descendants() and time.monotonic() < end:
        code = _first(code, _reap(child))
        time.sleep(_POLL)
    end = time.monotonic() + _KILLING
    while (alive := _descendants()) and time.monotonic() < end:
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in alive:
                _signal(pid, number)
        code = _first(code, _reap(child))
        time.sleep(_POLL)
    return len(found), _first(code, _reap(child))


def _first(one: int | None, other: int | None) -> int | None:
    return one if one is not None else other


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _descendants() -> list[int]:
    """Every process below this one that has not ended, nearest first."""
    children: dict[int, list[int]] = {}
    for pid, parent, state in _processes():
        if state != "Z":
            children.setdefault(parent, []).append(pid)
    found, waiting = [], [os.getpid()]
    while waiting:
        for pid in children.get(waiting.pop(), []):
            found.append(pid)
            waiting.append(pid)
    return found


def _processes() -> list[tuple[int, int, str]]:
    """Number, parent and state of every process: proc(5), or ps(1) where there is no /proc."""
    rows = []
    if sys.platform == "linux":
        for place in Path("/proc").iterdir():
            if place.name.isdigit():
                try:
                    # The name, in parentheses, may hold anything, parentheses too.
                    state, parent = (place / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[:2]
                except OSError:
                    continue
                rows.append((int(place.name), int(parent), state))
        return rows
    listed = subprocess.Popen(["ps", "-axo", "pid=,ppid=,stat="], stdout=subprocess.PIPE, text=True)
    text, _ = listed.communicate()
    for line in text.splitlines():
        pid, parent, state = line.split()[:3]
        if int(pid) != listed.pid:
            rows.append((int(pid), int(parent), state[0]))
    return rows


if __name__ == "__main__":
    main()
