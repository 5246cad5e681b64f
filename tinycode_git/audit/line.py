"""One line of the journal: the entry, a tab, the salt in hex, a tab, the details, a newline.

Canonical JSON writes tabs and newlines as escapes, so that both separators are exact: ``cut -f1 journal`` is the log.
Salt and details are empty once they were erased.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

from tinycode_git.audit.details import GONE, SALT_SIZE, Details
from tinycode_git.audit.entry import LOG, PREVIOUS, SEQ, Altered, check

LEAF = b"\x00"


@dataclass(frozen=True, slots=True)
class Position:
    """The end of a chain: the log's id (empty where nothing was written), its size and the hash of its last entry."""

    log: bytes
    size: int
    hash: bytes

    def next(self, data: bytes) -> Position:
        """The end once the entry ``data`` is added. Raises Altered where it does not follow."""
        found = check(data)
        if int(found[SEQ]) != self.size:
            raise Altered(f"entry {int(found[SEQ])} stands where entry {self.size} belongs")
        if found[PREVIOUS] != self.hash.hex().encode():
            raise Altered(f"entry {self.size} does not follow from the entry before it")
        if self.log and found[LOG] != self.log:
            raise Altered(f"entry {self.size} belongs to another log")
        return Position(found[LOG], self.size + 1, sha256(LEAF + data).digest())


START = Position(b"", 0, bytes(32))


def join(data: bytes, details: Details) -> bytes:
    """The line that holds an entry and its details."""
    return b"%b\t%b\t%b\n" % (data, details.salt.hex().encode(), details.body)


def split(line: bytes) -> tuple[bytes, Details]:
    """The entry and the details of a line. Raises Altered where it is not a line."""
    parts = line.split(b"\t")
    if len(parts) != 3 or parts[2][-1:] != b"\n":
        raise Altered("not a line of the audit journal")
    data, salt, body = parts
    if not salt and body == b"\n":
        return data, GONE
    try:
        details = Details(unhexlify(salt), body[:-1])
    except ValueError as odd:
        raise Altered("the salt of an entry is not one") from odd
    if len(salt) != SALT_SIZE * 2 or (not salt.islower() and not salt.isdigit()):
        raise Altered("the salt of an entry is not one")
    return data, details


def lines_from(stream: BinaryIO, start: int) -> Iterator[tuple[int, bytes]]:
    """Each line from offset ``start`` on with its offset; the last one may lack its newline."""
    stream.seek(start)
    for line in stream:
        yield start, line
        start += len(line)
