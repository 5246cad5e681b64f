"""One edit as a reply means it, before it meets the file."""

from __future__ import annotations

from dataclasses import dataclass

from tinycode_git.edits.matching import Block
from tinycode_git.edits.unified import Hunk


@dataclass(frozen=True, slots=True)
class Edit:
    """``kind`` is one of these; ``line`` is where the input has it.

    - ``change``: each of ``blocks`` holds the ways in which one block may be read; ``hunks``, where there are some, are
      the same change with line numbers to be tried first;
    - ``write``: ``content`` (lines without ends) is the whole file; ``create``: the same for a file that must be new;
    - ``delete``: remove the file (``content``, where there is some, is what it must hold);
    - ``move``: rename to ``target``.
    """

    kind: str
    path: str
    line: int
    blocks: tuple[tuple[Block, ...], ...] = ()
    hunks: tuple[Hunk, ...] = ()
    content: tuple[bytes, ...] | None = None
    target: str = ""
    final_newline: bool = True
