"""What every flow leaves in the log: run as a user runs it, read as a user reads it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.audit.logs import Logged
from tests.hooks.conftest import TOKEN, install
from tests.repos import ROOT, tiny
from tinycode_git.audit.entry import Entry, parse
from tinycode_git.audit.line import split

HOOKS = {"PYTHONPATH": f"{ROOT}:{ROOT / 'hooks'}"}
SERIES = """--- a/file
+++ b/file
@@ -1 +1 @@
-content
+{text}
"""


def entries(repo: Logged) -> list[tuple[Entry, dict[str, Any]]]:
    """Every entry with its details, out of the journal itself: to ask DuckDB so often takes a while."""
    rows = [split(line) for line in repo.lines()] if repo.journal.exists() else []
    return [(parse(data), details.value()) for data, details in rows]


def recorded(repo: Logged, *, details: str = "") -> list[tuple[str, str]]:
    """Action and phase of every entry; with ``details`` that member of each entry that has it, instead."""
    if not details:
        return [(entry.action, entry.phase) for entry, _ in entries(repo)]
    return [(entry.action, found[details]) for entry, found in entries(repo) if details in found]


def last(repo: Logged, action: str) -> dict[str, Any]:
    """The newest entry of this action, its details among its fields."""
    entry, details = [row for row in entries(repo) if row[0].action == action][-1]
    return {**entry.as_dict(), "details": details}


def proposed(repo: Logged, text: str = "changed") -> dict[str, Any]:
    """A plan that changes ``file``, as ``propose --json`` gives it."""
    plan = repo.tiny("propose", "--patch", "-", "change it", "--json", input=SERIES.format(text=text))
    found = json.loads(plan.out)
    assert isinstance(found, dict)
    return found


def applied(repo: Logged, plan: dict[str, Any], *more: str) -> None:
    repo.tiny("apply", plan["id"], "--yes", "--expect", plan["tip"], *more)


def both(action: str) -> list[tuple[str, str]]:
    return [(action, "intent"), (action, "done")]


PROPOSED = [("propose", "intent"), ("validate", "done"), ("propose", "done")]


def test_a_plan_from_proposal_to_redo(repo: Logged) -> None:
    plan = proposed(repo)
    assert recorded(repo) == PROPOSED
    applied(repo, plan, "--check", "grep -q changed file")
    assert recorded(repo)[3:] == [
        ("validate", "done"),
        ("approve", "done"),
        ("apply", "intent"),
        ("gate", "done"),
        *both("land"),
        ("apply", "done"),
        # The log's first branch move makes its first checkpoint, whose key is named first.
        ("audit-key", "done"),
    ]
    repo.tiny("rollback", plan["id"])
    repo.tiny("redo", plan["id"])
    assert recorded(repo)[11:] == [
        *[("rollback", "intent"), *both("land"), ("rollback", "done")],
        *[("redo", "intent"), *both("land"), ("redo", "done")],
    ]
    assert recorded(repo, details="outcome") == [("validate", "passed"), ("validate", "passed"), ("gate", "passed")]
    assert last(repo, "approve")["new"] == plan["tip"]
    assert last(repo, "gate")["new"] == repo.oid("HEAD^{tree}")
    assert repo.tiny("audit", "verify").code == 0


def test_checks_edits_restacks_and_rejections(repo: Logged) -> None:
    plan = proposed(repo)
    repo.tiny("check", plan["id"])
    assert recorded(repo)[3:] == [("validate", "done")]
    repo.commit("meanwhile", {"other": "x\n"})
    repo.tiny("restack", plan["id"])
    assert recorded(repo)[4:] == both("restack")
    repo.tiny("reject", plan["id"])
    assert recorded(repo)[6:] == both("reject")


def test_refusals_are_on_record_with_their_reason_and_plan(repo: Logged) -> None:
    plan = proposed(repo)
    before = recorded(repo)
    refusals = [
        (["apply", plan["id"], "--yes", "--expect", "1" * 40], "apply", "it moved since it was shown"),
        (["apply", plan["id"]], "apply", ""),
        (["rollback", plan["id"]], "rollback", "not applied"),
        (["redo", plan["id"]], "redo", "not rolled back"),
    ]
    for number, (args, action, reason) in enumerate(refusals):
        assert repo.tiny(*args, check=False).code == 1
        assert recorded(repo)[len(before) :].count((action, "failed")) == 1 + (number == 1)
        assert reason in last(repo, action)["details"]["reason"]
        assert last(repo, action)["plan"] == plan["id"]
    repo.tiny("reject", plan["id"])
    assert repo.tiny("apply", plan["id"], "--yes", "--expect", plan["tip"], check=False).code == 1
    assert last(repo, "apply")["phase"] == "failed"


def test_what_the_mode_forbids_is_on_record_and_a_wrong_call_is_not(repo: Logged) -> None:
    plan = proposed(repo)
    count = len(recorded(repo))
    assert repo.tiny("apply", plan["id"], env={"TINY_MODE": "propose"}, check=False).code == 1
    assert repo.tiny("propose", "--patch", "-", "x", env={"TINY_MODE": "chat"}, input="", check=False).code == 1
    assert recorded(repo)[count:] == [("apply", "failed"), ("propose", "failed")]
    assert last(repo, "propose")["mode"] == "chat"
    assert repo.tiny("apply", "--no-such-option", check=False).code == 2
    assert repo.tiny("apply", "no-such-plan", check=False).code == 2
    assert repo.tiny("apply", plan["id"], "--dry-run", env={"TINY_MODE": "chat"}, check=False).code == 1
    assert len(recorded(repo)) == count + 2


def test_a_failed_gate_is_a_verdict_and_a_failed_apply(repo: Logged) -> None:
    plan = proposed(repo)
    done = repo.tiny("apply", plan["id"], "--yes", "--expect", plan["tip"], "--check", "false # hunter2", check=False)
    assert done.code == 1
    assert recorded(repo)[-3:] == [("apply", "intent"), ("gate", "failed"), ("apply", "failed")]
    assert last(repo, "gate")["details"]["outcome"] == "failed"
    assert b"hunter2" not in repo.journal.read_bytes().split(b'"gate"')[1].split(b"\n")[0]


def test_what_the_validator_blocks_is_on_record_without_the_secret(repo: Logged) -> None:
    plan = proposed(repo, f"token = '{TOKEN}'")
    assert repo.tiny("apply", plan["id"], "--yes", "--expect", plan["tip"], check=False).code == 1
    assert recorded(repo)[3:] == [("validate", "failed"), ("apply", "failed")]
    found = last(repo, "validate")
    assert (found["risk_level"], found["details"]["rules"]) == ("critical", ["github-token"])
    assert found["details"]["fingerprints"]
    assert TOKEN[6:].encode() not in repo.journal.read_bytes()


def test_modes_limits_trust_and_installs(repo: Logged) -> None:
    repo.tiny("mode", "propose")
    repo.tiny("mode", "execute", check=False)
    repo.tiny("config", "limits", "seed")
    repo.tiny("trust")
    repo.tiny("trust", "--remove")
    install(repo)
    repo.tiny("uninstall", env=HOOKS)
    assert recorded(repo) == [
        *both("mode"),
        ("mode", "failed"),
        *both("config"),
        *both("trust"),
        *both("untrust"),
        *both("install"),
        *both("uninstall"),
    ]


def test_an_install_that_is_refused(repo: Logged, world: Path) -> None:
    repo.git("config", "--global", "core.hooksPath", world / "elsewhere")
    assert "core.hooksPath is set" in install(repo, check=False)
    assert recorded(repo) == [("install", "intent"), ("install", "failed")]


def test_an_install_for_all_repositories_needs_no_repository(world: Path, repo: Logged) -> None:
    outside = world / "outside"
    outside.mkdir()
    assert tiny("install", "--global", cwd=outside, env=HOOKS).code == 0
    assert list(outside.iterdir()) == []
    assert tiny("install", cwd=outside, env=HOOKS, check=False).code == 1
    assert tiny("uninstall", "--global", cwd=outside, env=HOOKS).code == 0


def test_a_baseline_and_allowed_findings(repo: Logged) -> None:
    repo.commit("old", {"settings.py": f"token = '{TOKEN}'\n"})
    repo.tiny("baseline", "--reason", "from before")
    assert recorded(repo) == both("baseline")
    repo.git("add", ".tiny")
    repo.tiny("allow", "--staged", "exception-added", "--reason", "reviewed")
    assert recorded(repo)[2:] == both("allow")
    assert TOKEN[6:].encode() not in repo.journal.read_bytes()


@pytest.fixture(autouse=True)
def program(world: Path) -> None:
    """``git-tiny-hook`` on the PATH, as an installation would have it."""
    made = world / "bin/git-tiny-hook"
    made.parent.mkdir()
    made.write_text(
        f"#!/bin/sh\nPYTHONPATH='{HOOKS['PYTHONPATH']}' exec '{sys.executable}' -P -m tinycode_hooks \"$@\"\n"
    )
    made.chmod(0o755)
    os.environ["PATH"] = f"{made.parent}:{os.environ['PATH']}"


@pytest.fixture
def hooked(repo: Logged, world: Path) -> Logged:
    """A repository with hooks, and a remote."""
    repo.git("init", "-q", "--bare", world / "server.git")
    repo.git("remote", "add", "origin", world / "server.git")
    repo.git("push", "-q", "origin", "main")
    install(repo)
    return repo


def test_hooks_refuse_pass_and_see_what_was_bypassed(hooked: Logged) -> None:
    hooked.write("a.py", f"t = '{TOKEN}'\n")
    hooked.git("add", "-A")
    assert hooked.git("commit", "-m", "x", check=False).code == 1
    hooked.git("commit", "-q", "--no-verify", "-m", "x")
    bad = hooked.oid()
    assert hooked.git("push", "-q", "origin", "main", check=False).code == 1
    hooked.git("reset", "-q", "--hard", "HEAD~1")
    hooked.commit("fine", {"b.py": "b = 1\n"})
    hooked.git("push", "-q", "origin", "main")
    assert recorded(hooked)[2:] == [
        ("hook-refused", "failed"),
        ("hook-bypassed", "done"),
        ("hook-refused", "failed"),
        ("hook-passed", "done"),
        ("hook-passed", "done"),
    ]
    assert recorded(hooked, details="hook") == [
        ("hook-refused", "pre-commit"),
        ("hook-bypassed", "post-commit"),
        ("hook-refused", "pre-push"),
        ("hook-passed", "post-commit"),
        ("hook-passed", "pre-push"),
    ]
    assert last(hooked, "hook-bypassed")["new"] == bad
    assert last(hooked, "hook-passed")["new"] == hooked.oid()
    assert TOKEN[6:].encode() not in hooked.journal.read_bytes()


def test_a_commit_that_passes_the_hooks_is_on_record(hooked: Logged) -> None:
    hooked.commit("fine", {"b.py": "b = 1\n"})
    hooked.git("config", "tiny.mode", "propose")
    os.environ["TINY_MODE"] = "chat"
    hooked.git("commit", "-q", "--allow-empty", "-m", "nothing")
    del os.environ["TINY_MODE"]
    rows = json.loads(hooked.tiny("audit", "log", "--action", "hook-passed", "--json").out)["entries"]
    assert [(row["new"], row["mode"]) for row in rows] == [
        (hooked.oid(), "chat"),
        (hooked.oid("HEAD~1"), "execute"),
    ]
    assert rows[0]["user"] == rows[1]["user"] == hooked.git("log", "-1", "--format=%cn <%ce>").text
    assert rows[0]["details"]["outcome"] == "passed"
    assert json.loads(hooked.tiny("audit", "show", "HEAD", "--json").out)["entries"][0]["action"] == "hook-passed"
    assert hooked.verify().problems == []


def test_a_merge_that_passes_is_on_record(hooked: Logged) -> None:
    hooked.git("checkout", "-q", "-b", "other")
    hooked.commit("there", {"c.py": "c = 1\n"})
    hooked.git("checkout", "-q", "main")
    hooked.git("merge", "-q", "--no-ff", "-m", "both", "other")
    assert last(hooked, "hook-passed")["details"]["hook"] == "post-merge"
    assert last(hooked, "hook-passed")["new"] == hooked.oid()


def test_a_tightened_policy_is_on_record_too(hooked: Logged) -> None:
    before = len(recorded(hooked))
    hooked.commit("be strict", {".tiny.toml": '[policy]\ntier = "strict"\n'})
    assert recorded(hooked)[before:] == [("policy", "done"), ("hook-passed", "done")]
    assert last(hooked, "policy")["details"]["paths"] == [".tiny.toml"]
    assert (last(hooked, "policy")["new"], last(hooked, "policy")["risk_level"]) == (hooked.oid(), "medium")
    hooked.git("push", "-q", "origin", "main")
    assert last(hooked, "hook-passed")["details"]["paths"] == [".tiny.toml"]
    proposed(hooked)
    assert [row for row in recorded(hooked) if row[0] == "policy"] == [("policy", "done")]
    # Another branch with a stricter policy is no change of it; one that asks for less is said, as whatever loosens.
    hooked.git("checkout", "-q", "-b", "lax", "HEAD~1")
    assert last(hooked, "policy")["details"]["hook"] == "post-checkout"
    hooked.git("checkout", "-q", "main")
    assert [row for row in recorded(hooked) if row[0] == "policy"] == [("policy", "done")] * 2


def test_a_policy_that_changed_without_hooks_is_seen_by_the_next_command(repo: Logged) -> None:
    plan = proposed(repo)
    repo.commit("be strict", {".tiny.toml": '[policy]\ntier = "strict"\n', ".tiny/baseline/x": "rule: x\n"})
    repo.tiny("check", plan["id"], check=False)
    assert last(repo, "policy")["details"] == {"count": 2, "paths": [".tiny", ".tiny.toml"], "seen": "later"}
    assert (last(repo, "policy")["new"], last(repo, "policy")["ref"]) == (repo.oid(), "refs/heads/main")
    repo.tiny("check", plan["id"], check=False)
    assert len([row for row in recorded(repo) if row[0] == "policy"]) == 1
    repo.git("reset", "-q", "--hard", "HEAD~1")
    repo.tiny("check", plan["id"], check=False)
    assert len([row for row in recorded(repo) if row[0] == "policy"]) == 2
    repo.git("checkout", "-q", "-b", "strict", "ORIG_HEAD")
    repo.tiny("check", plan["id"], check=False)
    assert last(repo, "policy")["ref"] == "refs/heads/strict"
    repo.git("checkout", "-q", "main")
    repo.tiny("check", plan["id"], check=False)
    repo.git("checkout", "-q", "strict")
    repo.tiny("check", plan["id"], check=False)
    assert len([row for row in recorded(repo) if row[0] == "policy"]) == 3


def test_a_plan_branch_that_a_push_does_not_name(hooked: Logged) -> None:
    proposed(hooked)
    assert hooked.git("push", "-q", "--all", "origin", check=False).code == 1
    assert "does not name" in last(hooked, "hook-refused")["details"]["reason"]


def test_a_loosened_policy_is_on_record_wherever_it_comes_from(hooked: Logged) -> None:
    plan = """--- /dev/null
+++ b/.tiny.toml
@@ -0,0 +1,2 @@
+[policy]
+tier = "strict"
"""
    made = json.loads(hooked.tiny("propose", "--patch", "-", "be strict", "--json", input=plan).out)
    applied(hooked, made)
    assert last(hooked, "policy")["details"]["paths"] == [".tiny.toml"]
    hooked.tiny("rollback", made["id"])
    assert [row for row in recorded(hooked) if row[0] == "policy"] == [("policy", "done")] * 2
    hooked.write(".tiny/baseline/0123456789abcdef0123456789abcdef01234567", "rule: x\n")
    hooked.git("add", "-A")
    hooked.tiny("allow", "--staged", "exception-added", "--reason", "reviewed")
    hooked.git("commit", "-q", "-m", "accept it")
    assert last(hooked, "policy")["new"] == hooked.oid()
    assert last(hooked, "policy")["details"]["rules"] == ["exception-added"]


def test_a_log_that_cannot_be_written_refuses_every_change(repo: Logged) -> None:
    plan = proposed(repo)
    whole = repo.journal.read_bytes()
    repo.journal.write_bytes(whole[:-40])
    before = repo.git("for-each-ref").out
    for args in (
        ["apply", plan["id"], "--yes", "--expect", plan["tip"]],
        ["reject", plan["id"]],
        ["propose", "--patch", "-", "again"],
        ["install"],
        ["trust"],
        ["mode", "chat"],
    ):
        done = repo.tiny(*args, input=SERIES.format(text="again"), env=HOOKS, check=False)
        assert (done.code, "the audit journal was altered" in done.err) == (1, True), (args, str(done))
    assert repo.git("for-each-ref").out == before
    assert not (repo.common / "hooks/pre-commit").exists()
    assert repo.git("config", "tiny.mode", check=False).code == 1


def test_branch_moves_make_checkpoints_and_say_so_to_git_log(repo: Logged) -> None:
    plan = proposed(repo)
    assert repo.git("for-each-ref", "refs/tiny/audit").out == ""
    applied(repo, plan)
    ref = repo.log_ref()
    first = repo.oid(ref)
    assert f"Tiny-Merge: {repo.oid('main')}" in repo.git("log", "-1", "--format=%B", ref).out
    assert "Tiny-Audit: " in repo.git("log", "-1", "--format=%B", "main").out
    repo.tiny("rollback", plan["id"])
    assert repo.oid(ref) == first, "one is not due after every move"
    repo.append(300)
    repo.tiny("redo", plan["id"])
    assert repo.oid(ref) != first
    assert repo.oid(f"{ref}~1") == first
    assert repo.tiny("audit", "verify").code == 0


def test_a_checkpoint_that_cannot_be_made_does_not_undo_the_apply(repo: Logged, world: Path) -> None:
    plan = proposed(repo)
    (world / "file").write_text("")
    done = repo.tiny("apply", plan["id"], "--yes", "--expect", plan["tip"], env={"XDG_STATE_HOME": str(world / "file")})
    assert "no checkpoint of the audit log was made" in done.err
    assert repo.show("main", "file") == b"changed\n"
