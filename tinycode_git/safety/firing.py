"""Which rules may hold in a text, and roughly where: a pass of Hyperscan for each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from tinycode_git.safety.ruleset import LATE, PATH, TEXT

if TYPE_CHECKING:
    from tinycode_git.safety.ruleset import RuleSet

# Rule (or HIDDEN, SPLIT) to where what was looked for ends; nothing where that is not asked for.
Fired = dict[int, list[int]]

_MANY = 2000


class Firing:
    """Databases at work. Not for several threads at a time: a Hyperscan scratch space serves one scan."""

    def __init__(self, ruleset: RuleSet) -> None:
        self.reach = ruleset.reach
        self._found: Fired = {}
        every = [((held.database.scan, self._noting(held.meaning)), held.use) for held in ruleset.databases]
        self._texts = [one for one, use in every if use != PATH]
        self._paths = [one for one, use in every if use != LATE]
        self._swept = [one for one, use in every if use == TEXT]

    def _noting(self, meaning: Sequence[Sequence[int]]) -> Callable[[int, int, int, int, object], None]:
        def note(expression: int, _start: int, end: int, _flags: int, _context: object) -> None:
            for rule in meaning[expression]:
                ends = self._found.setdefault(rule, [])
                if len(ends) <= _MANY:
                    ends.append(end)

        return note

    def fire(self, data: bytes, *, path: bool = False) -> Fired:
        """The rules of which something to look for is in ``data``, a path or another text."""
        return self._scanned(data, self._paths if path else self._texts)

    def sweep(self, data: bytes) -> Fired:
        """As ``fire``, without structural rules and those about what a change took away."""
        return self._scanned(data, self._swept)

    def _scanned(self, data: bytes, databases: Sequence[tuple[Callable[..., None], Callable[..., None]]]) -> Fired:
        self._found = {}
        if data:
            for scan, note in databases:
                scan(data, note)
        return self._found


def regions(ends: Sequence[int], reach: int, size: int) -> Iterator[tuple[int, int]]:
    """Where to look for the whole of an expression whose part ends at ``ends``: ``reach`` before and behind each.

    The whole text where the expression has no limit (``reach`` 0), or where there are too many places.
    """
    if not reach or len(ends) > _MANY:
        yield 0, size
        return
    begin, stop = -1, -1
    for end in sorted(ends):
        if begin >= 0 and end - reach <= stop:
            stop = min(size, end + reach)
            continue
        if begin >= 0:
            yield begin, stop
        begin, stop = max(0, end - reach), min(size, end + reach)
    if begin >= 0:
        yield begin, stop
