"""Columns: aligned by cells, escaped, cut where they must be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycode_git.render.console import PLAIN, Console, Style
from tinycode_git.render.table import Cell, Column, cell_width, cut, table

COLUMNS = (Column("id"), Column("n", right=True), Column("title", shrinks=True))


def test_columns_are_aligned_and_lines_end_clean() -> None:
    assert table(COLUMNS, [["a", "1", "one"], ["long-id", "12", ""]], PLAIN) == (
        "id        n  title\n"  #
        "a         1  one\n"
        "long-id  12\n"
    )


def test_no_headings_no_heading_line() -> None:
    assert table((Column(), Column()), [["a", "b"]], PLAIN) == "a  b\n"


def test_wide_characters_take_two_cells() -> None:
    assert table((Column(), Column()), [["日本", "x"], ["abc", "y"]], PLAIN) == "日本  x\nabc   y\n"


def test_text_from_the_repository_is_made_visible() -> None:
    assert table((Column(),), [["\x1b[31m\n\u202e"]], PLAIN) == "\\x1b[31m\\n\\u202e\n"


def test_a_terminal_cuts_the_column_that_gives_way() -> None:
    shown = table(COLUMNS, [["abcd", "1", "a title of many words"]], Console(width=24))
    assert shown == "id    n  title\nabcd  1  a title of man…\n"


def test_what_does_not_give_way_is_never_cut() -> None:
    shown = table((Column("id"), Column("t", shrinks=True)), [["a" * 30, "b" * 30]], Console(width=20))
    assert shown.splitlines()[1] == "a" * 30 + "  bbbbbbb…"


def test_colour_does_not_move_the_columns() -> None:
    shown = table(
        (Column(style=Style.OID), Column()), [["ab", Cell("x", Style.BAD)], ["abc", "y"]], Console(color=True)
    )
    assert shown == "\x1b[33mab\x1b[m   \x1b[31mx\x1b[m\n\x1b[33mabc\x1b[m  y\n"


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("é", 1), ("é", 1), ("日本", 4), ("ｆ", 2), ("", 0), ("🙂", 2)]
)
def test_cell_width(text: str, width: int) -> None:
    assert cell_width(text) == width


@given(st.text(), st.integers(1, 40))
def test_cut_text_fits(text: str, width: int) -> None:
    assert cell_width(cut(text, width)) <= width
    if cell_width(text) <= width:
        assert cut(text, width) == text
