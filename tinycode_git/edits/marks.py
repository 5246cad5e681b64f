"""Search/replace blocks: ``<<<<<<< SEARCH``, lines, ``=======``, lines, ``>>>>>>> REPLACE``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tinycode_git.edits.matching import Block, exchange
from tinycode_git.errors import UsageError

_START = re.compile(rb"<{5,9} ?(?:SEARCH|ORIGINAL)>?\s*\Z")
_DIVIDER = re.compile(rb"={5,9}\s*\Z")
_END = re.compile(rb">{5,9} ?(?:REPLACE|UPDATED)>?\s*\Z")
_LONGEST = 60
_MOST_DIVIDERS = 40


def is_search_start(line: bytes) -> bool:
    """Whether ``line`` opens a block."""
    return len(line) < _LONGEST and line.startswith(b"<<<<<") and _START.match(line) is not None


def is_replace_end(line: bytes) -> bool:
    """Whether ``line`` closes a block."""
    return len(line) < _LONGEST and line.startswith(b">>>>>") and _END.match(line) is not None


def read_block(lines: Sequence[bytes], start: int, first_line: int) -> tuple[list[Block], int]:
    """The block that opens at ``start``, and the line after it.

    Where its text has lines that look like the divider (headings underlined with ``=======``), each way to read it is
    given. Raises ``UsageError`` where the block is not whole.
    """
    stop = start + 1
    while stop < len(lines) and not is_replace_end(lines[stop]):
        if is_search_start(lines[stop]):
            _broken(first_line + start, "another block starts before it ends")
        stop += 1
    if stop == len(lines):
        _broken(first_line + start, "the reply ends before it does")
    dividers = _dividers(lines, start, stop)
    if not dividers:
        _broken(first_line + start, "it has no ======= line")
    if len(dividers) > _MOST_DIVIDERS:
        _broken(first_line + start, "it has too many ======= lines to tell which one divides it")
    return [_block(lines[start + 1 : i], lines[i + 1 : stop], first_line + start) for i in dividers], stop + 1


def _dividers(lines: Sequence[bytes], start: int, stop: int) -> list[int]:
    """The lines that may divide the block: those as long as its first mark, or else any."""
    size = len(lines[start]) - len(lines[start].lstrip(b"<"))
    found = [i for i in range(start + 1, stop) if len(lines[i]) < _LONGEST and _DIVIDER.match(lines[i])]
    return [i for i in found if len(lines[i].rstrip()) == size] or found


def _block(old: Sequence[bytes], new: Sequence[bytes], line: int) -> Block:
    return Block(exchange(old, new), line)


def _broken(line: int, reason: str) -> None:
    raise UsageError(
        f"the search/replace block on line {line} is not whole: {reason}", "paste the whole answer, or ask for it again"
    )
