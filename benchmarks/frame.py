"""How the benchmarks measure: whole processes, ours and the alternative in turns, medians, ratios, peak memory.

A figure is printed on one line, with what was claimed and whether it holds here; the machine comes first, on a line of
its own, with how busy it was: the claims are about a machine that does nothing else. The exit code is 1 where a claim
does not hold.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from make_repo import environment

ROOT = Path(__file__).resolve().parent.parent


def tiny() -> list[str]:
    """How a user starts us: ``git tiny`` where it is installed beside this Python, else the module of this checkout."""
    installed = Path(sys.executable).with_name("git-tiny")
    return ["git", "tiny"] if installed.exists() else [sys.executable, "-P", "-m", "tinycode_git"]


def process_environment() -> dict[str, str]:
    """The sealed environment, with ``git-tiny`` on the path."""
    env = environment()
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")])
    if not Path(sys.executable).with_name("git-tiny").exists():
        env["PYTHONPATH"] = str(ROOT)
    return env


# A child begins as a copy of this process, whose memory counts as its peak: what it prints must not stay here.
_MOST = 8 << 20


@dataclass(frozen=True, slots=True)
class Run:
    """One process: how long it took, its CPU time, the peak memory of its largest process in MB (children counted)."""

    seconds: float
    cpu: float
    megabytes: float
    out: bytes


def once(argv: Sequence[str], cwd: Path, *, stdin: Path | None = None) -> Run:
    """Run a program to its end. A failure ends the benchmark and shows what the program said."""
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        (stdin or Path(os.devnull)).open("rb") as given,
    ):
        begun = time.perf_counter()
        child = subprocess.Popen(argv, cwd=cwd, env=process_environment(), stdin=given, stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        if child.returncode != 0:
            err.seek(0)
            said = (out.read()[-2000:] + err.read()[-2000:]).decode(errors="replace")
            raise SystemExit(f"{' '.join(argv)}: exit {child.returncode}\n{said}")
        unit = 1024 * 1024 if sys.platform == "darwin" else 1024
        return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit, out.read(_MOST))


def nothing() -> None:
    """What is done around a run where nothing is."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One side: what is run (a program, or a function that says which), and what is done around it, untimed."""

    name: str
    argv: Sequence[str] | Callable[[], Sequence[str]]
    cwd: Path
    before: Callable[[], object] = nothing
    after: Callable[[], object] = nothing
    runs: list[Run] = field(default_factory=list, compare=False)

    def turn(self) -> Run:
        """One timed run between ``before`` and ``after``."""
        self.before()
        argv = self.argv() if callable(self.argv) else self.argv
        run = once(argv, self.cwd)
        self.after()
        return run

    @property
    def seconds(self) -> float:
        """The median."""
        return median(run.seconds for run in self.runs)

    @property
    def cpu(self) -> float:
        """The median CPU time: what is left to compare by on a machine that is busy with something else."""
        return median(run.cpu for run in self.runs)

    def words(self) -> str:
        """The median time and who it is of."""
        return f"{_ms(self.seconds)} ({self.name}, CPU {_ms(self.cpu)})"

    @property
    def megabytes(self) -> float:
        """The highest peak."""
        return max(run.megabytes for run in self.runs)


def in_turns(*contenders: Contender, rounds: int) -> None:
    """A B A B ..., after one round that does not count."""
    for number in range(rounds + 1):
        for contender in contenders:
            run = contender.turn()
            if number:
                contender.runs.append(run)


class Report:
    """The lines of one benchmark, and whether every claim held."""

    def __init__(self) -> None:
        self.held = True
        print(machine(), flush=True)

    def ratio(
        self, claim: str, ours: Contender, other: Contender, *, most: float | None = None, plus: float = 0.0
    ) -> None:
        """Ours against the other's: the claim is that ours is at most ``most`` times the other, ``plus`` seconds."""
        held = most is None or ours.seconds <= other.seconds * most + plus
        share = ours.seconds / other.seconds
        self._line(claim, ours.words(), other.words(), share, held)

    def within(self, claim: str, ours: Contender, other: Contender, *, seconds: float) -> None:
        """Ours within an absolute time; the other is there to compare."""
        share = ours.seconds / other.seconds
        held = ours.seconds < seconds
        self._line(claim, ours.words(), other.words(), share, held)

    def memory(self, claim: str, name: str, megabytes: float, other: float, other_name: str, *, most: float) -> None:
        """Ours within a peak of memory; the other is there to compare."""
        ours, others = f"{megabytes:.0f} MB ({name})", f"{other:.0f} MB ({other_name})"
        self._line(claim, ours, others, megabytes / other, megabytes < most)

    def took(self, claim: str, name: str, seconds: float, *, most: float) -> None:
        """A time of ours with nothing beside it; the share is of what is claimed."""
        self._line(claim, f"{_ms(seconds)} ({name})", f"{_ms(most)} (claimed)", seconds / most, seconds < most)

    def _line(self, claim: str, ours: str, other: str, share: float, held: bool) -> None:
        self.held &= held
        print(f"{'holds ' if held else 'MISSED'} | {claim} | {ours} | {other} | x{share:.2f}", flush=True)

    def end(self) -> None:
        """The exit code of the benchmark."""
        raise SystemExit(0 if self.held else 1)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def machine() -> str:
    """What this ran on: processor, cores, system, Python, git."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
    started = "git tiny" if tiny()[0] == "git" else "python -m tinycode_git"
    cores = f"{os.cpu_count()} cores (load {os.getloadavg()[0]:.1f})"
    return (
        f"machine | {model}, {cores} | {platform.system()} {platform.release()} | "
        f"Python {platform.python_version()}, git {git} | run as: {started}"
    )


def git(repo: Path, *args: str, stdin: Path | None = None) -> str:
    """Run git outside the timing; its output."""
    assert shutil.which("git")
    return once(["git", *args], repo, stdin=stdin).out.decode()
