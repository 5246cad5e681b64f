"""The Merkle tree of RFC 6962 section 2.1 (the same as RFC 9162 section 2.1), over SHA-256.

Pure functions: hashes in, hashes out. ``Frontier`` is the compact form that an append needs: the roots of the perfect
subtrees that a tree falls into, one for each bit of its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from tinycode_git.errors import Refused

EMPTY_ROOT = sha256(b"").digest()
HASH_SIZE = 32


class ProofError(Refused, ValueError):
    """A proof that does not prove what it claims, or a position that the tree does not have."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf: SHA-256(0x00 || data), RFC 6962 section 2.1."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right), RFC 6962 section 2.1."""
    return sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The tree head of these leaf hashes; SHA-256 of nothing for no leaf."""
    level = list(leaf_hashes)
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        # A last node without a sibling moves up as it is: the split of RFC 6962 (largest power of two) seen from below.
        odd = [level[-1]] if len(level) % 2 else []
        level = [
            sha256(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)
        ] + odd
    return level[0]


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of leaf ``index`` from its sibling up, RFC 6962 section 2.1.1. Raises ProofError."""
    size = len(leaf_hashes)
    if not 0 <= index < size:
        raise ProofError(f"the tree of size {size} has no leaf {index}")
    path: list[bytes] = []
    while size > 1:
        split = _split(size)
        if index < split:
            path.append(root(leaf_hashes[split:]))
            leaf_hashes = leaf_hashes[:split]
        else:
            path.append(root(leaf_hashes[:split]))
            leaf_hashes, index = leaf_hashes[split:], index - split
        size = len(leaf_hashes)
    return path[::-1]


def consistency_proof(leaf_hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """Proof that the first ``old_size`` leaves are a prefix of these, RFC 6962 section 2.1.2. Raises ProofError.

    Empty for two equal sizes; the RFC defines none from the empty tree.
    """
    size = len(leaf_hashes)
    if not 1 <= old_size <= size:
        raise ProofError(f"there is no consistency proof between trees of size {old_size} and {size}")
    path: list[bytes] = []
    whole = True
    while old_size != size:
        split = _split(size)
        if old_size <= split:
            path.append(root(leaf_hashes[split:]))
            leaf_hashes = leaf_hashes[:split]
        else:
            path.append(root(leaf_hashes[:split]))
            leaf_hashes, old_size, whole = leaf_hashes[split:], old_size - split, False
        size = len(leaf_hashes)
    if not whole:
        path.append(root(leaf_hashes))
    return path[::-1]


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The tree head that an inclusion proof leads to, RFC 9162 section 2.1.3.2. Raises ProofError."""
    if not 0 <= index < size:
        raise ProofError(f"a tree of size {size} has no leaf {index}")
    _only_hashes([leaf, *proof])
    node, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofError("the inclusion proof is too long")
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofError("the inclusion proof is too short")
    return result


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that ``leaf_hash`` is leaf ``index`` of the tree (``size``, ``root``). Raises ProofError if not."""
    if root_from_inclusion(leaf_hash, index, size, proof) != root:
        raise ProofError(f"the inclusion proof of leaf {index} does not lead to the root of the tree of size {size}")


def verify_consistency(old_size: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes) -> None:
    """Check that the tree (``size``, ``root``) extends the tree (``old_size``, ``old_root``), RFC 9162 section 2.1.4.2.

    Raises ProofError where it does not, and where ``old_size`` is zero: the RFC starts at one.
    """
    if not 1 <= old_size <= size:
        raise ProofError(f"a tree of size {size} cannot extend one of size {old_size}")
    if old_size == size:
        if proof:
            raise ProofError("the consistency proof is too long")
        if old_root != root:
            raise ProofError(f"two trees of size {size} have different roots")
        return
    _only_hashes([old_root, root, *proof])
    old_result, result = _roots_from_consistency(old_size, size, proof, old_root)
    if old_result != old_root:
        raise ProofError(f"the consistency proof does not lead to the old root at size {old_size}")
    if result != root:
        raise ProofError(f"the consistency proof does not lead to the new root at size {size}")


def _roots_from_consistency(old_size: int, size: int, proof: Sequence[bytes], old_root: bytes) -> tuple[bytes, bytes]:
    """Both tree heads that a consistency proof leads to; RFC 9162 section 2.1.4.2, steps 2 to 6."""
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise ProofError("the consistency proof is empty")
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_result = result = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError("the consistency proof is too long")
        if node & 1 or node == last:
            old_result, result = node_hash(sibling, old_result), node_hash(sibling, result)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofError("the consistency proof is too short")
    return old_result, result


def _split(size: int) -> int:
    """The largest power of two smaller than ``size`` (at least 2)."""
    return 1 << (size - 1).bit_length() - 1


def _only_hashes(values: Iterable[bytes]) -> None:
    if any(len(value) != HASH_SIZE for value in values):
        raise ProofError("a hash in the proof is not 32 bytes long")


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree in compact form: its size, and the roots of its perfect subtrees, largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if len(self.peaks) != self.size.bit_count():
            raise ProofError(f"a tree of size {self.size} has not {len(self.peaks)} perfect subtrees")

    def extend(self, leaf_hashes: Iterable[bytes]) -> Frontier:
        """The tree with these leaves added: O(1) hashes a leaf, on average."""
        size, peaks, hashed = self.size, list(self.peaks), sha256
        for leaf in leaf_hashes:
            carry = size
            while carry & 1:
                leaf = hashed(b"\x01" + peaks.pop() + leaf).digest()
                carry >>= 1
            peaks.append(leaf)
            size += 1
        return Frontier(size, tuple(peaks))

    def append(self, leaf: bytes) -> Frontier:
        """The tree with one leaf added."""
        return self.extend((leaf,))

    def root(self) -> bytes:
        """The tree head: O(log n) hashes."""
        if not self.peaks:
            return EMPTY_ROOT
        result = self.peaks[-1]
        for peak in self.peaks[-2::-1]:
            result = node_hash(peak, result)
        return result
