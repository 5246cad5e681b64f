"""``apply_patch`` envelopes: ``*** Begin Patch``, then files to update, add, delete or move, then ``*** End Patch``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from tinycode_git.edits.matching import Block, Op
from tinycode_git.edits.records import Edit
from tinycode_git.errors import UsageError
from tinycode_git.proposal import path_str

_BEGIN, _END, _END_OF_FILE = b"*** Begin Patch", b"*** End Patch", b"*** End of File"
_UPDATE, _ADD, _DELETE, _MOVE = b"*** Update File: ", b"*** Add File: ", b"*** Delete File: ", b"*** Move to: "


def is_envelope_start(line: bytes) -> bool:
    """Whether ``line`` opens an envelope."""
    return line.startswith(_BEGIN) and line.rstrip() == _BEGIN


def is_envelope_end(line: bytes) -> bool:
    """Whether ``line`` closes an envelope."""
    return line.startswith(_END) and line.rstrip() == _END


def read_envelope(lines: Sequence[bytes], start: int, first_line: int) -> tuple[list[Edit], int]:
    """The edits of the envelope that opens at ``start``, and the line after it. Raises ``UsageError``."""
    edits: list[Edit] = []
    i = start + 1
    while i < len(lines) and not is_envelope_end(lines[i]):
        line = lines[i]
        if line.startswith(_UPDATE):
            found, i = _update(lines, i, first_line)
            edits += found
        elif line.startswith(_ADD):
            edit, i = _add(lines, i, first_line)
            edits.append(edit)
        elif line.startswith(_DELETE):
            edits.append(Edit("delete", _path(line[len(_DELETE) :]), first_line + i))
            i += 1
        elif not line.strip():
            i += 1
        else:
            _broken(first_line + i, "it names no file to update, add or delete")
    if i == len(lines):
        _broken(first_line + start, "it has no *** End Patch: the answer seems to be cut short")
    if not edits:
        _broken(first_line + start, "it is empty")
    return edits, i + 1


def _path(raw: bytes) -> str:
    return path_str(raw.strip()).removeprefix("./")


def _add(lines: Sequence[bytes], start: int, first_line: int) -> tuple[Edit, int]:
    i = start + 1
    content: list[bytes] = []
    while i < len(lines) and not lines[i].startswith(b"*** "):
        if not lines[i].startswith(b"+"):
            if not lines[i].strip() and _only_blank(lines, i):
                i += 1
                continue
            _broken(first_line + i, "a line of a new file starts without +")
        content.append(lines[i][1:])
        i += 1
    return Edit("create", _path(lines[start][len(_ADD) :]), first_line + start, content=tuple(content)), i


def _only_blank(lines: Sequence[bytes], i: int) -> bool:
    """Whether nothing but blank lines stands between line ``i`` and the next mark."""
    while i < len(lines) and not lines[i].strip():
        i += 1
    return i == len(lines) or lines[i].startswith(b"*** ")


def _update(lines: Sequence[bytes], start: int, first_line: int) -> tuple[list[Edit], int]:
    path = _path(lines[start][len(_UPDATE) :])
    target = ""
    i = start + 1
    if i < len(lines) and lines[i].startswith(_MOVE):
        target = _path(lines[i][len(_MOVE) :])
        i += 1
    blocks: list[Block] = []
    while i < len(lines) and (not lines[i].startswith(b"*** ") or lines[i].rstrip() == _END_OF_FILE):
        block, i = _chunk(lines, i, first_line)
        if block is not None:
            blocks.append(block)
    edits = [Edit("change", path, first_line + start, blocks=tuple((b,) for b in blocks))] if blocks else []
    if target:
        edits.append(Edit("move", path, first_line + start, target=target))
    if not edits:
        _broken(first_line + start, "it updates a file without saying how")
    return edits, i


def _chunk(lines: Sequence[bytes], i: int, first_line: int) -> tuple[Block | None, int]:
    """One hunk: ``@@`` lines that say below what it stands, then its lines."""
    start = i
    anchors: list[bytes] = []
    while i < len(lines) and lines[i].startswith(b"@@"):
        if anchor := lines[i].strip(b"@ \t"):
            anchors.append(anchor)
        i += 1
    ops: list[Op] = []
    body = i
    while i < len(lines) and not lines[i].startswith((b"@@", b"*** ")):
        line = lines[i]
        if line and line[:1] not in b" +-":
            _broken(first_line + i, "a line starts with neither space, + nor -")
        ops.append((line[:1].decode() or " ", line[1:]))
        i += 1
    end = i
    # Lines without even a space at the end belong to the layout of the answer.
    while end > body and not lines[end - 1]:
        end -= 1
    ops = ops[: end - body]
    at_end = i < len(lines) and lines[i].rstrip() == _END_OF_FILE
    if at_end:
        i += 1
    if not any(tag != " " for tag, _ in ops):
        if ops or at_end:
            _broken(first_line + start, "a hunk changes nothing")
        return None, max(i, start + 1)
    return Block(tuple(ops), first_line + start, tuple(anchors), at_end), i


def _broken(line: int, reason: str) -> NoReturn:
    raise UsageError(f"the apply_patch block is not whole at line {line}: {reason}", "ask for the answer again")
