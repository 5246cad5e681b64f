"""The ground that the other tests stand on: the world is sealed, and the repositories are what they say."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests import histories
from tests.repos import ROOT, Exe, Link, Repo, run
from tests.terminal import on_terminal
from tests.world import START, now, sealed, tick


def test_the_world_hides_the_machine(world: Path) -> None:
    os.environ["GIT_DIR"] = "/nonexistent"
    os.environ["TINY_MODE"] = "chat"
    before = dict(os.environ)
    inner = world / "inner"
    with sealed(inner):
        assert "GIT_DIR" not in os.environ
        assert "TINY_MODE" not in os.environ
        assert Path.home() == inner / "home"
        listed = run(["git", "config", "--list", "--show-origin"], cwd=inner).out
        assert {line.split("\t")[0] for line in listed.splitlines()} == {f"file:{inner}/home/.gitconfig"}
        os.environ["GIT_LEFT_OVER"] = "1"
    assert dict(os.environ) == before
    del os.environ["GIT_DIR"], os.environ["TINY_MODE"]


def test_the_clock_moves_only_with_git(world: Path) -> None:
    repo = Repo.create(world / "r")
    assert now() == START
    repo.commit("one")
    assert repo.git("log", "-1", "--format=%at %ct").text == f"{START + 60} {START + 60}"
    assert tick(5) == now()


def test_the_same_history_has_the_same_oid(world: Path) -> None:
    oids = []
    for name in ("one", "two"):
        with sealed(world / name):
            oids.append(Repo.create(world / name / "r").commit("first", {"a": "a\n"}))
    assert oids[0] == oids[1]


def test_an_editor_fails(repo: Repo) -> None:
    assert repo.git("commit", "--amend", check=False).code != 0


def test_writes_are_what_was_asked(world: Path) -> None:
    repo = Repo.create(world / "r")
    repo.commit(
        "all kinds", {"f": "f\n", "x": Exe("x\n"), "l": Link("f"), b"\xff".decode("utf-8", "surrogateescape"): b"\0"}
    )
    assert {path: oct(mode) for path, (mode, _) in repo.tree("HEAD").items()} == {
        "f": "0o100644",
        "x": "0o100755",
        "l": "0o120000",
        "\udcff": "0o100644",
    }
    assert repo.files() == {"f": b"f\n", "x": b"x\n", "l": b"-> f", "\udcff": b"\0"}
    assert repo.index() == repo.tree("HEAD")
    repo.commit("gone", {"f": None})
    assert "f" not in repo.tree("HEAD")


def test_worktrees_and_clones(repo: Repo, world: Path) -> None:
    linked = repo.worktree_add(world / "linked", "-b", "side")
    linked.commit("there", {"new": "n\n"})
    assert repo.refs()["refs/heads/side"] == linked.oid()
    copy = repo.clone(world / "copy", "--bare")
    assert copy.oid("main") == repo.oid("main")


@pytest.mark.parametrize("name", histories.ALL)
def test_each_history_is_sound_and_clean(name: str, world: Path) -> None:
    repo = histories.ALL[name](world / "r")
    repo.fsck()
    assert repo.git("status", "--porcelain").text == ""
    assert int(repo.git("rev-list", "--count", "HEAD").text) >= 2


def test_sha256_and_bare(world: Path) -> None:
    repo = Repo.create(world / "r", object_format="sha256")
    assert len(repo.commit("one")) == 64
    bare = Repo.create(world / "b", bare=True)
    assert bare.git("rev-parse", "--is-bare-repository").text == "true"


def test_a_terminal_is_a_controlling_terminal(world: Path) -> None:
    ask = "f = open('/dev/tty', 'r+b', 0); f.write(b'name? '); print('got', f.readline().strip()); raise SystemExit(3)"
    with on_terminal([sys.executable, "-c", ask], cwd=world) as terminal:
        terminal.expect(r"name\? ")
        terminal.send("ada\n")
        terminal.expect("got b'ada'")
        assert terminal.wait() == 3


def test_a_terminal_passes_ctrl_c(world: Path) -> None:
    with on_terminal(["sh", "-c", "echo ready; exec sleep 60"], cwd=world) as terminal:
        terminal.expect("ready")
        terminal.send("\x03")
        assert terminal.wait() == -2


def test_a_failed_process_shows_what_it_said(world: Path) -> None:
    with pytest.raises(AssertionError, match="said this"):
        run(["sh", "-c", "echo said this >&2; exit 3"], cwd=world)
    assert (ROOT / "pyproject.toml").is_file()
