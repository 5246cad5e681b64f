"""A part of an expression, cheap to compile and rare enough to look for: its first items, on the text of the pattern.

An unanchored search for ``A B C`` finds nothing where ``A B`` does not occur. Hyperscan takes seconds to compile some
long expressions whole, and a few milliseconds for their beginning.
"""

from __future__ import annotations

import re
from re import _parser as parser  # type: ignore[attr-defined]

_MARK = re.compile(r"\\x..|\\.|\[\^?\]?(?:[^\]\\]|\\.)*\]|\{\d*,?\d*\}\??|[*+?][?+]?|.", re.S)
_FLAGS = re.compile(r"(?:\(\?[a-z]+\))?")
_SHORT, _LONG = 120, 800  # what is no longer than the one is looked for as it is
_WIDTH, _WIDTH_OF_LONG = 9, 3


def segment(pattern: str) -> str:
    """An expression that matches in every text in which ``pattern`` does; ``pattern`` itself where it is short."""
    if len(pattern) <= _SHORT:
        return pattern
    try:
        flags = _FLAGS.match(pattern)
        head = flags[0] if flags else ""
        parts = [_first(branch, head) for branch in _branches(pattern[len(head) :])]
    except (re.error, OverflowError, RecursionError):
        return pattern
    return head + "|".join(parts)


def _branches(pattern: str) -> list[list[str]]:
    """The alternatives of the top level, each as its items: a group, a class or a letter, with its repetition."""
    branches: list[list[str]] = [[]]
    depth = begin = 0
    for found in _MARK.finditer(pattern):
        mark = found[0]
        if mark == "(":
            begin = begin if depth else found.start()
            depth += 1
        elif mark == ")":
            depth -= 1
            if not depth:
                branches[-1].append(pattern[begin : found.end()])
        elif depth:
            continue
        elif mark == "|":
            branches.append([])
        elif branches[-1] and (mark[0] in "*+?" or re.fullmatch(r"\{\d+(?:,\d*)?\}\??", mark)):
            branches[-1][-1] += mark
        else:
            branches[-1].append(mark)
    return branches


def _first(items: list[str], head: str) -> str:
    """The items from the first that needs a character on, until together they need enough of them."""
    length = sum(map(len, items))
    if length <= _SHORT:
        return "".join(items)
    enough = _WIDTH_OF_LONG if length > _LONG else _WIDTH
    widths = [parser.parse(head + item).getwidth()[0] for item in items]
    start = next((at for at, width in enumerate(widths) if width), 0)
    if start and items[start - 1] == r"\b":
        start -= 1
    total = 0
    for at in range(start, len(items)):
        total += widths[at]
        if total >= enough and not (at + 1 < len(items) and len(items[at + 1]) == 1):  # not within a word
            return "".join(items[start : at + 1])
    return "".join(items[start:])
