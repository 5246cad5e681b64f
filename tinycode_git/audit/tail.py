"""What is known of the journal's end: a small file beside it, derived from it, written after each append.

It spares every command the reading of the whole journal. It says where the acknowledged part ends, so that a torn last
line (beyond it) is told apart from a journal that was cut or altered (before it), and which operations have an intent
but no outcome yet.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from tinycode_git.audit.entry import ID, LARGEST_ENTRY, PHASE, Altered, check
from tinycode_git.audit.line import START, Position, lines_from, split
from tinycode_git.audit.merkle import Frontier


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
        body = json.dumps(
            {
                "log": self.position.log.decode(),
                "size": self.position.size,
                "hash": self.position.hash.hex(),
                "peaks": [peak.hex() for peak in self.frontier.peaks],
                "offset": self.offset,
                "last": self.last,
                "open": dict(self.open),
            }
        ).encode()
        return b"%b %08x\n%b\n" % (sha256(body).hexdigest().encode(), len(body), body)


def load(path: Path) -> Tail | None:
    """The tail that was written last; None where there is none, or only half of one (it is then derived anew)."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    head, body = data[:73], data[74:]
    try:
        body = body[: int(head[65:], 16)]
        if head[:64] != sha256(body).hexdigest().encode():
            return None
        value = json.loads(body)
        return Tail(
            Position(value["log"].encode(), value["size"], bytes.fromhex(value["hash"])),
            Frontier(value["size"], tuple(map(bytes.fromhex, value["peaks"]))),
            value["offset"],
            value["last"],
            value["open"],
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


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
            data, _ = split(line)
            position = position.next(data)
        except Altered as odd:
            broken = Break(start, odd.message, _looks_torn(line, stream))
            break
        note_open(opened, data, start)
        hashes.append(position.hash)
        offset, last = start + len(line), start
    return Tail(position, tail.frontier.extend(hashes), offset, last, opened), broken


def note_open(opened: dict[str, int], data: bytes, start: int) -> None:
    """Keep the index of intents without outcome: id to the offset of the intent's line."""
    found = check(data)
    name, phase = found[ID].decode(), found[PHASE]
    if phase == b"intent":
        opened[name] = start
    else:
        opened.pop(name, None)


def _looks_torn(line: bytes, stream: BinaryIO) -> bool:
    """A line cut short has no newline; after a power cut, blocks that never reached the disk read as zeros."""
    return not line.endswith(b"\n") or (b"\0" in line and not stream.read(1))
