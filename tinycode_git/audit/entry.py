"""One audit entry: a flat record whose canonical JSON (RFC 8785) is a leaf of the log's Merkle tree.

Its hash is SHA-256(0x00 || bytes), RFC 6962's leaf hash, and the next entry names it: a chain and a tree in one.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any

from tinycode_git.audit.canonical import LARGEST_INTEGER, encode
from tinycode_git.audit.merkle import leaf_hash
from tinycode_git.errors import Refused, UsageError

VERSION = 1
GENESIS = "0" * 64
# An entry bundle of C2SP tlog-tiles writes the length of an entry in two bytes.
LARGEST_ENTRY = 0xFFFF
PHASES = ("intent", "done", "failed", "recovered")


class Altered(Refused):
    """Bytes that are not what was written: an entry, a chain or a tree that does not fit (exit 1)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The fields of one entry; ``seq`` counts from zero and is the index of its leaf.

    ``id`` names the operation: an intent and its outcome share it. ``details_digest`` commits to the details beside it,
    ``previous_hash`` is the hash of the entry before (64 zeros for the first).
    """

    version: int
    log: str
    seq: int
    id: str
    timestamp: str
    action: str
    phase: str
    mode: str
    user: str
    actor: str
    risk_level: str
    ref: str
    old: str
    new: str
    plan: str
    step: str
    details_digest: str
    previous_hash: str

    def as_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)

    def canonical(self) -> bytes:
        """Its canonical JSON. Raises UsageError where it is too long for a log, or holds what JSON cannot."""
        try:
            data = encode({name: getattr(self, name) for name in FIELDS}).encode("utf-8")
        except UnicodeEncodeError as odd:
            raise UsageError("an audit entry holds a lone surrogate") from odd
        if len(data) > LARGEST_ENTRY:
            raise UsageError(f"an audit entry of {len(data)} bytes is too long: {LARGEST_ENTRY} is the most")
        return data

    @property
    def hash(self) -> bytes:
        """Its leaf hash, RFC 6962 section 2.1."""
        return leaf_hash(self.canonical())


FIELDS = tuple(field.name for field in fields(Entry))


# Fields that hold one of few things, or digits; all others hold any text.
_DIGEST = rb'"([0-9a-f]{64})"'
_FORMS = {
    "version": b"%d" % VERSION,
    "seq": rb"(0|[1-9][0-9]{0,15})",
    "phase": b'"(%s)"' % b"|".join(phase.encode() for phase in PHASES),
    "details_digest": _DIGEST,
    "previous_hash": _DIGEST,
}
# The groups that the chain is made of: the whole entry, then some fields, in order of name.
DATA = 1
ACTION, DIGEST, ID, LOG, PHASE, PREVIOUS, SEQ = range(2, 9)
_GROUPED = ("action", "details_digest", "id", "log", "phase", "previous_hash", "seq")


def pattern() -> bytes:
    """The canonical form of an entry as a regular expression, with the groups above.

    Fields in order of name, no white space, whole numbers without leading zeros, and in texts only the escapes that
    RFC 8785 section 3.2.2.2 writes. What it matches and is UTF-8 is canonical; nothing else is.
    """
    plain = rb'[^"\\\x00-\x1f]*+'
    text = plain + rb'(?:\\(?:["\\bfnrt]|u00(?:0[0-7bef]|1[0-9a-f]))' + plain + rb")*+"
    members = []
    for name in sorted(FIELDS):
        form = b'"(%b)"' if name in _GROUPED else b'"%b"'
        members.append(b'"%b":%b' % (name.encode(), _FORMS.get(name) or form % text))
    return b"({" + b",".join(members) + b"})"


@cache
def entry_pattern() -> re.Pattern[bytes]:
    """The pattern, compiled."""
    # Compiled at first use: an append does not need it, and a hook should not wait for it.
    return re.compile(pattern())


def check(data: bytes) -> re.Match[bytes]:
    """Raises Altered unless ``data`` is a canonical entry of this version; the match has the groups above."""
    found = entry_pattern().fullmatch(data)
    if found is None or not is_entry(found):
        raise Altered(why_not(data))
    return found


def is_entry(found: re.Match[bytes]) -> bool:
    """Of a match of the pattern, what that cannot tell: not too long, a number that JSON holds, bytes that are text."""
    data, seq = found.group(DATA, SEQ)
    if len(data) > LARGEST_ENTRY or (len(seq) == 16 and int(seq) > LARGEST_INTEGER):
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def why_not(data: bytes) -> str:
    """Why ``data`` is no entry, for a person."""
    return f"not a canonical audit entry: {_explained(data)}"


def parse(data: bytes) -> Entry:
    """The entry that these bytes are. Raises Altered."""
    check(data)
    return Entry(**json.loads(data))


def _explained(data: bytes) -> str:
    try:
        value = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        return "not UTF-8"
    except (ValueError, RecursionError):
        return "not JSON"
    if type(value) is not dict:
        return "not an object"
    missing, extra = set(FIELDS) - value.keys(), value.keys() - set(FIELDS)
    if missing or extra:
        return "its fields are others" + "".join(f", {name} is missing" for name in sorted(missing))
    if value["version"] != VERSION:
        return f"version {value['version']!r} is not known to this program"
    if len(data) > LARGEST_ENTRY:
        return "too long"
    return "spelled in another way, or a field holds what it cannot"


def text_of(value: str) -> str:
    """``value`` as a field may hold it: bytes that are not UTF-8 (surrogates) as ``\\xNN``.

    A ref cannot hold a backslash (git check-ref-format), so that for refs ``text_back`` undoes it.
    """
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return value


def text_back(value: str) -> str:
    """The ref that ``text_of`` was given."""
    if "\\" not in value:
        return value
    raw = re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()), value.encode("utf-8"))
    return raw.decode("utf-8", "surrogateescape")
