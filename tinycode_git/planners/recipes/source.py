"""Text of a file, decoded so that it can be written back byte for byte."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from tokenize import detect_encoding

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)

# git's own test for binary content looks at this many bytes (xdiff-interface.c, FIRST_FEW_BYTES).
_LOOKED_AT = 8000


class Undecodable(Exception):
    """Why a file cannot be read as text."""


class Binary(Undecodable):
    """It is no text at all."""


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a file and the codec that gives back its bytes; a byte order mark is part of the text."""

    text: str
    codec: str

    def encode(self, text: str) -> bytes:
        """``text`` as bytes of this file. Raises Undecodable where its encoding has no such characters."""
        try:
            return text.encode(self.codec)
        except UnicodeEncodeError as error:
            raise Undecodable(f"its encoding, {self.codec}, has no {error.object[error.start]!r}") from error

    def line(self, offset: int) -> int:
        """The number of the line that holds ``offset``, from 1."""
        return self.text.count("\n", 0, offset) + 1


def decode(content: bytes, *, python: bool = False) -> Source:
    """UTF-8, UTF-16 with a byte order mark, what PEP 263 says (Python), else any one-byte encoding taken as Latin-1.

    Latin-1 maps every byte to one character and back, so what is not touched stays as it is whatever the encoding
    really was. Raises Undecodable for binary content and for encodings that do not survive the round trip.
    """
    codec = _python_codec(content) if python else _codec(content)
    try:
        text = content.decode(codec)
        same = text.encode(codec) == content
    except (UnicodeError, LookupError) as error:
        raise Undecodable(f"it is not {codec} text") from error
    if not same:
        raise Undecodable(f"its encoding, {codec}, does not give back the same bytes")
    return Source(text, codec)


def _codec(content: bytes) -> str:
    if content.startswith(_UTF32):
        raise Undecodable("it is UTF-32 text")
    if content.startswith(UTF16_MARKS):
        return "utf-16-le" if content.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
    if b"\0" in content[:_LOOKED_AT]:
        raise Binary("it is binary")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _python_codec(content: bytes) -> str:
    if b"\0" in content:
        raise Binary("it is binary")
    try:
        codec, _ = detect_encoding(io.BytesIO(content).readline)
    except SyntaxError as error:
        raise Undecodable(str(error)) from error
    return "utf-8" if codec == "utf-8-sig" else codec


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """``text`` in place of the characters from ``start`` up to ``end``."""

    start: int
    end: int
    text: str


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """``text`` with every edit made. Edits do not overlap (ValueError)."""
    parts: list[str] = []
    at = 0
    for edit in sorted(edits):
        if edit.start < at:
            raise ValueError("edits overlap")
        parts += (text[at : edit.start], edit.text)
        at = edit.end
    parts.append(text[at:])
    return "".join(parts)


def whole_word(name: str) -> re.Pattern[str]:
    """Matches ``name`` where no letter, digit or underscore stands beside it."""
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
