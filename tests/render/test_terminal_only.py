"""Progress and questions: for a person at a terminal, and for nobody else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.repos import ROOT, run
from tests.terminal import on_terminal

ENV = {"PYTHONPATH": str(ROOT)}

WORK = """
import sys
from tinycode_git.render.progress import progress
with progress("reading \\x1b[2J", 4, delay=0) as line:
    for _ in range(4):
        line.step()
        line._next = 0
print("done")
"""

ASK = """
import sys
from tinycode_git.boundary import guarded
from tinycode_git.render.prompt import ask
def main():
    print(ask("Apply this?", hint="apply PLAN --yes --expect OID").value)
    return 0
sys.exit(guarded(main))
"""


def test_progress_is_drawn_on_a_terminal_and_taken_away(world: Path) -> None:
    with on_terminal([sys.executable, "-c", WORK], cwd=world, env=ENV) as terminal:
        assert terminal.wait() == 0
    assert "reading \\x1b[2J: 50% (2/4)" in terminal.shown
    assert terminal.shown.endswith("\r\x1b[Kdone\r\n")


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_dumb_terminal_gets_no_progress(world: Path, term: str) -> None:
    with on_terminal([sys.executable, "-c", WORK], cwd=world, env={**ENV, "TERM": term}) as terminal:
        assert terminal.wait() == 0
    assert terminal.shown == "done\r\n"


def test_a_pipe_gets_no_progress(world: Path) -> None:
    done = run([sys.executable, "-c", WORK], cwd=world, env=ENV)
    assert (done.out, done.err) == ("done\n", "")


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("y\n", "yes"), ("YES\n", "yes"), ("n\n", "no"), ("s\n", "show again"), ("\x04", "no"), ("\nperhaps\ny\n", "yes")],
)
def test_a_person_answers(world: Path, typed: str, answer: str) -> None:
    with on_terminal([sys.executable, "-c", ASK], cwd=world, env=ENV) as terminal:
        terminal.expect(r"Apply this\? \(\[y\]es, \[n\]o, \[s\]how again\) ")
        terminal.send(typed)
        assert terminal.wait() == 0
        assert terminal.shown.rstrip().endswith(answer)


def test_what_was_typed_before_the_question_answers_nothing(world: Path) -> None:
    slow = f"import sys; print('ready', flush=True); import time; time.sleep(1)\n{ASK}"
    with on_terminal([sys.executable, "-c", slow], cwd=world, env=ENV) as terminal:
        terminal.expect("ready")
        terminal.send("y\ny\n")
        terminal.expect(r"how again\) ")
        terminal.send("n\n")
        assert terminal.wait() == 0
        assert terminal.shown.rstrip().endswith("no")


def test_without_a_terminal_nothing_is_asked(world: Path) -> None:
    done = run([sys.executable, "-c", ASK], cwd=world, env=ENV, input="y\n", check=False)
    assert done.code == 1
    assert done.out == ""
    assert done.err == (
        "error: this needs an answer from a person, and there is no terminal to ask at\n"
        "hint: apply PLAN --yes --expect OID\n"
    )


def test_ctrl_c_at_the_question_ends_it(world: Path) -> None:
    with on_terminal([sys.executable, "-c", ASK], cwd=world, env=ENV) as terminal:
        terminal.expect(r"how again\) ")
        terminal.send("\x03")
        assert terminal.wait() == 130
        assert "error: interrupted" in terminal.shown
