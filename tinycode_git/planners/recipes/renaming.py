"""What a rename is and what it found: shared by the part for Python and the part for every other language."""

from __future__ import annotations

from dataclasses import dataclass, field

from tinycode_git.planners.recipes.pyscopes import Clash


@dataclass(frozen=True, slots=True)
class Rename:
    """The request: from what, to what, and whether strings and comments take part."""

    old: str
    new: str
    strings: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """One line of one file."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(slots=True)
class Outcome:
    """The files as they would be, and everything the user should know.

    ``written`` is the new content by path, ``count`` how many names that takes; ``clashes`` are reasons to refuse;
    ``kept`` are names that were left with the reason, ``texts`` lines where it stays in strings and comments;
    ``left_out`` are files that were not looked into, with the reason.
    """

    written: dict[str, bytes] = field(default_factory=dict)
    count: int = 0
    clashes: list[Clash] = field(default_factory=list)
    kept: list[tuple[Spot, str]] = field(default_factory=list)
    texts: list[Spot] = field(default_factory=list)
    references: list[Spot] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def some(items: list[str], most: int = 5) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more
