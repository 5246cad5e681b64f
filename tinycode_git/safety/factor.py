"""What of an expression must be there wherever it matches: a shorter expression for the fast engine to look for.

An unanchored search for ``A B C`` finds nothing where ``B`` does not occur, so ``B`` alone will do to name the texts in
which the whole is worth trying. A few literals are the cheapest thing to look for; an expression without any stays
whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from re import _constants as code  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from tinycode_git.rows import NamedTuple

# Words that occur in nearly every file: looking for them alone names too many texts.
_COMMON = frozenset(
    re.findall(
        "[a-z]+",
        "token secret password passwd access account client private public user name value http https auth apikey"
        " string config server host data return import const function test live pass address line wise pat"
        " personal drop ignore forget disregard duo monitor here shortcut sanity resend table previous prior above"
        " earlier preceding instructions prompts directions rules you your from act answer behave reply respond pretend"
        " mode the this all anything everything reveal print show output repeat display leak dump recite disclose tell"
        " give write new override overrides replace replaces supersede supersedes stream",
    )
)
_MOST, _CLASS = 64, 5
_ALONE, _FAIR, _SHORT = 6, 3, 2
_TAIL, _LEAST_TAIL = 12, 8
Items = list[tuple[Any, Any]]


class Factor(NamedTuple):
    """An expression, and how many characters of its shortest literal there are."""

    length: int
    text: str


NONE = Factor(0, "")


def necessary(pattern: str) -> str:
    """An expression that matches in every text in which ``pattern`` does; ``pattern`` itself where none is cheaper."""
    return factor(pattern).text or pattern


def factor(pattern: str) -> Factor:
    """As ``necessary``, and how long the shortest of its words is; NONE where no expression is cheaper."""
    tree = parsed(pattern)
    if tree is None:
        return NONE
    best = _best(list(_flattened(list(tree), bool(tree.state.flags & re.IGNORECASE))))
    return best if best.length >= _SHORT else NONE


@lru_cache(maxsize=1)
def parsed(pattern: str) -> Any:
    """The tree of an expression, a character for a byte, as both engines see it; None where Python has none for it."""
    try:
        return parser.parse(pattern.encode().decode("latin-1"))
    except (re.error, OverflowError, RecursionError):
        return None


def _flattened(items: Items, caseless: bool) -> Iterator[tuple[Any, Any, bool]]:
    for kind, value in items:
        if kind is code.SUBPATTERN:
            _, add, drop, inner = value
            yield from _flattened(list(inner), (caseless or bool(add & re.IGNORECASE)) and not drop & re.IGNORECASE)
        else:
            yield kind, value, caseless


def _best(flat: list[tuple[Any, Any, bool]]) -> Factor:
    """The best factor of a concatenation: its longest run of items that stand for few words each."""
    found, words, start = [NONE], [""], 0
    for at, item in enumerate([*flat, (None, None, False)]):
        more = _words(item)
        nocase = at > start and flat[start][2]
        if more and len(words) * len(more) <= _MOST and (at == start or nocase == item[2]):
            words = [head + tail for head in words for tail in more]
            continue
        if at > start:
            found.append(_looked_for(words, nocase, item))
        words, start = (more, at) if more else ([""], at + 1)
        found.append(_inside(item))
    return max(found, key=lambda factor: factor.length)


def _words(item: tuple[Any, Any, bool]) -> list[str]:
    """The few strings that an item can be; none where there are many."""
    kind, value, nocase = item
    if kind is code.LITERAL:
        return [chr(value)]
    if kind is code.IN and len(value) <= _CLASS and all(member is code.LITERAL for member, _ in value):
        return [chr(letter) for _, letter in value]
    if kind in (code.MAX_REPEAT, code.MIN_REPEAT) and value[1] == 1:
        inner = _product(list(_flattened(list(value[2]), nocase)))
        return [*inner, ""] if inner and value[0] == 0 else inner
    if kind is code.BRANCH:
        parts = [_product(list(_flattened(list(branch), nocase))) for branch in value[1]]
        return [word for part in parts for word in part] if all(parts) else []
    return []


def _product(flat: list[tuple[Any, Any, bool]]) -> list[str]:
    words = [""]
    for item in flat:
        more = _words(item)
        if not more or len(words) * len(more) > _MOST:
            return []
        words = [head + tail for head in words for tail in more]
    return words


def _looked_for(words: list[str], nocase: bool, after: tuple[Any, Any, bool]) -> Factor:
    """Some words, with the start of what follows where they are short."""
    shortest = min(len(word) for word in words)
    if not shortest:
        return NONE
    common = any((word.lower() if nocase else word).strip("_-:/ .=\"'") in _COMMON for word in words)
    tail = _tail(after) if common or shortest < _ALONE else ""
    if (common or shortest < _FAIR) and not tail:
        return NONE
    unique = sorted(set(words))
    text = "|".join(_escaped(word) for word in unique)
    text = f"(?:{text}){tail}" if len(unique) > 1 else text + tail
    return Factor(shortest, f"(?i:{text})" if nocase else text)


def _inside(item: tuple[Any, Any, bool]) -> Factor:
    """The best factor within an item of which there is at least one."""
    kind, value, nocase = item
    if kind in (code.MAX_REPEAT, code.MIN_REPEAT) and value[0] >= 1:
        return _best(list(_flattened(list(value[2]), nocase)))
    if kind is code.BRANCH:
        parts = [_best(list(_flattened(list(branch), nocase))) for branch in value[1]]
        worst = min(factor.length for factor in parts)
        return Factor(worst, "(?:" + "|".join(factor.text for factor in parts) + ")") if worst else NONE
    return NONE


def _tail(item: tuple[Any, Any, bool]) -> str:
    """The start of a repeated class, so that a short word is not looked for alone."""
    kind, value, _ = item
    if kind is not code.MAX_REPEAT or len(value[2]) != 1 or value[2][0][0] is not code.IN or value[0] < _LEAST_TAIL:
        return ""
    return f"[{''.join(_member(*member) for member in value[2][0][1])}]{{{min(value[0], _TAIL)}}}"


def _escaped(word: str) -> str:
    return "".join(re.escape(letter) if " " <= letter <= "~" else f"\\x{ord(letter):02x}" for letter in word)


def _member(kind: Any, value: Any) -> str:
    if kind is code.LITERAL:
        return _escaped(chr(value))
    if kind is code.RANGE:
        return f"{_escaped(chr(value[0]))}-{_escaped(chr(value[1]))}"
    return "^" if kind is code.NEGATE else _CATEGORIES[value]


_CATEGORIES = {
    code.CATEGORY_DIGIT: r"\d",
    code.CATEGORY_NOT_DIGIT: r"\D",
    code.CATEGORY_SPACE: r"\s",
    code.CATEGORY_NOT_SPACE: r"\S",
    code.CATEGORY_WORD: r"\w",
    code.CATEGORY_NOT_WORD: r"\W",
}
