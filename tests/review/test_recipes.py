"""The recipes for CI in the documentation: they parse, their commands run as written, what they write can be read."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.repos import ROOT, Repo, run
from tests.review.junit_schema import valid_junit
from tests.review.test_review import TOKEN

TEXT = (ROOT / "docs/review.md").read_text(encoding="utf-8")
RECIPES = dict(
    re.findall(r"^(GitHub Actions|GitLab CI|Forgejo and Gitea|Jenkins)[^\n]*:\n\n```\w+\n(.*?)```", TEXT, re.S | re.M)
)
# What a runner brings and these tests do not have: the installation, other people's programs.
_ELSEWHERE = ("pipx install tinycode-git", "pip install tinycode-git", "reviewdog ")


def steps(name: str) -> list[tuple[str, dict[str, str]]]:
    """The shell commands of a recipe in order, each with the variables that the recipe sets for it."""
    text = RECIPES[name]
    if name == "Jenkins":
        return [(command, {}) for command in re.findall(r"^\s*sh '(.*)'$", text, re.M)]
    parsed = yaml.safe_load(text)
    if name == "GitLab CI":
        return [(command, {}) for command in parsed["review"]["script"]]
    found = parsed["jobs"]["review"]["steps"]
    return [(step["run"], step.get("env", {})) for step in found if "run" in step]


@pytest.fixture
def clone(repo: Repo, world: Path) -> Repo:
    """What a runner has: a clone of the branch of a merge request with a finding in it, whose target has gone on."""
    repo.branch("topic")
    repo.commit("add a key", {"src/key.py": f'KEY = "{TOKEN}"\n', "a b.py": "x = 1\n"})
    repo.git("checkout", "-q", "main")
    repo.commit("meanwhile", {"other.txt": "o\n"})
    made = repo.clone(world / "clone")
    made.git("checkout", "-q", "--detach", "origin/topic")
    bin_ = world / "bin"
    bin_.mkdir()
    program = bin_ / "git-tiny"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {shlex.quote(sys.executable)} -P -m tinycode_git "$@"\n')
    program.chmod(0o755)
    os.environ["PATH"] = f"{bin_}:{os.environ['PATH']}"
    return made


def carried_out(clone: Repo, name: str) -> list[int]:
    """Run the commands of a recipe as its runner does; their exit codes."""
    given = {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CHANGE_TARGET": "main"}
    codes = []
    for command, env in steps(name):
        if command.startswith(_ELSEWHERE):
            continue
        values = {key: "main" if "base_ref" in value else value for key, value in env.items()}
        done = run(["sh", "-ec", command], cwd=clone.path, env={**given, **values}, check=False)
        assert done.code in (0, 1), done
        codes.append(done.code)
    return codes


def test_there_is_a_recipe_for_each() -> None:
    assert set(RECIPES) == {"GitHub Actions", "GitLab CI", "Forgejo and Gitea", "Jenkins"}
    assert all("git tiny review" in recipe for recipe in RECIPES.values())
    assert all(len(steps(name)) >= 2 for name in RECIPES)


def test_variables_that_others_choose_are_no_part_of_a_command() -> None:
    """``${{ .. }}`` inside of ``run`` would put a branch's name into the shell (GitHub, "Security hardening")."""
    for name in RECIPES:
        assert not [command for command, _ in steps(name) if "${{" in command]


def test_github(clone: Repo) -> None:
    assert carried_out(clone, "GitHub Actions") == [0, 1]
    valid_sarif(json.loads((clone.path / "review.sarif").read_text()))


def test_gitlab(clone: Repo) -> None:
    assert carried_out(clone, "GitLab CI")[-1] == 1
    (artifact,) = yaml.safe_load(RECIPES["GitLab CI"])["review"]["artifacts"]["reports"].values()
    rows = json.loads((clone.path / artifact).read_text())
    assert rows
    for row in rows:  # docs.gitlab.com, "Code Quality report format"
        assert row.keys() >= {"description", "check_name", "fingerprint", "severity", "location"}
        assert row["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert (clone.path / row["location"]["path"]).is_file()
        assert row["location"]["lines"]["begin"] >= 1
    assert len({row["fingerprint"] for row in rows}) == len(rows)


def test_forgejo(clone: Repo) -> None:
    assert carried_out(clone, "Forgejo and Gitea") == [0]
    found = json.loads((clone.path / "review.json").read_text())
    assert found["source"]["name"] == "git-tiny" and found["diagnostics"]
    for row in found["diagnostics"]:  # reviewdog, proto/rdf/reviewdog.proto
        assert row["severity"] in ("ERROR", "WARNING", "INFO") and row["message"]
        assert (clone.path / row["location"]["path"]).is_file()
        span = row["location"]["range"]
        assert 1 <= span["start"]["line"] <= span["end"]["line"]


def test_jenkins(clone: Repo) -> None:
    assert carried_out(clone, "Jenkins")[-1] == 1
    suite = ET.parse(clone.path / "review.xml").getroot()
    valid_junit(suite)
    cases = suite.findall("testcase")
    assert len(cases) == int(suite.get("tests", "")) == 2
    assert all(case.get("name") and case.get("classname") for case in cases)
    assert [len(case.findall("failure")) for case in cases] == [0, 1]
    assert "<!doctype html>" in (clone.path / "review.html").read_text()


# The parts of SARIF 2.1.0 that are written, as its schema has them: names that may stand there, and those that must.
_SARIF: dict[str, tuple[set[str], set[str]]] = {
    "log": ({"$schema", "version", "runs"}, {"version", "runs"}),
    "run": ({"tool", "results", "invocations", "columnKind", "automationDetails"}, {"tool"}),
    "driver": ({"name", "rules", "semanticVersion", "informationUri", "version"}, {"name"}),
    "result": (
        {
            *(
                "ruleId",
                "ruleIndex",
                "level",
                "message",
                "locations",
                "partialFingerprints",
                "properties",
                "suppressions",
            ),
            *("baselineState", "fixes"),
        },
        {"message"},
    ),
    "invocation": ({"executionSuccessful", "toolExecutionNotifications"}, {"executionSuccessful"}),
    "physicalLocation": ({"artifactLocation", "region"}, set()),
    "region": ({"startLine", "endLine"}, set()),
}


def _part(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    may, must = _SARIF[kind]
    assert must <= set(value) <= may, (kind, set(value))
    return value


def valid_sarif(log: dict[str, Any]) -> None:
    """Hold a log against the table, and its references against one another."""
    assert _part("log", log)["version"] == "2.1.0"
    assert any(run_["results"] for run_ in log["runs"])
    for run_ in log["runs"]:
        rules = _part("driver", _part("run", run_)["tool"]["driver"])["rules"]
        assert [_part("invocation", one) for one in run_["invocations"]]
        for result in run_["results"]:
            assert rules[_part("result", result)["ruleIndex"]]["id"] == result["ruleId"]
            assert result["level"] in ("none", "note", "warning", "error")
            for place in result["locations"]:
                region = _part("physicalLocation", place["physicalLocation"]).get("region", {"startLine": 1})
                assert _part("region", region)["startLine"] >= 1
