"""Indentation that is off by the same amount on every line: found out, and made good on the lines that come in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

Convert = Callable[[bytes], bytes | None]


def indent_of(text: bytes) -> bytes:
    """The spaces and tabs that ``text`` starts with."""
    return text[: len(text) - len(text.lstrip(b" \t"))]


def reindent(there: Sequence[bytes], old: Sequence[bytes], added: Sequence[bytes]) -> list[list[bytes]]:
    """The ways in which ``added`` can be indented so that ``old`` becomes what is ``there``; empty where there is none.

    Both have the same words on every line. Two ways are only given where they differ in ``added``.
    """
    ways: list[list[bytes]] = []
    pairs = [(indent_of(a), indent_of(b)) for a, b in zip(there, old, strict=True) if a.strip()]
    for convert in _conversions(pairs):
        shift = _shift([(a, convert(b)) for a, b in pairs])
        if shift is None:
            continue
        lines = [_moved(text, convert, *shift) for text in added]
        if None not in lines:
            way = [line for line in lines if line is not None]
            if way not in ways:
                ways.append(way)
    return ways


def _conversions(pairs: Iterable[tuple[bytes, bytes]]) -> list[Convert]:
    """How the given indentation may be read: as it is; where one side has tabs and the other spaces, by their width."""
    there = b"".join(a for a, _ in pairs)
    given = b"".join(b for _, b in pairs)
    as_it_is: list[Convert] = [lambda indent: indent]
    if b"\t" in there and b"\t" not in given and b" " in given:
        return as_it_is + [_tabs(width) for width in (2, 3, 4, 8)]
    if b"\t" in given and b"\t" not in there and b" " in there:
        return as_it_is + [_spaces(width) for width in (2, 3, 4, 8)]
    return as_it_is


def _tabs(width: int) -> Convert:
    return lambda indent: None if len(indent) % width or b"\t" in indent else b"\t" * (len(indent) // width)


def _spaces(width: int) -> Convert:
    return lambda indent: None if b" " in indent else b" " * (len(indent) * width)


def _shift(pairs: Sequence[tuple[bytes, bytes | None]]) -> tuple[bytes, bytes] | None:
    """What to take off and what to put on in front of every indentation; None where that differs from line to line."""
    if not pairs or pairs[0][1] is None:
        return None
    there, given = pairs[0][0], pairs[0][1]
    common = 0
    while common < min(len(there), len(given)) and there[-1 - common] == given[-1 - common]:
        common += 1
    off, on = given[: len(given) - common], there[: len(there) - common]
    for a, b in pairs:
        if b is None or not b.startswith(off) or a != on + b[len(off) :]:
            return None
    return off, on


def _moved(text: bytes, convert: Convert, off: bytes, on: bytes) -> bytes | None:
    if not text.strip():
        return text
    indent = indent_of(text)
    moved = convert(indent)
    if moved is None or not moved.startswith(off):
        return None
    rest = moved[len(off) :]
    # Spaces behind the file's tabs would be a guess at the width of a tab.
    return None if b"\t" in on and b" " in rest else on + rest + text[len(indent) :]
