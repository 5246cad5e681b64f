"""A disk that is really full: a small file system on which apply and rollback run out of space somewhere.

bubblewrap mounts it, and this module runs again inside, as a program. How much is free is what varies.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.plan.plans import Made, apply, make_plan, state, untouched
from tests.plan.test_interrupted import CHANGE, work
from tests.plan.test_sweep import Scene
from tests.repos import ROOT, TINY, Repo, run

SIZE = 4 << 20
FREE = (0, 20, 76, 180)
WORDS = ("No space left on device", "Out of diskspace", "could not be written", "disk full", "free some space")


def attempts(kept: Path, disk: Path, plan: Made, verb: str, free: Iterable[int]) -> None:
    """Run ``verb`` on a copy of ``kept`` with so many kilobytes free; every time it is done or not begun."""
    done = 0
    for kilobytes in free:
        shutil.rmtree(disk / "repo", ignore_errors=True)
        shutil.copytree(kept, disk / "repo", symlinks=True)
        repo = Repo(disk / "repo")
        repo.git("update-index", "-q", "--refresh", check=False)
        scene = Scene(repo, plan, verb, state(repo), repo.oid())
        _fill(disk, kilobytes << 10)
        args = ["apply", plan.id, "--yes", "--expect", plan.tip] if verb == "apply" else [verb, plan.id]
        answer = repo.tiny(*args, check=False)
        (disk / "filler").unlink()
        said = f"{kilobytes} KB free: {answer}\n{repo.tiny('recover')}"
        assert answer.code in (0, 1, 4), said
        assert answer.code == 0 or any(words in answer.err for words in WORDS), said
        took_effect = scene.took_effect()
        assert took_effect or answer.code, said
        repo.fsck()
        again = repo.tiny(*args, check=False)
        assert (again.code == 0) == (not took_effect), f"{said}\n{again}"
        done += took_effect
    print(f"{verb} on a full disk: done {done} times")


def _fill(disk: Path, free: int) -> None:
    """Take what is there but for ``free`` bytes, without telling the file system to hold any back."""
    found = os.statvfs(disk)
    with (disk / "filler").open("wb") as file:
        left = found.f_bavail * found.f_frsize - free
        file.write(b"\0" * max(0, left))


def small_disk(world: Path, place: Path, size: int) -> list[str | Path]:
    """The start of a command line that runs with a file system of ``size`` bytes at ``place``."""
    place.mkdir(parents=True)
    mount: list[str | Path] = ["bwrap", "--dev-bind", "/", "/", "--size", str(size), "--tmpfs", place]
    if shutil.which("bwrap") is None or run([*mount, "true"], cwd=world, check=False).code:
        pytest.skip("bubblewrap, which mounts a small file system, does not work here")
    return mount


def on_a_small_disk(world: Path, repo: Repo, verb: str, free: Iterable[int]) -> None:
    work(repo)
    plan = make_plan(repo, CHANGE)
    repo.tiny("check", plan.id)
    if verb == "rollback":
        apply(repo, plan)
    disk = world / "disk"
    mount = small_disk(world, disk, SIZE)
    asked: list[str | Path] = [repo.path, disk, plan.id, plan.tip, plan.branch, verb, *map(str, free)]
    env = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "hooks")]), "TMPDIR": str(disk)}
    run([*mount, sys.executable, "-m", "tests.plan.test_disk_full", *asked], cwd=world, env=env, timeout=900)


@pytest.mark.parametrize("verb", ["apply", "rollback"])
def test_with_little_space_it_is_done_or_not_begun(world: Path, repo: Repo, verb: str) -> None:
    on_a_small_disk(world, repo, verb, FREE)


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["apply", "rollback"])
def test_with_every_amount_of_space(
    world: Path, repo: Repo, verb: str, record_property: Callable[[str, object], None]
) -> None:
    amounts = range(0, 300, 4)
    on_a_small_disk(world, repo, verb, amounts)
    record_property("summary", f"{verb}: out of space with {len(amounts)} amounts of it, none lost anything")


FILLING = {  # what an agent does, and what git tiny ends with
    "and leaves it full": ("echo a > a; cat /dev/zero > big", 4),
    "with temporary files": ("echo a > a; cat /dev/zero > $TMPDIR/big; exit 0", 0),
    "and tidies up": ("cat /dev/zero > big; rm big; echo a > a", 0),
}


@pytest.mark.parametrize("name", FILLING)
def test_an_agent_fills_the_disk(world: Path, repo: Repo, name: str) -> None:
    script, code = FILLING[name]
    repo.tiny("scan", "--all")
    mount = small_disk(world, world / "home/.cache/git-tiny", 1 << 20)
    argv = [*mount, *TINY, "propose", "--agent", script, "fill", "--json"]
    with untouched(repo):
        answer = run(argv, cwd=repo.path, env={"PYTHONPATH": str(ROOT)}, check=False)
    assert answer.code == code, answer
    assert "No space left on device" in answer.err
    if code:
        last = answer.err.splitlines()[-1]
        assert last == "hint: is the disk full, or the repository read-only? put that right and try again"
    else:
        assert [step["paths"] for step in answer.json["steps"]] == [["a"]]


def test_a_gate_fills_the_disk(world: Path, repo: Repo) -> None:
    plan = make_plan(repo, {"a": "a\n"})
    repo.tiny("check", plan.id)
    mount = small_disk(world, world / "home/.cache/git-tiny", 1 << 20)
    argv = [*mount, *TINY, "apply", plan.id, "--yes", "--expect", plan.tip, "--check"]
    with untouched(repo):
        answer = run([*argv, "cat /dev/zero > big"], cwd=repo.path, env={"PYTHONPATH": str(ROOT)}, check=False)
    assert answer.code == 1
    assert "No space left on device" in answer.err
    assert "the gate failed: `cat /dev/zero > big` ended with code 1" in answer.err
    run([*argv, "cat /dev/zero > big; rm big; test -f a"], cwd=repo.path, env={"PYTHONPATH": str(ROOT)})
    assert (repo.path / "a").read_text() == "a\n"


if __name__ == "__main__":
    _kept, _disk, _id, _tip, _branch, _verb, *_free = sys.argv[1:]
    attempts(Path(_kept), Path(_disk), Made(_id, _tip, _branch), _verb, map(int, _free))
