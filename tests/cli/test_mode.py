"""The ceiling: lowered by anyone, raised by a person at a terminal, written to the audit log before it counts."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.repos import ROOT, Repo, run
from tests.terminal import tiny_tty


def entries(repo: Repo) -> list[dict[str, Any]]:
    """The audit journal's entries about the mode: action, phase and details."""
    from tinycode_git.audit.journal import Journal

    tail = Journal(repo.git_dir() / "tiny").tail()
    assert not tail.open
    lines = (repo.git_dir() / "tiny/journal").read_bytes().splitlines()
    about = [line for line in lines if b'"action":"mode"' in line]
    return [{"phase": _field(line, "phase"), "risk": _field(line, "risk_level")} for line in about]


def _field(line: bytes, name: str) -> str:
    text = line.decode()
    start = text.index(f'"{name}":"') + len(name) + 4
    return text[start : text.index('"', start)]


def test_without_anything_it_is_execute(repo: Repo) -> None:
    assert repo.tiny("mode").out == "execute (default): also apply and roll back what you approve\n"
    assert repo.tiny("mode", "--json").json == {
        "mode": "execute",
        "source": "default",
        "meaning": "also apply and roll back what you approve",
    }
    assert not (repo.git_dir() / "tiny").exists()


def test_anyone_may_lower_it(repo: Repo) -> None:
    assert repo.tiny("mode", "propose").out.startswith("propose (tiny.mode): make plans")
    assert repo.git("config", "--local", "tiny.mode").text == "propose"
    assert repo.tiny("mode", "chat", "--json").json["mode"] == "chat"
    assert entries(repo) == [{"phase": phase, "risk": "none"} for phase in ("intent", "done", "intent", "done")]


@pytest.mark.parametrize("typed", ["y\n", "yes\n"])
def test_a_person_raises_it(repo: Repo, typed: str) -> None:
    repo.config("tiny.mode", "chat")
    with tiny_tty("mode", "execute", cwd=repo.path) as terminal:
        terminal.expect(r"Raise the ceiling of this clone from chat to execute \(also apply.*\)\? ")
        assert repo.git("config", "tiny.mode").text == "chat"
        terminal.send(typed)
        assert terminal.wait() == 0
    assert repo.git("config", "tiny.mode").text == "execute"
    assert entries(repo) == [{"phase": "intent", "risk": "high"}, {"phase": "done", "risk": "high"}]


@pytest.mark.parametrize(("typed", "code"), [("n\n", 1), ("\x04", 1), ("\x03", 130)])
def test_a_person_says_no(repo: Repo, typed: str, code: int) -> None:
    repo.config("tiny.mode", "chat")
    with tiny_tty("mode", "execute", cwd=repo.path) as terminal:
        terminal.expect(r"\[n\]o\) ")
        terminal.send(typed)
        assert terminal.wait() == code
    assert repo.git("config", "tiny.mode").text == "chat"
    # A no is a refusal, which is on record; an interrupt is not even that.
    assert (entries(repo) if code == 1 else []) == [{"phase": "failed", "risk": "none"}][: code == 1]
    assert (repo.git_dir() / "tiny").exists() == (code == 1)


def test_without_a_terminal_it_is_not_raised(repo: Repo) -> None:
    repo.config("tiny.mode", "propose")
    done = repo.tiny("mode", "execute", "--json", input="y\ny\n", check=False)
    assert done.code == done.json["error"]["exit"] == 1
    assert done.json["error"]["hint"] == "run this at a terminal: git tiny mode execute"
    assert repo.git("config", "tiny.mode").text == "propose"


def test_the_environment_only_lowers(repo: Repo) -> None:
    assert repo.tiny("mode", env={"TINY_MODE": "chat"}).out.startswith("chat (TINY_MODE)")
    repo.config("tiny.mode", "chat")
    assert repo.tiny("mode", env={"TINY_MODE": "execute"}).out.startswith("chat (tiny.mode)")
    done = repo.tiny("mode", "execute", env={"TINY_MODE": "execute"}, check=False)
    assert done.code == 1


def test_what_still_counts_is_said(repo: Repo) -> None:
    done = repo.tiny("mode", "propose", env={"TINY_MODE": "chat"})
    assert done.out.startswith("chat (TINY_MODE)")
    assert done.err == "TINY_MODE holds it lower in this environment\n"
    repo.config("extensions.worktreeConfig", "true")
    repo.git("config", "--worktree", "tiny.mode", "propose")
    done = repo.tiny("mode", "chat")
    assert done.out.startswith("propose (tiny.mode)")
    assert done.err == "tiny.mode is also set in scope worktree, which counts before the clone's\n"


@pytest.mark.parametrize("name", ["Execute", "everything", ""])
def test_what_is_no_mode(repo: Repo, name: str) -> None:
    done = repo.tiny("mode", name, check=False)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: MODE is '{name}', which is not a mode\n")


def test_a_configuration_that_cannot_be_written_is_an_outcome_too(repo: Repo) -> None:
    (repo.git_dir() / "config.lock").touch()
    done = repo.tiny("mode", "chat", check=False)
    assert done.code == 1
    assert "config" in done.err
    assert "Traceback" not in done.err
    assert [entry["phase"] for entry in entries(repo)] == ["intent", "failed"]


INTERRUPTED = """
import os, sys
from pathlib import Path
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.ledger import Operation
ledger = JournalLedger(Path(".git").resolve(), mode="execute", user="Ada", actor="")
ledger.intend(Operation(action="mode", details={"from": "propose", "to": sys.argv[1]}))
os._exit(0)
"""


@pytest.mark.parametrize(("meant", "outcome"), [("execute", "finished"), ("chat", "taken back")])
def test_an_interrupted_change_is_settled_by_what_is_set(repo: Repo, meant: str, outcome: str) -> None:
    """The process is gone between intent and outcome: recovery looks at the setting itself."""
    repo.config("tiny.mode", "execute")
    run([sys.executable, "-c", INTERRUPTED, meant], cwd=repo.path, env={"PYTHONPATH": str(ROOT)})
    assert [one["outcome"] for one in repo.tiny("recover", "--json").json["recovered"]] == [outcome]
    assert repo.tiny("recover").out == "nothing was interrupted\n"
