"""git objects made by hand: their names, and a pack that carries them all to one ``git unpack-objects``.

One process writes every blob and tree of a checkpoint, in SHA-1 and in SHA-256 repositories alike
(gitformat-pack(5): ``PACK``, version 2, entries that are not deltas).
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

_KINDS = {"commit": 1, "tree": 2, "blob": 3}
TREE, BLOB = b"40000", b"100644"
# What a tree holds: name to (mode, oid), in the bytes of the tree object.
Entries = dict[bytes, tuple[bytes, bytes]]


@dataclass(slots=True)
class Packed:
    """Objects that are to be written, in the hash of the repository (``sha1`` or ``sha256``)."""

    algorithm: str
    entries: dict[str, bytes] = field(default_factory=dict)

    def add(self, kind: str, data: bytes) -> str:
        """Take one object in; its oid."""
        whole = b"%b %d\0%b" % (kind.encode(), len(data), data)
        oid = hashlib.new(self.algorithm, whole, usedforsecurity=False).hexdigest()
        self.entries[oid] = _header(_KINDS[kind], len(data)) + zlib.compress(data, 1)
        return oid

    def dump(self) -> bytes:
        """The pack."""
        whole = b"".join([b"PACK", (2).to_bytes(4), len(self.entries).to_bytes(4), *self.entries.values()])
        return whole + hashlib.new(self.algorithm, whole, usedforsecurity=False).digest()


def _header(kind: int, size: int) -> bytes:
    """Type and size: four bits of the size in the first byte, then seven in each."""
    out = bytearray()
    byte, size = kind << 4 | size & 15, size >> 4
    while size:
        out.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    out.append(byte)
    return bytes(out)


def parse_tree(data: bytes, width: int) -> Entries:
    """The entries of a tree object; ``width`` is the length of a hash in bytes."""
    rows = re.findall(rb"([0-7]+) ([^\0]+)\0(.{%d})" % width, data, re.DOTALL)
    return {name: (mode, oid) for mode, name, oid in rows}


@dataclass(slots=True)
class TreeEdit:
    """A tree that is changed in few places: only the folders on the way to a change are read and written."""

    read: Callable[[str], Entries]
    entries: Entries
    folders: dict[bytes, TreeEdit] = field(default_factory=dict)

    def put(self, path: str, oid: str) -> None:
        """Place a blob."""
        name, slash, rest = path.partition("/")
        if slash:
            self._folder(name.encode()).put(rest, oid)
        else:
            self.entries[name.encode()] = (BLOB, bytes.fromhex(oid))

    def drop(self, path: str) -> None:
        """Remove what is at ``path``, a folder with all in it."""
        first, slash, rest = path.partition("/")
        name = first.encode()
        if not slash:
            self.entries.pop(name, None)
            self.folders.pop(name, None)
        elif name in self.entries or name in self.folders:
            self._folder(name).drop(rest)

    def write(self, packed: Packed) -> str:
        """Add every changed tree to ``packed``; the oid of this one."""
        for name, folder in self.folders.items():
            self.entries[name] = (TREE, bytes.fromhex(folder.write(packed)))
        # git sorts a folder as if its name ended in a slash (gitformat-pack, base_name_compare).
        rows = sorted((name + b"/" if mode == TREE else name, name, mode) for name, (mode, _) in self.entries.items())
        return packed.add(
            "tree", b"".join(b"%b %b\0%b" % (mode, name, self.entries[name][1]) for _, name, mode in rows)
        )

    def _folder(self, name: bytes) -> TreeEdit:
        if name not in self.folders:
            known = self.entries.get(name)
            self.folders[name] = TreeEdit(self.read, self.read(known[1].hex()) if known else {})
        return self.folders[name]
