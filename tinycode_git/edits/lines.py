"""Bytes as lines and back, without losing what ended them. Only a line feed ends a line, as in git."""

from __future__ import annotations

from collections.abc import Sequence

BOM = b"\xef\xbb\xbf"


def split_lines(data: bytes) -> list[bytes]:
    """The lines of ``data``, each with its line feed; the last one without where the file ends without one."""
    parts = data.split(b"\n")
    last = parts.pop()
    lines = [part + b"\n" for part in parts]
    if last:
        lines.append(last)
    return lines


def bare(line: bytes) -> bytes:
    """``line`` without what ends it (LF or CRLF)."""
    if line.endswith(b"\n"):
        return line[:-2] if line.endswith(b"\r\n") else line[:-1]
    return line


def ending(line: bytes) -> bytes:
    """What ends ``line``: LF, CRLF or nothing."""
    if line.endswith(b"\n"):
        return b"\r\n" if line.endswith(b"\r\n") else b"\n"
    return b""


def usual_ending(lines: Sequence[bytes]) -> bytes:
    """The line ending that most of ``lines`` have; LF where there is none or a draw."""
    crlf = sum(1 for line in lines if line.endswith(b"\r\n"))
    return b"\r\n" if crlf * 2 > sum(1 for line in lines if line.endswith(b"\n")) else b"\n"


def printable(line: bytes, width: int = 160) -> str:
    """``line`` for a terminal: decoded, control and invisible characters escaped, cut to ``width``."""
    text = bare(line)[: width * 4].decode("utf-8", "backslashreplace").expandtabs(4)
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return text if len(text) <= width else text[: width - 3] + "..."
