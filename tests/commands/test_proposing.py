"""What a proposal says and takes where the user stands; what it refuses before a plan is made."""

from __future__ import annotations

from tests.plan.plans import untouched
from tests.repos import Repo, tiny


def test_paths_of_a_recipe_start_where_the_user_stands(repo: Repo) -> None:
    repo.commit("more", {"src/deep/one.txt": "colour\n", "src/two.txt": "colour\n", "three.txt": "colour\n"})
    args = ("propose", "--recipe", "replace", "colour", "color")
    deep = tiny(*args, "deep", "--json", cwd=repo.path / "src").json
    assert [step["paths"] for step in deep["steps"]] == [["src/deep/one.txt"]]
    here = tiny(*args, ".", "--json", cwd=repo.path / "src").json
    assert [sorted(step["paths"]) for step in here["steps"]] == [["src/deep/one.txt", "src/two.txt"]]
    up = tiny(*args, "../three.txt", "--json", cwd=repo.path / "src").json
    assert [step["paths"] for step in up["steps"]] == [["three.txt"]]
    out = tiny(*args, "../..", cwd=repo.path / "src", check=False)
    assert (out.code, out.err.split("\n")[0]) == (
        2,
        "error: recipe replace: ../.. is not a path below the top of the repository",
    )


def test_a_range_that_the_target_holds_is_refused(repo: Repo) -> None:
    repo.commit("second", {"hello.txt": "two\n"})
    with untouched(repo):
        done = repo.tiny("propose", "--from-range", "HEAD~1..HEAD", check=False)
    assert done.code == 1
    assert done.err == (
        "error: main holds all of HEAD~1..HEAD already\nhint: name the branch that lacks them: --target BRANCH\n"
    )
    repo.git("branch", "old", "HEAD~1")
    assert repo.tiny("propose", "--from-range", "HEAD~1..HEAD", "--target", "old", "--json").json["state"] == "open"


def test_a_source_that_is_empty_is_no_task(repo: Repo) -> None:
    for option in ("--from-range", "--patch", "--reply", "--plan", "--recipe", "--agent"):
        done = repo.tiny("propose", option, "", check=False)
        assert (done.code, done.err) == (2, f"error: {option} is empty\nhint: see git tiny propose --help\n")


def test_uncommitted_work_that_became_a_plan_is_put_aside_as_the_refusal_says(repo: Repo) -> None:
    repo.write("hello.txt", "mine\n")
    repo.write("new file.txt", "new\n")
    plan = repo.tiny("propose", "--from-worktree", "--json").json
    done = repo.tiny("apply", "--yes", "--expect", plan["tip"], check=False)
    assert done.code == 1
    hint = done.err.splitlines()[-1]
    command = "git stash push --include-untracked -- hello.txt 'new file.txt'"
    assert hint == (
        f"hint: the plan was made from this work: {command} puts it aside;"
        " once the plan is applied, git stash drop forgets that copy"
    )
    repo.git("stash", "push", "--include-untracked", "--", "hello.txt", "new file.txt")
    repo.tiny("apply", "--yes", "--expect", plan["tip"])
    repo.git("stash", "drop")
    assert repo.files()["hello.txt"] == b"mine\n"
    assert repo.files()["new file.txt"] == b"new\n"
    assert repo.git("status", "--porcelain").out == ""
