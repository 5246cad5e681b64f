"""Path patterns: ``*``, ``?`` and ``[...]`` within a component, ``**`` for any number of components."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern for whole paths; where the last component has no wildcard it is also the folder of that name."""

    pattern: str

    def matches(self, path: str) -> bool:
        """Whether ``path`` fits the pattern. Case counts."""
        return _fits(self.pattern.rstrip("/").split("/"), path.split("/"))


def _fits(wanted: Sequence[str], parts: Sequence[str]) -> bool:
    from fnmatch import fnmatchcase

    # reached: which components of the path can follow the part of the pattern that was looked at.
    reached = {0}
    for piece in wanted:
        if piece == "**":
            reached = set(range(min(reached), len(parts) + 1))
        else:
            reached = {n + 1 for n in reached if n < len(parts) and fnmatchcase(parts[n], piece)}
        if not reached:
            return False
    return len(parts) in reached or not any(c in wanted[-1] for c in "*?[")
