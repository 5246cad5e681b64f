"""Diffs as chat assistants write them: line numbers wrong or missing, counts off, sometimes no header at all.

Hunks become blocks that are found by what they say. Where the numbers do agree the hunks are kept too, to be tried
first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from tinycode_git.edits.headers import GitHeader, name_of, read_header, strip_pair
from tinycode_git.edits.matching import Block, Op
from tinycode_git.edits.records import Edit
from tinycode_git.edits.unified import HUNK, Hunk, read_hunks
from tinycode_git.errors import UsageError

_RANGE = re.compile(rb"@@(?: ?[-+.\d, ]*)?(?:@@)?")
_GIT = b"diff --git "


def is_file_header(lines: Sequence[bytes], i: int) -> bool:
    """Whether a file's part of a diff starts at line ``i``."""
    if lines[i].startswith(_GIT):
        return True
    return lines[i].startswith(b"--- ") and i + 1 < len(lines) and lines[i + 1].startswith(b"+++ ")


def looks_like_diff(lines: Sequence[bytes]) -> bool:
    """Whether the first line that is not blank starts a diff."""
    for i, line in enumerate(lines):
        if line.strip():
            return is_file_header(lines, i) or line.startswith(b"@@ ") or line.rstrip() == b"@@"
    return False


def read_diff(lines: Sequence[bytes], start: int, stop: int, first_line: int, path: str | None) -> list[Edit]:
    """The edits in ``lines[start:stop]``; ``path`` is the file of hunks without a header. Raises ``UsageError``."""
    edits: list[Edit] = []
    i = start
    while i < stop:
        if is_file_header(lines, i):
            header, body = _header(lines, i, first_line)
        elif lines[i].startswith((b"@@", b"+", b"-", b" ")) and not edits:
            if path is None:
                _broken(first_line + i, "it names no file: neither the diff nor a heading above it does")
            header, body = GitHeader(path, path), i
        elif not lines[i].strip() or not edits or lines[i].startswith((b"index ", b"Index: ", b"=====", b"-- ")):
            i += 1
            continue
        else:
            _broken(first_line + i, "a line starts with neither space, + nor -")
        end = next((j for j in range(body, stop) if _starts_file(lines, body, j)), stop)
        edits += _file(header, lines, i, body, end, first_line)
        i = end
    if not edits:
        _broken(first_line + start, "it changes nothing")
    return edits


def _starts_file(lines: Sequence[bytes], body: int, j: int) -> bool:
    """Whether line ``j`` starts the next file. Inside a hunk ``--- x`` and ``+++ y`` may be lines that go and come."""
    if lines[j].startswith(_GIT):
        return True
    follows = j + 2 < len(lines) and lines[j + 2].startswith(b"@@")
    return j > body and is_file_header(lines, j) and follows


def _header(lines: Sequence[bytes], i: int, first_line: int) -> tuple[GitHeader, int]:
    if lines[i].startswith(_GIT):
        stop = next((j for j in range(i + 1, len(lines)) if lines[j].startswith((b"@@", _GIT))), len(lines))
        header, length = read_header([line + b"\n" for line in lines[i:stop]], 0, first_line + i)
        return header, i + length
    old, new = strip_pair(name_of(lines[i][4:]), name_of(lines[i + 1][4:]))
    if not (old or new):
        _broken(first_line + i, "it names no file")
    if old and new and old != new:
        _broken(first_line + i, "its two sides name different files")
    action = "create" if old is None else "delete" if new is None else "modify"
    return GitHeader(old or new, new or old, action), i + 2


def _file(header: GitHeader, lines: Sequence[bytes], start: int, body: int, end: int, first_line: int) -> list[Edit]:
    old, new, line = header.old_path or "", header.new_path or "", first_line + start
    while end > body and not lines[end - 1]:
        end -= 1
    if any(text.startswith((b"GIT binary patch", b"Binary files ")) for text in lines[body : body + 1]):
        _broken(first_line + body, "a binary file cannot come with a reply: give it with --patch")
    blocks = _blocks(lines, body, end, first_line)
    if header.action in ("create", "delete"):
        wanted = "+" if header.action == "create" else "-"
        ops = [op for block in blocks for op in block.ops]
        if any(tag != wanted for tag, text in ops):
            _broken(line, f"a file that is to be {header.action}d has other lines too")
        content = tuple(text for _, text in ops)
        closed = not any(text.startswith(b"\\ ") for text in lines[body:end])
        return [Edit(header.action, new or old, line, content=content, final_newline=closed)]
    edits: list[Edit] = []
    if blocks:
        hunks = _numbered(lines, body, end, first_line)
        edits.append(Edit("change", old, line, tuple((block,) for block in blocks), hunks))
    if header.action == "rename":
        edits.append(Edit("move", old, line, target=new))
    if not edits or header.action == "copy" or header.new_mode is not None:
        _broken(line, "only changes of lines, new, deleted and renamed files can be taken from a reply; use --patch")
    return edits


def _numbered(lines: Sequence[bytes], body: int, end: int, first_line: int) -> tuple[Hunk, ...]:
    """The hunks where every header has numbers and every count is right; else none."""
    try:
        hunks, stop = read_hunks([line + b"\n" for line in lines[body:end]], 0, first_line + body)
    except UsageError:
        return ()
    return hunks if stop == end - body else ()


def _blocks(lines: Sequence[bytes], i: int, end: int, first_line: int) -> list[Block]:
    blocks: list[Block] = []
    while i < end:
        start, anchors = i, []
        if lines[i].startswith(b"@@"):
            if not HUNK.match(lines[i]) and (anchor := _RANGE.sub(b"", lines[i], count=1).strip(b"@ \t")):
                anchors.append(anchor)
            i += 1
        ops: list[Op] = []
        while i < end and not lines[i].startswith(b"@@"):
            if (op := _op(lines[i], first_line + i)) is not None:
                ops.append(op)
            i += 1
        if any(tag != " " for tag, _ in ops):
            blocks.append(Block(tuple(ops), first_line + start, tuple(anchors)))
        elif any(text.strip() for _, text in ops):
            _broken(first_line + start, "a hunk changes nothing")
    return blocks


def _op(line: bytes, number: int) -> Op | None:
    if line.startswith(b"\\"):
        return None
    if line and line[:1] not in b" +-":
        _broken(number, "a line starts with neither space, + nor -")
    return (line[:1].decode() or " ", line[1:])


def _broken(line: int, reason: str) -> NoReturn:
    raise UsageError(f"the diff in the reply is not usable at line {line}: {reason}", "ask for the answer again")
