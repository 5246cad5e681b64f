"""The benchmarks' ground: what is generated is what it says, each time the same; the frame measures and judges."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.repos import ROOT, Repo, Result, run

BENCHMARKS = ROOT / "benchmarks"


def _python(code: str, cache: Path, *, check: bool = True) -> Result:
    env = {"TINY_BENCH_CACHE": str(cache), "PYTHONPATH": str(BENCHMARKS)}
    return run([sys.executable, "-c", code], cwd=cache, env=env, check=check)


def _make(cache: Path) -> Repo:
    cache.mkdir(exist_ok=True)
    made = run([sys.executable, BENCHMARKS / "make_repo.py", "tiny"], cwd=cache, env={"TINY_BENCH_CACHE": str(cache)})
    return Repo(Path(made.text))


def test_the_generated_repository(world: Path) -> None:
    repo = _make(world / "one")
    blobs = [oid for _, oid in repo.tree("main").values()]
    assert len(blobs) == len(set(blobs)) == 200
    assert int(repo.git("rev-list", "--count", "main").text) == 100
    assert int(repo.git("rev-list", "--count", "main..series").text) == 10
    assert repo.git("status", "--porcelain").out == ""
    assert (repo.path.parent / "series.mbox").read_text().count("\nSubject: [PATCH ") == 10
    repo.fsck()
    assert _make(world / "two").oid("series") == repo.oid("series")


def test_what_a_run_left_is_taken_back(world: Path) -> None:
    repo = _make(world / "one")
    base = repo.oid()
    repo.git("branch", "tiny/x")
    repo.git("am", "-q", repo.path.parent / "series.mbox")
    repo.write("left", "over\n")
    (repo.path / ".git/tiny").mkdir()
    assert _make(world / "one").oid() == base
    assert repo.refs().keys() == {"refs/heads/main", "refs/heads/series"}
    assert repo.git("status", "--porcelain", "--ignored").out == ""
    assert not (repo.path / ".git/tiny").exists()


FRAME = """
import sys
from pathlib import Path
from frame import Contender, Report, in_turns
def side(name, code): return Contender(name, [sys.executable, "-c", code], Path("."))
ours, other = side("ours", {ours!r}), side("other", {other!r})
in_turns(ours, other, rounds=3)
report = Report()
report.ratio("at most as long", ours, other, most=1)
report.within("within ten seconds", ours, other, seconds=10)
report.memory("under 90 MB", "ours", ours.megabytes, other.megabytes, "other", most=90)
report.end()
"""
SLOW, LARGE = "import time; time.sleep(0.5)", "x = bytearray(100_000_000)"


@pytest.mark.parametrize(
    ("ours", "other", "held"),
    [("pass", SLOW, [True, True, True]), (SLOW, "pass", [False, True, True]), (LARGE, SLOW, [True, True, False])],
)
def test_the_frame_judges(ours: str, other: str, held: list[bool], world: Path) -> None:
    result = _python(FRAME.format(ours=ours, other=other), world, check=False)
    first, *lines = result.out.splitlines()
    assert re.fullmatch(
        r"machine \| .+ cores \(load [\d.]+\) \| .+ \| Python [\d.]+, git [\d.]+.* \| run as: .+", first
    )
    assert [line.startswith("holds ") for line in lines] == held
    assert result.code == (0 if all(held) else 1)


def test_a_childs_memory_counts(world: Path) -> None:
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {LARGE!r}], check=True)"
    code = "import sys; from pathlib import Path; from frame import once; "
    code += f"print(once([sys.executable, '-c', {child!r}], Path('.')).megabytes)"
    assert float(_python(code, world).text) > 95


def test_a_program_that_fails_ends_the_benchmark(world: Path) -> None:
    code = "from pathlib import Path; from frame import once; once(['sh', '-c', 'echo why; exit 7'], Path('.'))"
    result = _python(code, world, check=False)
    assert result.code == 1
    assert "exit 7\nwhy" in result.err
