"""Columns of text: aligned, escaped, cut to the terminal's width where there is one."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from tinycode_git.render.console import Console, Style
from tinycode_git.render.escape import visible

_GAP = "  "
_NARROWEST = 8


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading (all empty: no heading line), its side, whether it gives way when space is short."""

    title: str = ""
    right: bool = False
    shrinks: bool = False
    style: Style = Style.PLAIN


@dataclass(frozen=True, slots=True)
class Cell:
    """Text with a style of its own, where the column's is not wanted."""

    text: str
    style: Style


def table(columns: Sequence[Column], rows: Sequence[Sequence[str | Cell]], console: Console) -> str:
    """The rows as lines, each ended by a line feed; text from the repository is made visible here."""
    cells = [[_cell(item, column) for item, column in zip(row, columns, strict=True)] for row in rows]
    if any(column.title for column in columns):
        cells.insert(0, [Cell(column.title, Style.DIM) for column in columns])
    widths = _fitted(
        [max(cell_width(cell.text) for cell in line) for line in zip(*cells, strict=True)], columns, console
    )
    return "".join(_line(row, columns, widths, console) + "\n" for row in cells)


def cell_width(text: str) -> int:
    """How many cells of a terminal ``text`` takes (UAX 11): wide and full-width characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def counted(count: int, noun: str) -> str:
    """``1 commit``, ``1,204 commits``."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def cut(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells, the end replaced by an ellipsis where it is longer."""
    if cell_width(text) <= width:
        return text
    taken = 0
    for index, char in enumerate(text):
        taken += _char_width(char)
        if taken > width - 1:
            return text[:index] + "…"
    return text


def _char_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _cell(item: str | Cell, column: Column) -> Cell:
    return Cell(visible(item.text), item.style) if isinstance(item, Cell) else Cell(visible(item), column.style)


def _fitted(widths: list[int], columns: Sequence[Column], console: Console) -> list[int]:
    """Take what is too much from the columns that give way, the widest first."""
    if console.width is None:
        return widths
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - console.width
    while excess > 0:
        able = [i for i, column in enumerate(columns) if column.shrinks and widths[i] > _NARROWEST]
        if not able:
            break
        widest = max(able, key=lambda i: widths[i])
        widths[widest] -= 1
        excess -= 1
    return widths


def _line(row: Sequence[Cell], columns: Sequence[Column], widths: Sequence[int], console: Console) -> str:
    parts: list[str] = []
    for cell, column, width in zip(row, columns, widths, strict=True):
        text = cut(cell.text, width)
        padding = " " * (width - cell_width(text))
        painted = console.paint(text, cell.style)
        parts.append(padding + painted if column.right else painted + padding)
    return _GAP.join(parts).rstrip(" ")
