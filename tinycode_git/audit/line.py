"""One line of the journal: the entry, a tab, the salt in hex, a tab, the details, a newline.

Canonical JSON writes tabs and newlines as escapes, so that both separators are exact: ``cut -f1 journal`` is the log.
Salt and details are empty once they were erased.
"""

from __future__ import annotations

import re
from binascii import hexlify, unhexlify
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import BinaryIO

from tinycode_git.audit.details import GONE, SALT_SIZE, Details
from tinycode_git.audit.entry import DATA, LARGEST_ENTRY, LOG, PREVIOUS, SEQ, Altered, check, is_entry, pattern

LEAF = b"\x00"
# The groups of ``line_pattern`` after those of an entry; without a salt the details are gone.
SALT, BODY = SEQ + 1, SEQ + 2


@dataclass(frozen=True, slots=True)
class Position:
    """The end of a chain: the log's id (empty where nothing was written), its size and the hash of its last entry."""

    log: bytes
    size: int
    hash: bytes

    def next(self, found: re.Match[bytes]) -> Position:
        """The end once an entry is added, as ``entry_in`` or ``check`` found it. Raises Altered where it does not
        follow.
        """
        if found[SEQ] != b"%d" % self.size:
            raise Altered(f"entry {int(found[SEQ])} stands where entry {self.size} belongs")
        if found[PREVIOUS] != hexlify(self.hash):
            raise Altered(f"entry {self.size} does not follow from the entry before it")
        if self.log and found[LOG] != self.log:
            raise Altered(f"entry {self.size} belongs to another log")
        return Position(found[LOG], self.size + 1, sha256(LEAF + found[DATA]).digest())


START = Position(b"", 0, bytes(32))


@cache
def line_pattern() -> re.Pattern[bytes]:
    """A whole line whose entry is canonical, for reading many lines fast; see ``entry.is_entry`` for the rest."""
    return re.compile(pattern() + rb"\t(?:([0-9a-f]{64})\t([^\n\t]*+)|\t)\n")


def entry_in(line: bytes) -> re.Match[bytes]:
    """The entry of a line: a match with the groups of an entry. Raises Altered where it is no line, or no entry."""
    found = line_pattern().fullmatch(line)
    if found is None or not ((line.isascii() and len(line) < LARGEST_ENTRY) or is_entry(found)):
        return check(split(line)[0])
    return found


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
