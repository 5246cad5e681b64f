"""Runs a program that is not trusted: bounded in time and resources, its output kept, nothing of it left running.

With bubblewrap (``Sandbox.find``) the whole file system is read-only but for the folders given, processes live in a
namespace of their own, and the session's sockets are hidden. The network is there unless it is switched off: agents
need it, and a gate must give the verdict that it gives without a sandbox. Without bubblewrap the limits hold all the
same, and what the program could still reach is for the caller to fingerprint.

Limits: CPU time, open files and file size are enforced by the system for each process (setrlimit(2)), memory and CPU
time are watched for all of them together. Memory also has a hard stop at twice the limit (RLIMIT_DATA).
"""

from __future__ import annotations

import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any

from tinycode_git.errors import Incomplete
from tinycode_git.git.output import Kept, PlainLines
from tinycode_git.git.watch import Limits, Watch, in_words, large_file

SUPERVISOR = Path(__file__).with_name("supervise.py")
MARK = "TINY_RUN"
_TICK = 0.1
_TAIL = 65536
# How Python, numpy, C, C++, Rust, Go, Java and Node say that an allocation was refused.
_NO_MEMORY = re.compile(
    rb"MemoryError|Unable to allocate [\d.]+ \w+|[Cc]annot allocate memory|std::bad_alloc|OutOfMemoryError"
    rb"|memory allocation of \d+ bytes failed|[Oo]ut of memory"
)
# The same of a file: every language has the words of strerror(3), Node its name as well.
_NO_FILES = re.compile(rb"[Tt]oo many open files|EMFILE")
_SOCKETS = ("/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock")
_SESSION = ("DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """bubblewrap: ``program`` is where it is, ``network`` whether there is one inside."""

    program: str
    network: bool = True

    @classmethod
    def find(cls, *, network: bool = True) -> Sandbox | None:
        """A sandbox that works here (bubblewrap is installed and may make namespaces), or None."""
        program = shutil.which("bwrap")
        if sys.platform != "linux" or program is None:
            return None
        found = cls(program, network)
        trial = [*found.argv((), ()), "true"]
        done = subprocess.run(trial, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20)
        return found if done.returncode == 0 else None

    @classmethod
    def chosen(cls, setting: str, *, network: bool = True) -> Sandbox | None:
        """As ``tiny.sandbox`` says: ``auto``, ``require`` or ``off``. Raises Incomplete where none can be had."""
        found = cls.find(network=network) if setting != "off" else None
        if found is None and (setting == "require" or not network):
            raise Incomplete(
                "there is no sandbox that works here", "install bubblewrap, or do without: git config tiny.sandbox auto"
            )
        return found

    def argv(self, writable: Sequence[Path], readable: Sequence[Path]) -> list[str]:
        """The command line up to the program: ``writable`` folders, and others that must stay visible in /tmp."""
        args = [self.program, "--die-with-parent", "--unshare-user-try", "--unshare-pid", "--unshare-ipc"]
        args += ["--cap-drop", "ALL", *([] if self.network else ["--unshare-net"])]
        args += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]  # noqa: S108
        for path in _below_tmp((*readable, *writable)):
            args += ["--ro-bind", path, path]
        runtime = f"/run/user/{os.getuid()}"
        if Path(runtime).is_dir():
            args += ["--tmpfs", runtime]
        for socket in _SOCKETS:
            if Path(socket).exists():
                args += ["--ro-bind", "/dev/null", socket]
        for path in map(str, writable):
            args += ["--bind", path, path]
        return [*args, "--"]


def _below_tmp(paths: Sequence[Path]) -> list[str]:
    """The entries of /tmp that hold one of ``paths``, our interpreter or a folder of PATH: it is empty otherwise."""
    searched = [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    tops = set()
    for path in (*paths, Path(sys.prefix), Path(sys.base_prefix), Path.home(), *searched):
        for spelt in (path, path.resolve()):
            if spelt.parts[:2] == ("/", "tmp") and len(spelt.parts) > 2:
                tops.add(str(Path(*spelt.parts[:3])))
    return sorted(top for top in tops if Path(top).exists())


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended. ``exceeded`` names each limit that it went over, with its figure.

    ``code`` is negative for a signal (with a sandbox: 128 and its number). ``left`` counts processes that it had left
    in the background and that were ended (a sandbox ends its own uncounted).
    """

    code: int
    seconds: float
    cpu_seconds: float
    peak_memory: int
    output: Path
    exceeded: tuple[str, ...] = ()
    left: int = 0
    sandboxed: bool = False

    @property
    def passed(self) -> bool:
        """Whether it ended with code 0 and within its limits."""
        return self.code == 0 and not self.exceeded


@dataclass(frozen=True, slots=True)
class Errand:
    """What to run and where. ``env`` is the whole environment; ``output`` is the file that keeps what it prints.

    ``writable`` are the folders that a sandbox lets it write to, ``readable`` others that it must see.
    """

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    output: Path
    limits: Limits = field(default_factory=Limits)
    sandbox: Sandbox | None = None
    writable: Sequence[Path] = ()
    readable: Sequence[Path] = ()
    grace: float = 2.0
    most_output: int = 4_000_000


def run(errand: Errand, shown: Callable[[str], object] | None = None) -> Outcome:
    """Run it to its end. ``shown`` gets each line that it prints, without terminal escapes, as it comes.

    Interrupted (Ctrl-C, any exception), everything is ended before the exception goes on. Raises Incomplete where it
    cannot be started at all.
    """
    mark = token_hex(8)
    reading, writing = os.pipe()
    try:
        with Kept(errand.output, errand.most_output) as kept:
            child = _start(errand, mark, writing)
            try:
                over, reached = _follow(child, errand, kept, shown)
            finally:
                _finish(child, errand.grace, mark)
        os.close(writing)
        writing = -1
        with os.fdopen(os.dup(reading), "rb") as pipe:
            said = pipe.read()
    finally:
        os.close(reading)
        if writing >= 0:
            os.close(writing)
    if not said:
        raise Incomplete(f"{errand.argv[0]} ended the process that watched over it", "what it left running was ended")
    return _outcome(errand, json.loads(said), over, reached)


def _start(errand: Errand, mark: str, report: int) -> subprocess.Popen[bytes]:
    wrapper = errand.sandbox.argv(errand.writable, (*errand.readable, errand.cwd)) if errand.sandbox else []
    env = {name: value for name, value in errand.env.items() if not errand.sandbox or name not in _SESSION}
    request = {
        "argv": [*wrapper, *errand.argv],
        "cwd": str(errand.cwd),
        "env": {**env, MARK: mark},
        "limits": _rlimits(errand.limits),
        "grace": errand.grace,
        "wrapper": bool(wrapper),
        "report": report,
    }
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", str(SUPERVISOR)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[report],
        start_new_session=True,
    )
    assert child.stdin is not None
    child.stdin.write(json.dumps(request).encode() + b"\n")
    child.stdin.flush()
    return child


def _rlimits(limits: Limits) -> dict[str, int]:
    """The limits that the system enforces, by setrlimit's names."""
    wanted = {
        "RLIMIT_DATA": limits.memory * 2 if limits.memory is not None and sys.platform == "linux" else None,
        "RLIMIT_CPU": limits.cpu_seconds,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_FSIZE": limits.file_size,
        "RLIMIT_CORE": 0,
    }
    return {name: most for name, most in wanted.items() if most is not None}


def _follow(
    child: subprocess.Popen[bytes], errand: Errand, kept: Kept, shown: Callable[[str], object] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keep and show the output until there is no more; the limits that were exceeded and reached on the way."""
    assert child.stdin is not None
    assert child.stdout is not None
    watch, lines = Watch(child.pid, errand.limits), PlainLines()
    descriptor = child.stdout.fileno()
    over: tuple[str, ...] = ()
    next_look = time.monotonic() + _TICK
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            ready = selector.select(_TICK)
            data = os.read(descriptor, 65536) if ready else b""
            kept.write(data)
            for line in lines.feed(data) if shown else ():
                shown(line)  # type: ignore[misc]
            # Who escaped may hold the pipe open: what ends the reading is the supervisor's end.
            if (ready and not data) or (not ready and child.poll() is not None):
                break
            if not over and time.monotonic() >= next_look:
                next_look = time.monotonic() + _TICK
                if over := watch.over():
                    child.stdin.close()
    for line in lines.feed(b"", last=True) if shown else ():
        shown(line)  # type: ignore[misc]
    return over, watch.reached


def _finish(child: subprocess.Popen[bytes], grace: float, mark: str) -> None:
    """The supervisor ends everything; where it was itself ended, what carries our mark is ended here."""
    assert child.stdin is not None
    assert child.stdout is not None
    if not child.stdin.closed:
        try:
            child.stdin.close()
        except BrokenPipeError:
            pass
    child.stdout.close()
    try:
        code = child.wait(grace + 15)
    except subprocess.TimeoutExpired:
        child.kill()
        code = child.wait()
    if code != 0:
        _sweep(mark)


def _sweep(mark: str) -> None:
    import psutil

    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark:
                process.send_signal(signal.SIGKILL)
        except (psutil.Error, OSError):
            continue


def _outcome(errand: Errand, report: dict[str, Any], over: tuple[str, ...], reached: tuple[str, ...]) -> Outcome:
    code = report["code"] if report["code"] is not None else -signal.SIGKILL
    exceeded = over or (_exceeded(errand, report, code, reached) if code else ())
    return Outcome(
        code=code,
        seconds=report["seconds"],
        cpu_seconds=report["cpu"],
        peak_memory=report["peak"],
        output=errand.output,
        exceeded=exceeded,
        left=report["left"],
        sandboxed=errand.sandbox is not None,
    )


def _exceeded(errand: Errand, report: dict[str, Any], code: int, reached: tuple[str, ...]) -> tuple[str, ...]:
    """Why a program failed, as far as its limits explain it."""
    number, limits = (-code if code < 0 else code - 128), errand.limits
    found = list(reached)
    killed = number == signal.SIGKILL and report["cpu"] >= (limits.cpu_seconds or 0)
    if limits.cpu_seconds is not None and (killed or number == signal.SIGXCPU):
        found.append(f"CPU time: {report['cpu']:.0f} s of {limits.cpu_seconds} s")
    if limits.file_size is not None:
        begun = time.time() - report["seconds"] - 1
        if number == signal.SIGXFSZ or large_file((errand.cwd, *errand.writable), limits.file_size, begun):
            found.append(f"file size: a file came to {in_words(limits.file_size)}, which is the limit")
    if limits.memory is not None and report["peak"] > limits.memory:
        found.append(f"memory: {in_words(report['peak'])} of {in_words(limits.memory)}")
    elif limits.memory is not None and (refused := _said(errand.output, _NO_MEMORY)):
        stop, limit = in_words(limits.memory * 2), in_words(limits.memory)
        found.append(f"memory: {refused}: the system refuses a program more than {stop}, twice the limit of {limit}")
    if limits.open_files is not None and not reached and (refused := _said(errand.output, _NO_FILES)):
        found.append(f"open files: {refused}: the system refuses a process more than {limits.open_files}")
    return tuple(found)


def _said(output: Path, refusal: re.Pattern[bytes]) -> str:
    """What a program said of something that a hard stop refused: where it ends at once, nothing else tells of it."""
    with output.open("rb") as stream:
        stream.seek(max(0, output.stat().st_size - _TAIL))
        found = refusal.search(stream.read())
    return found[0].decode("ascii") if found else ""
