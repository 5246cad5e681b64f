"""The places that an answer rests on: found in its text and held against what the model was shown at a commit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tinycode_git.dialogue import Piece
from tinycode_git.proposal import Snapshot

_CITATION = re.compile(r"[\[(`]+([\w./@+ -]*[\w@+-]\.?\w*):(?:L|lines? )?(\d+)(?:\s*[-–]\s*L?(\d+))?[\])`]+")
_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Citation:
    """One place: lines ``line`` to ``end`` of a file, the first of them as it stands there, and whether it holds.

    ``problem`` says why not: no such file, no such line, or never shown to the model.
    """

    path: str
    line: int
    end: int
    text: str = ""
    problem: str = ""

    @property
    def good(self) -> bool:
        """Whether the place exists and the model had it before it."""
        return not self.problem


def citations(answer: str, snapshot: Snapshot, pieces: Sequence[Piece], mapped: Sequence[str] = ()) -> list[Citation]:
    """Every place that ``answer`` names, each once, in order. ``mapped`` are files whose definitions were shown."""
    found: dict[tuple[str, int, int], Citation] = {}
    for path, line, end in _named(answer):
        found.setdefault((path, line, end), _checked(path, line, end, snapshot, pieces, mapped))
    return list(found.values())


def _named(answer: str) -> Iterator[tuple[str, int, int]]:
    for match in _CITATION.finditer(answer):
        line = int(match[2][:9])
        yield match[1].strip().removeprefix("./"), line, max(line, int((match[3] or match[2])[:9]))


def _checked(
    path: str, line: int, end: int, snapshot: Snapshot, pieces: Sequence[Piece], mapped: Sequence[str]
) -> Citation:
    entry = snapshot.entry(path) if path and not path.startswith("/") and ".." not in path.split("/") else None
    if entry is None:
        return Citation(path, line, end, problem="there is no such file")
    lines = (snapshot.read(path) or b"").decode("utf-8", "replace").split("\n")
    if not 1 <= line <= len(lines) or end > len(lines):
        return Citation(path, line, end, problem=f"the file has {len(lines)} lines")
    text = lines[line - 1].strip()[:_LONGEST]
    shown = any(piece.path == path and piece.first <= line <= piece.last for piece in pieces)
    if not shown and path not in mapped:
        return Citation(path, line, end, text, "the model was not shown it")
    return Citation(path, line, end, text)


def numbered(piece: Piece) -> str:
    """The piece with the number of each line, so that it can be named."""
    lines = piece.text.removesuffix("\n").split("\n")
    return "\n".join(f"{number:5} {line}" for number, line in enumerate(lines, piece.first))
