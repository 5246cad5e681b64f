"""Mailed patches: an mbox split into messages, a message into author, date, commit message and patch.

The rules are those of ``git mailsplit`` and ``git mailinfo`` (as ``git am`` runs them), but for one: a carriage return
is taken off only where the headers have them too, so that patches of CRLF files apply. ``>From`` is left as it is,
as ``git am`` does with an mbox.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tinycode_git.edits.headertext import clean_subject, decode_words, parse_author, parse_date, squeeze
from tinycode_git.edits.lines import BOM, split_lines
from tinycode_git.errors import UsageError

_FROM_LINE = re.compile(rb"From .*\d.\d\d:\d\d.\d[^\n]*", re.DOTALL)
_HEADER = re.compile(rb"[!-9;-~]+:")
_BLANK = (b"\n", b"\r\n")
_INBODY = ("From", "Subject", "Date")
_SEPARATOR = re.compile(rb">From [0-9a-f]{40} Mon Sep 17 00:00:00 2001\n")
_FORMATTED = re.compile(rb"^From [0-9a-f]{40,64} Mon Sep 17 00:00:00 2001\r?$", re.MULTILINE)
_DIFF = re.compile(rb"^(?:diff |--- |\+\+\+ |@@ )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mailed patch. ``message`` is the whole commit message; ``when`` is None where there is no date.

    ``patch`` starts at line ``patch_line`` of the input (counted in the decoded body where that was encoded).
    """

    name: str
    email: str
    when: int | None
    offset: int
    subject: str
    message: str
    patch: bytes
    patch_line: int
    is_cover: bool


def is_from_line(line: bytes) -> bool:
    """Whether ``line`` starts a message of an mbox: ``From``, something, and a time with a year after it."""
    if len(line) < 20 or not line.startswith(b"From "):
        return False
    colon = line.rfind(b":", 5, len(line) - 2)
    if colon < 9:
        return False
    around = (line[colon - 4 : colon - 3], line[colon - 2 : colon], line[colon + 1 : colon + 2])
    year = re.match(rb"\s*(\d{1,9})", line[colon + 3 : colon + 20])
    return all(part.isdigit() for part in around) and year is not None and int(year[1]) > 90


def is_mail(data: bytes) -> bool:
    """Whether ``data`` is an mbox or a message rather than a bare diff (its first lines say so)."""
    head = split_lines(data[:65536].removeprefix(BOM).lstrip(b"\r\n"))
    if not head:
        return False
    if is_from_line(head[0]):
        return True
    names: set[bytes] = set()
    for line in head:
        if line in _BLANK:
            break
        if match := _HEADER.match(line):
            names.add(match[0].lower())
        elif line[:1] not in b" \t" or not names:
            return False
    return bool(names & {b"from:", b"subject:"})


def without_lead(data: bytes) -> bytes:
    """``data`` with what stands before the first patch of ``git format-patch`` made blank: a prompt, a remark.

    The number of lines stays. Nothing is taken where a diff comes first.
    """
    first = _FORMATTED.search(data)
    if first is None or not first.start() or _DIFF.search(data, 0, first.start()):
        return data
    return b"\n" * data.count(b"\n", 0, first.start()) + data[first.start() :]


def split_mbox(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Each message of ``data`` with the number of its first line, the mbox's own ``From`` lines left out."""
    lines = split_lines(data.removeprefix(BOM))
    start = 0
    while start < len(lines) and lines[start] in _BLANK:
        start += 1
    for at in range(start + 1, len(lines) + 1):
        if at == len(lines) or is_from_line(lines[at]):
            skip = start + 1 if is_from_line(lines[start]) else start
            yield b"".join(lines[skip:at]), skip + 1
            start = at


def read_mail(raw: bytes, line: int = 1) -> Mail:
    """The patch in message ``raw``, whose first line is ``line`` of the input. Raises ``UsageError``."""
    first = raw.split(b"\n", 1)[0]
    if first.endswith(b"\r"):
        raw = raw.replace(b"\r\n", b"\n")
    headers, body, skipped = _headers(raw)
    kind = headers.get("content-type", b"")
    if b"multipart/" in kind.lower():
        body, charset = _multipart(raw)
    else:
        body, charset = _decoded(body, headers.get("content-transfer-encoding", b"")), _charset(kind)
    lines = split_lines(body)
    inbody, at = _inbody(lines)
    end = next((i for i in range(at, len(lines)) if _is_break(lines[i])), len(lines))
    fields = {name: decode_words(value) for name, value in headers.items() if name in ("from", "subject", "date")}
    fields |= {name: decode_words(value) for name, value in inbody.items()}
    subject = clean_subject(fields.get("subject", ""))
    text = _text(b"".join(lines[at:end]), charset)
    name, email = parse_author(squeeze(fields.get("from", "")))
    when, offset = parse_date(fields.get("date", ""))
    message = _strip_space(f"{subject}\n\n{text}")
    patch_line = line + skipped + end
    is_cover = re.search(r"\[[^]]*\b0+/\d+\]", fields.get("subject", "")) is not None
    return Mail(name, email, when, offset, subject, message, b"".join(lines[end:]), patch_line, is_cover)


def _headers(raw: bytes) -> tuple[dict[str, bytes], bytes, int]:
    """The headers (lower-case names, unfolded, the first of each), the body, and how many lines stand before it."""
    parts: dict[str, list[bytes]] = {}
    current = ""
    at = count = 0
    while at < len(raw):
        end = raw.find(b"\n", at) + 1 or len(raw)
        text = raw[at:end]
        if text in _BLANK:
            return _unfolded(parts), raw[end:], count + 1
        if text[:1] in b" \t" and current:
            parts[current].append(text.strip())
        elif match := _HEADER.match(text):
            name = match[0][:-1].decode().lower()
            current = name if name not in parts else ""
            parts.setdefault(name, [text[match.end() :].strip()])
        elif not text.startswith((b"From ", b">From ")):
            return _unfolded(parts), raw[at:], count
        at, count = end, count + 1
    return _unfolded(parts), b"", count


def _unfolded(parts: dict[str, list[bytes]]) -> dict[str, bytes]:
    return {name: b" ".join(values) for name, values in parts.items()}


def _charset(kind: bytes) -> str:
    match = re.search(rb"charset\s*=\s*\"?([A-Za-z0-9_.:-]{1,40})", kind, re.IGNORECASE)
    return match[1].decode() if match else ""


def _decoded(body: bytes, encoding: bytes) -> bytes:
    """``body`` without its transfer encoding."""
    from binascii import Error, a2b_base64, a2b_qp

    name = encoding.strip().lower()
    if name == b"quoted-printable":
        return a2b_qp(body)
    if name == b"base64":
        try:
            return a2b_base64(re.sub(rb"[^A-Za-z0-9+/=]", b"", body))
        except Error as error:
            raise UsageError(f"the message's base64 body is damaged: {error}", "export the patch anew") from error
    return body


def _multipart(raw: bytes) -> tuple[bytes, str]:
    """The text parts of ``raw`` one after the other, and the first one's character set."""
    from email import message_from_bytes

    texts: list[bytes] = []
    charset = ""
    for part in message_from_bytes(raw).walk():
        payload = part.get_payload(decode=True) if part.get_content_maintype() == "text" else None
        if isinstance(payload, bytes):
            charset = charset or part.get_content_charset("")
            texts.append(payload if payload.endswith(b"\n") else payload + b"\n")
    return b"".join(texts), charset


def _inbody(lines: list[bytes]) -> tuple[dict[str, bytes], int]:
    """The headers at the top of the body that replace the message's own, and where the text begins."""
    found: dict[str, list[bytes]] = {}
    current = ""
    at = 0
    while at < len(lines):
        line = lines[at]
        if line in _BLANK:
            if current:
                return _unfolded(found), at + 1
        elif current and line[:1] in b" \t":
            found[current].append(line.strip())
        elif match := re.match(rb"(From|Subject|Date):", line, re.IGNORECASE):
            current = match[1].decode().lower()
            if current in found:
                break
            found[current] = [line[match.end() :].strip()]
        elif line.startswith(b"[PATCH]") and line[7:8].isspace():
            found["subject"], current = [line.strip()], ""
        elif _SEPARATOR.fullmatch(line):
            current = ""
        else:
            break
        at += 1
    return _unfolded(found), at


def _is_break(line: bytes) -> bool:
    """Whether ``line`` ends the commit message: ``---`` alone, or the first line of a diff."""
    if line.startswith((b"diff -", b"Index: ")):
        return True
    if not line.startswith(b"---"):
        return False
    return not line[3:].strip() or (line[3:4] == b" " and not line[4:5].isspace())


def _text(raw: bytes, charset: str) -> str:
    """The commit message as text: by its declared character set, else UTF-8, else Latin-1 (as git guesses)."""
    for name in (charset, "utf-8"):
        try:
            if name:
                return raw.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    return raw.decode("latin-1")


def _strip_space(text: str) -> str:
    """``git stripspace``: no trailing space, no blank lines at the ends, one blank line where there are several."""
    lines = [line.rstrip(" \t\r\f\v") for line in text.split("\n")]
    kept = [line for i, line in enumerate(lines) if line or (i and lines[i - 1])]
    return "\n".join(kept).strip("\n")
