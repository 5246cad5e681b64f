"""The verbs that talk to a model, as processes: what they print, what they leave, how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from tests.llm.answers import change, create, plan, whole
from tests.llm.inside import refused
from tests.llm.server import Say, Script
from tests.plan.plans import untouched
from tests.repos import ROOT, TINY, Repo

APP = "def main() -> int:\n    return 1\n"


def wait_for(condition: object, seconds: float = 60) -> None:
    """Wait until ``condition()`` holds."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_ctrl_c_keeps_what_is_finished_and_continue_goes_on_from_it(set_up: Repo, server: Script) -> None:
    server.say(plan(change("One", "src/app.py"), change("Greet", "hello.txt"), create("Notes", "NOTES.md")), whole(APP))
    server.say(Say("word " * 5000, pause=0.05))
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [*TINY, "propose", "do three things"], cwd=set_up.path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    wait_for(lambda: len(server.chats()) == 3)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert b"propose --continue" in err
    (draft,) = set_up.tiny("plans", "--state", "draft", "--json").json["plans"]
    assert [step["title"] for step in draft["steps"]] == ["One"]

    server.say(whole("hello again\n", ""), whole("# Notes\n", ""))
    with untouched(set_up):
        whole_plan = set_up.tiny("propose", "--continue", draft["id"], "--json").json
    assert whole_plan["state"] == "open"
    assert [step["title"] for step in whole_plan["steps"]] == ["One", "Greet", "Notes"]
    assert set_up.show(whole_plan["tip"], "src/app.py").decode() == APP
    assert set_up.tiny("show", draft["id"], "--json").json["state"] == "rejected"
    assert "nothing of" in refused(set_up.path, "propose", "--continue", whole_plan["id"]).message


def test_samples_open_the_best_and_keep_the_others(set_up: Repo, server: Script) -> None:
    longer = APP + "\n\ndef more() -> int:\n    return 2\n"
    for text in (longer, APP, longer):
        server.say(plan(change("One", "src/app.py")), whole(text))
    done = set_up.tiny("propose", "let main answer one", "--samples", "3", "--json")
    assert set_up.show(done.json["tip"], "src/app.py").decode() == APP
    plans = set_up.tiny("plans", "--json").json["plans"]
    assert sorted(one["state"] for one in plans) == ["draft", "open"]
    assert "candidate 3 gives the same tree as another one" in done.err
    assert len({body["options"]["seed"] for body in server.chats()}) == 3


def test_samples_are_ranked_by_the_check_first(set_up: Repo, server: Script) -> None:
    set_up.config("tiny.check", "grep -q 'return 2' src/app.py")
    server.say(plan(change("One", "src/app.py")), whole(APP))
    server.say(plan(change("One", "src/app.py")), whole(APP.replace("1", "2") + "\n# and a longer one\n"))
    made = set_up.tiny("propose", "let main answer two", "--samples", "2", "--json").json
    assert b"return 2" in set_up.show(made["tip"], "src/app.py")


def test_the_context_can_be_looked_at(set_up: Repo, server: Script) -> None:
    with untouched(set_up):
        shown = set_up.tiny("propose", "let main answer one", "--show-context", "--context", "hello.txt").out
    assert "hello.txt  whole" in shown and ": named" in shown
    assert "def main() -> int" in shown
    assert server.chats() == []
    (loaded,) = [body for path, body in server.asked if path == "/api/generate"]
    assert loaded == {"model": "coder:7b", "keep_alive": "10m", "options": {"num_ctx": 8192}}, "beside the reading"


def test_a_plan_is_made_again_from_its_provenance(set_up: Repo, server: Script) -> None:
    server.say(plan(change("One", "src/app.py")), whole(APP))
    made = set_up.tiny("propose", "let main answer one", "--json").json
    server.say(plan(change("One", "src/app.py")), whole(APP))
    with untouched(set_up):
        same = set_up.tiny("replay", made["id"], "--json").json
    assert same["same"] and same["equal_calls"] == same["calls"] == 2
    server.say(plan(change("One", "src/app.py")), whole(APP.replace("1", "3")))
    other = set_up.tiny("replay", made["id"], "--json", check=False)
    assert other.code == 1
    assert other.json["different_paths"] == ["src/app.py"]
    server.models["coder:7b"]["digest"] = "f" * 64
    assert "is another model now" in refused(set_up.path, "replay", made["id"]).message


def test_replay_of_what_no_model_made(set_up: Repo) -> None:
    made = set_up.tiny("propose", "--recipe", "replace", "hello", "goodbye", "--json").json
    error = refused(set_up.path, "replay", made["id"])
    assert error.exit == 4
    assert "was not made by a model" in error.message


def test_below_propose_no_plan_is_made(set_up: Repo, server: Script) -> None:
    set_up.config("tiny.mode", "chat")
    assert "needs mode propose" in refused(set_up.path, "propose", "let main answer one").message
    assert server.asked == []


def test_a_model_can_be_fetched(set_up: Repo, server: Script) -> None:
    done = set_up.tiny("model", "pull", "small:1b")
    assert "git tiny model use small:1b" in done.err
    assert "small:1b" in server.models
    gone = refused(set_up.path, "model", "pull", "no-such:1b")
    assert gone.exit == 4
    assert "file does not exist" in gone.message


def test_the_test_of_a_model_says_in_plain_words_what_it_can_do(set_up: Repo, server: Script) -> None:
    code = "def area(width, height):\n    return width * height\n\n\ndef double(number):\n    return number * 2\n"
    server.say(
        plan(change("Add triple", "shapes.py")), whole(code + "\n\ndef triple(number):\n    return number * 3\n")
    )
    good = set_up.tiny("model", "test")
    assert "ok  plan: its form is kept" in good.out
    assert "can do the job here" in good.out
    server.say("Sure! I will.", "no")
    bad = set_up.tiny("model", "test", "--json", check=False)
    assert bad.code == 1
    assert not bad.json["ok"]
    assert [one["name"] for one in bad.json["trials"] if one["ok"] is False] == ["plan", "edit"]


def test_the_models_that_ollama_pulled_are_listed_without_a_server(repo: Repo) -> None:
    models = Path(os.environ["HOME"]) / ".ollama/models"
    (models / "blobs").mkdir(parents=True)
    (models / "blobs" / ("sha256-" + "a" * 64)).write_bytes(b"GGUF" + bytes(100))
    manifest = models / "manifests/registry.ollama.ai/library/coder/7b"
    manifest.parent.mkdir(parents=True)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{'a' * 64}"}
    manifest.write_text(json.dumps({"layers": [layer]}))
    (manifest.parent / "broken").write_text("{")
    done = repo.tiny("model", "list", "--json", env={"OLLAMA_HOST": "127.0.0.1:9"}).json
    (row,) = done["models"]
    assert row["name"].startswith("gguf:") and row["source"] == "coder:7b, without a server"
    assert done["missing"] == ["no Ollama answers at http://127.0.0.1:9"]
