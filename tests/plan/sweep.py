"""Something injected by strace at one system call of one process: git tiny itself, or a git that it starts.

``when=`` of strace counts every system call by its name, for each process and thread by itself. So a point is a process
(``tiny``, or the n-th git of a verb, which a wrapper on PATH and GIT_EXEC_PATH picks), a call's name and its number.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.repos import ROOT, TINY, Repo, tiny
from tests.world import tick

# Whatever changes a file, a name or what is on the disk. With a question mark: machines have not all of them.
_CALLS = """openat creat mkdir mkdirat rename renameat renameat2 link linkat symlink symlinkat write writev pwrite64
 pwritev copy_file_range sendfile fallocate ftruncate truncate fsync fdatasync msync
 unlink unlinkat rmdir chmod fchmod fchmodat utimensat"""
# What a full disk does not stop.
_OTHER = ("unlink", "unlinkat", "rmdir", "chmod", "fchmod", "fchmodat", "utimensat")
_TRACED = ",".join(f"?{name}" for name in _CALLS.split())
_TO_FILES = ("write", "writev", "pwrite64", "pwritev", "sendfile", "copy_file_range")

KILL, EIO, FULL = "signal=SIGKILL", "error=EIO", "error=ENOSPC"
INJECTIONS = (KILL, EIO, FULL)

_WRAPPER = """#!/bin/sh
verb=; option=
for word; do
    if [ -n "$option" ]; then option=; continue; fi
    case "$word" in -c) option=1 ;; -*) ;; *) verb=$word; break ;; esac
done
if [ -n "$SWEEP_VERB" ] && [ "$verb" != "$SWEEP_VERB" ]; then exec {git} "$@"; fi
n=1
while ! mkdir "$SWEEP/$verb.$n" 2>/dev/null; do n=$((n+1)); done
if [ -z "$SWEEP_INJECT" ]; then exec strace -qq -y -o "$SWEEP/$verb.$n/trace" -e "trace=$SWEEP_CALLS" {git} "$@"; fi
if [ "$n" != "$SWEEP_NUMBER" ]; then exec {git} "$@"; fi
exec strace -qq -o "$SWEEP/hit" -e "trace=$SWEEP_CALL" -e "inject=$SWEEP_INJECT" {git} "$@"
"""


@dataclass(frozen=True, slots=True)
class Point:
    """The ``count``-th ``call`` of the ``number``-th git that does ``verb``; of git tiny where ``verb`` is empty."""

    verb: str
    number: int
    call: str
    count: int
    shown: str

    def takes(self, injection: str) -> bool:
        """Whether the system could answer this call so."""
        return injection != FULL or self.call not in _OTHER


class Stage:
    """A world with one repository, put back as it was before every try of one command line."""

    def __init__(self, world: Path, repo: Repo, args: list[str]) -> None:
        self.world, self.repo, self.args = world, repo, args
        self.kept, self.sweep, self.bin = (world.parent / name for name in ("kept", "sweep", "bin"))
        self.bin.mkdir()
        git = shutil.which("git")
        assert git is not None
        (self.bin / "git").write_text(_WRAPPER.format(git=git))
        (self.bin / "git").chmod(0o755)
        shutil.copytree(world, self.kept, symlinks=True)

    def put_back(self) -> None:
        for name in os.listdir(self.world):
            shutil.rmtree(self.world / name)
        shutil.copytree(self.kept, self.world, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(self.sweep, ignore_errors=True)
        self.sweep.mkdir()
        self.repo.git("update-index", "-q", "--refresh", check=False)

    def points(self) -> list[Point]:
        """Every call that changes something, of every process, as one undisturbed run has them."""
        # The first time Python writes its caches, and opens more files than ever after.
        tiny(*self.args, cwd=self.repo.path)
        self.put_back()
        trace = self.sweep / "tiny"
        # -b execve: threads are followed, programs that are started are not.
        done = self._run(["strace", "-f", "-b", "execve", "-qq", "-y", "-o", str(trace), "-e", f"trace={_TRACED}"])
        assert done.returncode == 0, done
        found = list(_of_tiny(trace, self.world))
        for folder in sorted(self.sweep.glob("*/trace")):
            verb, _, number = folder.parent.name.rpartition(".")
            found += _changing(verb, int(number), folder.read_text("utf-8", "replace").splitlines(), self.world)
        return found

    def hit(self, point: Point, injection: str) -> tuple[subprocess.CompletedProcess[bytes], bool]:
        """Run with something injected at a point; how it ended, and whether the point was reached."""
        self.put_back()
        inject = f"{point.call}:{injection}:when={point.count}"
        if point.verb:
            names = {"SWEEP_VERB": point.verb, "SWEEP_NUMBER": str(point.number), "SWEEP_CALL": point.call}
            done = self._run([], **names, SWEEP_INJECT=inject)
        else:
            outer = ["strace", "-f", "-b", "execve", "-qq", "-o", str(self.sweep / "hit"), "-e", f"trace={point.call}"]
            done = self._run([*outer, "-e", f"inject={inject}"], SWEEP_VERB="none")
        said = (self.sweep / "hit").read_text("utf-8", "replace") if (self.sweep / "hit").exists() else ""
        return done, "killed by SIGKILL" in said or "(INJECTED)" in said

    def _run(self, outer: list[str], **env: str) -> subprocess.CompletedProcess[bytes]:
        tick()
        ours = {"SWEEP": str(self.sweep), "SWEEP_CALLS": _TRACED, "GIT_EXEC_PATH": str(self.bin)}
        path = f"{self.bin}:{os.environ['PATH']}"
        whole = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PATH": path, **ours, **env}
        argv = [*outer, *TINY, *self.args]
        return subprocess.run(argv, cwd=self.repo.path, env=whole, capture_output=True, check=False, timeout=600)


def _of_tiny(trace: Path, world: Path) -> Iterator[Point]:
    """The points of git tiny's threads: of those that are not the first, what the first never does.

    The count is each thread's own, and an injection meets the one that reaches it first: mostly the first thread.
    """
    threads: dict[str, list[str]] = {}
    for line in trace.read_text("utf-8", "replace").splitlines():
        pid, _, call = line.partition(" ")
        threads.setdefault(pid, []).append(call.strip())
    first, *others = threads.values()
    yield from _changing("", 1, first, world)
    known = {line.partition("(")[0] for line in first}
    for lines in others:
        yield from (point for point in _changing("", 1, lines, world) if point.call not in known)


def _changing(verb: str, number: int, lines: list[str], world: Path) -> Iterator[Point]:
    counts: Counter[str] = Counter()
    for line in lines:
        if not re.match(r"\w+\(", line):
            continue
        name = line.partition("(")[0]
        counts[name] += 1
        if name == "openat" and "O_CREAT" not in line and "O_TRUNC" not in line:
            continue
        if name in _TO_FILES and str(world) not in line and "/git-tiny-" not in line:
            continue
        if "= -1 E" not in line:
            yield Point(verb, number, name, counts[name], f"git {verb} {number}"[4 * (not verb) :] + f": {line[:140]}")
