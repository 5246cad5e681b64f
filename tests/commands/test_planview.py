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
