"""pre-push, pre-receive, update and the framework's push check: real pushes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.hooks.conftest import TOKEN, install, stage
from tests.repos import Repo, run


def sneak(repo: Repo, path: str, content: str) -> str:
    """A commit past the hooks."""
    stage(repo, path, content)
    repo.git("commit", "-q", "--no-verify", "-m", "x")
    return repo.oid()


@pytest.fixture
def pushing(hooked: Repo, server: Repo) -> Repo:
    return hooked


def test_a_clean_push_goes_through(pushing: Repo, server: Repo) -> None:
    sneak(pushing, "a.txt", "fine\n")
    pushing.git("push", "-q", "origin", "main")
    assert server.oid("main") == pushing.oid()


def test_no_verify_saves_nothing(pushing: Repo, server: Repo) -> None:
    before = server.oid("main")
    bad = sneak(pushing, "a.txt", f"t = '{TOKEN}'\n")
    done = pushing.git("push", "origin", "main", check=False)
    assert done.code != 0
    assert f"{bad[:12]} a.txt:1:6: critical: github-token" in done.err
    assert server.oid("main") == before


def test_a_secret_that_a_later_commit_took_out_is_still_published(pushing: Repo) -> None:
    sneak(pushing, "a.txt", f"t = '{TOKEN}'\n")
    sneak(pushing, "a.txt", "t = None\n")
    assert pushing.git("push", "origin", "main", check=False).code != 0


@pytest.mark.parametrize("tag", [("-a", "-m", f"see {TOKEN}", "v1"), ("-a", "-m", "inner", "v1")])
def test_what_a_tag_says_and_holds_is_looked_at(pushing: Repo, tag: tuple[str, ...]) -> None:
    pushing.git("tag", *tag)
    if "inner" in tag:
        blob = pushing.git("hash-object", "-w", "--stdin", input=f"t = '{TOKEN}'\n").text
        pushing.git("tag", "-f", "v1", blob)
    assert pushing.git("push", "origin", "v1", check=False).code != 0


def test_a_tree_that_only_a_tag_holds(pushing: Repo) -> None:
    stage(pushing, "deep/a.txt", f"t = '{TOKEN}'\n")
    tree = pushing.git("write-tree").text
    pushing.git("tag", "v1", tree)
    pushing.git("reset", "-q", "--hard")
    assert pushing.git("push", "origin", "v1", check=False).code != 0


def test_deleting_and_pushing_nothing_new_is_fine(pushing: Repo) -> None:
    pushing.git("push", "-q", "origin", "main:copy")
    pushing.git("push", "-q", "origin", ":copy")


def test_several_refs_at_once(pushing: Repo, server: Repo) -> None:
    pushing.branch("one")
    sneak(pushing, "a.txt", "fine\n")
    pushing.git("checkout", "-q", "-b", "two", "main")
    sneak(pushing, "b.txt", f"t = '{TOKEN}'\n")
    done = pushing.git("push", "origin", "one", "two", check=False)
    assert (done.code != 0, "b.txt" in done.err, "a.txt" in done.err) == (True, True, False)
    assert "refs/heads/one" not in server.refs()


def test_to_an_address_instead_of_a_remote(pushing: Repo, server: Repo) -> None:
    sneak(pushing, "a.txt", f"t = '{TOKEN}'\n")
    assert pushing.git("push", str(server.path), "main", check=False).code != 0


def test_plan_branches_are_pushed_by_name_only(pushing: Repo, server: Repo) -> None:
    pushing.git("branch", "tiny/fix-1a2b")
    pushing.git("branch", "other")
    done = pushing.git("push", "--all", "origin", check=False)
    assert (done.code != 0, "refs/heads/tiny/fix-1a2b" in done.err) == (True, True)
    assert pushing.git("push", "--mirror", "origin", check=False).code != 0
    assert "refs/heads/other" not in server.refs()
    pushing.git("push", "-q", "origin", "other")
    pushing.git("push", "-q", "origin", "tiny/fix-1a2b")
    assert "refs/heads/tiny/fix-1a2b" in server.refs()


def test_a_plan_that_travels_with_its_record_is_named(pushing: Repo, server: Repo) -> None:
    pushing.git("branch", "tiny/fix-1a2b")
    pushing.git("update-ref", "refs/tiny/plans/fix-1a2b", "HEAD")
    pushing.git("push", "-q", "origin", "refs/tiny/plans/fix-1a2b", "refs/heads/tiny/fix-1a2b")
    assert "refs/tiny/plans/fix-1a2b" in server.refs()


@pytest.fixture(params=["pre-receive", "update"])
def guarded(request: pytest.FixtureRequest, repo: Repo, server: Repo) -> Repo:
    """A server with a hook; the client has none."""
    install(server, "--hooks", request.param)
    return server


def test_the_server_refuses_what_is_in_quarantine(guarded: Repo, repo: Repo) -> None:
    before = guarded.refs()
    sneak(repo, "a.txt", f"t = '{TOKEN}'\n")
    done = repo.git("push", "origin", "main", check=False)
    assert (done.code != 0, "github-token" in done.err) == (True, True)
    assert guarded.refs() == before
    sneak(repo, "a.txt", "fine\n")
    repo.git("reset", "-q", "--hard", "HEAD~2")
    sneak(repo, "b.txt", "fine\n")
    repo.git("push", "-q", "origin", "main")
    assert guarded.oid("main") == repo.oid()


def test_the_server_looks_at_new_branches_and_tags(guarded: Repo, repo: Repo) -> None:
    repo.branch("side")
    sneak(repo, "a.txt", f"t = '{TOKEN}'\n")
    assert repo.git("push", "origin", "side", check=False).code != 0
    repo.git("checkout", "-q", "main")
    repo.git("tag", "-a", "-m", f"see {TOKEN}", "v1")
    assert repo.git("push", "origin", "v1", check=False).code != 0
    repo.git("push", "-q", "origin", "main:copy")
    repo.git("push", "-q", "origin", ":copy")


def test_the_servers_hook_writes_no_ref(guarded: Repo, repo: Repo) -> None:
    sneak(repo, "a.txt", f"t = '{TOKEN}'\n")
    repo.git("push", "origin", "main", check=False)
    assert not [ref for ref in guarded.refs() if "tiny" in ref]
    guarded.fsck()


def test_a_bare_repository_gets_pre_receive(server: Repo) -> None:
    said = install(server)
    assert "pre-receive: installed" in said
    assert "pre-commit" not in said


def test_the_framework_check_sees_every_branch_and_tag(repo: Repo, server: Repo, program: Path) -> None:
    env = {"PRE_COMMIT_REMOTE_NAME": "origin", "PRE_COMMIT": "1"}
    assert run([program, "framework-push"], cwd=repo.path, env=env).code == 0
    repo.branch("zz")
    sneak(repo, "a.txt", f"t = '{TOKEN}'\n")
    repo.git("checkout", "-q", "main")
    repo.git("tag", "-a", "-m", f"and {TOKEN}", "v9")
    done = run([program, "framework-push"], cwd=repo.path, env=env, check=False)
    assert done.code == 1
    assert "every local branch and tag is looked at" in done.err
    assert ("a.txt:1:6" in done.err, "message:" in done.err) == (True, True)


def test_what_is_pushed_again_is_known(pushing: Repo) -> None:
    sneak(pushing, "a.py", "x = 1\n")
    pushing.git("push", "-q", "origin", "main")
    done = pushing.tiny("scan", "--range", "HEAD~1..HEAD", "--json")
    assert done.json["receipt"]["cached"] >= 1
    assert os.path.exists(pushing.git_dir() / "tiny" / "verdicts.db")
