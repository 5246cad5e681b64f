"""Conditions on a matched secret: bytes in, true or false out. The names are those of docs/rules.md."""

from __future__ import annotations

import binascii
import math
import re
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise

Check = Callable[[bytes], bool]
Measure = Callable[[bytes], float]

_BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKS: dict[str, Check] = {}
_MEASURES: dict[str, Measure] = {}
_SPEC = re.compile(r"([a-z0-9-]+)(?:(>=|<=)(\d+(?:\.\d+)?))?\Z")


def check(name: str) -> Callable[[Check], Check]:
    """Register a condition under ``name``."""

    def register(function: Check) -> Check:
        _CHECKS[name] = function
        return function

    return register


def measure(name: str) -> Callable[[Measure], Measure]:
    """Register a number that rules compare (``name>=3.5``)."""

    def register(function: Measure) -> Measure:
        _MEASURES[name] = function
        return function

    return register


def unknown_check(spec: str) -> str:
    """Why ``spec`` is not a check, in words; empty where it is one."""
    found = _SPEC.match(spec)
    if not found:
        return f"{spec!r} is neither a name nor name>=number"
    table = _MEASURES if found[2] else _loaded(found[1])
    if found[1] not in table:
        return f"there is no check {spec!r}; known: {', '.join(sorted(table))}"
    return ""


def holds(spec: str, value: bytes) -> bool:
    """Whether ``value`` meets ``spec``; a spec that ``unknown_check`` refuses raises KeyError."""
    name, low, bound = spec.partition(">=")
    if low:
        return _MEASURES[name](value) >= float(bound)
    name, high, bound = spec.partition("<=")
    if high:
        return _MEASURES[name](value) <= float(bound)
    return _loaded(name)[name](value)


def _loaded(name: str) -> dict[str, Check]:
    for module in ("checksums", "randomness"):
        if name not in _CHECKS:
            import_module(f"tinycode_git.safety.{module}")
    return _CHECKS


@measure("entropy")
def entropy(value: bytes) -> float:
    """Shannon entropy in bits a byte."""
    size = len(value)
    return -sum(n / size * math.log2(n / size) for n in Counter(value).values()) if size else 0.0


@measure("length")
def length(value: bytes) -> float:
    """How many bytes."""
    return len(value)


@measure("digits")
def digits(value: bytes) -> float:
    """How many ASCII digits."""
    return sum(48 <= c <= 57 for c in value)


@measure("letters")
def letters(value: bytes) -> float:
    """How many ASCII letters."""
    return sum(65 <= c <= 90 or 97 <= c <= 122 for c in value)


@measure("distinct")
def distinct(value: bytes) -> float:
    """How many different bytes."""
    return len(set(value))


@check("luhn")
def luhn(value: bytes) -> bool:
    """ISO/IEC 7812-1 annex B, over the digits of the value."""
    figures = [c - 48 for c in value if 48 <= c <= 57]
    doubled = (sum(divmod(2 * f, 10)) if n % 2 else f for n, f in enumerate(reversed(figures)))
    return len(figures) > 1 and sum(doubled) % 10 == 0


@check("crc32-base62-github")
def crc32_base62_github(value: bytes) -> bool:
    """GitHub's token format: the last six characters are the CRC-32 of what stands between prefix and checksum."""
    _, _, body = value.rpartition(b"_")
    payload, checksum = body[:-6], body[-6:]
    number, written = binascii.crc32(payload), bytearray()
    for _ in range(6):
        number, rest = divmod(number, 62)
        written.insert(0, _BASE62[rest])
    return bool(payload) and bytes(written) == checksum


def decode64(value: bytes) -> bytes | None:
    """Base64, standard or URL alphabet, padding optional; None where it is neither."""
    text = value.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
    except binascii.Error:
        return None


@check("base64")
def base64(value: bytes) -> bool:
    """RFC 4648 section 4."""
    return not set(value) & set(b"-_") and decode64(value) is not None


@check("base64url")
def base64url(value: bytes) -> bool:
    """RFC 4648 section 5."""
    return not set(value) & set(b"+/") and decode64(value) is not None


@check("hex")
def hexadecimal(value: bytes) -> bool:
    """Hexadecimal digits only."""
    return bool(value) and all(c in b"0123456789abcdefABCDEF" for c in value)


_UUID = re.compile(rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z")


@check("uuid")
def uuid(value: bytes) -> bool:
    """RFC 9562 section 4, any version, not all zero."""
    return bool(_UUID.match(value)) and len(set(value) - {45}) > 3


@check("json")
def json_text(value: bytes) -> bool:
    """RFC 8259."""
    import json

    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True


@check("jwt-header")
def jwt_header(value: bytes) -> bool:
    """RFC 7519: the first part is base64url of a JSON object with ``alg``."""
    import json

    head = decode64(value.partition(b".")[0])
    if head is None:
        return False
    try:
        fields = json.loads(head)
    except (ValueError, RecursionError):
        return False
    return isinstance(fields, dict) and "alg" in fields


_STAND_IN = re.compile(
    rb"(?i)example|sample|change[_-]?me|placeholder|dummy|your[_-]|[_-]here\b|insert|replace|redacted|fixme|todo"
    rb"|xxxx|\*\*\*|\.\.\.|to[_-]be[_-]|not[_-]?(a[_-])?real|fake|deadbeef|lorem|foobar|s3cr3t|^secret$|^password$"
)
_TEMPLATE = re.compile(rb"\$\{|\{\{|\$\(|<[A-Za-z_ -]+>|%[({]|#\{|\{[a-z_]+\}|^\$[A-Za-z_]|^%[A-Z_]+%|\[[A-Z_ ]+\]$")
_RUN = 10
_RUNS = (
    b"0123456789abcdefghijklmnopqrstuvwxyz0123456789",
    b"abcdefghijklmnopqrstuvwxyz0123456789",
    b"1234567890",
    b"9876543210",
    b"qwertyuiopasdfghjklzxcvbnm",
)


@check("not-stand-in")
def not_stand_in(value: bytes) -> bool:
    """Not a word for a secret, a template, or one character repeated."""
    if _STAND_IN.search(value) or _TEMPLATE.search(value):
        return False
    return not re.search(rb"(.)\1{7}", value, re.S) and len(set(value)) > max(2, min(len(value) // 8, 9))


@check("not-stand-in-url")
def not_stand_in_url(value: bytes) -> bool:
    """In a URL: no template, and not one character repeated; a default password passes."""
    return not _TEMPLATE.search(value) and not re.search(rb"(?i)xxx|\*\*\*|\.\.\.|[_-]here\b|redacted", value)


@check("not-placeholder")
def not_placeholder(value: bytes) -> bool:
    """Not a stand-in, nor mostly runs of the alphabet."""
    return not_stand_in(value) and _in_runs(value.lower()) * 10 < len(value) * 9


_IN_RUNS = frozenset(run[at : at + _RUN] for run in _RUNS for at in range(len(run) - _RUN + 1))


def _in_runs(value: bytes) -> int:
    """How many characters belong to a run of ten or more."""
    count = end = 0
    for at in range(len(value) - _RUN + 1):
        if value[at : at + _RUN] in _IN_RUNS:
            count += at + _RUN - max(end, at)
            end = at + _RUN
    return count


# For RE2: Python's own engine takes minutes for some values of 64 characters.
_WORDY = r"(?:[A-Z]?[a-z]{2,}|[A-Z]{2,}|[0-9]{1,2})(?:[-_./: ]?(?:[A-Z]?[a-z]{2,}|[A-Z]{2,}|[0-9]{1,2}))*"


@check("not-word")
def not_word(value: bytes) -> bool:
    """Not words, an identifier, a path: letters in runs of one case, digits rare."""
    if len(value) >= 16 and value.isalnum() and digits(value) * 5 >= len(value):
        return True
    from tinycode_git.safety.regex import confirmer

    if not confirmer(_WORDY).fullmatch(value):
        return True
    changes = sum(1 for a, b in pairwise(value) if _kind(a) != _kind(b))
    return changes * 3 > len(value)


def _kind(byte: int) -> int:
    if 48 <= byte <= 57:
        return 0
    return 1 if 65 <= byte <= 90 else 2 if 97 <= byte <= 122 else 3
