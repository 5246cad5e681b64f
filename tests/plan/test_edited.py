"""Whatever the user does to the plan's branch with plain git is the plan from then on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plan.plans import Made, apply, make_plan, untouched
from tests.repos import Repo


@pytest.fixture
def plan(repo: Repo) -> Made:
    return make_plan(repo, {"one.txt": "1\n"}, {"two.txt": "2\n"}, {"three.txt": "3\n"})


def titles(repo: Repo, plan: Made) -> list[str]:
    return [step["title"] for step in repo.tiny("show", plan.id, "--json").json["steps"]]


def apply_now(repo: Repo, plan: Made) -> None:
    """Approve what ``show`` shows now, and nothing else."""
    with untouched(repo):
        stale = apply(repo, plan, check=False)
    assert stale.code == 1
    assert "moved since it was shown" in stale.err
    shown = repo.tiny("show", plan.id, "--json").json
    assert shown["edited"] or shown["event"]["action"] == "edited"
    repo.tiny("apply", plan.id, "--yes", "--expect", shown["tip"])
    assert repo.oid("main^2") == shown["tip"]


def edit(repo: Repo, plan: Made, script: str) -> None:
    """An interactive rebase of the plan's branch by a sed script over its todo list."""
    repo.git("checkout", "-q", plan.branch)
    repo.git("rebase", "-q", "-i", "main", env={"GIT_SEQUENCE_EDITOR": f"sed -i {script}", "GIT_EDITOR": "true"})
    repo.git("checkout", "-q", "main")


def test_a_commit_that_is_added(repo: Repo, plan: Made) -> None:
    repo.git("checkout", "-q", plan.branch)
    repo.commit("by hand", {"four.txt": "4\n", "setup.py": "x\n"})
    repo.git("checkout", "-q", "main")
    shown = repo.tiny("show", plan.id, "--json").json
    assert [step["title"] for step in shown["steps"]] == ["step 1", "step 2", "step 3", "by hand"]
    assert (shown["edited"], shown["risk"]) == (True, "high")
    checked = repo.tiny("check", plan.id, "--json").json
    assert checked["ok"]
    assert checked["tip"] == repo.oid(plan.branch)
    noted = repo.tiny("show", plan.id, "--json").json
    assert (noted["edited"], noted["event"]["action"]) == (False, "edited")
    told = ("n", "title", "paths", "oid")  # the validator may have raised the risk meanwhile
    assert [[s[key] for key in told] for s in noted["steps"]] == [[s[key] for key in told] for s in shown["steps"]]
    apply_now(repo, plan)
    assert (repo.path / "four.txt").read_text() == "4\n"
    repo.tiny("rollback")
    assert not (repo.path / "four.txt").exists()


def test_a_commit_that_is_amended(repo: Repo, plan: Made) -> None:
    repo.git("checkout", "-q", plan.branch)
    repo.write("three.txt", "three\n")
    repo.git("commit", "-q", "-a", "--amend", "-m", "step three, better")
    repo.git("checkout", "-q", "main")
    assert titles(repo, plan) == ["step 1", "step 2", "step three, better"]
    apply_now(repo, plan)
    assert (repo.path / "three.txt").read_text() == "three\n"


def test_commits_that_are_reordered(repo: Repo, plan: Made) -> None:
    edit(repo, plan, "'1{h;d};2{G}'")
    assert titles(repo, plan) == ["step 2", "step 1", "step 3"]
    apply_now(repo, plan)


def test_a_commit_that_is_dropped(repo: Repo, plan: Made) -> None:
    edit(repo, plan, "2d")
    assert titles(repo, plan) == ["step 1", "step 3"]
    apply_now(repo, plan)
    assert not (repo.path / "two.txt").exists()


def test_commits_that_are_squashed(repo: Repo, plan: Made) -> None:
    edit(repo, plan, "2s/pick/fixup/")
    assert titles(repo, plan) == ["step 1", "step 3"]
    apply_now(repo, plan)
    assert (repo.path / "two.txt").read_text() == "2\n"


def test_a_branch_that_is_rebased_onto_a_newer_target(repo: Repo, plan: Made) -> None:
    newer = repo.commit("meanwhile", {"other.txt": "o\n"})
    repo.git("rebase", "-q", "main", plan.branch)
    repo.git("checkout", "-q", "main")
    shown = repo.tiny("show", plan.id, "--json").json
    assert shown["base"] == newer
    assert [step["title"] for step in shown["steps"]] == ["step 1", "step 2", "step 3"]
    assert repo.tiny("check", plan.id).code == 0
    apply_now(repo, plan)


def test_a_conflict_is_resolved_by_rebasing_as_the_hint_says(repo: Repo) -> None:
    plan = make_plan(repo, {"hello.txt": "theirs\n"})
    repo.commit("on main", {"hello.txt": "ours\n"})
    refused = apply(repo, plan, check=False)
    hint = refused.err.split("git rebase ")[1].split()
    assert hint == ["main", plan.branch]
    repo.git("rebase", "-q", *hint, check=False)
    repo.write("hello.txt", "both\n")
    repo.git("add", "hello.txt")
    repo.git("rebase", "--continue", env={"GIT_EDITOR": "true"})
    repo.git("checkout", "-q", "main")
    apply_now(repo, plan)
    assert (repo.path / "hello.txt").read_text() == "both\n"


def test_main_merged_into_the_plan(repo: Repo, plan: Made) -> None:
    repo.commit("meanwhile", {"other.txt": "o\n"})
    repo.git("checkout", "-q", plan.branch)
    repo.git("merge", "-q", "-m", "main into the plan", "main")
    repo.git("checkout", "-q", "main")
    shown = repo.tiny("show", plan.id, "--json").json
    assert [step["title"] for step in shown["steps"]][:3] == ["step 1", "step 2", "step 3"]
    apply_now(repo, plan)


def test_a_branch_that_is_reset_to_its_base_has_nothing_to_apply(repo: Repo, plan: Made) -> None:
    repo.git("update-ref", f"refs/heads/{plan.branch}", "main")
    checked = repo.tiny("check", plan.id, check=False)
    assert checked.code == 1
    assert "no commit of its own" in checked.out
    with untouched(repo):
        answer = repo.tiny("apply", plan.id, "--yes", "--expect", repo.oid("main"), check=False)
    assert answer.code == 1
    assert f"main holds all of {plan.id}" in answer.err


def test_a_branch_that_is_deleted_can_be_brought_back(repo: Repo, plan: Made) -> None:
    repo.git("branch", "-q", "-D", plan.branch)
    assert titles(repo, plan) == ["step 1", "step 2", "step 3"]
    with untouched(repo):
        answer = apply(repo, plan, check=False)
    assert answer.code == 1
    command = answer.err.split("bring it back: git ")[1].split()
    repo.git(*command)
    apply(repo, plan)


def test_a_branch_that_is_checked_out_in_a_worktree_is_never_moved(repo: Repo, plan: Made, world: Path) -> None:
    other = repo.worktree_add(world / "other", plan.branch)
    other.commit("in the worktree", {"four.txt": "4\n"})
    tip = other.oid()
    assert titles(repo, plan)[-1] == "in the worktree"
    rejected = repo.tiny("reject", plan.id)
    assert "is checked out and was left" in rejected.err
    assert other.oid() == tip
    assert other.git("status", "--porcelain").out == ""
    assert repo.oid(plan.branch) == tip


def test_a_plan_is_applied_from_the_worktree_where_it_is_checked_out(repo: Repo, plan: Made, world: Path) -> None:
    other = repo.worktree_add(world / "other", plan.branch)
    other.tiny("apply", plan.id, "--yes", "--expect", plan.tip)
    assert (repo.path / "one.txt").read_text() == "1\n"
    assert repo.git("status", "--porcelain").out == ""
    assert other.oid() == plan.tip
    other.tiny("rollback")
    assert not (repo.path / "one.txt").exists()
    assert repo.git("status", "--porcelain").out == ""


def test_an_edited_path_that_could_not_be_planned_is_a_problem(repo: Repo, plan: Made) -> None:
    repo.git("checkout", "-q", plan.branch)
    repo.commit("a device", {"aux.txt": "a\n"})
    repo.git("checkout", "-q", "main")
    checked = repo.tiny("check", plan.id, "--json", check=False)
    assert checked.code == 1
    assert "aux.txt" in checked.json["problems"][0]["message"]


def test_the_target_that_is_renamed_or_gone_is_said(repo: Repo, plan: Made) -> None:
    repo.git("branch", "-q", "-m", "main", "trunk")
    with untouched(repo):
        answer = apply(repo, plan, check=False)
    assert answer.code == 1
    assert "main is gone" in answer.err


def test_a_merge_of_the_plan_by_hand_is_seen(repo: Repo, plan: Made) -> None:
    repo.git("merge", "-q", "--no-ff", "-m", "by hand", plan.branch)
    with untouched(repo):
        answer = apply(repo, plan, check=False)
    assert answer.code == 1
    assert f"main holds all of {plan.id}" in answer.err
    repo.tiny("reject", plan.id)
