"""Apply then rollback is the identity; redo brings the same merge back; what was published is reverted instead."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plan.plans import apply, make_plan, state
from tests.repos import Exe, Link, Repo
from tests.world import now

BASE: dict[str, Any] = {
    "edit.txt": "one\ntwo\nthree\n",
    "gone.txt": "gone\n",
    "old/name.txt": "a file that moves\n" * 5,
    "run": "#!/bin/sh\n",
    "link": Link("edit.txt"),
    "image": b"\0\1\2" * 50,
    "dos.txt": b"one\r\ntwo\r\n",
    "caf\udce9": "not UTF-8\n",
    "file": "becomes a folder\n",
    "folder/a": "a\n",
    "folder/b": "b\n",
}

CHANGES: dict[str, dict[str, Any]] = {
    "modify": {"edit.txt": "one\n2\nthree\n"},
    "add": {"new/deep/file": "n\n"},
    "delete": {"gone.txt": None},
    "rename": {"old/name.txt": None, "new/name.txt": "a file that moves\n" * 5},
    "mode": {"run": Exe("#!/bin/sh\n")},
    "link": {"link": Link("gone.txt")},
    "file to link": {"edit.txt": Link("link")},
    "link to file": {"link": "a file now\n"},
    "binary": {"image": b"\0\1\3" * 60},
    "crlf": {"dos.txt": b"one\r\n2\r\n"},
    "not utf-8": {"caf\udce9": "again\n", "\udcff/x": "x\n"},
    "file to folder": {"file": None, "file/in": "in\n"},
    "folder to file": {"folder/a": None, "folder/b": None, "folder": "a file now\n"},
    "empty": {"edit.txt": b""},
    "everything deleted": dict.fromkeys(BASE),
}


@pytest.fixture
def stocked(repo: Repo) -> Repo:
    repo.commit("base", dict(BASE))
    return repo


@pytest.mark.parametrize("kind", CHANGES)
def test_apply_then_rollback_is_the_identity_and_redo_gives_the_same_merge(stocked: Repo, kind: str) -> None:
    before = state(stocked)
    plan = make_plan(stocked, CHANGES[kind])
    merge = apply(stocked, plan, "--json").json["merge"]
    assert stocked.oid("main") == merge
    assert stocked.git("status", "--porcelain").out == ""
    assert stocked.tree("HEAD") == stocked.tree(plan.tip)
    applied = state(stocked)
    stocked.tiny("rollback", plan.id)
    assert state(stocked) == before
    stocked.tiny("redo", plan.id)
    assert stocked.oid("main") == merge
    assert state(stocked) == applied
    stocked.tiny("rollback")
    assert state(stocked) == before
    stocked.fsck()


def _publish_remote(repo: Repo) -> None:
    repo.git("update-ref", "refs/remotes/origin/main", "main")


def _publish_tag(repo: Repo) -> None:
    repo.git("tag", "v1")


def _commit_on_top(repo: Repo) -> None:
    repo.commit("on top", {"elsewhere": "e\n"})


@pytest.mark.parametrize(
    ("publish", "why"),
    [
        (_publish_remote, "remotes/origin/main holds the merge"),
        (_publish_tag, "tags/v1 holds the merge"),
        (_commit_on_top, "later commits came on top"),
    ],
)
def test_what_others_may_have_is_reverted_and_redo_reverts_the_revert(stocked: Repo, publish, why: str) -> None:  # type: ignore[no-untyped-def]
    original = stocked.tree()
    plan = make_plan(stocked, {"edit.txt": "changed\n", "new": "n\n"}, {"gone.txt": None})
    apply(stocked, plan)
    publish(stocked)
    merged, tree = stocked.oid(), stocked.tree()
    kept = {path: entry for path, entry in tree.items() if path == "elsewhere"}

    said = stocked.tiny("rollback", "--json").json
    assert (said["how"], said["why"]) == ("revert", why)
    assert stocked.oid("main^") == merged
    assert stocked.tree() == original | kept
    assert stocked.git("status", "--porcelain").out == ""

    said = stocked.tiny("redo", "--json").json
    assert said["how"] == "revert"
    assert stocked.oid("main~2") == merged
    assert stocked.tree() == tree
    again = stocked.tiny("rollback", "--json").json
    assert again["how"] == "revert"
    assert stocked.tree() == original | kept
    stocked.fsck()


def test_a_revert_can_be_asked_for(stocked: Repo) -> None:
    plan = make_plan(stocked, {"edit.txt": "changed\n"})
    apply(stocked, plan)
    merged = stocked.oid()
    assert stocked.tiny("rollback", "--revert", "--json").json["how"] == "revert"
    assert stocked.oid("main^") == merged


def test_a_revert_that_conflicts_names_the_paths_and_changes_nothing(stocked: Repo) -> None:
    plan = make_plan(stocked, {"edit.txt": "changed\n"})
    apply(stocked, plan)
    stocked.commit("on top", {"edit.txt": "changed by hand\n"})
    before = state(stocked)
    refused = stocked.tiny("rollback", check=False)
    assert refused.code == 1
    assert "edit.txt" in refused.err
    assert "git revert -m 1" in refused.err
    assert state(stocked) == before


def test_several_that_were_rolled_back_at_once_come_back_in_the_order_of_an_undo(stocked: Repo) -> None:
    """Within one second too, which is what a record's time can tell."""
    plans = [make_plan(stocked, {f"new{n}": "x\n"}) for n in range(3)]
    for plan in plans:
        apply(stocked, plan)
    merged = stocked.oid()
    at_once = {"GIT_COMMITTER_DATE": f"{now()} +0000"}
    for verb in ("rollback", "redo"):
        for _ in plans:
            stocked.tiny(verb, env=at_once)
    assert stocked.oid() == merged


def test_redo_after_the_target_moved_is_refused_and_says_how_to_go_on(stocked: Repo) -> None:
    plan = make_plan(stocked, {"edit.txt": "changed\n"})
    apply(stocked, plan)
    stocked.tiny("rollback")
    stocked.commit("on top", {"elsewhere": "e\n"})
    refused = stocked.tiny("redo", check=False)
    assert refused.code == 1
    assert f"git tiny apply {plan.id}" in refused.err
    apply(stocked, plan)
    assert stocked.show("HEAD", "edit.txt") == b"changed\n"
    assert stocked.show("HEAD", "elsewhere") == b"e\n"
