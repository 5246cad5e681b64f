"""git knows the empty tree without storing it; so do we."""

from __future__ import annotations

from pathlib import Path

from tests.repos import Repo
from tinycode_git.git.write import PlanRepo
from tinycode_git.proposal import MODE_FILE, Delete, Put

EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def _stored(repo: Repo) -> Path:
    return repo.git_dir() / "objects" / EMPTY[:2] / EMPTY[2:]


def test_a_tree_is_built_on_the_empty_one_that_nobody_stored(repo: Repo) -> None:
    assert not _stored(repo).exists()
    tree = PlanRepo.discover(repo.path).write_tree(EMPTY, [Put("a/b", b"b\n", MODE_FILE)])
    assert repo.tree(tree).keys() == {"a/b"}


def test_a_commit_without_files_is_read(world: Path) -> None:
    repo = Repo.create(world / "r")
    oid = repo.commit("nothing")
    _stored(repo).unlink()
    handle = PlanRepo.discover(repo.path)
    assert list(handle.snapshot(oid).paths()) == []
    assert repo.tree(handle.write_tree(EMPTY, [Put("f", b"", MODE_FILE)])).keys() == {"f"}


def test_the_last_file_goes(repo: Repo) -> None:
    handle = PlanRepo.discover(repo.path)
    tree = handle.write_tree(repo.oid("HEAD^{tree}"), [Delete("hello.txt"), Delete("src/app.py")])
    assert tree == EMPTY
    commit = repo.git("commit-tree", "-m", "empty", tree).text
    repo.git("merge", "-q", "--ff-only", repo.git("commit-tree", "-m", "x", "-p", "HEAD", tree).text)
    assert repo.tree(commit) == {}
    repo.fsck()
