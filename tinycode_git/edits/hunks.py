"""Applies the hunks of a patch to a file's bytes, as strictly as ``git apply`` and in one respect more so.

As in git: every context line must match byte for byte; a hunk that starts at line 1 must match at the beginning, one
without context after it at the end of the file; hunks go in order and never overlap. Stricter than git: a hunk that is
not at the line it names must match at exactly one place, where git takes the nearest one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tinycode_git.edits.lines import split_lines
from tinycode_git.edits.nearest import beside
from tinycode_git.edits.paths import shown
from tinycode_git.edits.unified import Hunk
from tinycode_git.errors import Refused

# Comparisons of lines that one file may cost before it counts as too repetitive to place a hunk in.
_BUDGET = 20_000_000


class LineIndex:
    """The lines of a file and, built when first asked for, where each of them stands."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self.lines = list(lines)
        self._places: dict[bytes, list[int]] | None = None
        self._budget = _BUDGET

    def places(self, line: bytes) -> Sequence[int]:
        """The numbers, from 0, of the lines that equal ``line``."""
        if self._places is None:
            self._places = {}
            for number, text in enumerate(self.lines):
                self._places.setdefault(text, []).append(number)
        return self._places.get(line, ())

    def matches(self, wanted: Sequence[bytes]) -> Iterator[int]:
        """Where ``wanted`` stands in the file, in order, overlaps too. Raises ``Refused`` where that costs too much."""
        if not wanted:
            return
        rarest = min(range(len(wanted)), key=lambda j: len(self.places(wanted[j])))
        probe = list(wanted)
        for place in self.places(wanted[rarest]):
            start = place - rarest
            self._budget -= len(probe)
            if self._budget < 0:
                raise Refused("the file repeats itself too much to place the change", "make the patch from this base")
            if start >= 0 and self.lines[start : start + len(probe)] == probe:
                yield start


def apply_hunks(content: bytes, hunks: Sequence[Hunk], path: str) -> bytes:
    """``content`` with ``hunks`` applied. Raises ``Refused`` naming the hunk, the line and the nearest lines."""
    index = LineIndex(split_lines(content))
    out: list[bytes] = []
    done = drift = 0
    for hunk in hunks:
        old = hunk.old()
        at = _place(index, hunk, old, done, drift, path, len(hunks))
        new = hunk.new()
        ends = at + len(old) == len(index.lines)
        if any(not line.endswith(b"\n") for line in new[:-1]) or (new and not ends and not new[-1].endswith(b"\n")):
            raise _failed(hunk, len(hunks), path, "it leaves a line without its end inside the file")
        out += index.lines[done:at]
        out += new
        done, drift = at + len(old), at - _stated(hunk)
    out += index.lines[done:]
    return b"".join(out)


def _stated(hunk: Hunk) -> int:
    """Where the hunk says that it is, from 0. A hunk without old lines names the line before it."""
    return hunk.old_start - 1 if hunk.old_count else hunk.old_start


def _place(index: LineIndex, hunk: Hunk, old: list[bytes], floor: int, drift: int, path: str, total: int) -> int:
    lines, size = index.lines, len(old)
    at_beginning, at_end = hunk.old_start <= 1, hunk.lines[-1][0] != 0x20
    stated = _stated(hunk)
    if at_beginning or at_end:
        at = 0 if at_beginning else len(lines) - size
        fits = at >= floor and lines[at : at + size] == old and (not at_end or at + size == len(lines))
        if fits and (size or at == stated):
            return at
        if not size:
            raise _failed(hunk, total, path, "it has no lines of context to tell its place by")
        where = "the beginning" if at_beginning else "the end"
        where = "the whole" if at_beginning and at_end else where
        if next(index.matches(old), None) is not None:
            reason = f"its lines are there, but not at {where} of the file, as a hunk without more context must be"
            raise _failed(hunk, total, path, reason)
        raise _failed(hunk, total, path, f"line {hunk.old_start} is not as expected", beside(path, lines, old))
    if not drift and stated >= floor and lines[stated : stated + size] == old:
        return stated
    found: list[int] = []
    for place in index.matches(old):
        if place >= floor:
            found.append(place)
        if len(found) > 1:
            both = " and ".join(str(n + 1) for n in found)
            reason = f"its lines are at more than one place (lines {both}), none of them line {stated + 1}"
            raise _failed(hunk, total, path, reason)
    if not found:
        raise _failed(hunk, total, path, f"line {hunk.old_start} is not as expected", beside(path, lines, old))
    return found[0]


def _failed(hunk: Hunk, total: int, path: str, reason: str, detail: str = "") -> Refused:
    which = f"hunk {hunk.number}" + (f" of {total}" if total > 1 else "")
    message = f"the patch does not apply to {shown(path)}: {which} (input line {hunk.at}): {reason}"
    return Refused(message, "make the patch anew from this base, or choose the base it was made from", detail=detail)
