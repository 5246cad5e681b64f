"""What the engine saw (``Match``) and what the user is told (``Finding``), with redaction and fingerprints."""

from __future__ import annotations

import re
from typing import Any

from tinycode_git.rows import NamedTuple
from tinycode_git.safety.rule import Rule

EXCERPT = 160


class Match(NamedTuple):
    """One place where a rule holds, in one blob or text, without a word of a secret: safe to store.

    ``start`` and ``end`` are bytes of the text; lines and columns (characters) are 1-based, the end column exclusive.
    ``digest`` identifies what was matched apart from white space, ``context`` the line around it: they decide what is
    new. ``caret`` is where the span stands in ``excerpt`` (first character, count).
    """

    rule: str
    start: int
    end: int
    line: int
    column: int
    end_line: int
    end_column: int
    digest: bytes
    context: bytes
    redacted: str
    excerpt: str
    caret: tuple[int, int]
    note: str = ""


class Finding(NamedTuple):
    """One thing that the validator tells; ``to_json`` is the documented shape. ``commit`` is empty outside history."""

    rule: str
    family: str
    severity: str
    confidence: str
    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    fingerprint: str
    redacted: str
    oid: str
    where: str = "content"
    commit: str = ""
    advice: str = ""
    reference: str = ""
    excerpt: str = ""
    caret: tuple[int, int] = (0, 0)
    fix: bool = False
    approval: bool = False
    excused: str = ""

    def to_json(self) -> dict[str, Any]:
        """The finding as JSON output has it."""
        keep = self._asdict()
        for name in ("caret", "excerpt", "approval"):
            del keep[name]
        return keep


def finding(rule: Rule, match: Match, *, path: str, oid: str, where: str, commit: str, nth: int = 0) -> Finding:
    """A match at its place. ``nth`` tells equal lines of one file apart."""
    return Finding(
        rule=rule.id,
        family=rule.family,
        severity=rule.severity,
        confidence=rule.confidence,
        path=path,
        line=match.line,
        column=match.column,
        end_line=match.end_line,
        end_column=match.end_column,
        message=f"{rule.message} ({match.note})" if match.note else rule.message,
        fingerprint=fingerprint(rule.id, path, match.excerpt, nth),
        redacted=match.redacted,
        oid=oid,
        where=where,
        commit=commit,
        advice=rule.advice,
        reference=rule.reference,
        excerpt=match.excerpt,
        caret=match.caret,
        fix=bool(rule.fix),
        approval=rule.approval,
    )


def fingerprint(rule: str, path: str, excerpt: str, nth: int) -> str:
    """32 hex digits that stay the same when the line moves or is indented, and that hold nothing of a secret."""
    from hashlib import sha256

    text = "\0".join((rule, path, "".join(excerpt.split()), str(nth)))
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


_PREFIX = r"[A-Za-z]{2,10}[_-]|A[KS]IA|-----BEGIN [A-Z ]{0,24}PRIVATE KEY-----"


def redact(secret: str) -> str:
    """A secret as it may be shown: an issuer's prefix where it begins with one and is long, and its length."""
    known = re.match(_PREFIX, secret) if len(secret) >= 20 else None
    return f"{known[0] if known else ''}...[{len(secret)} characters]"


_UNSAFE = (
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)


def printable(text: str) -> str:
    """Text from a repository with control, bidi and invisible characters written as escapes."""
    return text if text.isascii() and text.isprintable() else re.sub(_UNSAFE, _escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as surrogateescape keeps it
        return f"\\x{code - 0xDC00:02x}"
    if code == 9:
        return "\\t"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
