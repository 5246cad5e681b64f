"""Killed, or told of a broken or full disk, at system calls that change something, of every process.

Afterwards the next command says what became of it, and everything is as before or as after, uncommitted work included.
The default run takes a sample, another one each time; ``-m slow`` takes every point.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.plan.plans import Made, apply, execute_in, make_plan, state
from tests.plan.sweep import EIO, FULL, INJECTIONS, KILL, Point, Stage
from tests.plan.test_interrupted import AFTER, BEFORE, CHANGE, work
from tests.repos import Repo
from tinycode_git.plan.store import find_plan

VERBS = ("apply", "rollback", "restack")
SAMPLE = 8


@dataclass(frozen=True, slots=True)
class Scene:
    """One verb on one plan: what was before, and how to tell what is afterwards."""

    repo: Repo
    plan: Made
    verb: str
    before: tuple[object, ...]
    onto: str

    def took_effect(self) -> bool:
        """Whether the verb happened; fails where record, branch and files do not say the same."""
        found = find_plan(execute_in(self.repo.path), self.plan.id)
        now = state(self.repo)
        assert found.branch_tip == found.record.tip
        if self.verb == "restack":
            assert now == self.before
            assert found.record.state == "open"
            done = found.record.base == self.onto
            assert done == (found.record.tip != self.plan.tip)
        else:
            done = found.record.state == AFTER[self.verb]
            assert done or found.record.state == BEFORE[self.verb]
            assert done == (now[3] != self.before[3]), f"the record says {found.record.state}, main does not"
            assert done or now == self.before
            self._files(done)
        return done

    def _files(self, done: bool) -> None:
        """The working tree and the index are whole, and nothing uncommitted is lost."""
        applied = done == (self.verb == "apply")
        files = self.repo.files()
        for path, content in CHANGE.items():
            held = content if applied else _FIRST.get(path)
            assert files.get(path) == (held.encode() if isinstance(held, str) else held), path
        assert self.repo.git("status", "--porcelain").out == "MM staged\n M unstaged\n?? untracked\n"
        assert (files["staged"], files["unstaged"]) == (b"staged, then changed\n", b"changed\n")
        assert self.repo.git("show", ":staged").out == "staged\n"


_FIRST = {"hello.txt": "hello\n", "src/app.py": "def main() -> int:\n    return 0\n"}


def scene_of(world: Path, repo: Repo, verb: str) -> tuple[Stage, Scene]:
    work(repo)
    plan = make_plan(repo, CHANGE)
    repo.tiny("check", plan.id)
    if verb == "rollback":
        apply(repo, plan)
    if verb == "restack":
        repo.git("stash", "-q")
        repo.commit("theirs", {"theirs": "t\n"})
        repo.git("stash", "pop", "-q", "--index")
    args = ["apply", plan.id, "--yes", "--expect", plan.tip] if verb == "apply" else [verb, plan.id]
    return Stage(world, repo, args), Scene(repo, plan, verb, state(repo), repo.oid())


def outcome(stage: Stage, scene: Scene, point: Point, injection: str) -> str:
    """Try one point; what went wrong, empty for nothing, ``missed`` where it was not reached."""
    ended, reached = stage.hit(point, injection)
    said = f"{injection} at {point.count}. {point.shown}\nexit {ended.returncode}\n{ended.stderr.decode()}"
    next_one = scene.repo.tiny("recover", check=False)
    said += f"then recover: exit {next_one.code}\n{next_one.out}{next_one.err}"
    try:
        assert ended.returncode != 3
        assert b"Traceback" not in ended.stderr
        assert next_one.code == 0
        done = scene.took_effect()
        if ended.returncode == 0:
            assert done, "it said that all is done"
        if "interrupted" in next_one.out and "nothing was" not in next_one.out:
            word = "finished" if done else "taken back"
            assert f"an interrupted {scene.verb} of {scene.plan.id} was {word}" in next_one.out
        elif done:
            assert ended.returncode <= 0, "it said that it failed"
        scene.repo.fsck()
        assert not list(scene.repo.git_dir().glob("**/*.lock")) or _only_ours(scene.repo)
    except AssertionError as wrong:
        return f"{said}\n{wrong}"
    return "" if reached else "missed"


def _only_ours(repo: Repo) -> bool:
    """git tiny's own lock files stay: they are locked with flock(2), not by being there."""
    return all(lock.parent.name == "tiny" for lock in repo.git_dir().glob("**/*.lock"))


def sweep(
    world: Path, repo: Repo, verb: str, choose: Callable[[list[tuple[Point, str]]], list[tuple[Point, str]]]
) -> str:
    """Try what ``choose`` chooses of all points; a line with the number of them."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    stage, scene = scene_of(world, repo, verb)
    every = [(point, how) for point in stage.points() for how in INJECTIONS if point.takes(how)]
    chosen = choose(every)
    found = {(point, how): outcome(stage, scene, point, how) for point, how in chosen}
    missed = [key for key, said in found.items() if said == "missed"]
    wrong = [said for said in found.values() if said not in ("", "missed")]
    assert not wrong, f"{len(wrong)} of {len(chosen)} points:\n" + "\n----\n".join(wrong[:8])
    assert len(missed) <= len(chosen) // 4, missed
    tried = f"{len(chosen) - len(missed)} of {len(every)} points"
    return f"{verb}: killed, I/O error or disk full at {tried}, none lost anything"


@pytest.mark.parametrize("verb", VERBS)
def test_a_sample_of_points(world: Path, repo: Repo, verb: str, record_property: Callable[[str, object], None]) -> None:
    record_property("summary", sweep(world, repo, verb, lambda every: random.Random().sample(every, SAMPLE)))


def test_objects_that_git_does_not_move_into_place_are_written_again(world: Path, repo: Repo) -> None:
    """``git unpack-objects`` ends with 0 also where it could not move what it unpacked (seen with git 2.39)."""

    def chosen(every: list[tuple[Point, str]]) -> list[tuple[Point, str]]:
        moves = [one for one in every if (one[0].verb, one[0].call) == ("unpack-objects", "mkdir")]
        return [one for one in moves if one[1] in (EIO, FULL)][-2:]

    sweep(world, repo, "apply", chosen)


@pytest.mark.parametrize("verb", ["rev-parse", "update-ref"])
def test_what_comes_after_the_merge_makes_no_failure_of_it(world: Path, repo: Repo, verb: str) -> None:
    """The last of each: to see whether there is a post-merge hook, and to move the ref of the audit log."""
    stage, scene = scene_of(world, repo, "apply")
    found = [point for point in stage.points() if (point.verb, point.call) == (verb, "fsync")]
    last = max(int(folder.suffix[1:]) for folder in stage.sweep.glob(f"{verb}.*"))
    calls = [point for point in found if point.number == last] or [Point(verb, last, "write", 1, "its answer")]
    assert [outcome(stage, scene, point, KILL) for point in calls] == [""] * len(calls)


@pytest.mark.slow
@pytest.mark.parametrize("how", INJECTIONS)
@pytest.mark.parametrize("verb", VERBS)
def test_every_point(
    world: Path, repo: Repo, verb: str, how: str, record_property: Callable[[str, object], None]
) -> None:
    record_property("summary", sweep(world, repo, verb, lambda every: [one for one in every if one[1] == how]))
