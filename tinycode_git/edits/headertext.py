"""What ``git mailinfo`` makes of mail headers: encoded words (RFC 2047), authors, dates (RFC 5322), subjects."""

from __future__ import annotations

import re

_DATE = re.compile(
    r"(?:[A-Za-z]{3}, *)?(\d{1,2}) ([A-Za-z]{3}) (\d{4}) (\d\d):(\d\d)(?::(\d\d))? *(?:([+-])(\d\d)(\d\d)|GMT|UTC|Z)\b"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?]*)\?=")


def squeeze(text: str) -> str:
    """``text`` with each run of white space as one space."""
    return re.sub(r"[ \t\n\r\f\v]+", " ", text).strip()


def _text(raw: bytes, charset: str = "utf-8") -> str:
    for name in (charset, "utf-8"):
        try:
            return raw.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    return raw.decode("latin-1")


def decode_words(value: bytes) -> str:
    """``value`` with its encoded words decoded. A word whose encoding is broken stays as it is.

    White space between two encoded words is dropped. Bytes of one character may be split over two words of the same
    character set (which the RFC forbids and mailers do), so that neighbours are joined before they are decoded.
    """
    if b"=?" not in value:
        return _text(value)
    text = _text(value)
    out: list[str] = []
    pending: list[bytes] = []
    charset, at = "", 0
    for match in _WORD.finditer(text):
        raw = _word_bytes(match[2], match[3])
        between = text[at : match.start()]
        if raw is None:
            continue
        if between.strip() or at == 0 or match[1].lower() != charset:
            out.append(_text(b"".join(pending), charset))
            out.append(between if between.strip() or at == 0 else "")
            pending = []
        pending.append(raw)
        charset, at = match[1].lower(), match.end()
    out.append(_text(b"".join(pending), charset))
    return "".join(out) + text[at:]


def _word_bytes(kind: str, word: str) -> bytes | None:
    from binascii import Error, a2b_base64, a2b_qp

    try:
        raw = word.encode("ascii")
        return a2b_base64(raw) if kind in "bB" else a2b_qp(raw, header=True)
    except (Error, UnicodeEncodeError):
        return None


def clean_subject(text: str) -> str:
    """The subject without ``Re:``, ``[PATCH 1/2]`` and every other bracket in front, as ``git am`` leaves it."""
    text = text.strip()
    at = 0
    while at < len(text):
        if text[at] in " \t:\n":
            at += 1
        elif text[at : at + 3].lower() == "re:" and len(text) > at + 3:
            at += 3
        elif text[at] == "[" and (end := text.find("]", at)) >= 0:
            at = end + 1
        else:
            break
    return squeeze(text[at:])


def _unquoted(text: str) -> str:
    """``text`` without the quotes of quoted strings and without backslashes in them or in comments (RFC 5322, 3.2)."""
    out: list[str] = []
    quoted, depth, literal = False, 0, False
    for c in text:
        if literal:
            literal = False
        elif c == "\\" and (quoted or depth):
            literal = True
            continue
        elif c == '"' and not depth:
            quoted = not quoted
            continue
        elif not quoted:
            depth += (c == "(") - (c == ")" and depth > 0)
        out.append(c)
    return "".join(out)


def parse_author(value: str) -> tuple[str, str]:
    """Name and address of a ``From`` header; both empty where there is no address.

    The name is the address where it is missing or holds ``@``, ``<`` or ``>``. (Git takes it for a name of more than 60
    bytes too, which real people have; here that is kept.)
    """
    text = _unquoted(value)
    at = text.find("@")
    if at < 0:
        match = re.search(r"^([^<]*)<([^>]*)>", value)
        return (_sane(match[1].strip(), match[2]), match[2]) if match else ("", "")
    start = max(text.rfind(c, 0, at) for c in " \t<") + 1
    stop = next((i for i in range(at, len(text)) if text[i] in " \t>"), len(text))
    email = text[start:stop]
    before = text[: start - 1] + " " if start and text[start - 1] == "<" else text[:start]
    name = squeeze(before + text[stop + 1 :])
    if name.startswith("(") and name.endswith(")"):
        name = name[1:-1]
    return _sane(name, email), email


def _sane(name: str, email: str) -> str:
    return email if not name or set(name) & set("@<>") else name


def parse_date(value: str) -> tuple[int | None, int]:
    """Seconds since 1970 and minutes east of UTC; None where ``value`` is no date."""
    from datetime import UTC, datetime

    match = _DATE.search(value)
    try:
        if match is None or match[2].lower() not in _MONTHS:
            return _other_date(value)
        day, year, hour, minute, second = (int(match[n] or 0) for n in (1, 3, 4, 5, 6))
        month = _MONTHS.index(match[2].lower()) + 1
        whole = datetime(year, month, day, hour, minute, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None, 0
    offset = (int(match[8]) * 60 + int(match[9])) * (-1 if match[7] == "-" else 1) if match[7] else 0
    # A leap second (60) is the next minute's first, as mktime has it.
    return int(whole.timestamp()) + second - offset * 60, offset


def _other_date(value: str) -> tuple[int | None, int]:
    from email.utils import mktime_tz, parsedate_tz

    parts = parsedate_tz(value)
    if parts is None:
        return None, 0
    return mktime_tz(parts), (parts[9] or 0) // 60
