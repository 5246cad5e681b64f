"""The examples of C2SP tlog-tiles, and the arithmetic against the tree itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycode_git.audit import merkle, tiles
from tinycode_git.audit.entry import Altered
from tinycode_git.audit.tiles import Edge


def leaves(size: int) -> list[bytes]:
    return [merkle.leaf_hash(b"%d" % n) for n in range(size)]


def test_the_path_of_the_specification() -> None:
    assert tiles.path_of(0, 1234067) == "tile/0/x001/x234/067"
    assert tiles.path_of("entries", 7, 5) == "tile/entries/007.p/5"


def test_the_tree_of_70000_of_the_specification() -> None:
    edge, full = Edge().extend(leaves(70_000))
    level0 = [path for path in full if path.startswith("tile/0/")]
    level1 = [path for path in full if path.startswith("tile/1/")]
    assert (len(level0), len(level1), len(full)) == (273, 1, 274)
    assert {path: len(data) // 32 for path, data in edge.partial().items()} == {
        "tile/0/273.p/112": 112,
        "tile/1/001.p/17": 17,
        "tile/2/000.p/1": 1,
    }
    assert all(len(data) == 8192 for data in full.values())
    assert edge.root() == merkle.root(leaves(70_000))


def test_a_tree_of_256_is_a_full_tile_and_a_partial_one_above() -> None:
    edge, full = Edge().extend(leaves(256))
    assert list(full) == ["tile/0/000"]
    assert edge.partial() == {"tile/1/000.p/1": merkle.root(leaves(256))}


@given(st.lists(st.integers(0, 600), max_size=5))
def test_an_edge_grows_to_the_same_whatever_the_steps(parts: list[int]) -> None:
    everything = leaves(sum(parts))
    edge, seen = Edge(), {}
    for part in parts:
        edge, full = edge.extend(everything[edge.size : edge.size + part])
        seen.update(full)
    whole, full = Edge().extend(everything)
    assert (edge, seen) == (whole, full)
    assert edge.root() == merkle.root(everything)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_come_back(entries: list[bytes]) -> None:
    assert tiles.unbundle(tiles.bundle(entries)) == entries


@pytest.mark.parametrize("data", [b"\0", b"\0\5abc", b"\0\1a\0"])
def test_a_bundle_cut_short(data: bytes) -> None:
    with pytest.raises(Altered):
        tiles.unbundle(data)
