"""Whether to draw in colour, and how wide."""

from __future__ import annotations

import pytest

from tests.repos import Repo, run
from tests.terminal import on_terminal
from tinycode_git.render.console import PLAIN, Console, Style, use_color

TTY = {"TERM": "xterm"}


@pytest.mark.parametrize(
    ("environment", "terminal", "color_ui", "drawn"),
    [
        (TTY, True, "", True),
        (TTY, True, "auto", True),
        (TTY, True, "always", True),
        (TTY, True, "never", False),
        (TTY, True, "false", False),
        (TTY, False, "", False),
        (TTY, False, "always", False),
        ({**TTY, "NO_COLOR": "1"}, True, "", False),
        ({**TTY, "NO_COLOR": ""}, True, "", True),
        ({**TTY, "NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, True, "", False),
        ({"CLICOLOR_FORCE": "1"}, False, "never", True),
        ({"CLICOLOR_FORCE": "0"}, False, "", False),
        ({"CLICOLOR_FORCE": ""}, False, "", False),
        ({"TERM": "dumb"}, True, "", False),
        ({}, True, "", False),
        ({**TTY, "GIT_PAGER_IN_USE": "true"}, False, "", True),
        ({**TTY, "GIT_PAGER_IN_USE": "false"}, False, "", False),
    ],
)
def test_who_decides_on_colour(environment: dict[str, str], terminal: bool, color_ui: str, drawn: bool) -> None:
    assert use_color(environment, terminal=terminal, color_ui=lambda: color_ui) is drawn


def test_git_is_asked_only_where_nothing_else_decides() -> None:
    def asked() -> str:
        raise AssertionError("color.ui was read")

    assert not use_color({"NO_COLOR": "1"}, terminal=True, color_ui=asked)
    assert not use_color({"TERM": "xterm"}, terminal=False, color_ui=asked)


def test_paint() -> None:
    assert Console(color=True).paint("x", Style.BAD) == "\x1b[31mx\x1b[m"
    assert Console(color=True).paint("", Style.BAD) == ""
    assert Console(color=True).paint("x", Style.PLAIN) == "x"
    assert PLAIN.paint("x", Style.BAD) == "x"


SHOW = ("python", "-c", "from tinycode_git.render import console as c; print(repr(c.for_stdout()))")


def test_a_real_terminal_and_color_ui(repo: Repo) -> None:
    with on_terminal(SHOW, cwd=repo.path, env=_path(), columns=61) as terminal:
        assert terminal.wait() == 0
        assert "Console(color=True, width=61, terminal=True)" in terminal.shown
    repo.config("color.ui", "never")
    with on_terminal(SHOW, cwd=repo.path, env=_path()) as terminal:
        assert terminal.wait() == 0
        assert "Console(color=False, width=100, terminal=True)" in terminal.shown


def test_a_pipe_is_as_wide_as_it_takes(repo: Repo) -> None:
    assert run(SHOW, cwd=repo.path, env=_path()).text == "Console(color=False, width=None, terminal=False)"


def _path() -> dict[str, str]:
    import os
    import sys
    from pathlib import Path

    from tests.repos import ROOT

    return {"PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": ""}
