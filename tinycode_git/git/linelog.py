"""The life of some lines: ``git log -L``, each commit with its part of the diff."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tinycode_git.git.blame import path_arg

_COMMIT = re.compile(rb"^\0([0-9a-f]{40}|[0-9a-f]{64})$", re.M)
_HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.M)


@dataclass(frozen=True, slots=True)
class LineChange:
    """A commit that changed the lines: where they stood in it (first, last), and its diff of them."""

    oid: str
    first: int
    last: int
    added: int
    removed: int
    patch: str


def line_log_args(commit: str, path: str, first: int, last: int) -> list[str]:
    """The arguments of ``git log`` for the history of lines of a path as ``commit`` has it."""
    plain = ("--no-color", "--no-ext-diff", "--no-textconv", "--format=%x00%H")
    return ["-c", "log.showRoot=true", "log", *plain, f"-L{first},{last}:{path_arg(path)}", "--end-of-options", commit]


def parse_line_log(out: bytes) -> tuple[LineChange, ...]:
    """What that printed, newest first."""
    return tuple(_changes(out))


def _changes(out: bytes) -> Iterator[LineChange]:
    marks = list(_COMMIT.finditer(out))
    for at, mark in enumerate(marks):
        patch = out[mark.end() : marks[at + 1].start() if at + 1 < len(marks) else len(out)].strip(b"\n")
        hunks = list(_HUNK.finditer(patch))
        if not hunks:
            continue
        starts = [(int(hunk[3]), int(hunk[4] or 1)) for hunk in hunks]
        body = patch[hunks[0].end() :].split(b"\n")
        yield LineChange(
            oid=mark[1].decode(),
            first=min(start for start, _ in starts),
            last=max(start + max(count, 1) - 1 for start, count in starts),
            added=sum(row.startswith(b"+") for row in body),
            removed=sum(row.startswith(b"-") for row in body),
            patch=patch.decode("utf-8", "surrogateescape"),
        )
