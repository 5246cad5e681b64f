"""Diffs for people: coloured by line, escaped, through the pager that git would use."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.repos import ROOT, Repo, run
from tests.terminal import on_terminal
from tinycode_git.render.console import PLAIN, Console
from tinycode_git.render.diffview import pager_command, painted

DIFF = """\
diff --git a/x.sql b/x.sql
index 1..2 100644
--- a/x.sql
+++ b/x.sql
@@ -1,3 +1,3 @@ def f():
 kept
--- a comment
+++ another\x1b[2J
 end
\\ No newline at end of file
diff --git a/y b/y
new file mode 100644
"""


def test_without_colour_only_what_acts_is_changed() -> None:
    assert "".join(painted(DIFF.splitlines(), PLAIN)) == DIFF.replace("\x1b", "\\x1b")


def test_a_removed_line_of_dashes_is_no_header() -> None:
    lines = "".join(painted(DIFF.splitlines(keepends=True), Console(color=True))).splitlines()
    assert lines[2] == "\x1b[1m--- a/x.sql\x1b[m"
    assert lines[4] == "\x1b[36m@@ -1,3 +1,3 @@\x1b[m def f():"
    assert lines[5] == " kept"
    assert lines[6] == "\x1b[31m--- a comment\x1b[m"
    assert lines[7] == "\x1b[32m+++ another\\x1b[2J\x1b[m"
    assert lines[9] == "\\ No newline at end of file"
    assert lines[10] == "\x1b[1mdiff --git a/y b/y\x1b[m"


def test_carriage_returns_are_seen() -> None:
    shown = "".join(painted(["@@ -1 +1 @@\n", "-a\n", "+a\r\n"], PLAIN))
    assert shown == "@@ -1 +1 @@\n-a\n+a\\r\n"


@pytest.mark.parametrize("colour", [False, True])
def test_a_real_diff_survives(repo: Repo, colour: bool) -> None:
    repo.commit("two", {"hello.txt": "-- dash\n++ plus\n", "gone": "x\n", "bin": b"\0\1"})
    diff = repo.git("diff", "HEAD^", "HEAD").out
    shown = "".join(painted(diff.splitlines(), Console(color=colour)))
    for code in ("1", "31", "32", "36", ""):
        shown = shown.replace(f"\x1b[{code}m", "")
    assert shown == diff


@pytest.mark.parametrize(
    ("environment", "core", "chosen"),
    [
        ({}, None, "less"),
        ({"PAGER": "more"}, None, "more"),
        ({"PAGER": "more"}, "most -x", "most -x"),
        ({"PAGER": "more", "GIT_PAGER": "mine"}, "most", "mine"),
        ({"GIT_PAGER": ""}, "most", ""),
        ({"GIT_PAGER": "cat"}, "most", ""),
        ({"PAGER": "cat"}, None, ""),
        ({"PAGER": "more"}, "cat", ""),
    ],
)
def test_the_pager_is_chosen_as_git_does(environment: dict[str, str], core: str | None, chosen: str) -> None:
    assert pager_command(environment, lambda: core) == chosen


PAGE = """
import sys
from pathlib import Path
from tinycode_git.git.process import Git
from tinycode_git.render import console, diffview
git = Git(Path.cwd(), {})
with diffview.paged(console.for_stdout(git), git) as out:
    for n in range(int(sys.argv[1])):
        out.write(f"line {n}\\n")
print("after")
"""


def _env(**more: str) -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT), **more}


def test_only_the_users_own_core_pager_is_run(repo: Repo, world: Path) -> None:
    repo.config("core.pager", f"touch {world}/of-the-clone; cat")
    run(["git", "config", "--global", "core.pager", "sed s/^/paged:/"], cwd=repo.path)
    del os.environ["GIT_PAGER"]
    with on_terminal([sys.executable, "-c", PAGE, "2"], cwd=repo.path, env=_env()) as terminal:
        assert terminal.wait() == 0
        assert terminal.shown.replace("\r", "") == "paged:line 0\npaged:line 1\nafter\n"
    assert not (world / "of-the-clone").exists()


def test_a_pipe_is_never_paged(repo: Repo) -> None:
    assert run([sys.executable, "-c", PAGE, "1"], cwd=repo.path, env=_env(GIT_PAGER="false")).out == "line 0\nafter\n"


def test_a_pager_that_is_left_early_is_no_error(repo: Repo) -> None:
    env = _env(GIT_PAGER="head -n 1 #")
    with on_terminal([sys.executable, "-c", PAGE, "200000"], cwd=repo.path, env=env) as terminal:
        assert terminal.wait() == 0
        assert terminal.shown.replace("\r", "") == "line 0\nafter\n"


def test_a_pager_that_is_not_there_takes_nothing_with_it(repo: Repo) -> None:
    env = _env(GIT_PAGER="no-such-pager-here")
    with on_terminal([sys.executable, "-c", PAGE, "1"], cwd=repo.path, env=env) as terminal:
        assert terminal.wait() == 0
        assert terminal.shown.replace("\r", "") == "line 0\nafter\n"
