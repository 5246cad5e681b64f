"""Questions that do not depend on each other go to the model at once, and what comes of it is as if they had not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.llm.answers import change, plan, whole
from tests.llm.server import Say, Script
from tests.llm.test_commands import wait_for
from tests.llm.test_ollama import settings
from tests.llm.test_planner import made
from tests.llm.tiny_gguf import write_model
from tests.repos import ROOT, TINY, Repo
from tinycode_git.dialogue import Answer, Message, Parameters, Question
from tinycode_git.errors import Incomplete, Refused
from tinycode_git.llm.choose import open_model
from tinycode_git.llm.embedded import Embedded
from tinycode_git.llm.together import MOST, Turns
from tinycode_git.planners.model_apart import apart
from tinycode_git.proposal import MODE_FILE, MemorySnapshot

APP = "def main() -> int:\n    return 1\n"
THREE = {"one.txt": "apples\n", "two.txt": "bananas\n", "three.txt": "cherries\n"}


def test_jobs_wait_together_work_in_turn_and_end_in_order() -> None:
    turns, meet = Turns(3), threading.Barrier(3)
    working: list[int] = []
    most: list[int] = []

    def job(number: int) -> int:
        turns.ask(lambda _: Answer(str(meet.wait(30))), None)
        working.append(number)
        most.append(len(working))
        time.sleep(0.005)
        working.remove(number)
        return number

    assert turns.run([partial(job, number) for number in range(6)], inside=False) == list(range(6))
    assert max(most) == 1


def test_no_more_are_asked_at_once_than_the_width() -> None:
    turns = Turns(2)
    busy: list[int] = []
    most: list[int] = []

    def asking(_: object) -> Answer:
        busy.append(1)
        most.append(len(busy))
        time.sleep(0.01)
        busy.pop()
        return Answer("")

    def nested() -> list[Answer]:
        return turns.run([lambda: turns.ask(asking, None)] * 3, inside=True)

    assert len(turns.run([nested] * 3, inside=False)) == 3
    assert max(most) == 2
    assert Turns(1000).width == MOST


def test_the_first_failure_in_order_is_raised_and_nothing_begins_after_it() -> None:
    turns, meet = Turns(2), threading.Barrier(2)
    begun: list[int] = []

    def job(number: int) -> Callable[[], None]:
        def run() -> None:
            begun.append(number)
            turns.ask(lambda _: Answer(str(meet.wait(30))), None)
            if number == 0:
                time.sleep(0.05)
            raise Incomplete(f"job {number}")

        return run

    with pytest.raises(Incomplete, match="job 0"):
        turns.run([job(n) for n in range(5)], inside=False)
    assert begun == [0, 1]


def test_what_is_stopped_waits_for_nobody() -> None:
    turns = Turns(2)
    never = threading.Event()

    def job() -> str:
        try:
            turns.ask(lambda _: Answer(str(never.wait(60))), None)
        except KeyboardInterrupt:
            return "kept"
        return "answered"

    threading.Timer(0.05, turns.stop).start()
    begun = time.monotonic()
    assert turns.run([job, job, job], inside=False) == ["kept"] * 3
    assert time.monotonic() - begun < 20
    never.set()


def by_file(body: object) -> Say | None:
    """An edit by the file that is asked for; None for a plan."""
    asked = json.dumps(body)
    for path, text in THREE.items():
        if f"Answer with the whole of {path}" in asked:
            return Say(whole(text.upper(), ""))
    return None


def parallel(repo: Repo, width: int) -> None:
    repo.git("config", "--global", "tiny.modelParallel", str(width))


def test_files_that_have_nothing_to_do_with_each_other_are_edited_at_once(set_up: Repo, server: Script) -> None:
    set_up.commit("three", dict(THREE))
    server.choose = by_file
    answer = plan(change("Shout", "one.txt", "two.txt", "three.txt"))
    server.say(answer)
    alone, _ = made(set_up, "shout", remember=False)
    assert server.most == 1
    inside = server.questions()

    parallel(set_up, 3)
    meeting = threading.Barrier(3)

    def meet(body: object) -> Say | None:
        said = by_file(body)
        if said is not None:
            meeting.wait(30)
        return said

    server.choose = meet
    server.say(answer)
    together, _ = made(set_up, "shout", remember=False)
    assert server.most == 3
    assert sorted(server.questions()[4:]) == sorted(inside), "the same questions, however many at once"
    assert set_up.oid(f"{together.tip}^{{tree}}") == set_up.oid(f"{alone.tip}^{{tree}}")
    assert set_up.show(together.tip, "two.txt") == b"BANANAS\n"
    calls = [
        [
            (row["question"], row["answer"])
            for row in json.loads(set_up.show(first_record(set_up, one.id), "model.json"))["calls"]
        ]
        for one in (alone, together)
    ]
    assert calls[0] == calls[1], "the record is in order"
    assert len(calls[0]) == 4


def first_record(repo: Repo, name: str) -> str:
    return repo.git("rev-list", "--max-parents=0", f"refs/tiny/plans/{name}").text


FILES = {
    "a.py": b"def alpha():\n    return 1\n",
    "b.py": b"def beta():\n    return 2\n",
    "uses_a.py": b"from a import alpha\n\n\ndef gamma():\n    return alpha()\n",
    "same.py": b"def alpha():\n    return 3\n",
    "notes.md": b"# Notes\n\nAsk beta.\n",
    "main.py": b"def main():\n    return 0\n",
}


@pytest.mark.parametrize(
    ("change_", "create", "groups"),
    [
        (("a.py", "b.py"), (), [("a.py", "b.py")]),
        (("a.py", "uses_a.py"), (), [("a.py",), ("uses_a.py",)]),
        (("uses_a.py", "a.py"), (), [("uses_a.py",), ("a.py",)]),
        (("a.py", "b.py", "uses_a.py", "notes.md"), (), [("a.py", "b.py"), ("uses_a.py", "notes.md")]),
        (("b.py", "notes.md"), (), [("b.py",), ("notes.md",)]),
        (("a.py", "same.py"), (), [("a.py",), ("same.py",)]),
        (("main.py", "a.py"), ("new.py", "other.py"), [("main.py", "a.py"), ("new.py",), ("other.py",)]),
        ((), ("new.py",), [("new.py",)]),
        ((), (), []),
    ],
)
def test_what_is_edited_without_the_other(
    change_: tuple[str, ...], create: tuple[str, ...], groups: list[tuple[str, ...]]
) -> None:
    snapshot = MemorySnapshot({path: (MODE_FILE, text) for path, text in FILES.items()})
    assert apart(snapshot, change_, create) == groups


def test_one_of_the_files_that_fails_leaves_the_step_out(set_up: Repo, server: Script) -> None:
    set_up.commit("three", dict(THREE))
    parallel(set_up, 3)
    server.choose = lambda body: Say("no") if "the whole of two.txt" in json.dumps(body) else by_file(body)
    server.fallback = Say("no")
    server.say(plan(change("Shout", "one.txt", "two.txt", "three.txt")))
    with pytest.raises(Refused) as caught:
        made(set_up, "shout")
    assert "left out: Shout (two.txt: " in caught.value.detail


def by_seed(body: object) -> Say:
    """A candidate by its seed: an edit of as many lines as the seed says."""
    assert isinstance(body, dict)
    if "format" in body:
        return Say(plan(change("One", "src/app.py")))
    number = body["options"]["seed"] // 100
    return Say(whole(APP + f"\n\ndef more_{number}() -> int:\n    return {number}\n" * (3 - number)))


def test_samples_are_asked_at_once_and_ranked_as_always(set_up: Repo, server: Script) -> None:
    parallel(set_up, 3)
    server.choose, server.meet = by_seed, threading.Barrier(3)
    done = set_up.tiny("propose", "let main answer one", "--samples", "3", "--json")
    assert server.most == 3
    assert b"more_2" in set_up.show(done.json["tip"], "src/app.py"), "the smallest"
    said = [line for line in done.err.splitlines() if line.startswith("candidate")]
    assert [line.split(" is")[0] for line in said[:2]] == ["candidate 1", "candidate 2"]
    assert said[2].startswith("candidate 3 comes first")
    server.meet = None
    asked = len(server.chats())
    server.choose = by_seed
    set_up.tiny("propose", "let main answer one", "--samples", "2")
    assert len(server.chats()) == asked + 4, "candidates are never taken from memory"
    again = set_up.tiny("replay", done.json["id"], "--json").json
    assert again["same"] and again["calls"] == again["equal_calls"] == 2, "each with its own seed and calls"


@pytest.mark.parametrize("silent", [True, False])
def test_ctrl_c_ends_all_that_is_asked_and_keeps_what_is_finished(set_up: Repo, server: Script, silent: bool) -> None:
    parallel(set_up, 3)

    def answers(body: object) -> Say:
        assert isinstance(body, dict)
        if "format" in body:
            return Say(plan(change("One", "src/app.py"), change("Greet", "hello.txt")))
        if "the whole of hello.txt" in json.dumps(body):
            return Say("late", wait=30.0) if silent else Say("word " * 5000, pause=0.05)
        return by_seed(body)

    server.choose = answers
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [*TINY, "propose", "two things", "--samples", "3"],
        cwd=set_up.path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_for(lambda: len(server.chats()) == 9)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=20)
    assert child.returncode == 130, err
    assert b"Traceback" not in err
    drafts = set_up.tiny("plans", "--state", "draft", "--json").json["plans"]
    assert [[step["title"] for step in one["steps"]] for one in drafts] == [["One"]] * 3
    server.choose = lambda body: by_seed(body) if "hello.txt as it" not in json.dumps(body) else Say(whole("hi\n", ""))
    goes_on = set_up.tiny("propose", "--continue", drafts[0]["id"], "--json").json
    assert [step["title"] for step in goes_on["steps"]] == ["One", "Greet"]


def test_a_server_that_goes_away_leaves_the_other_candidates(set_up: Repo, server: Script) -> None:
    server.say(plan(change("One", "src/app.py")), whole(APP), Say("half", gone=0))
    done = set_up.tiny("propose", "let main answer one", "--samples", "3", "--json")
    assert done.json["state"] == "open"
    assert "candidate 2: the model server" in done.err and "candidate 3: not begun" in done.err
    server.say(Say("half", gone=0))
    gone = set_up.tiny("propose", "let main answer two", "--samples", "2", check=False)
    assert gone.code == 4
    assert "went away" in gone.err


@pytest.fixture
def variable() -> Iterator[None]:
    """What a test sets of Ollama's variable is taken back."""
    yield
    os.environ.pop("OLLAMA_NUM_PARALLEL", None)


@pytest.mark.usefixtures("variable")
def test_how_many_at_once_is_what_the_server_says(server: Script) -> None:
    at = ("tiny.modelHost", server.url)

    def width(name: str) -> int:
        backend = open_model(settings(at), name, "this")
        try:
            return backend.parallel()
        finally:
            backend.close()

    assert width("coder:7b") == width("openai:coder:7b") == 1
    os.environ["OLLAMA_NUM_PARALLEL"] = "4"
    assert width("coder:7b") == 4
    os.environ["OLLAMA_NUM_PARALLEL"] = "many"
    assert width("coder:7b") == 1
    server.props = {"default_generation_settings": {"n_ctx": 2048}, "total_slots": 3}
    assert width("openai:coder:7b") == 3
    server.props = {"total_slots": "x"}
    assert width("openai:coder:7b") == 1
    server.owner = "vllm"
    assert width("openai:coder:7b") == 4


def test_a_model_file_answers_as_many_as_it_was_loaded_for(tmp_path: Path) -> None:
    backend = Embedded.of(write_model(tmp_path / "tiny.gguf"), 2048, 2)
    turns = Turns(backend.parallel())
    question = Question((Message("user", "talk"),), Parameters(2048, 600, 0.0, 1))
    seen: list[int] = []

    def job(number: int) -> Callable[[], Answer]:
        return lambda: turns.ask(lambda shown: backend.chat(question, shown), lambda _: seen.append(number))

    try:
        alone = backend.chat(question)
        one, other = turns.run([job(1), job(2)], inside=False)
    finally:
        backend.close()
    assert one.wrote == other.wrote == alone.wrote
    assert {1, 2} == set(seen)
    assert seen.index(2) < len(seen) - 1 - seen[::-1].index(1), "the two answers came side by side"
