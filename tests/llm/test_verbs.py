"""ask, fix, refactor, complete, commit-message and its hook, as processes against the scripted server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.llm.answers import change, plan, whole
from tests.llm.inside import refused
from tests.llm.server import Say, Script
from tests.plan.plans import untouched
from tests.repos import ROOT, Repo

APP = "def main() -> int:\n    return 1\n"


def test_ask_names_places_at_a_commit_and_checks_them(set_up: Repo, server: Script) -> None:
    server.say("It returns 0 [src/app.py:2], as [src/gone.py:7] says.")
    with untouched(set_up):
        done = set_up.tiny("ask", "what does main return?", "--json", env={"TINY_MODE": "chat"}, check=False)
    assert done.code == 1, done
    good, bad = done.json["citations"]
    assert (good["path"], good["line"], good["text"], good["problem"]) == ("src/app.py", 2, "return 0", "")
    assert bad["problem"] == "there is no such file"
    assert done.json["commit"] == set_up.oid()
    (asked,) = server.questions()
    assert "    2     return 0" in asked

    server.say("It returns 0 [src/app.py:2].\x1b[2J")
    shown = set_up.tiny("ask", "what does main return, again?", "src/app.py").out
    assert "\x1b" not in shown
    assert f"at {set_up.oid()[:12]}:\n  src/app.py:2  return 0\n" in shown


def test_paths_that_are_not_there_are_said(set_up: Repo, server: Script) -> None:
    for words in (
        ("ask", "why?", "no.py"),
        ("propose", "tidy up", "--context", "no.py"),
        ("refactor", "no.py", "tidy"),
    ):
        assert refused(set_up.path, *words).message == "there is no no.py in the repository"
    assert refused(set_up.path / "src", "ask", "why?", "../../x").exit == 2
    assert (refused(set_up.path, "ask", " ").exit, server.chats()) == (2, [])
    server.say("It returns 0 [src/app.py:2].")
    assert set_up.tiny("-C", "src", "ask", "why?", "app.py", "../hello.txt").code == 0
    assert "hello.txt, lines 1 to" in server.questions()[0]


def test_ask_about_an_older_commit(set_up: Repo, server: Script) -> None:
    old = set_up.oid()
    set_up.commit("second", {"src/app.py": APP})
    server.say("0 [src/app.py:2]")
    done = set_up.tiny("ask", "what does main return?", "--at", old[:10], "--json").json
    assert done["citations"][0]["text"] == "return 0"


def test_fix_goes_round_until_the_check_passes(set_up: Repo, server: Script) -> None:
    check = "grep -q 'return 2' src/app.py || { echo 'src/app.py:2: AssertionError: not two'; exit 1; }"
    server.say(plan(change("Return one", "src/app.py")), whole(APP))
    server.say(plan(change("Return two", "src/app.py")), whole(APP.replace("1", "2")))
    with untouched(set_up):
        done = set_up.tiny("fix", "--check", check, "--json").json
    assert done["state"] == "open"
    assert [step["title"] for step in done["steps"]] == ["Return one", "Return two"]
    assert done["task"] == "mend: src/app.py:2: AssertionError: not two"
    questions = server.questions()
    assert all("src/app.py:2: AssertionError: not two" in text for text in questions)
    assert all("Places it names: src/app.py:2" in text for text in questions)


def test_fix_that_does_not_get_there_leaves_a_draft(set_up: Repo, server: Script) -> None:
    server.say(plan(change("Return one", "src/app.py")), whole(APP))
    done = set_up.tiny("fix", "--check", "false", "--rounds", "1", "--json", check=False)
    assert done.code == 1
    assert "the check still fails after 1 rounds" in done.err
    (draft,) = set_up.tiny("plans", "--json").json["plans"]
    assert draft["state"] == "draft"


def test_fix_of_a_line_that_is_not_there(set_up: Repo, server: Script) -> None:
    error = refused(set_up.path, "fix", "src/app.py:3")
    assert (error.exit, error.message, error.hint) == (2, "src/app.py has no line 3", "it has 2 lines on main")
    assert server.chats() == []


def test_fix_of_what_is_not_broken(set_up: Repo, server: Script) -> None:
    assert "there is nothing to mend" in refused(set_up.path, "fix", "--check", "true").message
    assert server.chats() == []


def test_fix_from_a_traceback(set_up: Repo, server: Script) -> None:
    trace = f'Traceback:\n  File "{set_up.path}/src/app.py", line 2, in main\nZeroDivisionError: no\n'
    server.say(plan(change("Return one", "f1")), whole(APP))
    done = set_up.tiny("fix", "--error", "-", "--json", input=trace).json
    assert done["task"] == "mend: ZeroDivisionError: no"
    assert done["steps"][0]["paths"] == ["src/app.py"]
    assert refused(set_up.path, "fix").message == "nothing says what is wrong"
    assert refused(set_up.path, "fix", "--error", os.devnull).message == f"{os.devnull} is empty"


def test_refactor_touches_the_named_paths_only(set_up: Repo, server: Script) -> None:
    server.say(plan({**change("Tidy", "src/app.py"), "delete": ["hello.txt"]}), whole(APP))
    done = set_up.tiny("refactor", "src", "return one", "--json").json
    assert done["steps"][0]["paths"] == ["src/app.py"]
    assert any("hello.txt, which" in note for note in done["notes"])
    assert refused(set_up.path, "refactor", "no-such-folder", "tidy").exit == 2
    assert refused(set_up.path, "refactor", "tidy").exit == 2


def test_complete_fills_in_the_middle_where_the_model_can(set_up: Repo, server: Script) -> None:
    server.models["coder:7b"]["capabilities"] = ["completion", "insert"]
    server.say("41 + 1")
    with untouched(set_up):
        assert set_up.tiny("complete", "src/app.py:2:12").out == "41 + 1"
    (body,) = [body for path, body in server.asked if path == "/api/generate" and "prompt" in body]
    assert body["prompt"] == "def main() -> int:\n    return " and body["suffix"] == "0\n"
    assert body["options"]["num_ctx"] == 8192


def test_a_place_at_the_very_beginning_is_completed_in_words(set_up: Repo, server: Script) -> None:
    """Ollama takes a question without a prompt for the wish to load the model, and says nothing."""
    server.add("coder:7b", capabilities=["completion", "insert"])
    server.say("import sys")
    assert set_up.tiny("complete", "src/app.py:1:1").text == "import sys"
    assert [path for path, _ in server.asked if path == "/api/chat"]


def test_llama_server_fills_in_the_middle(repo: Repo, server: Script) -> None:
    repo.git("config", "--global", "tiny.modelHost", server.url)
    repo.git("config", "--global", "tiny.model", "openai:coder:7b")
    server.props = {"default_generation_settings": {"n_ctx": 4096}}
    server.say(Say("x = 1", reason="length"))
    done = repo.tiny("complete", "src/app.py:2:5", "--json").json
    assert (done["text"], done["filled"], done["cut"]) == ("x = 1", True, True)
    (asked,) = [body for path, body in server.asked if path == "/infill"]
    assert (asked["input_prefix"], asked["input_suffix"]) == ("def main() -> int:\n    ", "return 0\n")
    # One that was not made for it says so, and is asked in words.
    server.say(Say(status=501, error="infill is not supported by this model"), "y = 2")
    done = repo.tiny("complete", "src/app.py:2:5", "--json").json
    assert (done["text"], done["filled"]) == ("y = 2", False)


def test_complete_asks_in_words_where_it_cannot(set_up: Repo, server: Script) -> None:
    server.say("```python\n    return 5\n```")
    done = set_up.tiny("complete", "any.py:2:1", "--stdin", "--json", input="def f():\n\n\nx = 1\n").json
    assert done == {"text": "    return 5", "filled": False, "cut": False}
    assert "def f():\n<CURSOR>\n" in server.questions()[0]


@pytest.mark.parametrize("place", ["src/app.py:9:1", "src/app.py:1:99", "src/app.py", "src/app.py:0:1"])
def test_no_such_place(set_up: Repo, place: str) -> None:
    assert refused(set_up.path, "complete", place).exit == 2


def test_a_commit_message_for_what_is_staged(set_up: Repo, server: Script) -> None:
    set_up.write("hello.txt", "hello again\n")
    assert refused(set_up.path, "commit-message").message == "nothing is staged"
    set_up.git("add", "hello.txt")
    server.say("Greet again.\n\nOnce was not enough.")
    with untouched(set_up):
        assert set_up.tiny("commit-message").out == "Greet again\n\nOnce was not enough.\n"
    assert "+hello again" in server.questions()[0] and "first" in server.questions()[0]


def test_a_huge_diff_is_cut_to_what_the_model_can_read(set_up: Repo, server: Script) -> None:
    for n in range(40):
        set_up.write(f"many/f{n}.txt", "line of text\n" * 500)
    set_up.git("add", "-A")
    server.say("Add many files")
    assert set_up.tiny("commit-message").out == "Add many files\n"
    assert len(server.questions()[0]) < 40_000


@pytest.fixture
def hooked(set_up: Repo, world: Path) -> Repo:
    """The repository with the hook that writes messages, and an editor that keeps what it is shown."""
    folder = world / "bin"
    folder.mkdir()
    python = f"PYTHONPATH='{ROOT}:{ROOT / 'hooks'}' exec '{sys.executable}' -P -m tinycode_hooks"
    for name, text in (("git-tiny-hook", f'{python} "$@"'), ("editor", 'cp "$1" "$HOME/shown"')):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'hooks'}"}
    set_up.tiny("install", "--hooks", "prepare-commit-msg", env=paths)
    set_up.write("hello.txt", "hello again\n")
    set_up.git("add", "hello.txt")
    return set_up


def test_the_hook_fills_an_empty_message(hooked: Repo, world: Path, server: Script) -> None:
    server.say("Greet again")
    hooked.git("commit", "-q", env={"GIT_EDITOR": "editor"})
    assert (world / "home/shown").read_text().startswith("Greet again\n\n#")
    assert hooked.git("log", "-1", "--format=%B").text == "Greet again"


def test_the_hook_never_touches_what_the_user_wrote(hooked: Repo, world: Path, server: Script) -> None:
    hooked.git("commit", "-q", "-m", "mine")
    assert hooked.git("log", "-1", "--format=%s").text == "mine"
    hooked.git("commit", "-q", "--amend", "--no-edit")
    (world / "template").write_text("Ticket: \n")
    hooked.config("commit.template", str(world / "template"))
    hooked.git("commit", "-q", "--allow-empty", env={"GIT_EDITOR": "sh -c 'echo from the template > \"$1\"' --"})
    hooked.git("config", "--unset", "commit.template")
    hooked.git("switch", "-q", "-c", "side", "main~1")
    hooked.commit("on the side", {"side.txt": "1\n"})
    hooked.git("switch", "-q", "main")
    hooked.git("merge", "-q", "--no-ff", "side", env={"GIT_EDITOR": "true"})
    assert hooked.git("log", "-1", "--format=%s").text.startswith("Merge branch 'side'")
    hooked.git("switch", "-q", "-c", "other", "main~1")
    hooked.git("merge", "-q", "--squash", "side")
    hooked.git("commit", "-q", env={"GIT_EDITOR": "true"})
    assert hooked.git("log", "-1", "--format=%s").text.startswith("Squashed commit")
    (world / "message").write_text("from a file\n")
    hooked.git("commit", "-q", "--allow-empty", "-F", str(world / "message"))
    hooked.git("commit", "-q", "--allow-empty", "-c", "HEAD", env={"GIT_EDITOR": "true"})
    hooked.git("revert", "--no-edit", "side", check=False)
    assert server.chats() == []


@pytest.mark.parametrize("char", [";", "auto"])
def test_the_hook_knows_the_users_comment_sign(hooked: Repo, world: Path, server: Script, char: str) -> None:
    hooked.config("core.commentChar", char)
    server.say("Greet again")
    hooked.git("commit", "-q", "-v", env={"GIT_EDITOR": "editor"})
    shown = (world / "home/shown").read_text()
    assert shown.startswith(f"Greet again\n\n{'#' if char == 'auto' else char}") and "+hello again" in shown
    assert hooked.git("log", "-1", "--format=%B").text == "Greet again"


def test_the_hook_never_stops_a_commit(hooked: Repo, server: Script) -> None:
    server.say(Say(status=500, error="broken"))
    editor = {"GIT_EDITOR": "sh -c 'echo by hand > \"$1\"' --"}
    done = hooked.git("commit", env=editor)
    assert "no message was written: Ollama could not answer: broken" in done.err
    hooked.git("config", "--global", "--unset", "tiny.model")
    hooked.git("commit", "--allow-empty", env=editor)
    assert hooked.git("log", "-2", "--format=%s").text == "by hand\nby hand"
    assert len(server.chats()) == 1


NEEDING = [
    ("propose", "make everything better"),
    ("model", "show"),
    ("model", "test"),
    ("model", "bench"),
    ("ask", "why?"),
    ("fix", "src/app.py"),
    ("refactor", "src", "tidy"),
    ("complete", "src/app.py:1:1"),
    ("commit-message",),
]


@pytest.mark.parametrize("words", NEEDING, ids=" ".join)
def test_without_a_model_it_is_said_with_what_works_without(repo: Repo, words: tuple[str, ...]) -> None:
    error = refused(repo.path, *words)
    assert error.exit == 4
    assert "git tiny model use" in error.hint
    assert "\n" not in error.message + error.hint and not error.detail
