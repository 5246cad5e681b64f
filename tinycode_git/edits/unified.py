"""Reads unified diffs, plain and git's own, into records. Nothing is applied here.

The grammar is that of git-diff(1), "Generating patch text with -p", and of ``git apply``: text between patches is
skipped, counts in hunk headers are binding, and what is cut short or inconsistent is an error, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from tinycode_git.edits.binary import BinaryPatch, read_binary
from tinycode_git.edits.headers import GitHeader, name_of, read_header, strip_pair
from tinycode_git.edits.lines import split_lines
from tinycode_git.errors import UsageError

HUNK = re.compile(rb"@@ -(\d{1,10})(?:,(\d{1,10}))? \+(\d{1,10})(?:,(\d{1,10}))? @@")
# The names of the empty blob, by SHA-1 and by SHA-256.
_EMPTY_BLOBS = (
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
)
_EPOCH = re.compile(rb"\t(?:1970-01-01|1969-12-31)[ T]")


@dataclass(frozen=True, slots=True)
class Hunk:
    """Hunk ``number`` (from 1) of a file, at line ``at`` of the input; ``lines`` keep their space, plus or minus."""

    old_start: int
    old_count: int
    new_start: int
    lines: tuple[bytes, ...]
    number: int
    at: int

    def old(self) -> list[bytes]:
        """The lines that must be there."""
        return [line[1:] for line in self.lines if line[0] != 0x2B]

    def new(self) -> list[bytes]:
        """The lines that will be there."""
        return [line[1:] for line in self.lines if line[0] != 0x2D]


@dataclass(frozen=True, slots=True)
class FilePatch:
    """What a diff says about one file. A side that is not there (creation, deletion) has no path.

    ``action`` is one of ``modify``, ``create``, ``delete``, ``rename``, ``copy``; ``guessed`` says that a plain diff
    gave no header, so that names and action are what its two file lines suggest. ``at`` is the line of the input.
    """

    action: str
    old_path: str | None
    new_path: str | None
    header: GitHeader
    hunks: tuple[Hunk, ...] = ()
    binary: BinaryPatch | None = None
    guessed: bool = False
    at: int = 0

    @property
    def path(self) -> str:
        """The path to speak of."""
        return self.new_path or self.old_path or ""


def corrupt(line: int, reason: str) -> NoReturn:
    """Raise the error of a patch that is not one."""
    raise UsageError(f"the patch is corrupt at line {line}: {reason}", "make it anew with git diff or git format-patch")


def parse_patch(data: bytes, *, first_line: int = 1) -> list[FilePatch]:
    """The file patches in ``data``, in order; ``first_line`` is the number of its first line in messages.

    Raises ``UsageError`` where a patch is corrupt. Where there is none at all the answer is empty.
    """
    lines = split_lines(data)
    patches: list[FilePatch] = []
    i = 0
    while i < len(lines):
        line = lines[i]
        patch: FilePatch | None = None
        if line.startswith(b"diff --git "):
            patch, i = _git_patch(lines, i, first_line)
        elif line.startswith(b"--- ") and _is_plain(lines, i):
            patch, i = _plain_patch(lines, i, first_line)
        elif line.startswith((b"diff --cc ", b"diff --combined ")):
            corrupt(first_line + i, "a merge's combined diff cannot be applied")
        elif line.startswith(b"@@ -") and HUNK.match(line):
            corrupt(first_line + i, "a hunk without a file header above it")
        else:
            i += 1
        if patch is not None:
            patches.append(patch)
    return patches


def _is_plain(lines: Sequence[bytes], i: int) -> bool:
    return i + 2 < len(lines) and lines[i + 1].startswith(b"+++ ") and HUNK.match(lines[i + 2]) is not None


def _git_patch(lines: Sequence[bytes], i: int, first_line: int) -> tuple[FilePatch, int]:
    start = i
    header, i = read_header(lines, i, first_line)
    hunks: tuple[Hunk, ...] = ()
    binary: BinaryPatch | None = None
    if i < len(lines) and lines[i].startswith(b"@@ -"):
        hunks, i = read_hunks(lines, i, first_line)
    elif i < len(lines) and lines[i].startswith(b"GIT binary patch"):
        binary, i = read_binary(lines, i + 1, first_line)
    elif i < len(lines) and lines[i].startswith((b"Binary files ", b"Files ")) and lines[i].endswith(b" differ\n"):
        binary, i = BinaryPatch(None), i + 1
    if not (hunks or binary or header.changes_something()):
        corrupt(first_line + start, "nothing follows the file header")
    empty = not header.new_oid.strip("0") or any(name.startswith(header.new_oid) for name in _EMPTY_BLOBS)
    if header.action == "create" and not (hunks or binary or empty):
        corrupt(first_line + start, "a new file's content is missing")
    if header.action == "create" and any(h.old_count for h in hunks):
        corrupt(first_line + start, "a new file's hunks name old lines")
    if header.action == "delete" and any(line[0] != 0x2D for h in hunks for line in h.lines):
        corrupt(first_line + start, "a deleted file's hunks keep lines")
    old = None if header.action == "create" else header.old_path
    new = None if header.action == "delete" else header.new_path
    return FilePatch(header.action, old, new, header, hunks, binary, at=first_line + start), i


def _plain_patch(lines: Sequence[bytes], i: int, first_line: int) -> tuple[FilePatch, int]:
    hunks, end = read_hunks(lines, i + 2, first_line)
    sides = [None if _EPOCH.search(line) else name_of(line[4:]) for line in (lines[i], lines[i + 1])]
    old, new = strip_pair(*sides)
    if not (old or new):
        corrupt(first_line + i, "neither side names a file")
    if old and new and old != new:
        old = new = _without_backup(old, new) or corrupt(first_line + i, "the two sides name different files")
    action = "create" if old is None else "delete" if new is None else "modify"
    if action == "create" and any(h.old_count for h in hunks):
        corrupt(first_line + i, "a new file's hunks name old lines")
    if action == "delete" and any(line[0] != 0x2D for h in hunks for line in h.lines):
        corrupt(first_line + i, "a deleted file's hunks keep lines")
    header = GitHeader(old_path=old, new_path=new, action=action)
    return FilePatch(action, old, new, header, hunks, guessed=True, at=first_line + i), end


def _without_backup(old: str, new: str) -> str | None:
    """The file that both names mean where one is the other's backup (``diff a.c.orig a.c``)."""
    for one, other in ((old, new), (new, old)):
        if one.startswith(other) and one[len(other) :] in ("~", ".orig", ".bak", ".old", ".new"):
            return other
    return None


def read_hunks(lines: Sequence[bytes], i: int, first_line: int) -> tuple[tuple[Hunk, ...], int]:
    """The hunks that start at line ``i`` and where they end."""
    hunks: list[Hunk] = []
    while i < len(lines) and lines[i].startswith(b"@@ -"):
        match = HUNK.match(lines[i])
        if match is None:
            corrupt(first_line + i, "a malformed hunk header")
        old_start, new_start = int(match[1]), int(match[3])
        old, new = (1 if n is None else int(n) for n in (match[2], match[4]))
        body, end = _hunk_body(lines, i + 1, old, new, first_line)
        hunks.append(Hunk(old_start, old, new_start, tuple(body), len(hunks) + 1, first_line + i))
        i = end
    return tuple(hunks), i


def _hunk_body(lines: Sequence[bytes], i: int, old: int, new: int, first_line: int) -> tuple[list[bytes], int]:
    body: list[bytes] = []
    changed = False
    while old > 0 or new > 0 or (i < len(lines) and lines[i].startswith(b"\\ ")):
        if i >= len(lines):
            corrupt(first_line + i - 1, "a hunk ends before all the lines that its header counts")
        line = lines[i]
        tag = line[0]
        if tag == 0x5C:  # "\ No newline at end of file"
            if not body or not body[-1].endswith(b"\n"):
                corrupt(first_line + i, "a mark of a missing line end without a line")
            body[-1] = body[-1][:-1]
        elif tag in b" +-\n":
            # Newer GNU diff writes an empty context line without its space.
            body.append(b" \n" if tag == 0x0A else line)
            old -= tag != 0x2B
            new -= tag != 0x2D
            changed = changed or tag in b"+-"
            # A line that lost its end may have lost more.
            if not line.endswith(b"\n"):
                corrupt(first_line + i, "the input ends inside a line of a hunk")
        else:
            corrupt(first_line + i, "a hunk's line starts with neither space, plus nor minus")
        if old < 0 or new < 0:
            corrupt(first_line + i, "a hunk has more lines than its header counts")
        i += 1
    if not changed:
        corrupt(first_line + i - 1, "a hunk changes nothing")
    return body, i
