"""How text of the repository is put into a question: fenced as data, cut to size."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

from tinycode_git.dialogue import Piece, Talk

_WORD = re.compile(r"[^\W\d_]{3,}")
_WINDOWS = (30, 10, 3)


def data(title: str, text: str) -> str:
    """``text`` under a title, between lines of tildes of which it has none as long."""
    mark = _mark(text, "~", 3)
    return f"{title}:\n{mark}\n{text.rstrip()}\n{mark}"


def fenced(text: str) -> str:
    """A file in a fence of backticks that is longer than any in it."""
    mark = _mark(text, "`", 3)
    return f"{mark}\n{text}{'' if text.endswith(chr(10)) else chr(10)}{mark}"


def _mark(text: str, char: str, least: int) -> str:
    longest = max((len(run) for run in re.findall(re.escape(char) + "+", text)), default=0)
    return char * max(least, longest + 1)


def fit(talk: Talk, pieces: Sequence[Piece], room: int) -> list[Piece]:
    """The first of ``pieces`` that fit into ``room`` tokens together; one that does not is passed over."""
    chosen = []
    for piece in pieces:
        cost = piece.tokens + 24
        if cost <= room:
            chosen.append(piece)
            room -= cost
    return chosen


def problem_text(*parts: str) -> str:
    """What went wrong, as one paragraph a part."""
    return "\n\n".join(part for part in parts if part)


def windows(text: str, about: str, room: int, count: Callable[[str], int]) -> list[tuple[int, str]]:
    """The parts of a file too large that share most words with ``about``, as many as fit: first line and text."""
    lines = text.split("\n")
    words = {word.lower() for word in _WORD.findall(about)}
    chosen: list[tuple[int, str]] = []
    for size in _WINDOWS:
        chosen = _chosen(lines, words, size, room, count)
        if chosen:
            break
    merged: list[tuple[int, str]] = []
    for first, part in sorted(chosen):
        if merged and merged[-1][0] + merged[-1][1].count("\n") + 1 == first:
            merged[-1] = (merged[-1][0], f"{merged[-1][1]}\n{part}")
        else:
            merged.append((first, part))
    return merged


def _chosen(
    lines: Sequence[str], words: AbstractSet[str], size: int, room: int, count: Callable[[str], int]
) -> list[tuple[int, str]]:
    """Windows of ``size`` lines, those with most of ``words`` first, until the room is used up."""
    rows = []
    for start in range(0, len(lines), size):
        part = "\n".join(lines[start : start + size])
        hits = sum(1 for word in _WORD.findall(part) if word.lower() in words)
        rows.append((-hits, start, part))
    chosen = []
    for _, start, part in sorted(rows):
        room -= count(part) + 8
        if room < 0:
            break
        chosen.append((start + 1, part))
    return chosen


def excerpt(text: str, about: str, room: int, count: Callable[[str], int]) -> str:
    """The ``windows`` of a file as one text."""
    return "\n".join(part for _, part in windows(text, about, room, count))
