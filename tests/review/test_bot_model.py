"""``git tiny bot --model``: killed at any moment, also while it waits for an answer; answers that never end."""

from __future__ import annotations

import json
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.llm.server import Say, Script, serving
from tests.repos import Repo
from tests.review.test_bot import bot, reviewed, states
from tinycode_git.review.queue import Queue

MODEL = ("--model", "coder:7b")
KEY = 'KEY = "ghp' + '_1234567890abcdefghijABCDEFGHIJ0DgcSv"\n'
NOTHING = Say('{"findings": []}')


@pytest.fixture
def script(repo: Repo) -> Iterator[Script]:
    """A model server that finds nothing, unless it is told otherwise."""
    with serving() as script:
        repo.git("config", "--global", "tiny.modelHost", script.url)
        script.fallback = NOTHING
        yield script


@pytest.fixture
def tips(repo: Repo) -> list[str]:
    """The tips of three branches, each with two commits."""
    found = []
    for n in range(3):
        repo.git("checkout", "-q", "-b", f"b{n}", "main")
        repo.commit(f"first of {n}", {f"{n}.py": f"value = {n}\n"})
        found.append(repo.commit(f"second of {n}", {f"{n}.py": f"value = {n} + 1\n"})[:12])
    repo.git("checkout", "-q", "main")
    return found


def told(repo: Repo, branch: str) -> str:
    """What the status file says of a branch."""
    status = json.loads((repo.git_dir() / "tiny/bot/status.json").read_text())
    return str(status["branches"][branch]["said"])


def killed_when(repo: Repo, true: Callable[[], bool]) -> None:
    """Run the bot, and kill it as soon as something is true; or it ends by itself."""
    child = bot(repo, *MODEL)
    end = time.monotonic() + 60
    while child.poll() is None and not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.002)
    child.kill()
    child.communicate()


def ended(repo: Repo) -> None:
    """Let the bot come to its end; every tip was reviewed once then, and nothing is left half-done."""
    child = bot(repo, *MODEL)
    _, said = child.communicate(timeout=120)
    assert child.returncode == 0, said
    assert set(states(repo).values()) <= {"done", "skipped"}
    repo.tiny("recover")
    assert repo.tiny("review", "verify", "b0").code == 0
    assert not list((repo.git_dir() / "refs").rglob("*.lock"))


def test_killed_while_it_waits_for_an_answer(repo: Repo, script: Script, tips: list[str]) -> None:
    asked = threading.Event()

    def never(_: Any) -> Say:
        asked.set()
        return Say(wait=300)

    script.choose = never
    for _ in range(2):
        asked.clear()
        killed_when(repo, asked.is_set)
        assert reviewed(repo) == []
    script.choose = None
    ended(repo)
    assert Counter(reviewed(repo)) == Counter(tips)
    note = json.loads(repo.git("notes", "--ref=tiny-review", "show", "b0").out.splitlines()[0])
    assert (note["model"], note["asked"]) == ("coder:7b@a1b2c3d4e5f6", 1)


def test_killed_between_the_note_and_the_status_file(repo: Repo, script: Script, tips: list[str]) -> None:
    notes = repo.git_dir() / "refs/notes/tiny-review"
    for _ in tips:
        before = notes.read_bytes() if notes.exists() else b""
        killed_when(repo, lambda: notes.exists() and notes.read_bytes() != before)  # noqa: B023 - called in this round
    ended(repo)
    assert Counter(reviewed(repo)) == Counter(tips)


def test_killed_as_soon_as_something_is_queued(repo: Repo, script: Script, tips: list[str]) -> None:
    queue = Queue(repo.git_dir() / "tiny/bot/queue.db")
    killed_when(repo, lambda: queue.path.exists() and queue.path.stat().st_size > 0)
    killed_when(repo, lambda: len(queue.jobs()) > 1)
    killed_when(repo, lambda: bool(queue.running()))
    ended(repo)
    assert Counter(reviewed(repo)) == Counter(tips)


@pytest.mark.slow
def test_killed_at_any_moment_with_a_model(repo: Repo, script: Script, tips: list[str]) -> None:
    chance = random.Random(11)
    script.fallback = Say('{"findings": []}', wait=0.1, pause=0.05)
    for _ in range(40):
        child = bot(repo, *MODEL)
        try:
            child.communicate(timeout=0.3 + chance.random() * 2)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
    ended(repo)
    assert Counter(reviewed(repo)) == Counter(tips)


@pytest.mark.parametrize(
    "said", [Say(wait=300), Say("x" * 40_000, pause=0.2)], ids=["no answer", "an answer without end"]
)
def test_a_model_that_never_answers_ends_alone(repo: Repo, script: Script, said: Say) -> None:
    repo.branch("topic")
    tip = repo.commit("key", {"k.py": KEY})
    repo.git("checkout", "-q", "main")
    script.fallback = said
    done = repo.tiny("bot", "run", "--once", "--seconds", "12", *MODEL)
    assert done.code == 0
    assert len(script.chats()) == 1
    assert reviewed(repo) == [tip[:12]]
    assert told(repo, "topic").startswith("1 finding, worst ")
    assert "not everything was looked at: the model did not read everything: the time for it was over" in told(
        repo, "topic"
    )
    note = json.loads(repo.git("notes", "--ref=tiny-review", "show", "topic").out.splitlines()[0])
    assert note["asked"] == 0
    calls = repo.tiny("audit", "log", "--action", "model", "--json").json["entries"]
    assert len(calls) == 1


def test_a_line_without_end_ends_before_the_memory_does(repo: Repo, script: Script, tips: list[str]) -> None:
    endless = Say(raw=b'{"message":{"role":"assistant","content":"' + b"x" * (400 << 20))
    script.choose = lambda body: endless if "1.py" in str(body["messages"]) else None
    assert repo.tiny("bot", "run", "--once", "--memory", "300", *MODEL).code == 0
    assert "the model server sends a line that does not end" in told(repo, "b1")
    assert Counter(reviewed(repo)) == Counter(tips)
