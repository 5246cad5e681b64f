"""What a foreign program prints: kept within bounds, and made safe to show."""

from __future__ import annotations

import errno
import re
from codecs import getincrementaldecoder
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self

# ECMA-48: control sequences, the strings of OSC, DCS, SOS, PM and APC up to their end, two-character escapes; also the
# 8-bit forms of each (C1), which some terminals obey.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|(?=\x1b)|$)"
    r"|\x1b[ -/]*[0-~]"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_LONGEST_LINE = 16_384


def plain(text: str) -> str:
    """``text`` without terminal escapes, control and direction-changing characters; newlines and tabs stay.

    A carriage return ends a line: what a progress bar overwrote stays readable.
    """
    text = _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _CONTROLS.sub("", text)


class PlainLines:
    """Turns a stream of bytes into safe lines; an escape that arrives in two pieces is removed all the same."""

    def __init__(self) -> None:
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._waiting = ""

    def feed(self, data: bytes, *, last: bool = False) -> list[str]:
        """The lines that ``data`` completes, without their newlines; with ``last`` what is left too."""
        self._waiting += self._decode(data, last)
        *whole, self._waiting = self._waiting.split("\n")
        if (last and self._waiting) or len(self._waiting) > _LONGEST_LINE:
            whole.append(self._waiting)
            self._waiting = ""
        return [part for line in whole for part in _parts(plain(line.removesuffix("\r")))]


def _parts(text: str) -> list[str]:
    """The lines that a carriage return made of one, without the empty ones that a redrawn line leaves."""
    return [part for part in text.split("\n") if part] or [""]


class Kept:
    """A file that takes any amount of output and keeps its beginning and its end, ``most`` bytes in all.

    What was left out is said in between. The end is held in memory and written when the block ends. A disk that is full
    (whose output it is may have filled it) leaves the file short, and stops nothing.
    """

    def __init__(self, path: Path, most: int = 4_000_000) -> None:
        self.path, self._half = path, most // 2
        self.seen = self.left_out = 0
        self._tail: deque[bytes] = deque()
        self._held = 0

    def __enter__(self) -> Self:
        self._file = self.path.open("wb", buffering=0)
        return self

    def write(self, data: bytes) -> None:
        """Take more output."""
        room = max(0, self._half - self.seen)
        self.seen += len(data)
        if room:
            self._put(data[:room])
        if data := data[room:]:
            self._tail.append(data)
            self._held += len(data)
        while self._tail and self._held - len(self._tail[0]) >= self._half:
            gone = len(self._tail.popleft())
            self._held -= gone
            self.left_out += gone

    def _put(self, data: bytes) -> None:
        try:
            written = self._file.write(data)
        except OSError as full:
            if full.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            written = 0
        self.left_out += len(data) - written

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        rest = b"".join(self._tail)
        if len(rest) > self._half:
            self.left_out += len(rest) - self._half
            rest = rest[-self._half :]
        if self.left_out:
            self._put(b"\n[%d bytes left out]\n" % self.left_out)
        self._put(rest)
        self._file.close()
