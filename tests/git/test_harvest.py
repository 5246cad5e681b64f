"""What a program did in a throwaway clone comes back as objects, and only as objects."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.repos import Exe, Link, Repo
from tinycode_git.errors import Incomplete
from tinycode_git.git.fingerprint import Fingerprint, difference
from tinycode_git.git.harvest import Harvest, harvest
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.throwaway import clone

Work = Callable[[Repo], object]


def _harvest(repo: Repo, work: Work) -> Harvest:
    handle = ReadRepo.discover(repo.path)
    before = Fingerprint.take(repo.path)
    try:
        with clone(handle.place, repo.oid()) as made:
            work(Repo(made.path))
            return harvest(made, repo.oid(), handle.git)
    finally:
        assert difference(before, before.again()) == ()


def _commits_and_rest(copy: Repo) -> None:
    copy.commit("one", {"a": "a\n"})
    copy.commit("two", {"hello.txt": None, "b": Exe("b\n")})
    copy.write("src/app.py", "left\n")
    copy.write("untracked/deep", Link("../b"))
    copy.write("staged", "s\n")
    copy.git("add", "staged")


def test_commits_and_what_was_left(repo: Repo) -> None:
    found = _harvest(repo, _commits_and_rest)
    repo.fsck()
    assert repo.git("log", "--format=%s", f"{repo.oid()}..{found.tip}").text == "two\none"
    assert found.rest is not None
    assert repo.git("diff-tree", "-r", "--name-only", "--no-commit-id", found.tip, found.rest).text.split() == [
        "src/app.py",
        "staged",
        "untracked/deep",
    ]
    assert found.notes == ()


def test_nothing_done(repo: Repo) -> None:
    assert _harvest(repo, lambda copy: None) == Harvest(repo.oid(), None)


@pytest.mark.parametrize(
    "work",
    [
        lambda copy: copy.branch("elsewhere"),
        lambda copy: copy.git("checkout", "-q", "--detach"),
        lambda copy: copy.git("pack-refs", "--all"),
        lambda copy: copy.git("symbolic-ref", "refs/heads/link", "refs/heads/main"),
    ],
    ids=["another branch", "detached", "packed refs", "a symbolic ref"],
)
def test_where_head_is_counts(work: Work, repo: Repo) -> None:
    def whole(copy: Repo) -> None:
        copy.commit("one", {"a": "a\n"})
        work(copy)

    found = _harvest(repo, whole)
    assert repo.git("log", "-1", "--format=%s", found.tip).text == "one"
    assert found.rest is None


def test_history_that_was_rewritten(repo: Repo) -> None:
    repo.commit("second", {"hello.txt": "second\n"})

    def reset(copy: Repo) -> None:
        copy.git("reset", "-q", "--hard", "HEAD~1")
        copy.commit("instead", {"hello.txt": "instead\n"})

    found = _harvest(repo, reset)
    assert repo.oid(f"{found.tip}~1") == repo.oid("HEAD~1")


def _remove_git(copy: Repo) -> None:
    shutil.rmtree(copy.path / ".git")


def _points_at_users(users: Path) -> Work:
    def work(copy: Repo) -> None:
        _remove_git(copy)
        (copy.path / ".git").symlink_to(users / ".git")

    return work


def _objects_elsewhere(copy: Repo) -> None:
    shutil.rmtree(copy.path / ".git/objects")
    (copy.path / ".git/objects").symlink_to("/")


def _pipe_as_head(copy: Repo) -> None:
    (copy.path / ".git/HEAD").unlink()
    os.mkfifo(copy.path / ".git/HEAD")


RUINS: dict[str, Work] = {
    "removed": _remove_git,
    "HEAD is nonsense": lambda copy: (copy.path / ".git/HEAD").write_text("ref: refs/../../../etc/passwd"),
    "HEAD is a pipe": _pipe_as_head,
    "HEAD names nothing": lambda copy: (copy.path / ".git/HEAD").write_text("0" * 40),
    "objects are elsewhere": _objects_elsewhere,
    "refs in a circle": lambda copy: (copy.path / ".git/refs/heads/main").write_text("ref: refs/heads/main"),
}


@pytest.mark.parametrize("name", RUINS)
def test_a_ruined_repository_leaves_the_working_tree(name: str, repo: Repo) -> None:
    def work(copy: Repo) -> None:
        copy.write("left", "l\n")
        RUINS[name](copy)

    found = _harvest(repo, work)
    assert found.tip == repo.oid()
    assert found.rest is not None
    assert repo.tree(found.rest).keys() == {"hello.txt", "src/app.py", "left"}
    assert "ruined" in found.notes[0]


def test_a_git_directory_that_points_at_the_users(repo: Repo) -> None:
    found = _harvest(repo, _points_at_users(repo.path))
    assert found.rest is None
    assert "ruined" in found.notes[0]


def test_nothing_of_its_configuration_is_run(repo: Repo, world: Path) -> None:
    evil = world / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {world}/ran\ncat\n")
    evil.chmod(0o755)

    def work(copy: Repo) -> None:
        (world / "hooks").mkdir()
        for name in ("post-index-change", "post-checkout", "post-commit"):
            (world / "hooks" / name).symlink_to(evil)
        copy.commit("one", {"a": "a\n", ".gitattributes": "* filter=evil diff=evil\n"})
        for key in (
            "core.fsmonitor",
            "filter.evil.clean",
            "filter.evil.smudge",
            "diff.evil.textconv",
            "uploadpack.packObjectsHook",
            "core.alternateRefsCommand",
            "core.sshCommand",
        ):
            copy.config(key, str(evil))
        copy.config("core.hooksPath", str(world / "hooks"))
        copy.write("a", "changed\n")
        (world / "ran").unlink(missing_ok=True)

    found = _harvest(repo, work)
    assert found.rest is not None
    assert repo.show(found.rest, "a") == b"changed\n"
    assert not (world / "ran").exists()


def test_repositories_inside_and_what_cannot_be_read(repo: Repo) -> None:
    def work(copy: Repo) -> None:
        subprocess.run(["git", "init", "-q", copy.path / "empty"], check=True)
        Repo.create(copy.path / "sub").commit("inside", {"x": "x\n"})
        os.mkfifo(copy.path / "pipe")
        copy.write("kept", "k\n")

    found = _harvest(repo, work)
    assert found.rest is not None
    tree = repo.tree(found.rest)
    assert tree["kept"][0] == 0o100644
    assert tree["sub"][0] == 0o160000
    assert any("empty" in note for note in found.notes)


def test_malformed_objects_do_not_come_over(repo: Repo) -> None:
    def work(copy: Repo) -> None:
        blob = copy.git("hash-object", "-w", "--stdin", input="x\n").text
        raw = b"100644 .git\0" + bytes.fromhex(blob)
        tree = copy.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", input=raw).text
        commit = copy.git("commit-tree", "-m", "evil", "-p", "HEAD", tree).text
        (copy.path / ".git/refs/heads/main").write_text(f"{commit}\n")

    with pytest.raises(Incomplete, match="could not be taken over"):
        _harvest(repo, work)
    repo.fsck()
