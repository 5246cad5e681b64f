"""What is known of the journal's end: a small file beside it, derived from it, written after each append.

It spares every command the reading of the whole journal. It says where the acknowledged part ends, so that a torn last
line (beyond it) is told apart from a journal that was cut or altered (before it), and which operations have an intent
but no outcome yet.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from tinycode_git.audit.entry import ID, LARGEST_ENTRY, PHASE, Altered
from tinycode_git.audit.line import START, Position, entry_in, lines_from
from tinycode_git.audit.merkle import HASH_SIZE, Frontier


@dataclass(frozen=True, slots=True)
class Tail:
    """The journal up to ``offset``: the chain's end, its tree, where its last line starts, where open intents are."""

    position: Position = START
    frontier: Frontier = field(default_factory=Frontier)
    offset: int = 0
    last: int = 0
    open: Mapping[str, int] = field(default_factory=dict)

    def dump(self) -> bytes:
        """As the file holds it: the digest of the rest, the length of the rest, the rest."""
        position, peaks = self.position, self.frontier.peaks
        head = _HEAD.pack(
            position.log, position.size, position.hash, self.offset, self.last, len(peaks), len(self.open)
        )
        opened = b"".join(_OPEN.pack(name.encode(), offset) for name, offset in self.open.items())
        body = b"".join((head, *peaks, opened))
        return sha256(body).digest() + len(body).to_bytes(4) + body


_HEAD = struct.Struct(">16sQ32sQQBI")
# An operation's id is 24 hex digits.
_OPEN = struct.Struct(">24sQ")


def load(path: Path) -> Tail | None:
    """The tail that was written last; None where there is none, or only half of one (it is then derived anew)."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    body = data[36 : 36 + int.from_bytes(data[32:36])]
    if len(body) < _HEAD.size or data[:32] != sha256(body).digest():
        return None
    log, size, last_hash, offset, last, peaks, opened = _HEAD.unpack_from(body)
    start = _HEAD.size + peaks * HASH_SIZE
    if len(body) != start + opened * _OPEN.size or peaks != size.bit_count():
        return None
    return Tail(
        Position(log.rstrip(b"\0"), size, last_hash),
        Frontier(size, tuple(body[at : at + HASH_SIZE] for at in range(_HEAD.size, start, HASH_SIZE))),
        offset,
        last,
        {name.rstrip(b"\0").decode(): at for name, at in _OPEN.iter_unpack(body[start:])},
    )


def fits(tail: Tail, journal: int, size: int) -> bool:
    """Whether the journal (a descriptor, ``size`` bytes long) holds at its place the last line that ``tail`` knows."""
    if tail.offset == 0:
        return True
    if tail.offset > size or os.pread(journal, 1, tail.offset - 1) != b"\n":
        return False
    data = os.pread(journal, min(tail.offset - tail.last, LARGEST_ENTRY + 1), tail.last)
    return sha256(b"\x00" + data.partition(b"\t")[0]).digest() == tail.position.hash


@dataclass(frozen=True, slots=True)
class Break:
    """Where the journal stops making sense, why, and whether it looks like a write that was cut short."""

    offset: int
    reason: str
    torn: bool


def advance(tail: Tail, stream: BinaryIO) -> tuple[Tail, Break | None]:
    """Follow the journal from ``tail`` to its end: the new tail, and what stopped the reading before the end."""
    position, offset, last, opened = tail.position, tail.offset, tail.last, dict(tail.open)
    hashes: list[bytes] = []
    broken = None
    for start, line in lines_from(stream, tail.offset):
        try:
            found = entry_in(line)
            position = position.next(found)
        except Altered as odd:
            broken = Break(start, odd.message, _looks_torn(line, stream))
            break
        note_open(opened, found[ID].decode(), found[PHASE].decode(), start)
        hashes.append(position.hash)
        offset, last = start + len(line), start
    return Tail(position, tail.frontier.extend(hashes), offset, last, opened), broken


def note_open(opened: dict[str, int], name: str, phase: str, start: int) -> None:
    """Keep the index of intents without outcome: id to the offset of the intent's line."""
    if phase == "intent":
        opened[name] = start
    else:
        opened.pop(name, None)


def _looks_torn(line: bytes, stream: BinaryIO) -> bool:
    """A line cut short has no newline; after a power cut, blocks that never reached the disk read as zeros."""
    return not line.endswith(b"\n") or (b"\0" in line and not stream.read(1))
