"""The summary of a plan: what holds for many steps is said once, with the steps that it holds for."""

from __future__ import annotations

import re

from tests.plan.plans import make_plan
from tests.repos import Repo


def shown(repo: Repo, name: str) -> list[str]:
    return repo.tiny("show", name).out.splitlines()


def test_a_reason_is_one_line_with_its_steps(repo: Repo) -> None:
    steps = ["Makefile", "a.py", "Makefile", "GNUmakefile", "Makefile", "README.md"]
    plan = make_plan(repo, *({path: f"# {n}\n"} for n, path in enumerate(steps)))
    lines = shown(repo, plan.id)
    assert "  steps 1,3-5: changes how the project is built or run" in lines
    assert "  step 6: documentation only" in lines
    assert len([line for line in lines if "how the project is built" in line]) == 1


def test_findings_of_one_kind_are_one_list_ten_places_long(repo: Repo) -> None:
    for n in range(13):
        repo.write(f".github/workflows/{n:02}.yml", f"on: push\nname: w{n}\n")
    plan = repo.tiny("propose", "--from-worktree", "--json").json
    assert len(plan["findings"]) == 13
    lines = shown(repo, plan["id"])
    at = next(i for i, line in enumerate(lines) if line.startswith("  noted  13 places: "))
    assert [line.strip() for line in lines[at + 1 : at + 11]] == [
        f"step 1, .github/workflows/{n:02}.yml:1" for n in range(10)
    ]
    assert lines[at + 11].strip() == "and 3 more (--json has them all)"


def test_a_finding_alone_is_one_line_and_what_was_seen(repo: Repo) -> None:
    repo.write(".github/workflows/ci.yml", "on: push\n")
    plan = repo.tiny("propose", "--from-worktree", "--json").json
    found = [line for line in shown(repo, plan["id"]) if "ci.yml" in line]
    assert len(found) == 1
    assert re.match(r"  noted  step 1, \.github/workflows/ci\.yml:1: .*\(low, ci-workflow-changed\)", found[0])


def test_a_branch_that_is_gone_is_said_with_the_way_back(repo: Repo) -> None:
    plan = make_plan(repo, {"hello.txt": "hello again\n"})
    repo.git("branch", "-D", plan.branch)
    (line,) = (line for line in shown(repo, plan.id) if "the branch is gone" in line)
    words = line.split("; ")[1].removesuffix(" brings it back").split()
    repo.git(*words[1:])
    assert repo.oid(plan.branch) == plan.tip
    assert not any("the branch is gone" in line for line in shown(repo, plan.id))


def test_a_glob_that_takes_nothing_is_noted(repo: Repo) -> None:
    repo.write("hello.txt", "hello again\n")
    plan = repo.tiny("propose", "--from-worktree", "--step", "docs:*.rst", "--json").json
    assert plan["notes"] == ["no changed file was left for step docs"]
    assert [step["title"] for step in plan["steps"]] == ["Change files at the top"]


def test_the_advice_of_a_restack_that_conflicts_keeps_the_steps_alone(repo: Repo) -> None:
    start = repo.oid("main")
    repo.commit("to be dropped", {"other.txt": "other\n"})
    plan = make_plan(repo, {"hello.txt": "hello again\n"})
    repo.git("reset", "-q", "--hard", start)
    repo.commit("in the way", {"hello.txt": "hello otherwise\n"})
    answer = repo.tiny("restack", plan.id, check=False)
    assert answer.code == 1
    advice = answer.err.strip().split("resolve it: git ")[1].split()
    assert repo.git(*advice, check=False).code == 1
    repo.write("hello.txt", "hello both\n")
    repo.git("add", "hello.txt")
    repo.git("rebase", "--continue", env={"GIT_EDITOR": "true"})
    repo.git("checkout", "-q", "main")
    view = repo.tiny("show", plan.id, "--json").json
    assert [step["paths"] for step in view["steps"]] == [["hello.txt"]]
    assert repo.tiny("apply", plan.id, "--yes", "--expect", view["tip"]).code == 0
    assert not (repo.path / "other.txt").exists()
