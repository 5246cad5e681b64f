"""A log cut into files that never change once full (C2SP tlog-tiles): pure arithmetic and bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tinycode_git.audit import merkle
from tinycode_git.audit.entry import Altered
from tinycode_git.audit.merkle import HASH_SIZE

WIDTH = 256


def path_of(level: int | str, index: int, width: int = WIDTH) -> str:
    """Where tile ``index`` of a level is (``entries`` for bundles); with less than 256 in it, a partial tile."""
    parts = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        parts.insert(0, f"x{index % 1000:03d}")
    partial = f".p/{width}" if width < WIDTH else ""
    return f"tile/{level}/{'/'.join(parts)}{partial}"


def widths(size: int) -> list[tuple[int, int, int]]:
    """The last tile of each level of a tree, if partial, as (level, index, width)."""
    found, level = [], 0
    while size:
        if size % WIDTH:
            found.append((level, size // WIDTH, size % WIDTH))
        size, level = size // WIDTH, level + 1
    return found


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries, each after its length in two bytes."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def unbundle(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises Altered where it is cut."""
    found, rest = whole_entries(data)
    if rest:
        raise Altered("an entry bundle is cut short")
    return found


def whole_entries(data: bytes) -> tuple[list[bytes], bytes]:
    """The entries of a bundle, and what is left where it is cut in the middle of one."""
    found, at = [], 0
    while at + 2 <= len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2])
        if end > len(data):
            break
        found.append(data[at + 2 : end])
        at = end
    return found, data[at:]


def hashes_of(tile: bytes) -> list[bytes]:
    """The hashes of a tile. Raises Altered where it is cut."""
    if len(tile) % HASH_SIZE:
        raise Altered("a tile is cut short")
    return [tile[at : at + HASH_SIZE] for at in range(0, len(tile), HASH_SIZE)]


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tiled tree: for each level, the hashes of its last, partial tile."""

    size: int = 0
    levels: tuple[tuple[bytes, ...], ...] = ()

    def extend(self, leaf_hashes: Sequence[bytes]) -> tuple[Edge, dict[str, bytes]]:
        """The edge with more leaves, and the files that became full on the way."""
        levels = [list(level) for level in self.levels] or [[]]
        full: dict[str, bytes] = {}
        taken = 0
        while taken < len(leaf_hashes):
            part = leaf_hashes[taken : taken + WIDTH - len(levels[0])]
            levels[0].extend(part)
            taken += len(part)
            if len(levels[0]) == WIDTH:
                _carry(levels, self.size + taken, full)
        return Edge(self.size + taken, tuple(map(tuple, levels)) if self.size + taken else ()), full

    def partial(self) -> dict[str, bytes]:
        """The partial tiles, by path."""
        return {path_of(level, index, width): b"".join(self.levels[level]) for level, index, width in widths(self.size)}

    def root(self) -> bytes:
        """The tree head."""
        result = b""
        for level in self.levels:
            for peak in reversed(_peaks(level)):
                result = merkle.node_hash(peak, result) if result else peak
        return result or merkle.EMPTY_ROOT


def _carry(levels: list[list[bytes]], size: int, full: dict[str, bytes]) -> None:
    """Move what is full up: the root of a full tile is a hash of the level above."""
    level = 0
    while len(levels[level]) == WIDTH:
        full[path_of(level, (size >> 8 * level + 8) - 1)] = b"".join(levels[level])
        node = merkle.root(levels[level])
        levels[level] = []
        level += 1
        if level == len(levels):
            levels.append([])
        levels[level].append(node)


def _peaks(hashes: Sequence[bytes]) -> tuple[bytes, ...]:
    return merkle.Frontier().extend(hashes).peaks


def bundles(first: int, entries: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """The bundles of entries that start at ``first`` (a multiple of 256), by path."""
    for at in range(0, len(entries), WIDTH):
        part = entries[at : at + WIDTH]
        yield path_of("entries", (first + at) // WIDTH, len(part)), bundle(part)
