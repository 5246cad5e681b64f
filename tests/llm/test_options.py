"""``--max-steps`` and ``--edit-format`` of propose and refactor, as the model is asked and as the plan comes out."""

from __future__ import annotations

import pytest

from tests.llm.answers import block, change, plan, whole
from tests.llm.inside import refused
from tests.llm.server import Script
from tests.repos import Repo

TWO = plan(change("One", "src/app.py"), change("Greet", "hello.txt"))
OLD = "def main() -> int:\n    return 0\n"
APP = OLD.replace("0", "1")


@pytest.mark.parametrize("words", [["propose", "do two things"], ["refactor", "src/app.py", "hello.txt", "tidy"]])
def test_no_more_steps_than_asked_for(set_up: Repo, server: Script, words: list[str]) -> None:
    server.say(TWO, whole(APP))
    done = set_up.tiny(*words, "--max-steps", "1", "--json")
    assert [step["title"] for step in done.json["steps"]] == ["One"]
    asked, _ = server.chats()
    assert asked["format"]["properties"]["steps"]["maxItems"] == 1
    assert "1 steps beyond the first 1" in set_up.tiny("show", "--json").out + done.err


def test_more_steps_than_usual(set_up: Repo, server: Script) -> None:
    server.say(plan(*(change(f"Step {n}", "src/app.py") for n in range(10))))
    server.say(*(whole(OLD.replace("0", str(n + 1))) for n in range(10)))
    done = set_up.tiny("propose", "count up", "--max-steps", "10", "--json").json
    assert [step["title"] for step in done["steps"]] == [f"Step {n}" for n in range(10)]


@pytest.mark.parametrize("verb", ["propose", "refactor"])
def test_the_format_of_edits_is_the_one_asked_for(set_up: Repo, server: Script, verb: str) -> None:
    words = ["propose"] if verb == "propose" else ["refactor", "src/app.py"]
    blocks = block("src/app.py", "    return 0", "    return 1")
    for form, said in (("blocks", blocks), ("whole", whole(APP)), ("auto", whole(APP))):
        server.say(plan(change("One", "src/app.py")), said)
        made = set_up.tiny(*words, f"answer one, by {form}", "--edit-format", form, "--json").json
        assert set_up.show(made["tip"], "src/app.py").decode() == APP, form
        assert ("SEARCH" in str(server.chats()[-1]["messages"])) == (form == "blocks")
    assert set_up.git("status", "--porcelain").text == ""


@pytest.mark.parametrize(("form", "asked"), [("blocks", [True, True, True]), ("auto", [False, False, True])])
def test_only_auto_goes_on_to_the_other_format(set_up: Repo, server: Script, form: str, asked: list[bool]) -> None:
    right = block("src/app.py", "    return 0", "    return 1")
    wrong = right.replace("0", "7")
    server.say(plan(change("One", "src/app.py")), wrong, wrong, right)
    made = set_up.tiny("propose", "answer one", "--edit-format", form, "--json").json
    assert set_up.show(made["tip"], "src/app.py").decode() == APP
    assert ["SEARCH" in body["messages"][0]["content"] for body in server.chats()[1:]] == asked


@pytest.mark.parametrize("verb", ["propose", "refactor"])
def test_what_they_do_not_take(set_up: Repo, server: Script, verb: str) -> None:
    words = [verb, "x"] if verb == "propose" else [verb, "src/app.py", "x"]
    for option, value in (("--edit-format", "diff"), ("--max-steps", "0"), ("--max-steps", "21")):
        assert refused(set_up.path, *words, option, value).exit == 2
    assert set_up.tiny(*words, "--max-steps", "some", check=False).code == 2
    assert not server.chats()
