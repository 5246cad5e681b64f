"""Folding: the same text with what hides a match taken out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tinycode_git.safety.view import View


class _Builder:
    """Collects pieces of the original and replacements, and remembers where they came from."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.starts: list[int] = []
        self.origins: list[int] = []
        self.size = 0

    def add(self, part: bytes, origin: int) -> None:
        if part:
            self.parts.append(part)
            self.starts.append(self.size)
            self.origins.append(origin)
            self.size += len(part)

    def view(self) -> View:
        return View(b"".join(self.parts), tuple(self.starts) or (0,), tuple(self.origins) or (0,))


# Look-alikes of ASCII letters (Unicode TR39 confusables, Cyrillic and Greek only).
_LOOKALIKE = dict(
    zip(
        "аеорсухіјѕԁһӏԛԝвнкмтАВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανρτικ",
        "aeopcyxijsdhlqwvhkmtABEKMHOPCTYXIJSABEZHIKMNOPTYXoavptik",
        strict=True,
    )
)
_INVISIBLE = (
    rb"\xc2\xad|\xcd\x8f|\xd8\x9c|\xe1\xa0[\x8b-\x8e]|\xe2\x80[\x8b-\x8f]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf"
    rb"|\xef\xb8[\x80-\x8f]|\xf3\xa0[\x80-\x87][\x80-\xbf]"
)
_FULLWIDTH = rb"\xef\xbc[\x81-\xbf]|\xef\xbd[\x80-\x9e]"
_LETTERS = b"|".join(letter.encode() for letter in _LOOKALIKE)
_STYLED = rb"\xf0\x9d[\x90-\x9f][\x80-\xbf]"

HIDDEN = (
    rb"(?:" + _INVISIBLE + rb"|" + _FULLWIDTH + rb"|" + _STYLED + rb"|[A-Za-z0-9_](?:" + _LETTERS + rb")"
    rb"|(?:" + _LETTERS + rb")[A-Za-z0-9_])"
)
_FOLDED = re.compile(
    rb"(?P<gone>" + _INVISIBLE + rb")|(?P<wide>" + _FULLWIDTH + rb"|" + _STYLED + rb")"
    rb"|(?<=[A-Za-z0-9_])(?:" + _LETTERS + rb")+|(?:" + _LETTERS + rb")+(?=[A-Za-z0-9_])"
)
# Where there is anything to fold at all: a search for one class is fast, for a choice of things it is not.
_FOREIGN = re.compile(rb"[\xc2\xcd-\xd4\xd8\xe1\xe2\xef\xf0\xf3][\x80-\xff]*")


def unhidden(data: bytes) -> View:
    """The text without invisible characters and with look-alikes of ASCII as ASCII; call it where HIDDEN matches."""
    built, at = _Builder(), 0
    for run in _FOREIGN.finditer(data):
        for found in _FOLDED.finditer(data, run.start(), run.end() + 1):
            built.add(data[at : found.start()], at)
            at = found.end()
            if not found["gone"]:
                _replace(built, found, wide=bool(found["wide"]))
    built.add(data[at:], at)
    return built.view()


def _replace(built: _Builder, found: re.Match[bytes], *, wide: bool) -> None:
    origin = found.start()
    for letter in found[0].decode("utf-8", "replace"):
        if wide:
            import unicodedata

            built.add(unicodedata.normalize("NFKC", letter).encode(), origin)
        else:
            built.add(_LOOKALIKE.get(letter, letter).encode(), origin)
        origin += len(letter.encode())


# The end of one literal and the start of the next, with nothing but a concatenation between them.
_TOKEN = rb"[A-Za-z0-9_+/=.-]"
_GLUE = rb"""["'`][ \t]*(?:\+|\.\.?|&|\\)?[ \t]*(?:\r?\n[ \t]*)?(?:\+[ \t]*)?[fbru]?["'`]"""
SPLIT = _TOKEN + _GLUE + _TOKEN
_BEFORE, _BETWEEN, _AFTER, _GAP = 200, 200, 300, 200


def joined(data: bytes, ends: Sequence[int]) -> View:
    """Only the places where literals are concatenated, each with its line, the parts joined, a line feed between.

    ``ends`` are where SPLIT ends.
    """
    built, last, done = _Builder(), -1, 0
    for start, end in _splits(data, ends):
        if last < 0 or start - last > _BETWEEN or _closed(data[last:start]):
            done = _finish(built, data, last)
            line = data.rfind(b"\n", 0, start) + 1
            last = max(line, start - _BEFORE, done)
        built.add(data[last:start], last)
        last = end
    _finish(built, data, last)
    return built.view()


def _splits(data: bytes, ends: Sequence[int]) -> Iterator[tuple[int, int]]:
    """From the quote that ends one literal to behind the one that begins the next."""
    until = 0
    for end in sorted(set(ends)):
        last = end - 2  # the quote before the last character of SPLIT
        first = max(data.rfind(quote, max(until, last - _GAP), last) for quote in (b'"', b"'", b"`"))
        if first > 0 and first >= until:
            yield first, end - 1
            until = end - 1


def _closed(between: bytes) -> bool:
    return b"\n" in between or any(quote in between for quote in b"\"'`")


def _finish(built: _Builder, data: bytes, last: int) -> int:
    if last < 0:
        return 0
    stop = data.find(b"\n", last, last + _AFTER)
    stop = min(len(data), last + _AFTER) if stop < 0 else stop
    built.add(data[last:stop], last)
    built.add(b"\n", max(stop - 1, 0))  # a separator of ours: it stands for the byte before it
    return stop
