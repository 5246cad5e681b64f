"""One entry from a hook, without what the whole ledger imports (40 ms of it): the same bytes, by a shorter way.

Only where all is as the last append left it. Anything else (no journal yet, a torn line, a tail that does not fit, text
that is not UTF-8) is left to ``journal.Journal``, which knows what to do about it.
"""

from __future__ import annotations

import os
import struct
import time
from binascii import hexlify
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from tinycode_git.audit.lock import locked
from tinycode_git.audit.standard import quoted, sha256
from tinycode_git.audit.synced import settle
from tinycode_git.rows import NamedTuple

if TYPE_CHECKING:
    from hashlib import _Hash

# What a hook says of something: texts, numbers, and lists of texts.
Said = Mapping[str, str | int | Sequence[str]]
# As tail.py, entry.py and details.py have them; a test holds all of this against those.
_HEAD = struct.Struct(">16sQ32sQQBI")
_DIGEST, _OPEN, _LARGEST, _BLOCK, _SALT = 32, 32, 0xFFFF, 64, 32


class _End(NamedTuple):
    """The journal's end as the tail file knows it; ``opened`` is kept as it is."""

    log: bytes
    size: int
    hash: bytes
    offset: int
    last: int
    peaks: tuple[bytes, ...]
    opened: bytes

    def dump(self) -> bytes:
        """The tail file."""
        head = _HEAD.pack(
            self.log, self.size, self.hash, self.offset, self.last, len(self.peaks), len(self.opened) // _OPEN
        )
        body = b"".join((head, *self.peaks, self.opened))
        return sha256(body).digest() + len(body).to_bytes(4, "big") + body


def note(folder: str, fields: Mapping[str, str], details: Said) -> bool:
    """Append what happened, in one entry, durably; False where nothing was written and the ledger should do it.

    ``fields``: action, risk_level, mode, user, actor and what else an entry has; the rest of them are empty.
    """
    try:
        salt, body = os.urandom(_SALT), _object(details).encode()
        with locked(os.path.join(folder, "journal.lock")):
            journal = os.open(os.path.join(folder, "journal"), os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            try:
                ends = _add(folder, journal, fields, salt, body)
            except BaseException:
                os.close(journal)
                raise
    except (OSError, UnicodeEncodeError):
        return False
    try:
        return ends is not None and _settled(folder, journal, *ends)
    finally:
        os.close(journal)


def _add(folder: str, journal: int, fields: Mapping[str, str], salt: bytes, body: bytes) -> tuple[_End, _End] | None:
    """Write the line; the ends before and after. None where the journal is not as the last append left it."""
    end = _end(folder, journal)
    if end is None:
        return None
    data = _entry(end, fields, _hmac(salt, body))
    if len(data) > _LARGEST:
        return None
    line = b"%b\t%b\t%b\n" % (data, hexlify(salt), body)
    hashed = sha256(b"\0" + data).digest()
    after = _End(end.log, end.size + 1, hashed, end.offset + len(line), end.offset, _extended(end, hashed), end.opened)
    try:
        if os.write(journal, line) != len(line):
            raise OSError
    except BaseException:
        os.ftruncate(journal, end.offset)
        raise
    _keep(folder, after)
    return end, after


def _settled(folder: str, journal: int, before: _End, after: _End) -> bool:
    """Whether the line is on the disk; if it cannot be, it goes again, unless somebody has written after it."""
    try:
        settle(folder, journal, after.offset)
    except OSError:
        with suppress(OSError), locked(os.path.join(folder, "journal.lock")):
            if os.fstat(journal).st_size == after.offset:
                os.ftruncate(journal, before.offset)
                _keep(folder, before)
        return False
    return True


def _end(folder: str, journal: int) -> _End | None:
    """The journal's end, where the tail file knows it and nothing came after."""
    with open(os.path.join(folder, "tail"), "rb") as stream:
        data = stream.read()
    body = data[36 : 36 + int.from_bytes(data[32:36], "big")]
    if len(body) < _HEAD.size or data[:32] != sha256(body).digest():
        return None
    log, size, last_hash, offset, last, peaks, opened = _HEAD.unpack_from(body)
    start = _HEAD.size + peaks * _DIGEST
    if not size or peaks != size.bit_count() or len(body) != start + opened * _OPEN:
        return None
    written = os.pread(journal, min(offset - last, _LARGEST + 1), last)
    if os.fstat(journal).st_size != offset or os.pread(journal, 1, offset - 1) != b"\n":
        return None
    if sha256(b"\0" + written.partition(b"\t")[0]).digest() != last_hash:
        return None
    tree = tuple(body[at : at + _DIGEST] for at in range(_HEAD.size, start, _DIGEST))
    return _End(log, size, last_hash, offset, last, tree, body[start:])


def _keep(folder: str, end: _End) -> None:
    with suppress(OSError):
        descriptor = os.open(os.path.join(folder, "tail"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            os.pwrite(descriptor, end.dump(), 0)
        finally:
            os.close(descriptor)


def _extended(end: _End, leaf: bytes) -> tuple[bytes, ...]:
    """The perfect subtrees with one leaf more (RFC 6962 section 2.1)."""
    peaks, carry = list(end.peaks), end.size
    while carry & 1:
        leaf = sha256(b"\1" + peaks.pop() + leaf).digest()
        carry >>= 1
    return (*peaks, leaf)


def _entry(end: _End, fields: Mapping[str, str], digest: bytes) -> bytes:
    """The entry's canonical JSON: its fields in order of name."""
    texts = {
        **dict.fromkeys(("ref", "old", "new", "plan", "step"), ""),
        "id": os.urandom(12).hex(),
        "timestamp": _now(),
        "phase": "done",
        **fields,
        "log": end.log.decode(),
        "details_digest": digest.decode(),
        "previous_hash": end.hash.hex(),
    }
    members = {name: quoted(text) for name, text in texts.items()}
    members.update(seq=str(end.size), version="1")
    return ("{" + ",".join(f'"{name}":{members[name]}' for name in sorted(members)) + "}").encode()


def _object(details: Said) -> str:
    return "{" + ",".join(f'"{name}":{_value(details[name])}' for name in sorted(details)) + "}"


def _value(value: str | int | Sequence[str]) -> str:
    if isinstance(value, str):
        return quoted(value)
    return str(value) if isinstance(value, int) else "[" + ",".join(map(quoted, value)) + "]"


def _now() -> str:
    seconds, rest = divmod(time.time_ns() // 1000, 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:06}Z"


def _hmac(salt: bytes, body: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104), in hex."""
    inner: _Hash = sha256(bytes(byte ^ 0x36 for byte in salt.ljust(_BLOCK, b"\0")) + body)
    return hexlify(sha256(bytes(byte ^ 0x5C for byte in salt.ljust(_BLOCK, b"\0")) + inner.digest()).digest())
