"""The lines of a diff, as the only places that a finding can be at.

A ``Place`` is made by ``Changed`` alone: what asks for a line that the change does not touch gets None, and is dropped
and counted by the caller. So no finding of a review is off the diff.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tinycode_git.git.patches import FilePatch


@dataclass(frozen=True, slots=True)
class Place:
    """Lines of a path as the change leaves it (from 1), with the text of the first.

    ``where`` is content, file (the path or mode itself: line 0), message (of ``commit``), or commit: a line that
    ``commit`` of the range has and the last one has no more.
    """

    path: str
    line: int
    end_line: int
    text: str
    where: str = "content"
    commit: str = ""


@dataclass(frozen=True, slots=True)
class _File:
    """The changed lines of one file: text by number, and the edges where lines were only taken away."""

    lines: Mapping[int, bytes]
    edges: frozenset[int]
    starts: tuple[int, ...] = ()
    by_text: Mapping[bytes, list[int]] = field(default_factory=dict)


class Changed:
    """What a change touches; ``commits`` are those of the range, whose messages belong to it."""

    def __init__(self, patches: Iterable[FilePatch], commits: Iterable[str] = ()) -> None:
        self.patches = tuple(patches)
        self.commits = frozenset(commits)
        self._files = {patch.path: _file(patch) for patch in self.patches}

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def line(self, path: str, line: int, end_line: int = 0) -> Place | None:
        """The place of lines ``line`` to ``end_line``, cut to those that changed; None where none did."""
        file = self._files.get(path)
        if file is None or line < 1:
            return None
        last = max(line, end_line)
        if line in file.edges and line not in file.lines and last == line:
            return Place(path, line, line, "")
        at = bisect_right(file.starts, line - 1)
        if at == len(file.starts) or file.starts[at] > last:
            return None
        first = end = file.starts[at]
        while end < last and end + 1 in file.lines:
            end += 1
        return Place(path, first, end, _text(file.lines[first]))

    def like(self, path: str, line: int, text: bytes, more: int = 0) -> Place | None:
        """The changed line of that text nearest to ``line``, with ``more`` that changed after it; None for none."""
        file = self._files.get(path)
        found = file.by_text.get(text.strip(), []) if file else []
        if not found:
            return None
        nearest = min(found, key=lambda one: abs(one - line))
        return self.line(path, nearest, nearest + more)

    def file(self, path: str) -> Place | None:
        """The place of a change to the path itself."""
        return Place(path, 0, 0, "", "file") if path in self._files else None

    def message(self, commit: str) -> Place | None:
        """The place of a commit's message or identities."""
        return Place("", 0, 0, "", "message", commit) if commit in self.commits else None

    def gone(self, commit: str, path: str, line: int) -> Place | None:
        """A line that a commit of the range wrote and that is not there in the end."""
        return Place(path, line, line, "", "commit", commit) if commit in self.commits else None


def _file(patch: FilePatch) -> _File:
    lines: dict[int, bytes] = {}
    edges: set[int] = set()
    for hunk in patch.hunks:
        if not hunk.added and patch.status != "D":  # a file that is gone has no line to stand at
            edges.add(max(1, hunk.new_start))
        for at, text in enumerate(hunk.added):
            lines[hunk.new_start + at] = text
    by_text: dict[bytes, list[int]] = {}
    for number, text in lines.items():
        by_text.setdefault(text.strip(), []).append(number)
    return _File(lines, frozenset(edges), tuple(sorted(lines)), by_text)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def spans(patch: FilePatch) -> Iterator[tuple[int, int]]:
    """First and last line of each hunk as the change leaves it."""
    for hunk in patch.hunks:
        first, last = hunk.new_span
        yield (first, last) if hunk.added else (max(1, first), max(1, first))
