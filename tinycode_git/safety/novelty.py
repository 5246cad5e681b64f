"""What a change adds: matches of the new texts that the old ones do not have. Pure.

Code that was moved or reformatted stays quiet: matches are compared apart from white space, first with their line, then
without, first within a path, then over all paths of the change. Of guards it is the other way round: what the old texts
had and the new ones have not is what is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from tinycode_git.rows import NamedTuple
from tinycode_git.safety.finding import Match


class Placed(NamedTuple):
    """A match, and the path and object that it was seen in."""

    path: str
    oid: str
    where: str
    match: Match


Key = Callable[[Placed], object]

_KEYS: tuple[Key, ...] = (
    lambda placed: (placed.path, placed.match.rule, placed.match.digest, placed.match.context),
    lambda placed: (placed.path, placed.match.rule, placed.match.digest),
    lambda placed: (placed.match.rule, placed.match.digest, placed.match.context),
    lambda placed: (placed.match.rule, placed.match.digest),
)


def added(new: Iterable[Placed], parents: Sequence[Iterable[Placed]]) -> list[Placed]:
    """Of ``new``, what no parent has as often: every key in turn pairs off what old and new have in common."""
    fresh = list(new)
    for parent in parents:
        fresh = _paired(fresh, list(parent))
    return fresh


def _paired(new: list[Placed], old: list[Placed]) -> list[Placed]:
    for key in _KEYS:
        if not new or not old:
            break
        new, old = _without(new, Counter(map(key, old)), key), _without(old, Counter(map(key, new)), key)
    return new


def _without(items: list[Placed], other: Counter[object], key: Key) -> list[Placed]:
    left = []
    for item in items:
        name = key(item)
        if other[name] > 0:
            other[name] -= 1
        else:
            left.append(item)
    return left


def removed(new: Iterable[Placed], parents: Sequence[Iterable[Placed]]) -> list[Placed]:
    """Guards gone: matches of the first parent whose rule has none left, anywhere in what was changed."""
    if not parents:
        return []
    now = Counter(placed.match.rule for placed in new)
    return [placed for placed in parents[0] if now[placed.match.rule] == 0]
