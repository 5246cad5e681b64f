"""Bad input: a clear line, the right exit code, no traceback, and never a clean verdict for what was not looked at."""

from __future__ import annotations

import os
import sqlite3
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.repos import ROOT, Repo, Result, run
from tests.safety.conftest import TOKEN

BAD = f"t = '{TOKEN}'\n"


def told(done: Result) -> dict[str, str]:
    assert "Traceback" not in done.err
    return {skip["what"]: skip["reason"] for skip in done.json["receipt"]["skipped"]}


def loose(repo: Repo, oid: str) -> Path:
    place = repo.git_dir() / "objects" / oid[:2] / oid[2:]
    place.chmod(0o644)
    return place


def truncated(place: Path) -> None:
    place.write_bytes(place.read_bytes()[:20])


def scrambled(place: Path) -> None:
    place.write_bytes(zlib.compress(b"blob 5\0not five"))


def removed(place: Path) -> None:
    place.unlink()


@pytest.mark.parametrize("harm", [truncated, scrambled, removed])
@pytest.mark.parametrize("mode", [("--range", "HEAD~1..HEAD"), ("--all",)])
def test_an_object_that_cannot_be_read_is_a_gap(
    repo: Repo, harm: Callable[[Path], None], mode: tuple[str, ...]
) -> None:
    repo.commit("two", {"a.txt": "harmed\n", "b.txt": "b\n", "c.py": "x = 1\n"})
    harm(loose(repo, repo.tree()["a.txt"][1]))
    done = repo.tiny("scan", *mode, "--json", check=False)
    assert done.code == 4
    assert len(told(done)) == 1


@pytest.mark.parametrize("harm", [truncated, removed])
def test_a_finding_outweighs_a_gap(repo: Repo, harm: Callable[[Path], None]) -> None:
    repo.commit("two", {"a.txt": "harmed\n", "b.txt": BAD})
    harm(loose(repo, repo.tree()["a.txt"][1]))
    done = repo.tiny("scan", "--range", "HEAD~1..HEAD", "--json", check=False)
    assert done.code == 1
    assert [one["path"] for one in done.json["findings"]] == ["b.txt"]
    assert len(told(done)) == 1


def test_history_that_is_missing(repo: Repo) -> None:
    repo.commit("two", {"a.txt": "a\n"})
    repo.commit("three", {"a.txt": "b\n"})
    removed(loose(repo, repo.oid("HEAD~1")))
    for mode in (("--all",), ("--range", "HEAD~1..HEAD"), ("--range", "HEAD")):
        done = repo.tiny("scan", *mode, check=False)
        assert done.code in (2, 4)
        assert done.err.startswith("error: ")


def test_a_shallow_clone_says_what_it_does_not_have(repo: Repo, world: Path) -> None:
    repo.commit("two", {"a.txt": "a\n"})
    shallow = repo.clone(world / "shallow", "--depth=1", "--no-local")
    done = shallow.tiny("scan", "--all", "--json", check=False)
    assert done.code == 4
    assert "unshallow" in told(done)["the history below its shallow boundary"]


@pytest.mark.parametrize("question", ["nowhere..HEAD", "HEAD~99..HEAD", "HEAD..nowhere", "0" * 40, "-n1", "a b..c"])
def test_a_range_that_does_not_exist(repo: Repo, question: str) -> None:
    done = repo.tiny("scan", f"--range={question}", check=False)
    assert done.code == 2, str(done)
    assert done.err.startswith("error: there is no such range")


def test_nothing_to_look_at_is_no_pass(repo: Repo, world: Path) -> None:
    for mode in (("--staged",), ("--range", "HEAD..HEAD")):
        done = repo.tiny("scan", *mode, check=False)
        assert (done.code, "that is no pass" in done.err) == (4, True)
    empty = world / "empty"
    empty.mkdir()
    assert repo.tiny("scan", "--no-index", str(empty), check=False).code == 4


def test_a_file_that_is_not_there_or_not_a_file(repo: Repo, world: Path) -> None:
    assert repo.tiny("scan", "--no-index", "none.txt", check=False).code == 2
    os.mkfifo(world / "pipe")
    done = repo.tiny("scan", "--no-index", str(world / "pipe"), "--json", check=False)
    assert done.code == 4
    assert list(told(done).values()) == ["cannot be read: not a file"]


@pytest.mark.skipif(sys.platform != "linux", reason="the file is Linux's")
def test_a_file_that_cannot_be_read(repo: Repo) -> None:
    done = repo.tiny("scan", "--no-index", "/proc/self/mem", "hello.txt", "--json", check=False)
    assert done.code == 4
    assert list(told(done).values()) == ["cannot be read: Input/output error"]


def test_a_line_of_100_mb(repo: Repo) -> None:
    place = repo.path / "long.txt"
    with place.open("wb") as stream:
        stream.write(b"x" * (100 << 20))
        stream.seek(90 << 20)
        stream.write(f" '{TOKEN}' ".encode())
    done = repo.tiny("scan", "--no-index", "long.txt", "--json", check=False)
    (finding,) = done.json["findings"]
    assert (finding["line"], finding["column"], done.code) == (1, (90 << 20) + 3, 1)
    repo.git("add", "long.txt")
    (finding,) = repo.tiny("scan", "--staged", "--json", check=False).json["findings"]
    assert (finding["line"], finding["column"]) == (1, (90 << 20) + 3)


@pytest.mark.slow
def test_a_file_of_2_gb(repo: Repo) -> None:
    place = repo.path / "huge.bin"
    with place.open("wb") as stream:
        stream.truncate(2 << 30)
        stream.seek((2 << 30) - 100)
        stream.write(f"\n'{TOKEN}'\n".encode())
    done = run(
        [sys.executable, "-P", "-c", _MEASURED, "scan", "--no-index", "huge.bin", "--json"],
        cwd=repo.path,
        env={"PYTHONPATH": str(ROOT)},
        check=False,
        timeout=600,
    )
    (finding,) = done.json["findings"]
    assert (finding["line"], finding["column"], done.code) == (2, 2, 1)
    assert int(done.err.rsplit("peak ", 1)[1]) < 400


_MEASURED = """
import resource, sys
from tinycode_git.cli import main
code = main(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize("raw", [b"\xff\xfe\xfd" * 9, b"\xc3\x28 \xa0\xa1", b"\xed\xa0\x80", bytes(range(256))])
def test_what_is_not_utf8(repo: Repo, raw: bytes) -> None:
    repo.write("a.txt", raw + f"\n'{TOKEN}'\n".encode())
    repo.git("add", "a.txt")
    done = repo.tiny("scan", "--staged", "--json", check=False)
    assert done.code == 1
    assert [one["rule"] for one in done.json["findings"]] == ["github-token"]


def test_a_path_that_is_not_utf8_and_acts_on_a_terminal(repo: Repo) -> None:
    repo.write(b"\xff\x1b[2J.txt", BAD)
    repo.git("add", "-A")
    done = repo.tiny("scan", "--staged", check=False)
    assert "\\xff\\x1b[2J.txt:1:6: critical: github-token" in done.out
    assert "\x1b" not in done.out
    assert repo.tiny("scan", "--staged", "--json", check=False).json["findings"][0]["path"] == '"\\377\\033[2J.txt"'


def test_a_locked_cache_is_done_without(repo: Repo) -> None:
    repo.commit("two", {"a.txt": BAD})
    repo.tiny("scan", "--range", "HEAD~1..HEAD", check=False)
    file = repo.git_dir() / "tiny" / "verdicts.db"
    holder = sqlite3.connect(file, isolation_level=None)
    try:
        holder.execute("BEGIN EXCLUSIVE")
        done = repo.tiny("scan", "--range", "HEAD~1..HEAD", "--json", check=False)
    finally:
        holder.close()
    assert (done.code, done.json["receipt"]["scanned"] >= 1) == (1, True)


@pytest.mark.parametrize("garbage", [b"", b"no database at all " * 99, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_cache_is_made_again(repo: Repo, garbage: bytes) -> None:
    repo.commit("two", {"a.txt": BAD})
    (repo.git_dir() / "tiny").mkdir(exist_ok=True)
    (repo.git_dir() / "tiny" / "verdicts.db").write_bytes(garbage)
    for cached in (False, True):
        done = repo.tiny("scan", "--range", "HEAD~1..HEAD", "--json", check=False)
        assert done.code == 1
        assert (done.json["receipt"]["cached"] > 0) is cached


@pytest.mark.parametrize("garbage", [b"", b"\xff" * 100, b"damaged"])
def test_damaged_compiled_rules_are_made_again(repo: Repo, world: Path, garbage: bytes) -> None:
    own = {"XDG_CACHE_HOME": str(world / "own")}
    repo.write("a.txt", BAD)
    repo.git("add", "a.txt")
    repo.tiny("scan", "--staged", env=own, check=False)
    (file,) = (world / "own" / "tinycode-git").glob("rules*.bin")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if garbage == b"damaged" else garbage)
    done = repo.tiny("scan", "--staged", env=own, check=False)
    assert (done.code, done.err) == (1, "")
    assert len(file.read_bytes()) == len(whole)


def test_no_space_for_what_is_cached(repo: Repo, world: Path) -> None:
    repo.write("a.txt", BAD)
    repo.git("add", "a.txt")
    script = f"ulimit -f 0; exec '{sys.executable}' -P -m tinycode_git scan --staged --json"
    env = {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(world / "own")}
    done = run(["sh", "-c", script], cwd=repo.path, env=env, check=False)
    assert (done.code, len(done.json["findings"])) == (1, 1)


def test_a_cache_directory_that_is_a_file(repo: Repo, world: Path) -> None:
    (world / "own").write_text("in the way")
    repo.write("a.txt", BAD)
    repo.git("add", "a.txt")
    assert repo.tiny("scan", "--staged", env={"XDG_CACHE_HOME": str(world / "own")}, check=False).code == 1


@pytest.mark.parametrize(
    "args",
    [
        ("--staged", "--all"),
        ("--unreachable",),
        ("--fix", "--staged"),
        ("--tier", "lax"),
        ("--range", "A..B", "--no-index", "x"),
    ],
)
def test_a_wrong_use(repo: Repo, args: tuple[str, ...]) -> None:
    assert repo.tiny("scan", *args, check=False).code == 2


def test_a_tier_that_there_is_not(repo: Repo) -> None:
    repo.config("tiny.tier", "lax")
    done = repo.tiny("scan", "--staged", check=False)
    assert (done.code, "there is no tier 'lax'" in done.err) == (2, True)


def test_a_repository_of_sha256(world: Path) -> None:
    repo = Repo.create(world / "new", object_format="sha256")
    repo.commit("one", {"a.txt": "fine\n"})
    repo.commit("two", {"a.txt": BAD})
    for mode in (("--range", "HEAD~1..HEAD"), ("--all",), ("--worktree",)):
        done = repo.tiny("scan", *mode, "--json", check=False)
        assert [one["rule"] for one in done.json["findings"]] == ["github-token"], str(done)
