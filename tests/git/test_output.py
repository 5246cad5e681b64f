"""Foreign output: safe to show, bounded to keep."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycode_git.git.output import Kept, PlainLines, plain

ESCAPES = {
    "colour": ("\x1b[1;31mred\x1b[0m", "red"),
    "cursor and erase": ("a\x1b[2J\x1b[10;1Hb\x1b[Kc", "abc"),
    "title": ("\x1b]0;owned\x07after", "after"),
    "title ended by ST": ("\x1b]0;owned\x1b\\after", "after"),
    "link": ("\x1b]8;;http://example.com\x1b\\text\x1b]8;;\x1b\\", "text"),
    "clipboard": ("x\x1b]52;c;bWluZQ==\x07y", "xy"),
    "device control": ("\x1bP1$r0m\x1b\\after", "after"),
    "charset": ("\x1b(0after", "after"),
    "reset": ("\x1bcafter", "after"),
    "8-bit": ("\x9b31mred\x9d0;owned\x9cend", "redend"),
    "unfinished string": ("kept\x1b]0;never ended", "kept"),
    "string cut by another": ("\x1b]0;title\x1b[31mred", "red"),
    "backspaces": ("safe\x08\x08\x08\x08evil", "safeevil"),
    "carriage return": ("shown\rover", "shown\nover"),
    "windows": ("one\r\ntwo\r\n", "one\ntwo\n"),
    "direction": ("a\u202eb\u2066c\u200bd", "abcd"),
    "bell and NUL": ("a\x07b\0c", "abc"),
    "tabs and any script": ("\té漢字🙂", "\té漢字🙂"),
}


@pytest.mark.parametrize("name", ESCAPES)
def test_escapes_are_removed(name: str) -> None:
    raw, shown = ESCAPES[name]
    assert plain(raw) == shown


@given(st.text(st.sampled_from("ab\x1b[]0;m\x07\\\x9b\x9d\x9cP\r\n\t1"), max_size=40))
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    assert not set(plain(text)) & {"\x1b", "\x07", "\x9b", "\x9d", "\x9c", "\r"}
    assert plain(plain(text)) == plain(text)


@given(st.binary(max_size=80), st.integers(1, 7))
def test_pieces_make_the_same_lines(data: bytes, size: int) -> None:
    whole, pieces = PlainLines(), PlainLines()
    expected = whole.feed(data) + whole.feed(b"", last=True)
    got = [line for at in range(0, len(data), size) for line in pieces.feed(data[at : at + size])]
    assert got + pieces.feed(b"", last=True) == expected


def test_a_line_that_is_drawn_again_is_a_line_each_time() -> None:
    drawn = b"\x1b[2K\r\x1b[1mstep 1\x1b[0m\rstep 2\r\n\n\rdone\n"
    assert PlainLines().feed(drawn) == ["step 1", "step 2", "", "done"]


def test_a_line_without_end_is_not_held_for_ever() -> None:
    lines = PlainLines()
    assert sum(len(line) for line in lines.feed(b"x" * 100_000)) > 80_000


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=60))
def test_beginning_and_end_are_kept(tmp_path_factory: pytest.TempPathFactory, blocks: list[bytes]) -> None:
    path, everything = tmp_path_factory.getbasetemp() / "kept", b"".join(blocks)
    with Kept(path, most=400) as kept:
        for block in blocks:
            kept.write(block)
    text = path.read_bytes()
    if len(everything) <= 400:
        assert text == everything
    else:
        left_out = b"\n[%d bytes left out]\n" % (len(everything) - 400)
        assert text == everything[:200] + left_out + everything[-200:]


def test_output_is_there_before_the_end(tmp_path: Path) -> None:
    with Kept(tmp_path / "kept") as kept:
        kept.write(b"already\n")
        assert (tmp_path / "kept").read_bytes() == b"already\n"
