"""Text as the rules see it, and the way back to where each byte of it came from."""

from __future__ import annotations

from bisect import bisect_right

from tinycode_git.rows import NamedTuple

_HEAD = 8000  # where git itself looks for a NUL: xdiff-interface.c, buffer_is_binary()


class View(NamedTuple):
    """Text to match, and its way back: from ``starts[i]`` on, byte ``starts[i] + k`` is byte ``origins[i] + k``."""

    data: bytes
    starts: tuple[int, ...] = (0,)
    origins: tuple[int, ...] = (0,)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The range of the original that ``start:end`` of this view came from."""
        return self._origin(start), self._origin(end - 1) + 1 if end > start else self._origin(start)

    def _origin(self, at: int) -> int:
        piece = bisect_right(self.starts, at) - 1
        return self.origins[piece] + at - self.starts[piece]


def readable(raw: bytes) -> bytes:
    """The text of a blob: UTF-16 becomes UTF-8, anything else stays as it is (RFC 2781 section 4.3)."""
    # A mark alone proves nothing: put before plain text it would hide all of it. UTF-16 that spells ASCII has NULs.
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") and raw.count(0) * 8 >= len(raw):
        return raw.decode("utf-16", "replace").encode()
    if b"\0" not in raw[:256] or len(raw) < 8:
        return raw
    head = raw[:256]
    odd, even = head[1::2], head[0::2]
    if odd.count(0) * 10 > len(odd) * 8 and even.count(0) * 10 < len(even):
        return raw.decode("utf-16-le", "replace").encode()
    if even.count(0) * 10 > len(even) * 8 and odd.count(0) * 10 < len(odd):
        return raw.decode("utf-16-be", "replace").encode()
    return raw


def binary(text: bytes) -> bool:
    """Whether git takes the text for binary."""
    return b"\0" in text[:_HEAD]
