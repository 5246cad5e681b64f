"""Texts that hide what they say: encoded instructions, look-alike letters; and statements without a condition."""

from __future__ import annotations

import binascii
import re
import unicodedata
from collections.abc import Iterator

from tinycode_git.safety.builtin import Span, Subject, builtin

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){20,}")
_ORDERS = re.compile(
    rb"(?i)\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions|prompts?|rules|guidelines)\b"
    rb"|\b(?:system prompt|new instructions|your instructions|do not tell the user)\b",
    re.S,
)


@builtin("encoded-instructions")
def encoded_instructions(subject: Subject) -> Iterator[Span]:
    """Base64 or hexadecimal digits that spell orders to a model."""
    for pattern, decode in ((_HEX, binascii.unhexlify), (_BASE64, _base64)):
        for found in pattern.finditer(subject.text):
            if _ORDERS.search(decode(found[0])):
                yield Span(found.start(), found.end())


def _base64(word: bytes) -> bytes:
    text = word.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    return binascii.a2b_base64(text[: len(text) // 4 * 4])


# Look-alikes of ASCII letters (Unicode TR39 confusables): Cyrillic and Greek letters, and a Latin one.
_LOOKALIKES = frozenset("аеорсухіјѕԁӏԛԝһАВЕКМНОРСТУХІЈЅοαΑΒΕΖΗΙΚΜΝΟΡΤΥΧνɡ")
_WORD = re.compile(r"[^\W\d_]\w*")
_UNBROKEN = re.compile(rb"[0-9A-Za-z_\x80-\xff]+")
_BREAKS = frozenset(range(128)) - frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")


def _leads() -> re.Pattern[bytes]:
    """A look-alike: the first bytes of each are tried first, which is fast."""
    by_lead: dict[bytes, bytes] = {}
    for letter in sorted(_LOOKALIKES):
        lead, last = letter.encode()[:1], letter.encode()[1:]
        by_lead[lead] = by_lead.get(lead, b"") + re.escape(last)
    return re.compile(b"|".join(lead + b"[" + last + b"]" for lead, last in by_lead.items()))


_LOOKALIKE = _leads()


@builtin("mixed-script-identifier")
def mixed_script_identifiers(subject: Subject) -> Iterator[Span]:
    """Words of ASCII letters with look-alikes of another alphabet among them."""
    text, done = subject.text, 0
    for found in _LOOKALIKE.finditer(text):
        begin = found.start()
        if begin < done:
            continue
        while begin > done and text[begin - 1] not in _BREAKS:
            begin -= 1
        around = _UNBROKEN.match(text, begin)
        done = around.end() if around is not None else found.end()
        yield from _mixed(text[begin:done], begin)


def _mixed(run: bytes, start: int) -> Iterator[Span]:
    """The words of that kind among letters without a break, which stand at ``start``."""
    text = run.decode("utf-8", "surrogateescape")
    at = 0
    for found in _WORD.finditer(text):
        word = found[0]
        if word.isascii() or not _deceives(word):
            continue
        start += len(text[at : found.start()].encode("utf-8", "surrogateescape"))
        at = found.start()
        yield Span(start, start + len(word.encode("utf-8", "surrogateescape")))


def _deceives(word: str) -> bool:
    """Latin letters and look-alikes only, some of each: a word with a letter that looks like none is a real mixture."""
    others = [letter for letter in word if not letter.isascii() and unicodedata.category(letter).startswith("L")]
    latin = sum(letter.isascii() and letter.isalpha() for letter in word)
    return bool(others) and latin >= 2 and all(letter in _LOOKALIKES for letter in others)


_UPDATE = re.compile(
    rb"(?i)(?<![A-Za-z0-9_])update\s+(?:only\s+)?[`\"\[]?[A-Za-z_][\w$.#]*[`\"\]]?\s+set\s+[`\"\[]?[A-Za-z_][\w.]*[`\"\]]?\s*=(?P<rest>[^;]{0,2000}?)"
    rb"(?P<end>;|['\"`]\s*[,);]|['\"`]\s*$|\"\"\"|\Z)",
    re.M,
)
# How such a statement begins, for RE2, which gets to it faster.
_BEGINS = r"(?i)\bupdate\s+(?:only\s+)?[`\"\[]?[A-Za-z_][\w$.#]*[`\"\]]?\s+set\s"
_CONDITION = re.compile(rb"(?i)\bwhere\b|\blimit\b|\bfrom\b|\bjoin\b|\$\{|\bon\s+conflict\b|['\"`]\s*[+.%]|\\$")
_NOT_A_STATEMENT = re.compile(
    rb"(?i)(?:\bdo|\bon\s+duplicate\s+key|\bfor|\bon|\bafter|\bbefore|\bor|\bthen|matched\s+then)\s+$"
)


@builtin("sql-update-without-where")
def update_without_where(subject: Subject) -> Iterator[Span]:
    """UPDATE statements that end without a condition."""
    from tinycode_git.safety.regex import confirmer

    for begin in confirmer(_BEGINS).finditer(subject.text):
        found = _UPDATE.match(subject.text, begin.start())
        if found is None:
            continue
        before = subject.text[max(0, found.start() - 60) : found.start()]
        if not _CONDITION.search(found["rest"]) and not _NOT_A_STATEMENT.search(before):
            yield Span(found.start(), found.start("end"))


_MAGIC = (
    b"\x7fELF",
    b"MZ",
    b"PK\x03\x04",
    b"\0asm",
    b"\xca\xfe\xba\xbe",
    b"\xfe\xed\xfa",
    b"\xcf\xfa\xed\xfe",
    b"!<arch>\n",
)


@builtin("binary-content")
def binary_content(subject: Subject) -> Iterator[Span]:
    """Programs and archives, by their first bytes."""
    if subject.text.startswith(_MAGIC) and b"\0" in subject.text[:8000]:
        yield Span(0, min(4, len(subject.text)))
