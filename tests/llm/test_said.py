"""Answers as models give them, good, messy and hostile, one file each: what is taken of it, or the reason why not.

A file begins with what it is and what is expected, up to a line ``---``; the answer follows byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tinycode_git.llm.spoken import without_thinking
from tinycode_git.planners.model import unwrapped
from tinycode_git.planners.model_edit import edit_of
from tinycode_git.planners.model_plan import BadAnswer, ids_of, read_plan
from tinycode_git.proposal import MODE_FILE, MODE_LINK, Delete, MemorySnapshot, Put

FOLDER = Path(__file__).parent / "said"
APP = b"""import os


def greet(name):
    print("hello", name)


def main():
    greet("world")
    return 0


class Shop:
    def open(self):
        self.state = 1
        return True


class Bar:
    def open(self):
        self.state = 1
        return True
"""
LONG = b"".join(b"value_%d = %d\n" % (n, n) for n in range(60))
FILES = MemorySnapshot(
    {
        "README.md": (MODE_FILE, b"# App\n\nRun it.\n"),
        "dos.txt": (MODE_FILE, b"one\r\ntwo\r\nthree\r\n"),
        "link": (MODE_LINK, b"src/app.py"),
        "long.py": (MODE_FILE, LONG),
        "run.go": (MODE_FILE, b"package main\n\nfunc run() {\n\tif ok {\n\t\tgo run()\n\t}\n}\n"),
        "src/app.py": (MODE_FILE, APP),
        "src/util.py": (MODE_FILE, b"def twice(x):\n    return 2 * x\n"),
    }
)
IDS = ids_of([path for path in FILES.files if path != "link"])


@dataclass(frozen=True, slots=True)
class Said:
    """One file: what it says of itself, and the answer."""

    name: str
    head: dict[str, list[str]]
    answer: str

    def one(self, key: str, default: str = "") -> str:
        return self.head.get(key, [default])[0]


def read(place: Path) -> Said:
    head, _, answer = place.read_bytes().partition(b"---\n")
    found: dict[str, list[str]] = {}
    for line in head.decode().splitlines():
        key, _, value = line.partition(": ")
        found.setdefault(key, []).append(value)
    return Said(place.stem, found, answer.decode("utf-8", "surrogateescape"))


SAID = [read(place) for place in sorted(FOLDER.glob("*.txt"))]
PLANS = [said for said in SAID if said.one("kind") == "plan"]
EDITS = [said for said in SAID if said.one("kind") == "edit"]


def test_there_are_many() -> None:
    assert len(SAID) >= 60
    assert len(PLANS) + len(EDITS) == len(SAID)


@pytest.mark.parametrize("said", PLANS, ids=lambda said: said.name)
def test_plans(said: Said) -> None:
    text, _ = without_thinking(said.answer)
    if refused := said.one("refused"):
        with pytest.raises(BadAnswer) as caught:
            read_plan(unwrapped(text), FILES, IDS, 4)
        assert refused in str(caught.value)
        return
    planned = read_plan(unwrapped(text), FILES, IDS, 4)
    shown = [
        f"{one.title} | {' '.join(one.change)} | {' '.join(one.create)} | {' '.join(one.delete)}"
        for one in planned.steps
    ]
    assert shown == said.head["step"]
    for reason in said.head.get("dropped", []):
        assert any(reason in one for one in planned.dropped), planned.dropped
    assert bool(planned.dropped) == ("dropped" in said.head), planned.dropped


@pytest.mark.parametrize("said", EDITS, ids=lambda said: said.name)
def test_edits(said: Said) -> None:
    path = said.one("path", "src/app.py")
    text, _ = without_thinking(said.answer)
    if refused := said.one("refused"):
        with pytest.raises(BadAnswer) as caught:
            edit_of(FILES, path, unwrapped(text))
        assert refused in str(caught.value)
        return
    edited = edit_of(FILES, path, unwrapped(text))
    (change,) = edited.changes
    assert change.path == path
    assert isinstance(change, Put) or (isinstance(change, Delete) and "deletes" in said.head)
    if isinstance(change, Put):
        content = change.content.decode("utf-8", "surrogateescape").replace("\r", "<CR>").replace("\t", "<TAB>")
        for part in said.head.get("holds", []):
            assert part in content
        for part in said.head.get("lacks", []):
            assert part not in content
    for reason in said.head.get("dropped", []):
        assert any(reason in one for one in edited.dropped), edited.dropped
