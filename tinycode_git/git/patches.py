"""What changes from one tree to another, line by line: git's own diff without context, as records.

Attributes that come with a repository (``-diff``, ``binary``) hide no text: a file that git calls binary is asked for
again as text, unless it has a NUL where git itself looks for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tinycode_git.git.blame import path_arg
from tinycode_git.git.process import Git
from tinycode_git.proposal import path_str

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)")
_OPTIONS = ("-r", "-z", "--raw", "-p", "-U0", "-M", "-l1000", "--no-ext-diff", "--no-textconv", "--no-color")
_MORE = ("--ignore-submodules=none", "--full-index", "--no-relative", "--no-abbrev")
# A commit's name before what it changes. No line of a patch looks like it: each begins with a mark or a word.
_NAME = re.compile(rb"^([0-9a-f]{40}|[0-9a-f]{64})\0", re.M)
_HEAD = 8000  # xdiff-interface.c, buffer_is_binary()
_LINK, _SUBMODULE = 0o120000, 0o160000


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines removed and lines put in their place. A side without lines starts at the line before it (git's own)."""

    old_start: int
    new_start: int
    removed: tuple[bytes, ...]
    added: tuple[bytes, ...]
    section: str = ""

    @property
    def old_span(self) -> tuple[int, int]:
        """First and last removed line."""
        return self.old_start, self.old_start + len(self.removed) - 1

    @property
    def new_span(self) -> tuple[int, int]:
        """First and last added line."""
        return self.new_start, self.new_start + len(self.added) - 1


@dataclass(frozen=True, slots=True)
class FilePatch:
    """One changed path: status letter (A D M R C T), blobs and modes, hunks; ``binary`` has none."""

    status: str
    path: str
    old_path: str
    old_mode: int
    new_mode: int
    old_oid: str
    new_oid: str
    hunks: tuple[Hunk, ...] = ()
    binary: bool = False


def patch_trees(git: Git, old: str, new: str, *paths: str) -> tuple[FilePatch, ...]:
    """What changes from tree-ish ``old`` to ``new``, limited to ``paths`` where there are any."""
    return _whole(git, ["diff-tree"], [old, new], paths)


def patch_commits(git: Git, oids: Sequence[str], paths: Sequence[str]) -> dict[str, tuple[FilePatch, ...]]:
    """What each commit (none of them a merge) changes in ``paths``, by one git process."""
    if not oids:
        return {}
    stdin = "".join(f"{oid}\n" for oid in oids).encode()
    literal = git.setting(GIT_LITERAL_PATHSPECS="1")
    args = ("diff-tree", "--stdin", "--root", *_OPTIONS, *_MORE, "--", *map(path_arg, paths))
    out = literal.quiet(*args, stdin=stdin).out
    marks = list(_NAME.finditer(out))
    ends = [*(mark.start() for mark in marks[1:]), len(out)]
    return {mark[1].decode(): tuple(_files(out[mark.end() : end])) for mark, end in zip(marks, ends, strict=True)}


def patch_staged(git: Git, old: str) -> tuple[FilePatch, ...]:
    """What the index has that tree-ish ``old`` has not."""
    return _whole(git, ["diff-index", "--cached"], [old])


def _whole(git: Git, command: Sequence[str], trees: Sequence[str], paths: Sequence[str] = ()) -> tuple[FilePatch, ...]:
    found = _read(git, command, trees, paths)
    hidden = [one.path for one in found if one.binary and not _has_nul(git, one)]
    if not hidden:
        return found
    shown = {one.path: one for one in _read(git, command, trees, hidden, "--text")}
    return tuple(shown.get(one.path, one) if one.binary else one for one in found)


def _read(
    git: Git, command: Sequence[str], trees: Sequence[str], paths: Sequence[str], *options: str
) -> tuple[FilePatch, ...]:
    literal = git.setting(GIT_LITERAL_PATHSPECS="1")
    done = literal.quiet(*command, *_OPTIONS, *_MORE, *options, *trees, "--", *map(path_arg, paths))
    return tuple(_files(done.out))


def _has_nul(git: Git, patch: FilePatch) -> bool:
    for mode, oid in ((patch.old_mode, patch.old_oid), (patch.new_mode, patch.new_oid)):
        if mode in (0, _SUBMODULE):
            continue
        if b"\0" in git.quiet("cat-file", "blob", oid).out[:_HEAD]:
            return True
    return False


def _files(out: bytes) -> Iterator[FilePatch]:
    raw, text = _raw(out)
    sections = _sections(text)
    for row in raw:
        # A change of type (a file becomes a link) is printed as a deletion and a creation.
        bodies = [next(sections, []) for _ in range(2 if row.status == "T" else 1)]
        hunks = tuple(hunk for body in bodies for hunk in _hunks(body))
        binary = any(line.startswith((b"Binary files ", b"GIT binary patch")) for body in bodies for line in body[:12])
        yield FilePatch(
            *(row.status, row.path, row.old_path, row.old_mode, row.new_mode, row.old_oid, row.new_oid),
            hunks=hunks,
            binary=binary and not hunks,
        )


def _raw(out: bytes) -> tuple[list[FilePatch], bytes]:
    rows: list[FilePatch] = []
    at = 0
    while out[at : at + 1] == b":":
        end = out.index(b"\0", at)
        modes = out[at + 1 : end].decode().split(" ")
        status = modes[4][0]
        names: list[str] = []
        for _ in range(2 if status in "RC" else 1):
            at = end + 1
            end = out.index(b"\0", at)
            names.append(path_str(out[at:end]))
        at = end + 1
        rows.append(FilePatch(status, names[-1], names[0], int(modes[0], 8), int(modes[1], 8), modes[2], modes[3]))
    return rows, out[at:].lstrip(b"\0")


def _sections(text: bytes) -> Iterator[list[bytes]]:
    """The lines of each file's part: a line of a hunk never begins with ``diff``."""
    current: list[bytes] | None = None
    for line in text.split(b"\n"):
        if line.startswith(b"diff --git "):
            if current is not None:
                yield current
            current = []
        elif current is not None:
            current.append(line)
    if current is not None:
        yield current


def _hunks(lines: Sequence[bytes]) -> Iterator[Hunk]:
    at = 0
    while at < len(lines):
        match = _HUNK.match(lines[at])
        at += 1
        if match is None:
            continue
        removed, added = int(match[2] or 1), int(match[4] or 1)
        gone: list[bytes] = []
        come: list[bytes] = []
        while at < len(lines) and (len(gone) < removed or len(come) < added):
            line = lines[at]
            at += 1
            if line.startswith(b"-"):
                gone.append(line[1:])
            elif line.startswith(b"+"):
                come.append(line[1:])
        section = match[5].decode("utf-8", "surrogateescape")
        yield Hunk(int(match[1]), int(match[3]), tuple(gone), tuple(come), section)
