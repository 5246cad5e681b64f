"""The prompt files: versioned, short, and with exactly the places that are filled."""

from __future__ import annotations

import re

import pytest

from tinycode_git.dialogue import Message
from tinycode_git.llm.prompting import load, names

PARTS = {
    "plan": {"most", "files", "outline", "pieces", "commits", "problem", "task"},
    "whole": {"task", "step", "path", "file", "pieces", "done", "problem"},
    "blocks": {"task", "step", "path", "file", "pieces", "done", "problem"},
    "ask": {"outline", "pieces", "commits", "question"},
    "explain": {"most", "lines", "evidence", "problem", "question"},
    "summary": {"most", "audience", "wanted", "evidence", "problem", "question"},
    "message": {"recent", "diff"},
    "complete": {"path", "before", "after"},
    "review": {"most", "subjects", "hunks"},
}


def test_every_file_is_known() -> None:
    assert set(names()) == set(PARTS)


@pytest.mark.parametrize("name", PARTS)
def test_a_prompt(name: str) -> None:
    prompt = load(name)
    assert prompt.version >= 1
    assert len(prompt.system) < 1600 and len(prompt.user) < 600
    assert set(re.findall(r"\{\{(\w+)\}\}", prompt.system + prompt.user)) == PARTS[name]
    assert "data" in prompt.system, "what comes from the repository is named as data"
    turns = prompt.filled({part: f"<{part}>" for part in PARTS[name]}, [Message("user", "before")])
    assert [turn.role for turn in turns] == ["system", "user", "user"]
    assert "{{" not in turns[0].content + turns[2].content


def test_what_is_filled_in_is_not_filled_again() -> None:
    parts = dict.fromkeys(PARTS["ask"], "") | {"question": "what is {{outline}}?"}
    assert "what is {{outline}}?" in load("ask").filled(parts)[1].content


def test_places_without_a_part_leave_no_gap() -> None:
    parts = dict.fromkeys(PARTS["whole"], "") | {"task": "t", "step": "s", "path": "p", "file": "f"}
    assert "\n\n\n" not in load("whole").filled(parts)[1].content
