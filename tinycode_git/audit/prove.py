"""Inclusion proofs as files (C2SP tlog-proof), made from the published tiles and verified without a repository.

The extra data holds the entry itself, which is what the leaf hash is computed from.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass

from tinycode_git.audit import merkle
from tinycode_git.audit.entry import Altered, Entry, parse
from tinycode_git.audit.merkle import HASH_SIZE, leaf_hash, node_hash
from tinycode_git.audit.note import Checkpoint, Note, Verifier, parse_checkpoint, parse_note
from tinycode_git.audit.published import Head, Objects
from tinycode_git.audit.tiles import WIDTH, hashes_of, path_of, unbundle
from tinycode_git.errors import Refused

HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Proof:
    """That ``entry`` is leaf ``index`` of the tree that the note's checkpoint describes."""

    entry: bytes
    index: int
    path: tuple[bytes, ...]
    note: Note

    def dump(self) -> bytes:
        """As a file."""
        rows = [HEADER, f"extra {b64encode(self.entry).decode()}", f"index {self.index}"]
        rows += [b64encode(node).decode() for node in self.path]
        return ("\n".join(rows) + "\n\n").encode() + self.note.dump()


@dataclass(frozen=True, slots=True)
class Proven:
    """What a proof shows; ``signers`` are the given keys that signed the checkpoint (none: origin unknown)."""

    entry: Entry
    checkpoint: Checkpoint
    signers: tuple[str, ...]


def prove(store: Objects, head: Head, index: int) -> Proof:
    """The proof of one entry under a checkpoint. Raises Refused where the checkpoint does not reach it, Incomplete
    where tiles are missing, Altered where they do not lead to the checkpoint's root.
    """
    size = head.checkpoint.size
    if not 0 <= index < size:
        raise Refused(f"the last checkpoint has {size} entries; entry {index} is not among them", "make one first")
    tree = _Tiles(store, head.commit, size, {})
    path = _path(tree, index, 0, size)
    width = min(WIDTH, size - index // WIDTH * WIDTH)
    bundle = unbundle(store.need(f"{head.commit}:{path_of('entries', index // WIDTH, width)}"))
    if len(bundle) != width:
        raise Altered("an entry bundle of the checkpoint is cut short")
    proof = Proof(bundle[index % WIDTH], index, tuple(path), head.note)
    merkle.verify_inclusion(leaf_hash(proof.entry), index, size, path, head.checkpoint.root)
    return proof


def parse_proof(data: bytes) -> Proof:
    """Read a proof. Raises Altered where it is not one."""
    head, blank, note = data.partition(b"\n\n")
    try:
        rows = head.decode("ascii").split("\n")
        kind, _, extra = rows[1].partition(" ")
        word, _, number = rows[2].partition(" ")
        if rows[0] != HEADER or kind != "extra" or word != "index" or not blank or str(int(number)) != number:
            raise Altered("not a proof of an audit entry")
        path = tuple(b64decode(row, validate=True) for row in rows[3:])
        return Proof(b64decode(extra, validate=True), int(number), path, parse_note(note))
    except (UnicodeDecodeError, Base64Error, ValueError, IndexError) as odd:
        raise Altered("not a proof of an audit entry") from odd


def verify_proof(proof: Proof, known: list[Verifier]) -> Proven:
    """Check a proof by itself. Raises Altered where it proves nothing, Refused where none of ``known`` signed it."""
    entry = parse(proof.entry)
    checkpoint = parse_checkpoint(proof.note.text)
    if (entry.seq, entry.log) != (proof.index, checkpoint.log):
        raise Altered("the proof is of another entry or log than it says")
    merkle.verify_inclusion(leaf_hash(proof.entry), proof.index, checkpoint.size, proof.path, checkpoint.root)
    signers = proof.note.signers([key for key in known if key.name == checkpoint.origin])
    if known and not signers:
        raise Refused("none of the given keys signed the checkpoint of this proof", "is it the key of this log?")
    return Proven(entry, checkpoint, tuple(map(str, signers)))


@dataclass(frozen=True, slots=True)
class _Tiles:
    """The hashes of a published tree, read tile by tile."""

    store: Objects
    commit: str
    size: int
    read: dict[str, list[bytes]]

    def node(self, level: int, index: int) -> bytes:
        """The root of the perfect subtree ``index`` of ``2**level`` leaves."""
        tile_level, inner = divmod(level, 8)
        first = index << inner
        count = self.size >> (8 * tile_level)
        width = min(WIDTH, count - first // WIDTH * WIDTH)
        path = path_of(tile_level, first // WIDTH, width)
        if path not in self.read:
            self.read[path] = hashes_of(self.store.need(f"{self.commit}:{path}"))
        part = self.read[path][first % WIDTH : first % WIDTH + (1 << inner)]
        if len(part) != 1 << inner or any(len(node) != HASH_SIZE for node in part):
            raise Altered(f"{path} of the checkpoint is cut short")
        return merkle.root(part)

    def root(self, start: int, end: int) -> bytes:
        """The tree head of leaves ``start`` to ``end``, as it occurs in this tree."""
        if end - start & (end - start - 1) == 0:
            level = (end - start).bit_length() - 1
            return self.node(level, start >> level)
        split = start + (1 << (end - start - 1).bit_length() - 1)
        return node_hash(self.root(start, split), self.root(split, end))


def _path(tree: _Tiles, index: int, start: int, end: int) -> list[bytes]:
    """RFC 6962 section 2.1.1, from the sibling of the leaf up."""
    path: list[bytes] = []
    while end - start > 1:
        split = start + (1 << (end - start - 1).bit_length() - 1)
        if index < split:
            path.append(tree.root(split, end))
            end = split
        else:
            path.append(tree.root(start, split))
            start = split
    return path[::-1]
