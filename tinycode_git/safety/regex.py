"""RE2 on bytes, with the flags that every rule is written for."""

from __future__ import annotations

import re2


class RegexError(ValueError):
    """The expression cannot be compiled; the text says why."""


_OPTIONS = re2.Options()
_OPTIONS.encoding = re2.Options.Encoding.LATIN1
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 32 << 20

# What a rule of a project may ask for: patterns that people write are far below.
LONGEST, MOST_GROUPS = 10_000, 100

_COMPILED: dict[str, re2._Regexp] = {}


def confirmer(pattern: str) -> re2._Regexp:
    """The expression, compiled once: bytes, multi-line, linear time. Raises RegexError."""
    known = _COMPILED.get(pattern)
    if known is None:
        try:
            known = re2.compile(("(?m)" + pattern).encode(), _OPTIONS)
        except re2.error as bad:
            reason = bad.args[0] if bad.args else ""
            text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
            raise RegexError(text or "not a valid expression") from bad
        _COMPILED[pattern] = known
    return known


def bounded(pattern: str) -> re2._Regexp:
    """An expression that comes with a repository, compiled, where its size allows that. Raises RegexError."""
    if len(pattern) > LONGEST:
        raise RegexError(f"{len(pattern)} characters; {LONGEST} are the most")
    expression = confirmer(pattern)
    if expression.groups > MOST_GROUPS:
        raise RegexError(f"{expression.groups} groups; {MOST_GROUPS} are the most, and (?:...) counts as none")
    return expression


def finds_something(pattern: str) -> None:
    """As ``bounded``, for an expression that is looked for. Raises RegexError, also for one that holds everywhere."""
    if bounded(pattern).fullmatch(b"") is not None:
        raise RegexError("matches the empty text, that is everywhere")


_NAMED: dict[str, int] = {}


def named(pattern: str) -> int:
    """The number of the group ``secret``; 0 where there is none."""
    if pattern not in _NAMED:
        _NAMED[pattern] = confirmer(pattern).groupindex.get(b"secret", 0)
    return _NAMED[pattern]
