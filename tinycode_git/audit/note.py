"""Signed notes (C2SP signed-note) and the checkpoints that are written as such (C2SP tlog-checkpoint)."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from tinycode_git.audit.entry import Altered
from tinycode_git.audit.merkle import HASH_SIZE
from tinycode_git.errors import UsageError

ED25519 = b"\x01"
# What a verifier must accept at least is 16; an end to it keeps a hostile note from costing time.
MOST_SIGNATURES = 64

_NAME = re.compile(r"[^\s+]+\Z")
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\Z")
ORIGIN_PREFIX = "tiny-audit/"
_FIELD = 2**255 - 19
# The y of the points whose order divides eight: of orders 1, 2, 4, and the two of order 8.
_SMALL_ORDER = (
    1,
    _FIELD - 1,
    0,
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
)


@dataclass(frozen=True, slots=True)
class Verifier:
    """A key that signs notes: its name and its 32 bytes (RFC 8032). As text: a C2SP verifier key (vkey)."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that name it in a signature."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64encode(ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """The key that a vkey describes. Raises UsageError where it is not one of type Ed25519."""
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        try:
            data = b64decode(encoded, validate=True)
        except (Base64Error, ValueError):
            data = b""
        found = cls(name, data[1:])
        sound = _NAME.match(name) and data[:1] == ED25519 and _is_point(data[1:]) and found.id.hex() == key_id
        if not sound:
            raise UsageError("not a verifier key of type Ed25519 (NAME+ID+KEY, C2SP signed-note)")
        return found

    def verify(self, signature: bytes, text: bytes) -> bool:
        """Whether this key made ``signature`` over ``text``."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


def _is_point(public: bytes) -> bool:
    """Whether 32 bytes may be a key: y is written in the one way that it is (RFC 8032 section 5.1.2), and the point is
    not one of the eight of small order, whose signatures hold for any text.
    """
    y = int.from_bytes(public, "little") & (1 << 255) - 1
    return len(public) == 32 and y < _FIELD and y not in _SMALL_ORDER


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who (name and four bytes) and the rest."""

    name: str
    id: bytes
    data: bytes

    def line(self) -> bytes:
        """As it stands in the note."""
        return f"\u2014 {self.name} {b64encode(self.id + self.data).decode()}\n".encode()


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a newline, and its signatures."""

    text: bytes
    signatures: tuple[Signature, ...]

    def dump(self) -> bytes:
        """The note as it is stored."""
        return self.text + b"\n" + b"".join(signature.line() for signature in self.signatures)

    def signers(self, known: Iterable[Verifier]) -> list[Verifier]:
        """Which of the known keys signed it. Raises Altered where a signature of a known key is wrong."""
        found = []
        for key in known:
            mine = [s for s in self.signatures if (s.name, s.id) == (key.name, key.id)]
            if not all(key.verify(signature.data, self.text) for signature in mine):
                raise Altered(f"a signature by {key.name} is not one over this text")
            found += [key] if mine else []
        return found


def parse_note(data: bytes) -> Note:
    """Split a note. Raises Altered where it is not one."""
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as odd:
        raise Altered("the note is not UTF-8") from odd
    text, blank, lines = whole.rpartition("\n\n")
    if not blank or not lines.endswith("\n") or any(char < " " and char != "\n" for char in whole):
        raise Altered("not a signed note")
    rows = lines[:-1].split("\n")
    if len(rows) > MOST_SIGNATURES:
        raise Altered("the note has too many signatures")
    return Note(f"{text}\n".encode(), tuple(map(_signature, rows)))


def _signature(row: str) -> Signature:
    dash, _, rest = row.partition(" ")
    name, _, encoded = rest.partition(" ")
    try:
        data = b64decode(encoded, validate=True)
    except (Base64Error, ValueError) as odd:
        raise Altered("a signature line of the note is not one") from odd
    canonical = b64encode(data).decode() == encoded
    if dash != "\u2014" or not _NAME.match(name) or len(data) < 5 or not canonical:
        raise Altered("a signature line of the note is not one")
    return Signature(name, data[:4], data[4:])


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: its origin, size and root."""

    origin: str
    size: int
    root: bytes

    @property
    def log(self) -> str:
        """The id of a log of git tiny; empty for another's."""
        return self.origin.removeprefix(ORIGIN_PREFIX) if self.origin.startswith(ORIGIN_PREFIX) else ""

    def text(self) -> bytes:
        """The note's text."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n".encode()


def origin(log: str) -> str:
    """The origin line, and the name of the key, of a log."""
    return ORIGIN_PREFIX + log


def parse_checkpoint(text: bytes) -> Checkpoint:
    """The checkpoint that a note's text is; extension lines are passed over. Raises Altered."""
    rows = text.decode("utf-8").split("\n")
    if len(rows) < 4 or rows[-1] or not all(rows[:-1]) or not _SIZE.match(rows[1]):
        raise Altered("not a checkpoint of a log")
    try:
        head = b64decode(rows[2], validate=True)
    except (Base64Error, ValueError) as odd:
        raise Altered("the root of the checkpoint is not base64") from odd
    if len(head) != HASH_SIZE or b64encode(head).decode() != rows[2]:
        raise Altered("the root of the checkpoint is not a hash")
    return Checkpoint(rows[0], int(rows[1]), head)
