"""Charts of text: bars, columns, a table of shades. Unicode blocks where the output can show them, else ASCII."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise

from tinycode_git.render.console import Console, Style
from tinycode_git.render.escape import visible
from tinycode_git.render.table import cell_width, cut

_COLUMN = " ▁▂▃▄▅▆▇█"
_BAR = " ▏▎▍▌▋▊▉█"
_SHADE = " ░▒▓█"
_PLAIN = " .:-=+*#@"
_FEW, _WIDE = 12, 4


def _blocks(wanted: str) -> str:
    """The characters to draw with: those wanted, or plain ones of the same number where they cannot be printed."""
    try:
        wanted.encode(sys.stdout.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        steps = len(wanted) - 1
        return "".join(_PLAIN[round(n * (len(_PLAIN) - 1) / steps)] for n in range(steps + 1))
    return wanted


def bars(rows: Sequence[tuple[str, float, str]], on: Console, *, width: int = 40, style: Style = Style.REF) -> str:
    """A bar a row: label, value (0 or more), what stands behind it; labels are made safe here.

    Where the terminal is narrow the bars become shorter, then the labels, then what stands behind is cut.
    """
    if not rows:
        return ""
    blocks = _blocks(_BAR)
    most = max(value for _, value, _ in rows) or 1.0
    rows = [(visible(label), value, visible(behind)) for label, value, behind in rows]
    label_width = min(max(cell_width(label) for label, _, _ in rows), 44)
    room = max(on.width or 120, 30) - 6
    behind_width = min(max(cell_width(behind) for _, _, behind in rows), room - 18)
    width = max(6, min(width, room - label_width - behind_width))
    label_width = min(label_width, max(12, room - width - behind_width))
    lines = []
    for label, value, behind in rows:
        shown = cut(label, label_width)
        eighths = round(value / most * width * 8)
        bar = blocks[8] * (eighths // 8) + (blocks[eighths % 8] if eighths % 8 else "")
        padding = " " * (label_width - cell_width(shown))
        fill = " " * (width - len(bar))
        lines.append(f"  {shown}{padding}  {on.paint(bar, style)}{fill}  {cut(behind, behind_width)}".rstrip())
    return "\n".join(lines) + "\n"


def columns(values: Sequence[float], on: Console, *, height: int = 6, style: Style = Style.REF) -> str:
    """A column a value, ``height`` lines high; the scale is at the left of the first and last line."""
    if not values:
        return ""
    blocks = _blocks(_COLUMN)
    # A few values alone would be hard to see.
    values = [value for value in values for _ in range(_WIDE if len(values) <= _FEW else 1)]
    most = max(values) or 1.0
    steps = [round(value / most * height * 8) for value in values]
    lines = []
    for row in reversed(range(height)):
        drawn = "".join(blocks[max(0, min(8, step - row * 8))] for step in steps)
        scale = f"{most:,.0f}" if row == height - 1 else "0" if row == 0 else ""
        lines.append(f"{scale:>9} {on.paint(drawn.rstrip(), style)}".rstrip())
    return "\n".join(lines) + "\n"


def squeezed(values: Sequence[float], width: int) -> list[float]:
    """At most ``width`` values: neighbours summed up."""
    if len(values) <= width:
        return list(values)
    edges = [round(n * len(values) / width) for n in range(width + 1)]
    return [sum(values[start:end]) for start, end in pairwise(edges)]


def shades(rows: Sequence[Sequence[float]], labels: Sequence[str], on: Console) -> str:
    """A table of shades, two cells a value: the darker the more."""
    blocks = _blocks(_SHADE)
    most = max((value for row in rows for value in row), default=0) or 1
    lines = []
    for label, row in zip(labels, rows, strict=True):
        drawn = "".join(blocks[-(-int(value * 4) // int(most)) if value else 0] * 2 for value in row)
        lines.append(f"  {visible(label)} {on.paint(drawn.rstrip(), Style.REF)}".rstrip())
    return "\n".join(lines) + "\n"
