"""``git tiny chat``: on a terminal and off it, its modes, commands, completion and sessions."""

from __future__ import annotations

import os
from contextlib import chdir
from pathlib import Path

import pytest

from tests.llm.answers import change, plan, whole
from tests.llm.server import Say, Script
from tests.llm.test_commands import wait_for
from tests.plan.plans import untouched
from tests.repos import Repo
from tests.terminal import tiny_tty
from tinycode_git.commands.chatstore import KEPT, Conversation, load, names, save
from tinycode_git.commands.chatting import Chat
from tinycode_git.dialogue import Message
from tinycode_git.errors import UsageError
from tinycode_git.git.read import ReadRepo
from tinycode_git.modes import Ceiling, Mode

APP = "def main() -> int:\n    return 1\n"
TTY = {"PROMPT_TOOLKIT_NO_CPR": "1"}


def test_a_conversation_off_a_terminal(set_up: Repo, server: Script) -> None:
    server.say("It returns 0 [src/app.py:2].", "Still 0.")
    with untouched(set_up):
        done = set_up.tiny("chat", input="what does main return?\n\nand now?\n/exit\nnever asked\n")
    assert "It returns 0 [src/app.py:2]." in done.out
    assert "src/app.py:2  return 0" in done.out
    second = server.chats()[1]["messages"]
    assert [one["role"] for one in second] == ["system", "user", "assistant", "user"]
    assert second[1]["content"] == "what does main return?"


def test_a_session_is_resumed(set_up: Repo, server: Script) -> None:
    server.say("It returns 0.", "As I said.")
    set_up.tiny("chat", input="what does main return?\n")
    listed = set_up.tiny("chat", "--list").out
    assert "what does main return?" in listed
    set_up.tiny("chat", "--resume", "last", input="sure?\n")
    assert [one["content"] for one in server.chats()[1]["messages"][1:3]] == ["what does main return?", "It returns 0."]
    assert len(set_up.tiny("chat", "--list").out.splitlines()) == 1
    assert set_up.tiny("chat", "--resume", "2001", check=False).code == 2


def test_commands_run_under_the_sessions_mode(set_up: Repo, server: Script) -> None:
    server.say(plan(change("Return one", "src/app.py")), whole(APP))
    refused = set_up.tiny("chat", input="/propose let main answer one\n", check=False)
    assert refused.code == 1
    assert "there is no terminal to ask at" in refused.err and server.chats() == []
    done = set_up.tiny("chat", "--mode", "propose", input="/propose let main answer one\n/plans\n/apply\n", check=False)
    assert "Return one" in done.out
    assert "let main answer one" in done.out
    assert done.code == 1, "apply needs more than propose"
    assert set_up.show("main", "src/app.py") != APP.encode()


def test_small_commands(set_up: Repo) -> None:
    done = set_up.tiny(
        "chat",
        input="/help\n/search RETURN 0\n/search no such text\n/mode\n/nonsense\n/search 'open\n/sessions\n",
        check=False,
    )
    assert "src/app.py:2:    return 0" in done.out
    assert "nothing at HEAD holds no such text" in done.out
    assert "chat: read only" in done.out
    assert "there is no /nonsense here" in done.err and "the line cannot be read" in done.err
    assert done.code == 2


def test_what_goes_wrong_ends_a_question_not_the_session(set_up: Repo, server: Script) -> None:
    server.say(Say(status=500, error="broken"), "Fine.")
    done = set_up.tiny("chat", input="one\ntwo\n", check=False)
    assert "could not answer: broken" in done.err
    assert "Fine." in done.out
    assert done.code == 4


def test_without_a_model_the_commands_work_and_a_question_says_so(repo: Repo) -> None:
    done = repo.tiny("chat", input="/status\nwhy?\n", check=False)
    assert done.code == 4
    assert "main" in done.out
    assert "git tiny model use" in done.err


def test_on_a_terminal(set_up: Repo, server: Script) -> None:
    server.say(Say("It returns 0 [src/app.py:2].", pause=0.01))
    server.say(plan(change("Return one", "src/app.py")), whole(APP))
    with tiny_tty("chat", cwd=set_up.path, env=TTY) as terminal:
        terminal.expect(r"chat main>")
        terminal.send("what does main return?\r")
        terminal.expect(r"It returns 0 \[src/app\.py:2\]\.")
        terminal.expect(r"src/app\.py:2  return 0")
        terminal.expect(r"chat main>")
        terminal.send("/propose let main answer one\r")
        terminal.expect(r"Raise it to propose .*\? ")
        terminal.send("y\n")
        terminal.expect(r"let main answer one")
        terminal.expect(r"propose main>")
        terminal.send("\x03")
        terminal.send("/mode chat\r")
        terminal.expect(r"chat main>")
        terminal.send("/pla\t")
        terminal.expect(r"/plans")
        terminal.send("\x15\x04")
        assert terminal.wait() == 0
    journal = (set_up.git_dir() / "tiny/journal").read_text()
    assert journal.count('"action":"mode"') == 1
    (history,) = Path(os.environ["XDG_STATE_HOME"]).rglob("chat-history")
    assert history.stat().st_mode & 0o077 == 0
    assert "what does main return?" in history.read_text()


def test_ctrl_c_ends_the_verb_which_keeps_its_draft_and_not_the_session(set_up: Repo, server: Script) -> None:
    server.say(plan(change("Return one", "src/app.py"), change("Greet", "hello.txt")), whole(APP))
    server.say(Say("word " * 5000, pause=0.05))
    with tiny_tty("chat", "--mode", "propose", cwd=set_up.path, env=TTY) as terminal:
        terminal.expect(r"propose main>")
        terminal.send("/propose two things\r")
        wait_for(lambda: len(server.chats()) == 3)
        terminal.send("\x03")
        terminal.expect(r"git tiny propose --continue")
        terminal.expect(r"propose main>")
        terminal.send("/exit\r")
        assert terminal.wait() == 0
    (draft,) = set_up.tiny("plans", "--state", "draft", "--json").json["plans"]
    assert [step["title"] for step in draft["steps"]] == ["Return one"]


def test_a_plan_is_made_applied_and_undone_in_one_session(set_up: Repo, server: Script) -> None:
    server.say(plan(change("Return one", "src/app.py")), whole(APP))
    with tiny_tty("chat", "--mode", "execute", cwd=set_up.path, env=TTY) as terminal:
        terminal.expect(r"execute main>")
        terminal.send("/propose let main answer one\r")
        terminal.expect(r"approve it")
        terminal.expect(r"execute main>")
        terminal.send("/apply\r")
        terminal.expect(r"\[y\]es")
        terminal.send("y\r")
        terminal.expect(r"execute main>")
        assert set_up.show("main", "src/app.py") == APP.encode()
        terminal.send("/undo\r")
        terminal.expect(r"\[y\]es|execute main>")
        terminal.send("y\r")
        terminal.expect(r"execute main>")
        terminal.send("/exit\r")
        assert terminal.wait() == 0
    assert set_up.show("main", "src/app.py") != APP.encode()


def test_completion_in_the_shell_knows_verbs_plans_refs_paths_and_modes(set_up: Repo) -> None:
    made = set_up.tiny("propose", "--recipe", "replace", "hello", "goodbye", "--json").json
    set_up.git("branch", "feature/one")
    with chdir(set_up.path):
        chat = Chat(ReadRepo.discover(), Ceiling(Mode.EXECUTE, "default"), Mode.CHAT, "", False, "main")

        def offered(*words: str) -> list[str]:
            return [value for value, _ in chat.offered(words[:-1], words[-1])]

        assert "/propose" in offered("/pro") and "/search" in offered("/se")
        assert offered("/mode", "ex") == ["execute"]
        assert offered("/show", made["id"][:4]) == [made["id"]]
        assert "feature/one" in offered("/ask", "why", "--at", "fea")
        assert offered("what", "does", "src/a") == ["src/app.py"]
        assert "src/app.py" in offered("/refactor", "sr")


def test_the_mode_never_goes_above_the_ceiling(set_up: Repo) -> None:
    set_up.config("tiny.mode", "chat")
    assert set_up.tiny("chat", "--mode", "propose", check=False).code == 1
    with tiny_tty("chat", cwd=set_up.path, env=TTY) as terminal:
        terminal.expect(r"chat main>")
        terminal.send("/mode execute\r")
        terminal.expect(r"mode execute needs mode execute; the ceiling is chat|the ceiling is chat")
        terminal.expect(r"chat main>")
        terminal.send("\x04")
        assert terminal.wait() == 0


def test_sessions_are_bounded_and_damage_is_said(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("chats") / "chats"
    for n in range(KEPT + 5):
        save(folder, Conversation(f"20260101-{n:06}-abcd", [Message("user", f"question {n}")]))
    assert len(names(folder)) == KEPT
    assert load(folder, "").title == f"question {KEPT + 4}"
    with pytest.raises(UsageError, match="more than one session"):
        load(folder, "2026")
    (folder / "20270101-000000-abcd.json").write_text("{")
    with pytest.raises(UsageError, match="cannot be read"):
        load(folder, "2027")
