"""Every kind of alteration is seen and said; what is git tiny's own, or no alteration, is not."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests import histories
from tests.repos import Link, Repo, run
from tinycode_git.git.fingerprint import Fingerprint, difference
from tinycode_git.git.process import GitFailed

Alter = Callable[[Repo], object]


def _touch(repo: Repo) -> None:
    os.utime(repo.path / "hello.txt", ns=(1, 1))


def _same_size_and_time(repo: Repo) -> None:
    place = repo.path / "hello.txt"
    was = place.stat()
    place.write_text("jello\n")
    os.utime(place, ns=(was.st_atime_ns, was.st_mtime_ns))


def _replace_by_link(repo: Repo) -> None:
    repo.write("hello.txt", Link("src/app.py"))


def _refresh_index(repo: Repo) -> None:
    _touch(repo)
    repo.git("update-index", "--refresh")


def _stash(repo: Repo) -> None:
    repo.write("hello.txt", "changed\n")
    repo.git("stash", "-q")


def _write_and(repo: Repo, *args: str) -> None:
    repo.write("new", "x\n")
    repo.git(*args)


def _append(name: str, text: str = "\n# more\n") -> Alter:
    def alter(repo: Repo) -> None:
        place = repo.path / ".git" / name
        place.parent.mkdir(exist_ok=True)
        with place.open("a") as file:
            file.write(text)

    return alter


# What is done, and a part of a line that must be among what is said.
ALTERATIONS: dict[str, tuple[Alter, str]] = {
    "file changed": (lambda r: r.write("hello.txt", "x\n"), "repo/hello.txt: changed"),
    "file added": (lambda r: r.write("new", "x\n"), "repo/new: added"),
    "file removed": (lambda r: r.write("hello.txt", None), "repo/hello.txt: removed"),
    "ignored file added": (lambda r: r.write("log.ignored", "x\n"), "repo/log.ignored: added"),
    "ignored file changed": (lambda r: r.write("old.ignored", "x\n"), "repo/old.ignored: changed"),
    "untracked changed": (lambda r: r.write("untracked", "x\n"), "repo/untracked: changed"),
    "not UTF-8": (lambda r: r.write(b"\xff", "x\n"), "repo/\udcff: added"),
    "same size and time": (_same_size_and_time, "repo/hello.txt: changed"),
    "touched": (_touch, "repo/hello.txt: touched"),
    "executable": (lambda r: (r.path / "hello.txt").chmod(0o755), "repo/hello.txt: mode 644 became 755"),
    "link for a file": (_replace_by_link, "repo/hello.txt: file became link"),
    "link turned": (lambda r: r.write("link", Link("src")), "repo/link: changed"),
    "folder added": (lambda r: (r.path / "empty").mkdir(), "repo/empty: added"),
    "folder written to": (lambda r: r.write("src/x", "x\n"), "repo/src: written to"),
    "pipe made": (lambda r: os.mkfifo(r.path / "pipe"), "repo/pipe: added"),
    "nested repository": (lambda r: run(["git", "init", "-q", "sub"], cwd=r.path), "repo/sub/.git/HEAD: added"),
    "linked worktree file": (lambda r: r.write("../linked/hello.txt", "x\n"), "linked/hello.txt: changed"),
    "linked worktree index": (
        lambda r: Repo(r.path.parent / "linked").git("rm", "-q", "--cached", "hello.txt"),
        "index of worktree linked: changed",
    ),
    "linked worktree HEAD": (
        lambda r: Repo(r.path.parent / "linked").git("checkout", "-q", "-b", "elsewhere"),
        "HEAD of worktree linked: refs/heads/side became refs/heads/elsewhere",
    ),
    "worktree added": (lambda r: r.git("worktree", "add", "-q", "../more"), "more: added"),
    "worktree removed": (lambda r: r.git("worktree", "remove", "../linked"), "linked: removed"),
    "staged": (lambda r: _write_and(r, "add", "new"), "index: changed"),
    "assume unchanged": (lambda r: r.git("update-index", "--assume-unchanged", "hello.txt"), "index: changed"),
    "skip worktree": (lambda r: r.git("update-index", "--skip-worktree", "hello.txt"), "index: changed"),
    "intent to add": (lambda r: _write_and(r, "add", "-N", "new"), "index: changed"),
    "index refreshed": (_refresh_index, "index: rewritten with the same entries"),
    "index lock left": (lambda r: (r.path / ".git/index.lock").touch(), ".git/index.lock: added"),
    "branch moved": (lambda r: r.git("commit", "-q", "--allow-empty", "-m", "x"), "refs/heads/main: "),
    "HEAD reflog": (lambda r: r.git("commit", "-q", "--allow-empty", "-m", "x"), "reflog of HEAD: changed"),
    "branch created": (lambda r: r.git("branch", "new"), "refs/heads/new: created ("),
    "branch deleted": (lambda r: r.git("branch", "-D", "other"), "refs/heads/other: deleted (was "),
    "branch of the name tiny": (lambda r: r.git("branch", "tiny"), "refs/heads/tiny: created ("),
    "tag": (lambda r: r.git("tag", "v1"), "refs/tags/v1: created ("),
    "packed tag": (lambda r: (r.git("tag", "v1"), r.git("pack-refs", "--all")), "refs/tags/v1: created ("),
    "note": (lambda r: r.git("notes", "add", "-m", "x"), "refs/notes/commits: created ("),
    "symbolic ref": (
        lambda r: r.git("symbolic-ref", "refs/x", "refs/heads/main"),
        "refs/x: created (-> refs/heads/main)",
    ),
    "HEAD elsewhere": (
        lambda r: r.git("symbolic-ref", "HEAD", "refs/heads/other"),
        "HEAD: refs/heads/main became refs",
    ),
    "HEAD detached": (lambda r: r.git("checkout", "-q", "--detach"), "HEAD: refs/heads/main became "),
    "stash": (_stash, "stash: created ("),
    "stash reflog": (_stash, "reflog of the stash: added"),
    "branch reflog": (_append("logs/refs/heads/other"), "reflog of refs/heads/other: changed"),
    "config": (lambda r: r.config("user.name", "x"), "configuration (.git/config): changed"),
    "worktree config": (_append("config.worktree"), "configuration (.git/config.worktree): added"),
    "hook added": (lambda r: r.hook("pre-commit", "exit 1"), "hook pre-commit: added"),
    "hook changed": (_append("hooks/post-merge"), "hook post-merge: changed"),
    "hook enabled": (lambda r: (r.path / ".git/hooks/post-merge").chmod(0o700), "hook post-merge: mode 755 became 700"),
    "exclude": (_append("info/exclude"), ".git/info/exclude: changed"),
    "attributes": (_append("info/attributes"), ".git/info/attributes: added"),
    "alternates": (_append("objects/info/alternates", "/nowhere\n"), ".git/objects/info/alternates: added"),
    "half a merge": (_append("MERGE_HEAD", "0" * 40), ".git/MERGE_HEAD: added"),
    "half a rebase": (_append("rebase-merge/onto", "x"), ".git/rebase-merge/onto: added"),
    "shallow": (_append("shallow", "0" * 40), ".git/shallow: added"),
    "submodule's config": (_append("modules/lib/config"), ".git/modules/lib/config: changed"),
    "submodule's ref": (_append("modules/lib/refs/heads/x", "x"), ".git/modules/lib/refs/heads/x: added"),
    "a module named objects": (_append("modules/objects", "x"), ".git/modules/objects: added"),
}
# The stat-only kind reads no file of a worktree, and compares indexes by their bytes.
QUICK_WORDS = {
    "index refreshed": "index: changed",
    "touched": "repo/hello.txt: changed",
    "executable": "repo/hello.txt: changed, mode 644 became 755",
}


@pytest.fixture
def rich(repo: Repo, world: Path) -> Repo:
    """A repository with something of every kind."""
    repo.commit("more", {".gitignore": "*.ignored\n", "link": Link("hello.txt")})
    repo.write("old.ignored", "old\n")
    repo.write("untracked", "u\n")
    repo.git("branch", "other")
    repo.hook("post-merge", "exit 0")
    repo.worktree_add(world / "linked", "-b", "side")
    library = Repo.create(world / "library")
    library.commit("first", {"lib.c": "c\n"})
    run(["git", "clone", "-q", "--bare", library.path, repo.path / ".git/modules/lib"], cwd=world)
    return repo


@pytest.mark.parametrize("quick", [False, True], ids=["thorough", "quick"])
@pytest.mark.parametrize("name", ALTERATIONS)
def test_each_alteration_is_seen(name: str, quick: bool, rich: Repo) -> None:
    alter, words = ALTERATIONS[name]
    before = Fingerprint.take(rich.path, quick=quick)
    alter(rich)
    said = difference(before, before.again())
    wanted = QUICK_WORDS.get(name, words) if quick else words
    assert any(wanted in line for line in said), said


OURS: dict[str, Alter] = {
    "nothing": lambda r: None,
    "plan branch": lambda r: r.git("update-ref", "--create-reflog", "refs/heads/tiny/plan-0001", "HEAD"),
    "record": lambda r: r.git("update-ref", "--create-reflog", "refs/tiny/plans/plan-0001", "HEAD"),
    "review": lambda r: r.git("notes", "--ref=tiny-review", "add", "-m", "x"),
    "objects": lambda r: r.git("hash-object", "-w", "--stdin", input="new\n"),
    "packed": lambda r: (r.git("pack-refs", "--all"), r.git("repack", "-adq")),
    "journal": _append("tiny/journal"),
    "read": lambda r: r.git("--no-optional-locks", "status"),
}


@pytest.mark.parametrize("quick", [False, True], ids=["thorough", "quick"])
@pytest.mark.parametrize("name", OURS)
def test_what_is_not_the_users_does_not_count(name: str, quick: bool, rich: Repo) -> None:
    before = Fingerprint.take(rich.path, quick=quick)
    OURS[name](rich)
    assert difference(before, Fingerprint.take(rich.path, quick=quick)) == ()


@pytest.mark.parametrize("name", histories.ALL)
def test_every_history_is_equal_to_itself(name: str, world: Path) -> None:
    repo = histories.ALL[name](world / "r")
    before = Fingerprint.take(repo.path)
    assert difference(before, before.again()) == ()
    assert set(repo.files()) <= set(before.worktrees[str(repo.path)])


def test_the_same_from_a_linked_worktree_and_a_folder(rich: Repo) -> None:
    whole = Fingerprint.take(rich.path)
    assert Fingerprint.take(rich.path / "src") == whole
    assert Fingerprint.take(rich.path.parent / "linked") == whole
    assert Fingerprint.take(rich.path / ".git") == whole


def test_bare_and_separate_and_submodule(rich: Repo, world: Path) -> None:
    bare = rich.clone(world / "bare", "--bare")
    before = Fingerprint.take(bare.path)
    assert before.worktrees == {}
    bare.git("branch", "-D", "other")
    assert difference(before, before.again()) == (f"refs/heads/other: deleted (was {rich.oid()[:12]})",)
    run(["git", "init", "-q", "--separate-git-dir", world / "elsewhere", world / "apart"], cwd=world)
    assert list(Fingerprint.take(world / "apart").worktrees) == [str(world / "apart")]
    top = histories.submodule(world / "top").path / "vendor/lib"
    assert list(Fingerprint.take(top).worktrees) == [str(top)]


def test_configuration_that_git_cannot_read_is_a_difference_not_a_failure(rich: Repo) -> None:
    before = Fingerprint.take(rich.path)
    _append("config", "[broken\n")(rich)
    said = difference(before, before.again())
    assert "configuration (.git/config): changed" in said
    assert any("git for-each-ref failed" in line for line in said)


def test_the_repository_is_gone(rich: Repo) -> None:
    before = Fingerprint.take(rich.path)
    subprocess.run(["rm", "-rf", rich.path], check=True)
    said = difference(before, before.again())
    assert "HEAD: removed" in said
    assert f"{rich.path}/hello.txt: removed" in said


def test_what_cannot_be_compared(rich: Repo, world: Path) -> None:
    one = Fingerprint.take(rich.path)
    with pytest.raises(ValueError, match="different"):
        difference(one, Fingerprint.take(rich.path, quick=True))
    with pytest.raises(ValueError, match="different"):
        difference(one, replace(one, common=world))
    with pytest.raises(GitFailed, match="not a git repository"):
        Fingerprint.take(world)


def test_another_prefix_of_plan_branches(rich: Repo) -> None:
    own = ("refs/heads/plans/", "refs/tiny/")
    before = Fingerprint.take(rich.path, own=own)
    rich.git("branch", "plans/a")
    assert difference(before, before.again()) == ()
    rich.git("branch", "tiny/a")
    assert any(line.startswith("refs/heads/tiny/a: created") for line in difference(before, before.again()))
