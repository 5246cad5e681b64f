"""Repositories and moments that are out of the ordinary: it works there, or is refused with the line that is here."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import histories
from tests.plan.plans import apply, make_plan, state, untouched
from tests.repos import ROOT, TINY, Repo, Result, run

REPLACE = ("propose", "--recipe", "replace", "hello", "goodbye")


def lands(repo: Repo, *options: str) -> None:
    """Propose, apply and roll back; what was before is there again."""
    before = state(repo)
    plan = repo.tiny(*REPLACE, *options, "--json").json
    assert state(repo) == before
    repo.tiny("apply", plan["id"], "--yes", "--expect", plan["tip"])
    assert repo.show(plan["target"], "hello.txt") == b"goodbye\n"
    repo.tiny("rollback", plan["id"])
    assert state(repo) == before
    repo.fsck()


def refused(repo: Repo, code: int, line: str, hint: str, *args: str) -> None:
    """Every part of the user's is as it was, and these two lines are all that is said."""
    with untouched(repo):
        answer = repo.tiny(*args, check=False)
    says(answer, code, line, hint)


def says(answer: Result, code: int, line: str, hint: str) -> None:
    assert (answer.code, answer.err) == (code, f"error: {line}\nhint: {hint}\n"), answer


FIRST_COMMIT = "make a first commit: a plan needs one to stand on"


def test_a_bare_repository(repo: Repo, world: Path) -> None:
    bare = repo.clone(world / "bare.git", "--bare")
    before = bare.oid("main")
    plan = bare.tiny(*REPLACE, "--json").json
    bare.tiny("apply", plan["id"], "--yes", "--expect", plan["tip"])
    assert bare.show("main", "hello.txt") == b"goodbye\n"
    bare.tiny("rollback", plan["id"])
    assert bare.oid("main") == before
    bare.fsck()
    hint = "run git tiny in the working tree whose changes you mean"
    refused(bare, 1, "there is no working tree here", hint, "propose", "--from-worktree")


def test_an_empty_repository(world: Path) -> None:
    empty = Repo.create(world / "empty")
    refused(empty, 1, "main has no commit yet", FIRST_COMMIT, *REPLACE)
    hint = "git tiny propose makes one; git tiny plans --all lists every plan"
    refused(empty, 1, "there is no open plan here", hint, "apply")
    bare = Repo.create(world / "bare.git", bare=True)
    refused(bare, 1, "main has no commit yet", FIRST_COMMIT, *REPLACE)


def test_an_unborn_branch(repo: Repo) -> None:
    repo.git("checkout", "-q", "--orphan", "new")
    refused(repo, 1, "new has no commit yet", FIRST_COMMIT, *REPLACE)
    repo.git("rm", "-rfq", "--cached", ".")
    before = repo.files()
    plan = repo.tiny(*REPLACE, "--target", "main", "--json").json
    repo.tiny("apply", plan["id"], "--yes", "--expect", plan["tip"])
    assert repo.show("main", "hello.txt") == b"goodbye\n"
    assert repo.files() == before


def test_a_detached_head(repo: Repo) -> None:
    repo.git("checkout", "-q", "--detach")
    line = "HEAD is detached: there is no branch that an approval could merge into"
    refused(repo, 1, line, "name one: --target BRANCH", *REPLACE)
    files = repo.files()
    plan = repo.tiny(*REPLACE, "--target", "main", "--json").json
    repo.tiny("apply", plan["id"], "--yes", "--expect", plan["tip"])
    assert repo.show("main", "hello.txt") == b"goodbye\n"
    assert repo.files() == files


def test_no_repository(world: Path) -> None:
    folder = Repo(world / "plain")
    folder.path.mkdir()
    answer = folder.tiny("plans", check=False)
    says(answer, 1, f"{folder.path} is not inside a git repository", "change into one, or name it with -C DIR")


def test_a_linked_worktree(repo: Repo, world: Path) -> None:
    linked = repo.worktree_add(world / "linked", "-b", "side")
    before = repo.files()
    lands(linked)
    assert repo.files() == before


def test_a_target_that_is_checked_out_elsewhere_gets_its_files_there(repo: Repo, world: Path) -> None:
    linked = repo.worktree_add(world / "linked", "-b", "side")
    linked.write("src/app.py", "uncommitted\n")
    plan = make_plan(repo, {"hello.txt": "goodbye\n"}, target="side")
    before = repo.files()
    apply(repo, plan)
    assert repo.files() == before
    assert (linked.path / "hello.txt").read_text() == "goodbye\n"
    assert (linked.path / "src/app.py").read_text() == "uncommitted\n"


def test_a_target_in_a_worktree_that_is_not_there(repo: Repo, world: Path) -> None:
    linked = repo.worktree_add(world / "linked", "-b", "side")
    plan = make_plan(repo, {"hello.txt": "goodbye\n"}, target="side")
    shutil.rmtree(linked.path)
    line = f"side is checked out in {linked.path}, which is not there"
    hint = "git worktree prune forgets it; git worktree repair finds it again"
    refused(repo, 1, line, hint, "apply", plan.id, "--yes", "--expect", plan.tip)


def test_a_submodule_with_uncommitted_work_in_it(world: Path) -> None:
    repo = histories.ALL["submodule"](world / "r")
    repo.commit("hello", {"hello.txt": "hello\n"})
    inside = Repo(repo.path / "vendor/lib")
    inside.write("lib.c", "uncommitted\n")
    lands(repo)
    assert (inside.path / "lib.c").read_text() == "uncommitted\n"


def test_a_shallow_clone(repo: Repo, world: Path) -> None:
    base = repo.oid()
    repo.commit("second", {"more": "m\n"})
    shallow = repo.clone(world / "shallow", "--no-local", "--depth=1")
    lands(shallow)
    line = f"{base!r} names no commit in this shallow clone"
    hint = "git fetch --unshallow brings the rest"
    refused(shallow, 4, line, hint, "propose", "--from-range", f"{base}..main")


FETCH = "fetch it with git fetch --unshallow or git fetch --refetch --no-filter, or check with git fsck"


def test_a_partial_clone_whose_objects_are_missing(repo: Repo, world: Path) -> None:
    repo.config("uploadpack.allowFilter", "true")
    partial = repo.clone(world / "partial", "--no-local", "--filter=blob:none", "--no-checkout")
    line = f"object {repo.oid('HEAD:hello.txt')[:12]} is missing here (a shallow or partial clone, or damage)"
    refused(partial, 4, line, FETCH, *REPLACE)
    partial.git("fetch", "-q", "--refetch", "--no-filter")
    partial.tiny(*REPLACE)


def test_damage(repo: Repo) -> None:
    blob = repo.oid("HEAD:hello.txt")
    place = repo.git_dir() / "objects" / blob[:2] / blob[2:]
    place.chmod(0o644)
    place.write_bytes(b"no zlib stream")
    line = f"object {blob[:12]} is damaged: failed to inflate loose object"
    hint = "git fsck says what else is; git fetch --refetch --no-filter brings objects again from a remote"
    refused(repo, 4, line, hint, *REPLACE)
    place.unlink()
    line = f"object {blob[:12]} is missing here (a shallow or partial clone, or damage)"
    refused(repo, 4, line, FETCH, *REPLACE)


def test_sha256(world: Path) -> None:
    repo = Repo.create(world / "r", object_format="sha256")
    repo.commit("first", {"hello.txt": "hello\n"})
    line = "plans need a SHA-1 repository; this one uses sha256"
    refused(repo, 1, line, "the scan, the hooks and the audit chain work here; plans do not", *REPLACE)


def _merge(repo: Repo) -> None:
    repo.git("checkout", "-q", "-b", "other")
    repo.commit("theirs", {"src/app.py": "theirs\n"})
    repo.git("checkout", "-q", "main")
    repo.commit("ours", {"src/app.py": "ours\n"})


def _in_merge(repo: Repo) -> None:
    _merge(repo)
    assert repo.git("merge", "other", check=False).code == 1


def _in_pick(repo: Repo) -> None:
    _merge(repo)
    assert repo.git("cherry-pick", "other", check=False).code == 1


def _in_revert(repo: Repo) -> None:
    repo.commit("a", {"src/app.py": "a\n"})
    repo.commit("b", {"src/app.py": "b\n"})
    assert repo.git("revert", "--no-edit", "HEAD~1", check=False).code == 1


def _in_rebase(repo: Repo) -> None:
    _merge(repo)
    assert repo.git("rebase", "other", check=False).code == 1


def _in_bisect(repo: Repo) -> None:
    for n in range(4):
        repo.commit(f"c{n}", {"n": f"{n}\n"})
    repo.git("bisect", "start", "HEAD", "HEAD~3")


UNDER_WAY: dict[str, tuple[Callable[[Repo], None], str]] = {
    "merge": (_in_merge, "git merge --continue or --abort"),
    "cherry-pick": (_in_pick, "git cherry-pick --continue or --abort"),
    "revert": (_in_revert, "git revert --continue or --abort"),
    "rebase": (_in_rebase, "git rebase --continue or --abort"),
    "bisect": (_in_bisect, "git bisect reset"),
}


@pytest.mark.parametrize("name", UNDER_WAY)
def test_in_the_middle_of_something(repo: Repo, name: str) -> None:
    begin, way_out = UNDER_WAY[name]
    begin(repo)
    with untouched(repo):
        plan = make_plan(repo, {"hello.txt": "goodbye\n"}, target="main")
    line = f"a {name} is under way in {repo.path}; nothing was changed"
    refused(repo, 1, line, f"end it: {way_out}", "apply", plan.id, "--yes", "--expect", plan.tip)


def test_a_repository_owned_by_someone_else(repo: Repo) -> None:
    plan = make_plan(repo, {"hello.txt": "goodbye\n"})
    env = {}
    if os.getuid() == 0:
        run(["chown", "-R", "12345", repo.path], cwd=repo.path)
    else:  # git's own switch for its tests: only root can give a file away
        env["GIT_TEST_ASSUME_DIFFERENT_OWNER"] = "1"
    line = f"git does not trust this repository: detected dubious ownership in repository at '{repo.path}'"
    hint = f"if you trust its owner: git config --global --add safe.directory {repo.path}"
    files = repo.files()
    for args in (("plans",), REPLACE, ("apply", plan.id, "--yes", "--expect", plan.tip), ("restack", plan.id)):
        says(repo.tiny(*args, env=env, check=False), 1, line, hint)
    assert repo.files() == files


def read_only(repo: Repo, *args: str) -> Result:
    """git tiny where nothing below ``.git`` can be written. Modes do not stop root: it gets a mount."""
    env = {"PYTHONPATH": str(ROOT)}
    if os.getuid() == 0:
        mount = ("bwrap", "--dev-bind", "/", "/", "--ro-bind", repo.git_dir(), repo.git_dir())
        if shutil.which("bwrap") is None or run([*mount, "true"], cwd=repo.path, check=False).code:
            pytest.skip("root needs bubblewrap for a folder that it cannot write")
        return run([*mount, *TINY, *args], cwd=repo.path, env=env, check=False)
    folders = [folder for folder in (repo.git_dir(), *repo.git_dir().rglob("*")) if folder.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    try:
        return run([*TINY, *args], cwd=repo.path, env=env, check=False)
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_a_git_directory_that_cannot_be_written(repo: Repo) -> None:
    plan = make_plan(repo, {"hello.txt": "goodbye\n"})
    why = "Read-only file system" if os.getuid() == 0 else "Permission denied"
    with untouched(repo):
        listed = read_only(repo, "plans")
        proposed = read_only(repo, *REPLACE)
        applied = read_only(repo, "apply", plan.id, "--yes", "--expect", plan.tip)
    assert listed.code == 0, listed
    assert plan.id in listed.out
    hint = "an operation starts only once its intent is on disk: is the repository read-only, or the disk full?"
    says(proposed, 4, f"the audit journal cannot be written: {why}", hint)
    assert applied.code == 4, applied
    assert applied.err.startswith("error: the merge could not be computed: git merge-tree failed: ")
    assert applied.err.endswith("hint: is the disk full, or the repository read-only? put that right and try again\n")


CASE, NORMALISED = "case is ignored", "names are normalised (macOS, Windows)"
COLLIDING = {
    "case": ("Readme", "README", "README", "Readme", CASE),
    "a folder's case": ("docs/a", "Docs/b", "Docs", "docs", CASE),
    "composed and decomposed": ("caf\u00e9", "cafe\u0301", "cafe\u0301", "caf\u00e9", NORMALISED),
}


@pytest.mark.parametrize("name", COLLIDING)
def test_paths_that_collide_elsewhere_are_refused_before_anything_is_written(repo: Repo, name: str) -> None:
    one, other, path, there, where = COLLIDING[name]
    repo.commit("one", {one: "one\n"})
    raw = f"--- /dev/null\n+++ b/{other}\n@@ -0,0 +1 @@\n+other\n"
    with untouched(repo):
        answer = repo.tiny("propose", "--patch", "-", "collide", input=raw, check=False)
    line = f"step 1 (collide): path '{path}' is refused: '{there}' is the same name where {where}"
    says(answer, 1, line, "choose another name, or rename the one that is there in the same step")
    assert repo.tiny("plans", "--json").json["plans"] == []


def test_colliding_paths_that_are_there_already_do_not_stand_in_the_way(repo: Repo) -> None:
    repo.commit("both", {"Readme": "one\n", "README": "two\n"})
    lands(repo)
