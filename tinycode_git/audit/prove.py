"""Inclusion proofs as files (C2SP tlog-proof), made from the published tiles and verified without a repository.

The extra data of a proof that is made here holds the entry itself, which is what the leaf hash is computed from. It is
optional: a proof without it is verified with the entry from elsewhere, and says nothing of the entry by itself.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass

from tinycode_git.audit import merkle
from tinycode_git.audit.entry import Altered, Entry, parse
from tinycode_git.audit.merkle import HASH_SIZE, leaf_hash, node_hash
from tinycode_git.audit.note import Checkpoint, Note, Verifier, parse_checkpoint, parse_note
from tinycode_git.audit.published import Head, Objects
from tinycode_git.audit.tiles import WIDTH, hashes_of, path_of, unbundle
from tinycode_git.errors import Incomplete, Refused

HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
# A tree of 2**63 leaves has paths of this length; an end to them keeps a hostile proof from costing time.
_LONGEST = 63


@dataclass(frozen=True, slots=True)
class Proof:
    """That something is leaf ``index`` of the tree that the note's checkpoint describes; ``extra``: what a proof made
    here holds the entry in, None where there is none. It may be anything, until it is shown to be that leaf.
    """

    extra: bytes | None
    index: int
    path: tuple[bytes, ...]
    note: Note

    def dump(self) -> bytes:
        """As a file."""
        extra = [] if self.extra is None else [f"extra {b64encode(self.extra).decode()}"]
        rows = [HEADER, *extra, f"index {self.index}", *(b64encode(node).decode() for node in self.path)]
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
        raise Refused(
            f"the last checkpoint has {size} entries; entry {index} is not among them",
            "git tiny audit checkpoint publishes what was written since; git tiny audit log lists the entries",
        )
    tree = _Tiles(store, head.commit, size, {})
    path = _path(tree, index, 0, size)
    width = min(WIDTH, size - index // WIDTH * WIDTH)
    bundle = unbundle(store.need(f"{head.commit}:{path_of('entries', index // WIDTH, width)}"))
    if len(bundle) != width:
        raise Altered("an entry bundle of the checkpoint is cut short")
    proof = Proof(bundle[index % WIDTH], index, tuple(path), head.note)
    merkle.verify_inclusion(leaf_hash(bundle[index % WIDTH]), index, size, path, head.checkpoint.root)
    return proof


def parse_proof(data: bytes) -> Proof:
    """Read a proof. Raises Altered where it is not one."""
    head, blank, note = data.partition(b"\n\n")
    try:
        rows = head.decode("ascii").split("\n")
        extra = _base64(rows.pop(1)[6:]) if rows[1].startswith("extra ") else None
        index = _INDEX.fullmatch(rows[1])
        path = tuple(map(_base64, rows[2:]))
    except (UnicodeDecodeError, Base64Error, ValueError, IndexError) as odd:
        raise Altered("not a tlog-proof") from odd
    if (
        rows[0] != HEADER
        or index is None
        or not blank
        or len(path) > _LONGEST
        or any(len(node) != HASH_SIZE for node in path)
    ):
        raise Altered("not a tlog-proof")
    return Proof(extra, int(index[1]), path, parse_note(note))


def _base64(row: str) -> bytes:
    """RFC 4648 section 4, in the one way that it is written. Raises ValueError."""
    data = b64decode(row, validate=True)
    if b64encode(data).decode() != row:
        raise ValueError(row)
    return data


def log_of(proof: Proof) -> str:
    """The log that a proof is of; empty for another's than git tiny's. Raises Altered."""
    return parse_checkpoint(proof.note.text).log


def verify_proof(proof: Proof, known: list[Verifier], data: bytes | None = None) -> Proven:
    """Check a proof by itself. ``data``: the entry, from elsewhere (None: the one that the proof holds).

    Raises Altered where it proves nothing, Refused where none of ``known`` signed it, Incomplete where there is no
    entry that it could be of.
    """
    checkpoint = parse_checkpoint(proof.note.text)
    signers = proof.note.signers([key for key in known if key.name == checkpoint.origin])
    if known and not signers:
        raise Refused("none of the given keys signed the checkpoint of this proof", "is it the key of this log?")
    data = proof.extra if data is None else data
    if data is None:
        raise Incomplete(
            f"the proof is of entry {proof.index} of {checkpoint.origin} and does not hold it: what that entry says,"
            " and whether it is in the log, cannot be told",
            "--entry FILE gives the entry (git tiny audit export and the journal have it)",
        )
    merkle.verify_inclusion(leaf_hash(data), proof.index, checkpoint.size, proof.path, checkpoint.root)
    entry = parse(data)
    if (entry.seq, entry.log) != (proof.index, checkpoint.log):
        raise Altered("the proof is of another entry or log than it says")
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
