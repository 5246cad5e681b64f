"""What a model gets to see: the right files first, within the budget, from an index that costs only what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.repos import Repo
from tinycode_git.git.read import ReadRepo
from tinycode_git.llm.tokens import at_least, estimate, size_for, was_cut
from tinycode_git.planners.context.gather import Need, described, gather
from tinycode_git.planners.context.index import index_of
from tinycode_git.planners.context.outline import outline
from tinycode_git.planners.context.rank import rank
from tinycode_git.planners.model_text import windows
from tinycode_git.proposal import MODE_FILE, Change, MemorySnapshot, TreeEntry

CART = (
    "from shop.price import total_price\n\n\nclass Cart:\n    def checkout(self):\n        return total_price(self)\n"
)
CODE = {
    "shop/cart.py": CART,
    "shop/price.py": "def total_price(cart):\n    return 0\n\n\ndef round_cents(value):\n    return value\n",
    "shop/mail.py": "def send_mail(to):\n    return to\n",
    "tests/test_cart.py": "from shop.cart import Cart\n\n\ndef test_checkout():\n    assert Cart().checkout() == 0\n",
    "docs/guide.md": "# Guide\n\nBuy things.\n",
    "lib/util.go": "package lib\n\nfunc (s *Store) ReadAll() error {\n\treturn nil\n}\n",
    "web/app.ts": "export interface Order {}\nexport class Basket {\n  addItem(o: Order) {}\n}\n",
    "src/lib.rs": "pub struct Ledger;\n\nimpl Ledger {\n    pub fn post_entry(&self) {}\n}\n",
    **{f"other/m{n}.py": f"def unrelated_{n}():\n    return {n}\n" for n in range(40)},
}


def snapshot(files: dict[str, str] | None = None) -> MemorySnapshot:
    return MemorySnapshot({path: (MODE_FILE, text.encode()) for path, text in (files or CODE).items()})


def paths(task: str, *named: str) -> list[str]:
    return [one.path for one in rank(index_of(snapshot(), "t", None), task, named)]


@pytest.mark.parametrize(
    ("task", "first"),
    [
        ("make total_price return the sum", "shop/price.py"),
        ("change docs/guide.md", "docs/guide.md"),
        ("fix guide.md", "docs/guide.md"),
        ("checkout must send a receipt", "shop/cart.py"),
        ("round cents up", "shop/price.py"),
        ("the Cart should count its items", "shop/cart.py"),
        ("ReadAll should retry", "lib/util.go"),
        ("let addItem return the basket", "web/app.ts"),
        ("post_entry must check the ledger", "src/lib.rs"),
    ],
)
def test_the_file_that_matters_comes_first(task: str, first: str) -> None:
    assert paths(task)[0] == first


def test_named_files_come_before_all_others() -> None:
    assert paths("make total_price return the sum", "shop/mail.py")[0] == "shop/mail.py"
    assert set(paths("x", "shop")[:3]) == {"shop/cart.py", "shop/price.py", "shop/mail.py"}


def test_references_bring_callers_and_tests_along() -> None:
    found = paths("make total_price return the sum")
    assert found.index("shop/cart.py") <= 2
    context = gather(snapshot(), "t", Need("let Cart round", (), 3000, estimate))
    assert "tests/test_cart.py" in context.paths[:4]
    assert not [path for path in context.paths[:4] if path.startswith("other/")]


@pytest.mark.parametrize("room", [150, 400, 1000, 4000])
def test_the_budget_holds(room: int) -> None:
    big = {**CODE, "shop/huge.py": "".join(f"def price_{n}(x):\n    return x + {n}\n\n\n" for n in range(3000))}
    context = gather(
        snapshot(big), "t", Need("every price function must be documented", ("shop/huge.py",), room, estimate)
    )
    spent = estimate(context.outline) + sum(piece.tokens for piece in context.pieces)
    assert spent <= room * 1.1
    for piece in context.pieces:
        lines = big[piece.path].split("\n")
        assert (
            piece.text.rstrip("\n").split("\n")
            == lines[piece.first - 1 : piece.last][: piece.text.rstrip("\n").count("\n") + 1]
        )


def test_what_is_left_out_is_said() -> None:
    huge = {"a.py": "x = 1\n" * 5000, "b.bin": "\0" * 100}
    context = gather(snapshot(huge), "t", Need("change it", ("a.py", "b.bin"), 100, estimate))
    assert any("b.bin did not fit" in what for what in context.left_out)
    assert "left out: b.bin" in described(context)


def test_at_most_two_hundred_files_can_be_chosen() -> None:
    many = {f"pkg/thing_{n}.py": f"def thing_{n}():\n    pass\n" for n in range(400)}
    context = gather(snapshot(many), "t", Need("change every thing", ("pkg",), 2000, estimate))
    assert len(context.paths) == 200
    assert any("200 files" in what for what in context.left_out)


@dataclass
class Counting:
    """A snapshot that counts what is read of it."""

    inner: MemorySnapshot
    read_paths: list[str] = field(default_factory=list)

    def entry(self, path: str) -> TreeEntry | None:
        return self.inner.entry(path)

    def read(self, path: str) -> bytes | None:
        self.read_paths.append(path)
        return self.inner.read(path)

    def paths(self, under: Sequence[str] = ()) -> Iterator[TreeEntry]:
        return self.inner.paths(under)

    def is_dir(self, path: str) -> bool:
        return self.inner.is_dir(path)

    def after(self, changes: Sequence[Change]) -> MemorySnapshot:
        return self.inner.after(changes)


def test_an_index_is_kept_and_a_changed_tree_costs_only_what_changed(tmp_path: Path) -> None:
    first = Counting(snapshot())
    made = index_of(first, "t1", tmp_path)
    assert len(first.read_paths) == len(CODE)
    again = Counting(snapshot())
    assert index_of(again, "t1", tmp_path).files == made.files
    assert again.read_paths == []
    changed = Counting(snapshot({**CODE, "shop/mail.py": "def send_letter(to):\n    return Cart\n"}))
    newer = index_of(changed, "t2", tmp_path)
    assert changed.read_paths == ["shop/mail.py"]
    assert newer.files["shop/mail.py"].defines == ("send_letter",)
    assert newer.files["shop/mail.py"].uses == {"Cart"}


@pytest.mark.parametrize("damage", [b"", b"\0", b"garbage" * 100])
def test_a_damaged_index_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    made = index_of(snapshot(), "t", tmp_path)
    (tmp_path / "t.index").write_bytes(damage)
    assert index_of(snapshot(), "t", tmp_path).files == made.files


def test_an_index_that_cannot_be_kept_is_none_the_worse(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert index_of(snapshot(), "t", tmp_path / "file" / "folder").files


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("shop/cart.py", [(4, 0, "class Cart:"), (5, 1, "def checkout(self):")]),
        ("lib/util.go", [(3, 0, "func (s *Store) ReadAll() error")]),
        ("src/lib.rs", [(1, 0, "pub struct Ledger;"), (3, 0, "impl Ledger"), (4, 1, "pub fn post_entry(&self) {}")]),
        (
            "web/app.ts",
            [(1, 0, "export interface Order {}"), (2, 0, "export class Basket"), (3, 1, "addItem(o: Order) {}")],
        ),
        ("docs/guide.md", []),
    ],
)
def test_outlines(path: str, rows: list[tuple[int, int, str]]) -> None:
    assert [(one.first, one.depth, one.text) for one in outline(path, CODE[path].encode())] == rows


def test_a_repository_is_read_at_its_commit(repo: Repo) -> None:
    repo.write("src/app.py", "def other():\n    pass\n")
    read = ReadRepo.discover(repo.path)
    tree = read.snapshot(repo.oid())
    context = gather(tree, tree.tree, Need("change main", (), 1000, estimate), recent=lambda paths: ("first",))
    assert "def main" in context.outline
    assert context.commits == ("first",)


@given(st.text(alphabet="ab \n(){}.,é中_19", max_size=400))
def test_the_estimate_is_never_below_the_lower_bound(text: str) -> None:
    assert at_least(text) <= estimate(text)
    assert not was_cut(text, estimate(text), 1, 10**6)


@given(st.integers(1, 300_000), st.integers(0, 300_000))
def test_sizes_are_few_and_never_more_than_offered(wanted: int, offered: int) -> None:
    size = size_for(wanted, offered)
    assert not offered or size <= offered
    assert size in {2048, 4096, 8192, 16384, 32768, 65536, 131072} or size == offered


def test_windows_are_the_parts_that_matter_in_order() -> None:
    text = "\n".join(f"line {n}" if n != 75 else "the needle is here" for n in range(120))
    found = windows(text, "find the needle", 120, estimate)
    assert any("needle" in part for _, part in found)
    for first, part in found:
        assert text.split("\n")[first - 1 : first - 1 + len(part.split("\n"))] == part.split("\n")
