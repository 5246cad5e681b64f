"""Repositories and moments that are out of the ordinary: it works there, or is refused with the line that is here."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import histories
from tests.plan.plans import apply, make_plan, state, untouched
from tests.repos import ROOT, TINY, Repo, Result

REPLACE = ("propose", "--recipe", "replace", "hello", "goodbye")


def lands(repo: Repo, *options: str) -> Result:
    """Propose, apply and roll back; what was before is there again."""
    before = state(repo)
    plan = repo.tiny(*REPLACE, *options, "--json").json
    assert state(repo) == before
    answer = repo.tiny("apply", plan["id"], "--yes", "--expect", plan["tip"])
    repo.tiny("rollback", plan["id"])
    assert state(repo) == before
    repo.fsck()
    return answer


def first_line(answer: Result) -> str:
    [line] = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    return line


def refused(repo: Repo, code: int, line: str, *args: str) -> None:
    """Every part of the user's is as it was, and the error is this one line."""
    with untouched(repo):
        answer = repo.tiny(*args, check=False)
    assert (answer.code, first_line(answer)) == (code, f"error: {line}"), answer


def test_a_bare_repository(repo: Repo, world: Path) -> None:
    bare = repo.clone(world / "bare.git", "--bare")
    plan = bare.tiny(*REPLACE, "--json").json
    before = bare.oid("main")
    bare.tiny("apply", plan["id"], "--yes", "--expect", plan["tip"])
    assert bare.show("main", "hello.txt") == b"goodbye\n"
    bare.tiny("rollback", plan["id"])
    assert bare.oid("main") == before
    bare.fsck()


def test_an_empty_repository_and_an_unborn_branch(repo: Repo, world: Path) -> None:
    empty = Repo.create(world / "empty")
    refused(empty, 1, "main has no commit yet", *REPLACE)
    refused(empty, 1, "there is no open plan here", "apply")
    repo.git("checkout", "-q", "--orphan", "new")
    refused(repo, 1, "new has no commit yet", *REPLACE)
    repo.git("rm", "-rfq", "--cached", ".")
    before = repo.files()
    plan = repo.tiny(*REPLACE, "--target", "main", "--json").json
    repo.tiny("apply", plan["id"], "--yes", "--expect", plan["tip"])
    assert repo.show("main", "hello.txt") == b"goodbye\n"
    assert repo.files() == before


def test_an_empty_bare_repository(world: Path) -> None:
    bare = Repo.create(world / "bare.git", bare=True)
    refused(bare, 1, "main has no commit yet", *REPLACE)


def test_a_detached_head(repo: Repo) -> None:
    repo.git("checkout", "-q", "--detach")
    refused(repo, 1, "HEAD is detached: there is no branch that an approval could merge into", *REPLACE)
    before = repo.files()
    lands(repo, "--target", "main")
    assert repo.files() == before


def test_no_repository(world: Path) -> None:
    folder = Repo(world / "plain")
    folder.path.mkdir()
    answer = folder.tiny("plans", check=False)
    assert answer.code in (1, 2)
    assert "repository" in first_line(answer)


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
    refused(repo, 1, line, "apply", plan.id, "--yes", "--expect", plan.tip)


def test_a_submodule(world: Path) -> None:
    repo = histories.ALL["submodule"](world / "r")
    repo.commit("hello", {"hello.txt": "hello\n"})
    lands(repo)
    inside = Repo(repo.path / "vendor/lib")
    inside.write("lib.c", "uncommitted\n")
    before = state(repo)
    plan = repo.tiny(*REPLACE, "--json").json
    repo.tiny("apply", plan["id"], "--yes", "--expect", plan["tip"])
    assert (inside.path / "lib.c").read_text() == "uncommitted\n"
    repo.tiny("rollback")
    assert state(repo) == before


def test_a_shallow_clone(repo: Repo, world: Path) -> None:
    repo.commit("second", {"more": "m\n"})
    shallow = repo.clone(world / "shallow", "--no-local", "--depth=1")
    lands(shallow)


def test_a_shallow_clone_whose_base_is_cut_off(repo: Repo, world: Path) -> None:
    base = repo.oid()
    repo.commit("second", {"more": "m\n"})
    shallow = repo.clone(world / "shallow", "--no-local", "--depth=1")
    with untouched(shallow):
        answer = shallow.tiny("propose", "--from-range", f"{base}..main", check=False)
    assert answer.code in (1, 2, 4)
    assert first_line(answer)


def test_a_partial_clone_with_objects_missing(repo: Repo, world: Path) -> None:
    repo.config("uploadpack.allowFilter", "true")
    partial = repo.clone(world / "partial", "--no-local", "--filter=blob:none", "--no-checkout")
    partial.git("remote", "set-url", "origin", str(world / "gone"))
    with untouched(partial):
        answer = partial.tiny(*REPLACE, check=False)
    assert answer.code == 4, answer
    assert first_line(answer).startswith(f"error: object {repo.oid('HEAD:hello.txt')[:12]}") or "missing" in answer.err
    assert "Traceback" not in answer.err


def test_damage_in_the_target(repo: Repo) -> None:
    blob = repo.oid("HEAD:hello.txt")
    (repo.git_dir() / "objects" / blob[:2] / blob[2:]).unlink()
    with untouched(repo):
        answer = repo.tiny(*REPLACE, check=False)
    assert answer.code == 4, answer
    assert "Traceback" not in answer.err


def test_sha256(world: Path) -> None:
    repo = Repo.create(world / "r", object_format="sha256")
    repo.commit("first", {"hello.txt": "hello\n"})
    with untouched(repo):
        answer = repo.tiny(*REPLACE, check=False)
    assert answer.code == 1, answer
    assert "SHA-256" in first_line(answer)


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
    "merge": (_in_merge, "git merge --abort"),
    "cherry-pick": (_in_pick, "git cherry-pick --abort"),
    "revert": (_in_revert, "git revert --abort"),
    "rebase": (_in_rebase, "git rebase --abort"),
    "bisect": (_in_bisect, "git bisect reset"),
}


@pytest.mark.parametrize("name", UNDER_WAY)
def test_in_the_middle_of_something(repo: Repo, name: str) -> None:
    begin, way_out = UNDER_WAY[name]
    begin(repo)
    with untouched(repo):
        plan = repo.tiny(*REPLACE, "--target", "main", "--json").json
        answer = repo.tiny("apply", plan["id"], "--yes", "--expect", plan["tip"], check=False)
    assert answer.code == 1, answer
    assert f"a {name} is under way in {repo.path}; nothing was changed" in first_line(answer)
    assert way_out in answer.err


def run_as_nobody(repo: Repo, *args: str) -> Result:
    """git tiny as the user 65534, who owns nothing here; root may write anywhere whatever the modes say."""
    code = (
        "import os, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534); "
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": "/nonexistent", "GIT_CONFIG_GLOBAL": os.devnull}
    env |= {f"XDG_{name}_HOME": "/nonexistent" for name in ("CONFIG", "CACHE", "DATA", "STATE")}
    argv = [TINY[0], "-c", code, *TINY[1:], *args]
    done = subprocess.run(argv, cwd=repo.path, env=env, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    return Result(tuple(argv), done.returncode, done.stdout, done.stderr)


@pytest.fixture
def reachable(repo: Repo) -> Repo:
    """The repository where another user can read it. Only root can be somebody else."""
    if os.getuid() != 0:
        pytest.skip("only root can run a program as another user")
    for folder in (repo.path, *repo.path.parents):
        if folder.stat().st_mode & 0o5 != 0o5:
            folder.chmod(folder.stat().st_mode | 0o55)
    probe = [TINY[0], "-c", "import os; os.setgid(65534); os.setuid(65534); import tinycode_git"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    if subprocess.run(probe, env=env, capture_output=True, check=False).returncode:
        pytest.skip("another user cannot read this installation")
    return repo


def test_a_repository_owned_by_someone_else(reachable: Repo) -> None:
    with untouched(reachable):
        answer = run_as_nobody(reachable, "plans")
    assert answer.code == 1, answer
    assert "owned by" in answer.err or "dubious ownership" in answer.err
    assert "safe.directory" in answer.err
    assert "Traceback" not in answer.err


def test_a_git_directory_that_cannot_be_written(reachable: Repo) -> None:
    make_plan(reachable, {"hello.txt": "goodbye\n"})
    with untouched(reachable):
        os.environ.update(GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="*")
        try:
            listed = run_as_nobody(reachable, "plans")
            answer = run_as_nobody(reachable, *REPLACE)
        finally:
            for name in ("COUNT", "KEY_0", "VALUE_0"):
                del os.environ[f"GIT_CONFIG_{name}"]
    assert listed.code == 0, listed
    assert answer.code in (1, 4), answer
    assert "Traceback" not in answer.err
    assert first_line(answer)


COLLIDING = {
    "case": ("Readme", "README"),
    "a folder's case": ("docs/a", "Docs/b"),
    "composed and decomposed": ("caf\u00e9", "cafe\u0301"),
}


@pytest.mark.parametrize("name", COLLIDING)
def test_paths_that_collide_elsewhere_are_refused_before_anything_is_written(repo: Repo, name: str) -> None:
    one, other = COLLIDING[name]
    repo.commit("one", {one: "one\n"})
    raw = f"--- /dev/null\n+++ b/{other}\n@@ -0,0 +1 @@\n+other\n"
    with untouched(repo):
        answer = repo.tiny("propose", "--patch", "-", "collide", input=raw, check=False)
    assert answer.code == 1, answer
    assert other.split("/")[0] in answer.err or "\\u" in answer.err
    assert repo.tiny("plans", "--json").json["plans"] == []


def test_colliding_paths_that_are_there_already_do_not_stand_in_the_way(repo: Repo) -> None:
    repo.commit("both", {"Readme": "one\n", "README": "two\n"})
    lands(repo)
