"""Known answers: the eight leaves of the Certificate Transparency reference tests (certificate-transparency-go and
transparency-dev/merkle, ``LeafInputs`` and ``RootHashes``). Properties: against the definition of RFC 6962 itself.
"""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycode_git.audit import merkle
from tinycode_git.audit.merkle import Frontier, ProofError

LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]


def definition(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, written as it stands there."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return sha256(b"\x01" + definition(hashes[:k]) + definition(hashes[k:])).digest()


def some_leaves(size: int) -> list[bytes]:
    return [merkle.leaf_hash(b"%d" % n) for n in range(size)]


@pytest.mark.parametrize(("size", "expected"), list(enumerate(ROOTS)))
def test_roots_of_the_reference_leaves(size: int, expected: str) -> None:
    assert merkle.root(HASHES[:size]).hex() == expected
    assert Frontier().extend(HASHES[:size]).root().hex() == expected


def test_the_audit_paths_of_the_reference_leaves() -> None:
    path = [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [node.hex() for node in merkle.inclusion_proof(HASHES, 5)] == path
    assert [node.hex() for node in merkle.consistency_proof(HASHES, 6)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70))
def test_the_root_is_the_one_that_the_rfc_defines(hashes: list[bytes]) -> None:
    assert merkle.root(hashes) == definition(hashes)


@given(st.lists(st.integers(0, 40), max_size=6))
def test_a_frontier_gives_the_same_root_however_it_was_built(parts: list[int]) -> None:
    frontier, hashes = Frontier(), some_leaves(sum(parts))
    done = 0
    for part in parts:
        frontier = frontier.extend(hashes[done : done + part])
        done += part
    assert (frontier.size, frontier.root()) == (done, definition(hashes))
    assert frontier.append(b"\x05" * 32).root() == definition([*hashes, b"\x05" * 32])


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33])
def test_every_proof_verifies_and_no_changed_one_does(size: int) -> None:
    hashes = some_leaves(size)
    head = merkle.root(hashes)
    for index, leaf in enumerate(hashes):
        proof = merkle.inclusion_proof(hashes, index)
        merkle.verify_inclusion(leaf, index, size, proof, head)
        for bad in changed(proof):
            with pytest.raises(ProofError):
                merkle.verify_inclusion(leaf, index, size, bad, head)
        for other in (index - 1, index + 1, size):
            with pytest.raises(ProofError):
                merkle.verify_inclusion(leaf, other, size, proof, head)
        with pytest.raises(ProofError):
            merkle.verify_inclusion(sha256(leaf).digest(), index, size, proof, head)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33])
def test_every_consistency_proof_verifies_and_no_changed_one_does(size: int) -> None:
    hashes = some_leaves(size)
    head = merkle.root(hashes)
    for old_size in range(1, size + 1):
        old = merkle.root(hashes[:old_size])
        proof = merkle.consistency_proof(hashes, old_size)
        merkle.verify_consistency(old_size, size, proof, old, head)
        for bad in changed(proof):
            with pytest.raises(ProofError):
                merkle.verify_consistency(old_size, size, bad, old, head)
        with pytest.raises(ProofError):
            merkle.verify_consistency(old_size, size, proof, sha256(old).digest(), head)
        with pytest.raises(ProofError):
            merkle.verify_consistency(old_size, size, proof, old, sha256(head).digest())


def changed(proof: list[bytes]) -> list[list[bytes]]:
    """Every proof one step away: a bit flipped, one hash more or less at either end, two exchanged."""
    flipped = [[*proof[:n], bytes([node[0] ^ 1]) + node[1:], *proof[n + 1 :]] for n, node in enumerate(proof)]
    longer = [[b"\0" * 32, *proof], [*proof, b"\0" * 32]]
    shorter = [proof[1:], proof[:-1]] if proof else []
    swapped = [[proof[1], proof[0], *proof[2:]]] if len(proof) > 1 else []
    cut = [[proof[0][:31], *proof[1:]]] if proof else []
    return flipped + longer + shorter + swapped + cut


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_a_leaf_that_the_tree_does_not_have(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        merkle.inclusion_proof(some_leaves(size), index)


@pytest.mark.parametrize(("old_size", "size"), [(-1, 3), (0, 3), (4, 3), (0, 0)])
def test_a_tree_that_cannot_be_extended(old_size: int, size: int) -> None:
    with pytest.raises(ProofError):
        merkle.consistency_proof(some_leaves(size), old_size)
    with pytest.raises(ProofError):
        merkle.verify_consistency(old_size, size, [], merkle.EMPTY_ROOT, merkle.root(some_leaves(size)))


def test_a_frontier_with_a_wrong_number_of_peaks() -> None:
    with pytest.raises(ProofError):
        Frontier(3, (b"\0" * 32,))
