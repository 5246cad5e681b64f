"""A completion: the text around a place, cut to what the model can read, and what it says belongs between."""

from __future__ import annotations

from dataclasses import dataclass

from tinycode_git.commands.talking import Talking
from tinycode_git.errors import UsageError
from tinycode_git.planners.model_words import completion

# Of the room, what stands before the place matters more than what follows.
_BEFORE = 0.7


@dataclass(frozen=True, slots=True)
class Completion:
    """What belongs at a place; ``filled``: by a model that was made for filling in."""

    text: str
    filled: bool
    cut: bool


def complete_at(talk: Talking, path: str, text: str, line: int, column: int, most: int) -> Completion:
    """What belongs at line and column (from 1) of ``text``. Raises UsageError where there is no such place."""
    lines = text.split("\n")
    if not 1 <= line <= len(lines) or not 1 <= column <= len(lines[line - 1]) + 1:
        raise UsageError(f"{path} has no line {line} with a column {column}", f"it has {len(lines)} lines")
    at = sum(len(one) + 1 for one in lines[: line - 1]) + column - 1
    session = talk.session
    room = session.room - most - session.frame("complete") - session.count(path)
    before = _end(session.count, text[:at], int(room * _BEFORE))
    after = _start(session.count, text[at:], int(room * (1 - _BEFORE)))
    filled = session.fill(before, after, most=most)
    if filled is not None:
        return Completion(filled.text, True, filled.cut)
    said = session.ask("complete", {"path": path, "before": before, "after": after}, most=most)
    return Completion(completion(said.text, before, after), False, said.cut)


def _end(count: object, text: str, room: int) -> str:
    """The last lines of ``text`` that fit."""
    assert callable(count)
    text = text[-room * 12 :]
    while text and count(text) > room:
        text = text[len(text) // 8 + 1 :].partition("\n")[2] if "\n" in text else text[len(text) // 4 + 1 :]
    return text


def _start(count: object, text: str, room: int) -> str:
    """The first lines of ``text`` that fit."""
    assert callable(count)
    text = text[: room * 12]
    while text and count(text) > room:
        text = text[: len(text) * 7 // 8].rpartition("\n")[0] if "\n" in text else text[: len(text) * 3 // 4]
    return text
