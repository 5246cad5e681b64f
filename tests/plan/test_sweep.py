"""A sweep that kills: at system calls that change something, of every process of apply, rollback and restack.

strace injects SIGKILL (or EIO) at the n-th call of one process at a time: git tiny itself, or one of the gits that it
starts, which a wrapper on PATH picks. Afterwards the next command says what became of it, and everything has to be as
before or as after, uncommitted work included. The default run takes a sample; ``-m slow`` takes every point.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.plan.plans import Made, apply, make_plan, state
from tests.plan.test_interrupted import CHANGE, consistent, work
from tests.repos import ROOT, TINY, Repo
from tests.world import tick

CALLS = (
    "openat,write,pwrite64,rename,renameat,renameat2,unlink,unlinkat,link,linkat,mkdir,mkdirat,rmdir,"
    "fsync,fdatasync,ftruncate,symlinkat,symlink"
)
# The k-th git that is started runs under strace; the others as they are.
WRAPPER = """#!/bin/sh
k=1
while ! mkdir "$SWEEP/$k" 2>/dev/null; do k=$((k+1)); done
if [ -n "$SWEEP_ALL" ]; then exec strace -qq -y -o "$SWEEP/$k/trace" -e "trace=$SWEEP_CALLS" {git} "$@"; fi
if [ "$k" = "$SWEEP_GIT" ]; then
    exec strace -qq -o /dev/null -e "trace=$SWEEP_CALLS" -e "inject=$SWEEP_CALLS:$SWEEP_INJECT" {git} "$@"
fi
exec {git} "$@"
"""
SAMPLE = 4


@dataclass(frozen=True, slots=True)
class Point:
    """The ``call``-th call of a process: 0 is git tiny itself, any other number the k-th git that it starts."""

    process: int
    call: int
    what: str


class Stage:
    """A repository that is put back, with home and all, before every try."""

    def __init__(self, world: Path, repo: Repo, args: list[str]) -> None:
        self.world, self.repo, self.args = world, repo, args
        self.kept = world.parent / "kept"
        self.sweep = world.parent / "sweep"
        self.bin = world.parent / "bin"
        self.bin.mkdir()
        git = shutil.which("git")
        assert git is not None
        (self.bin / "git").write_text(WRAPPER.format(git=git))
        (self.bin / "git").chmod(0o755)
        shutil.copytree(world, self.kept, symlinks=True)

    def put_back(self) -> None:
        for name in os.listdir(self.world):
            shutil.rmtree(self.world / name)
        shutil.copytree(self.kept, self.world, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(self.sweep, ignore_errors=True)
        self.sweep.mkdir()
        self.repo.git("update-index", "-q", "--refresh", check=False)

    def run(self, outer: list[str], **env: str) -> subprocess.CompletedProcess[bytes]:
        tick()
        names = {"SWEEP": str(self.sweep), "SWEEP_CALLS": CALLS, "PATH": f"{self.bin}:{os.environ['PATH']}"}
        whole = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **names, **env}
        argv = [*outer, *TINY, *self.args]
        return subprocess.run(argv, cwd=self.repo.path, env=whole, capture_output=True, check=False, timeout=120)

    def points(self) -> list[Point]:
        """Every call that changes something, of every process, as one undisturbed run has them."""
        self.put_back()
        trace = self.sweep / "0"
        done = self.run(["strace", "-qq", "-y", "-o", str(trace), "-e", f"trace={CALLS}"], SWEEP_ALL="1")
        assert done.returncode == 0, done
        found = list(_changing(0, trace, self.world))
        for folder in sorted(self.sweep.glob("*/trace"), key=lambda place: int(place.parent.name)):
            found += _changing(int(folder.parent.name), folder, self.world)
        return found

    def hit(self, point: Point, inject: str) -> str:
        """Run with something injected at a point; what was said."""
        self.put_back()
        how = f"{inject}:when={point.call}"
        if point.process == 0:
            outer = ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={CALLS}", "-e", f"inject={CALLS}:{how}"]
            done = self.run(outer)
        else:
            done = self.run([], SWEEP_GIT=str(point.process), SWEEP_INJECT=how)
        said = f"{how} in process {point.process} at {point.what}\nexit {done.returncode}\n"
        assert done.returncode != 3, f"{said}{done.stderr.decode()}"
        assert b"Traceback" not in done.stderr, f"{said}{done.stderr.decode()}"
        return said + done.stderr.decode()


def _changing(process: int, trace: Path, world: Path) -> Iterator[Point]:
    calls = [line for line in trace.read_text("utf-8", "replace").splitlines() if re.match(r"\w+\(", line)]
    for number, line in enumerate(calls, 1):
        name = line.partition("(")[0]
        if name == "openat" and "O_CREAT" not in line:
            continue
        if name in ("write", "pwrite64") and str(world) not in line.partition(",")[0]:
            continue
        if "= -1 E" not in line:
            yield Point(process, number, line[:160])


def _restack_consistent(repo: Repo, plan: Made, before: tuple[object, ...], onto: str, said: str) -> None:
    assert state(repo) == before, said
    shown = repo.tiny("show", plan.id, "--json").json
    assert shown["tip"] == repo.oid(plan.branch), said
    assert not shown["edited"], said
    assert shown["state"] == "open", said
    assert (shown["base"] == onto) == (shown["tip"] != plan.tip), said
    repo.fsck()


def _prepare(world: Path, repo: Repo, verb: str) -> tuple[Stage, Callable[[str], None]]:
    work(repo)
    plan = make_plan(repo, CHANGE)
    if verb == "rollback":
        apply(repo, plan)
    if verb == "restack":
        repo.git("stash", "-q")
        repo.commit("theirs", {"theirs": "t\n"})
        repo.git("stash", "pop", "-q", "--index")
    commands = {"apply": ["apply", plan.id, "--yes", "--expect", plan.tip]}
    stage = Stage(world, repo, commands.get(verb, [verb, plan.id]))
    before, onto = state(repo), repo.oid()

    def check(said: str) -> None:
        if verb == "restack":
            _restack_consistent(repo, plan, before, onto, said)
        else:
            consistent(repo, plan, verb, before, said)

    return stage, check


def _sweep(
    world: Path, repo: Repo, verb: str, inject: str, most: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    stage, check = _prepare(world, repo, verb)
    points = stage.points()
    chosen = points if most is None else random.Random().sample(points, most)
    lost = []
    for point in chosen:
        said = stage.hit(point, inject)
        answer = repo.tiny("recover", check=False)
        said += f"\nthen recover: exit {answer.code}\n{answer.out}{answer.err}"
        try:
            assert answer.code == 0
            check(said)
        except AssertionError as wrong:
            lost.append(f"{said}\n{wrong}")
    with capsys.disabled():
        print(f"\n{verb}, {inject}: {len(chosen)} of {len(points)} points tried, {len(lost)} wrong")
    assert not lost, f"{len(lost)} of {len(chosen)} points:\n" + "\n----\n".join(lost[:5])


@pytest.mark.parametrize("inject", ["signal=SIGKILL", "error=EIO"])
@pytest.mark.parametrize("verb", ["apply", "rollback", "restack"])
def test_a_sample(world: Path, repo: Repo, verb: str, inject: str, capsys: pytest.CaptureFixture[str]) -> None:
    _sweep(world, repo, verb, inject, SAMPLE, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("inject", ["signal=SIGKILL", "error=EIO"])
@pytest.mark.parametrize("verb", ["apply", "rollback", "restack"])
def test_every_point(world: Path, repo: Repo, verb: str, inject: str, capsys: pytest.CaptureFixture[str]) -> None:
    _sweep(world, repo, verb, inject, None, capsys)
