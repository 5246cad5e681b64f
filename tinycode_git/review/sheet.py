"""What a model is shown of a change: hunks in their functions, each changed line under an opaque id.

An id says nothing of where its line is, and no number in a repository's text is one. What a model answers is read
against the rows of the very question (``review.answer``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from tinycode_git.edits.paths import shown
from tinycode_git.git.patches import FilePatch, Hunk

AROUND = 5
WHOLE_FUNCTION = 60
LONGEST_LINE = 300
MOST_ROWS = 300  # of a question: its ids are an enumeration that the model's server makes a grammar of
_ALPHABET = "bcdfghjkmnpqrstvwxz"  # no vowel, no digit: an id is neither a word nor a number
_NAME = re.compile(r"[^\W\d]\w*")

Spans = Sequence[tuple[int, int]]
Count = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Row:
    """A changed line: where a finding on it stands, and its text as shown. ``gone``: the line was taken away there."""

    id: str
    path: str
    line: int
    text: str
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Some lines of one file as they are shown. ``hunks`` are those that it holds lines of, by number in the file.

    ``names`` are the words of the hunks and of the functions around them; of the lines around where they are in none.
    """

    path: str
    text: str
    rows: tuple[Row, ...]
    hunks: frozenset[int]
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Line:
    """One line as shown: its id (empty: not changed), ``+``, ``-`` or blank, its text, its hunk (-1: none)."""

    row: Row | None
    mark: str
    text: str
    hunk: int

    @property
    def shown(self) -> str:
        return f"{self.row.id if self.row else '':4} {self.mark} {self.text}"


class Ids:
    """Gives out ids, none twice; the same lines of the same blobs get the same ones."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def next(self, *about: object) -> str:
        """The id of what ``about`` names."""
        for turn in range(1 << 20):
            digest = sha256("\0".join(map(str, (*about, turn))).encode("utf-8", "surrogateescape")).digest()
            found = "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:4])
            if found not in self._given:
                self._given.add(found)
                return found
        raise AssertionError("more lines than ids")


def parts_of(patch: FilePatch, lines: Sequence[str], functions: Spans, ids: Ids, room: int, count: Count) -> list[Part]:
    """The hunks of a file as a model gets them, none larger than ``room`` tokens.

    ``lines`` are those of the file as the change leaves it (secrets masked), ``functions`` first and last line of each
    definition in it.
    """
    made: list[Part] = []
    for first, last, numbers in _windows(patch.hunks, len(lines), functions):
        names = frozenset(_words(patch, lines, functions, first, last, numbers))
        shown_lines = list(_lines(patch, lines, first, last, numbers, ids))
        pieces = _pieces(shown_lines, room - count(shown(patch.path)) - 16, count)
        made += (_part(patch.path, piece, names) for piece in pieces)
    return made


def _windows(hunks: Sequence[Hunk], end: int, functions: Spans) -> list[tuple[int, int, list[int]]]:
    """What is shown: first and last line, and which hunks; windows that touch are one."""
    found: list[tuple[int, int, list[int]]] = []
    for number, hunk in enumerate(hunks):
        at, last = max(1, hunk.new_start), max(1, hunk.new_start, hunk.new_span[1])
        first, until = at - AROUND, last + AROUND
        around = _around(functions, at, last)
        if around and around[1] - around[0] < WHOLE_FUNCTION:
            first, until = around
        elif around:
            first, until = max(first, around[0]), min(until, around[1])
        first, until = max(1, first), min(end, until)
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(until, found[-1][1]), [*found[-1][2], number])
        else:
            found.append((first, until, [number]))
    return found


def _around(functions: Spans, first: int, last: int) -> tuple[int, int] | None:
    """The smallest definition that holds these lines."""
    holding = [span for span in functions if span[0] <= first and last <= span[1]]
    return min(holding, key=lambda span: span[1] - span[0], default=None)


def _words(
    patch: FilePatch, lines: Sequence[str], functions: Spans, first: int, last: int, numbers: Sequence[int]
) -> Iterator[str]:
    spans = [(first, last)]
    for number in numbers:
        hunk = patch.hunks[number]
        yield from (word for line in hunk.removed for word in _NAME.findall(_text(line)))
        around = _around(functions, max(1, hunk.new_start), max(1, hunk.new_start, hunk.new_span[1]))
        spans += [around] if around else []
    for start, end in spans:
        yield from (word for line in lines[start - 1 : end] for word in _NAME.findall(line))
    yield from _NAME.findall(patch.path)


def _lines(
    patch: FilePatch, lines: Sequence[str], first: int, last: int, numbers: Sequence[int], ids: Ids
) -> Iterator[_Line]:
    at = first
    for number in numbers:
        hunk = patch.hunks[number]
        # A hunk that only takes away stands behind the line that it names (git-diff(1), unified format).
        start = hunk.new_start if hunk.added else hunk.new_start + 1
        for line in range(at, min(start, len(lines) + 1)):
            yield _Line(None, " ", _cut(lines[line - 1]), -1)
        for offset, gone in enumerate(hunk.removed):
            yield _removed(patch, hunk, offset, _cut(_text(gone)), number, ids)
        for line in range(start, start + len(hunk.added)):
            text = _cut(lines[line - 1]) if line <= len(lines) else ""
            row = Row(ids.next(patch.new_oid, patch.path, line), patch.path, line, text) if text.strip() else None
            yield _Line(row, "+", text, number)
        at = start + len(hunk.added)
    for line in range(at, last + 1):
        yield _Line(None, " ", _cut(lines[line - 1]), -1)


def _removed(patch: FilePatch, hunk: Hunk, offset: int, text: str, number: int, ids: Ids) -> _Line:
    """A line taken away. Where others came in its place, findings are theirs; where none did, they stand at the gap."""
    if hunk.added or not text.strip() or patch.status not in "MR":
        return _Line(None, "-", text, number)
    name = ids.next(patch.old_oid, patch.path, "gone", hunk.old_start + offset)
    return _Line(Row(name, patch.path, max(1, hunk.new_start), text, gone=True), "-", text, number)


def _pieces(lines: Sequence[_Line], room: int, count: Count) -> Iterator[list[_Line]]:
    """The lines in pieces of at most ``room`` tokens and MOST_ROWS ids; a piece without a changed line is left out."""
    piece: list[_Line] = []
    used = rows = 0
    for line in lines:
        cost = count(line.shown)
        if piece and (used + cost > room or rows == MOST_ROWS):
            yield from ([piece] if any(one.hunk >= 0 for one in piece) else [])
            piece, used, rows = [], 0, 0
        piece.append(line)
        used += cost
        rows += line.row is not None
    if any(one.hunk >= 0 for one in piece):
        yield piece


def _part(path: str, piece: Sequence[_Line], names: frozenset[str]) -> Part:
    return Part(
        path,
        "\n".join((f"@@ {shown(path)}", *(one.shown for one in piece))),
        tuple(one.row for one in piece if one.row),
        frozenset(one.hunk for one in piece if one.hunk >= 0),
        names,
    )


def packed(parts: Iterable[Part], room: int, most: int, count: Count) -> tuple[list[list[Part]], list[Part]]:
    """Questions of at most ``room`` tokens and MOST_ROWS ids, at most ``most`` of them; and the parts left out."""
    questions: list[list[Part]] = []
    left: list[Part] = []
    used = rows = 0
    for part in parts:
        cost = count(part.text) + 2
        fits = questions and used + cost <= room and rows + len(part.rows) <= MOST_ROWS
        if not part.rows:
            continue
        if fits:
            questions[-1].append(part)
        elif len(questions) < most and cost <= room:
            questions.append([part])
            used = rows = 0
        else:
            left.append(part)
            continue
        used += cost
        rows += len(part.rows)
    return questions, left


def _cut(line: str) -> str:
    return line[:LONGEST_LINE].rstrip("\r")


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
