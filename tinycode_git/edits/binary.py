"""Git's binary patches: base85 lines, deflated literals and deltas (gitformat-pack(5), "Deltified representation")."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from tinycode_git.errors import UsageError

# A patch of a few megabytes can inflate to many gigabytes; nobody mails a file of this size.
MAX_SIZE = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BinaryHunk:
    """One direction: ``kind`` (``literal`` or ``delta``) and its inflated bytes."""

    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class BinaryPatch:
    """The way from old to new; ``forward`` None says that the diff only mentions that binary files differ."""

    forward: BinaryHunk | None


class BadDelta(ValueError):
    """The delta or the deflated data is damaged, or does not belong to this preimage."""


def read_binary(lines: Sequence[bytes], i: int, first_line: int) -> tuple[BinaryPatch, int]:
    """The binary patch whose first hunk starts at line ``i``, and the line after it. Raises ``UsageError``."""
    forward, i = _read_hunk(lines, i, first_line)
    if forward is None:
        _corrupt(first_line + i, "an unknown kind of binary patch")
    # The way back is read too, because damage there is damage of the patch.
    _, i = _read_hunk(lines, i, first_line)
    return BinaryPatch(forward), i


def _corrupt(line: int, reason: str) -> NoReturn:
    raise UsageError(f"the patch is corrupt at line {line}: {reason}", "make it anew with git format-patch --binary")


def _read_hunk(lines: Sequence[bytes], i: int, first_line: int) -> tuple[BinaryHunk | None, int]:
    words = lines[i].split() if i < len(lines) else []
    if len(words) != 2 or words[0] not in (b"literal", b"delta") or not words[1].isdigit() or len(words[1]) > 12:
        return None, i
    start = i
    chunks: list[bytes] = []
    i += 1
    while i < len(lines) and (line := lines[i].rstrip(b"\r\n")):
        chunk = _decode_line(line)
        if chunk is None:
            _corrupt(first_line + i, "damaged binary data")
        chunks.append(chunk)
        i += 1
    if i >= len(lines) or not chunks:
        _corrupt(first_line + start, "binary data is cut short")
    try:
        data = _inflate(b"".join(chunks), int(words[1]))
    except BadDelta as error:
        _corrupt(first_line + start, str(error))
    return BinaryHunk(words[0].decode(), data), i + 1


def _decode_line(line: bytes) -> bytes | None:
    """One line: a letter for the number of bytes (A-Z 1 to 26, a-z 27 to 52), then base85 in groups of five."""
    from base64 import b85decode

    letter = line[0]
    size = letter - 64 if 65 <= letter <= 90 else letter - 70 if 97 <= letter <= 122 else 0
    if not size or len(line) - 1 != (size + 3) // 4 * 5:
        return None
    try:
        return b85decode(line[1:])[:size]
    except ValueError:
        return None


def apply_binary(hunk: BinaryHunk, preimage: bytes) -> bytes:
    """The new content. Raises ``BadDelta``."""
    return hunk.data if hunk.kind == "literal" else apply_delta(preimage, hunk.data)


def _inflate(deflated: bytes, size: int) -> bytes:
    if size > MAX_SIZE:
        raise BadDelta(f"its data would be larger than {MAX_SIZE} bytes")
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(deflated, size + 1)
    except zlib.error as error:
        raise BadDelta("damaged binary data") from error
    if len(data) != size or not inflater.eof:
        raise BadDelta("binary data has not the size that it says")
    return data


def apply_delta(source: bytes, delta: bytes) -> bytes:
    """``delta`` applied to ``source``. Raises ``BadDelta``."""
    try:
        return _run_delta(source, delta)
    except IndexError:
        raise BadDelta("its delta is cut short") from None


def _run_delta(source: bytes, delta: bytes) -> bytes:
    source_size, i = _size(delta, 0)
    target_size, i = _size(delta, i)
    if source_size != len(source) or target_size > MAX_SIZE:
        raise BadDelta("its delta belongs to another file")
    out = bytearray()
    while i < len(delta):
        op = delta[i]
        i += 1
        if op & 0x80:
            offset = size = 0
            for bit in range(4):
                if op & (1 << bit):
                    offset |= delta[i] << (8 * bit)
                    i += 1
            for bit in range(3):
                if op & (0x10 << bit):
                    size |= delta[i] << (8 * bit)
                    i += 1
            size = size or 0x10000
            if offset + size > len(source) or len(out) + size > target_size:
                raise BadDelta("its delta copies what is not there")
            out += source[offset : offset + size]
        elif op and i + op <= len(delta):
            out += delta[i : i + op]
            i += op
        else:
            raise BadDelta("its delta is damaged")
    if len(out) != target_size:
        raise BadDelta("its delta gives another size than it says")
    return bytes(out)


def _size(delta: bytes, i: int) -> tuple[int, int]:
    size = shift = 0
    while True:
        byte = delta[i]
        i += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return size, i
        if shift > 63:
            raise BadDelta("its delta is damaged")
