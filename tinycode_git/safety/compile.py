"""Rules into a Hyperscan database: what every expression is widened to, and what is left of a rule for matching."""

from __future__ import annotations

import marshal
import re
from collections.abc import Sequence
from hashlib import sha256

import hyperscan

from tinycode_git.safety import fold
from tinycode_git.safety.factor import necessary
from tinycode_git.safety.rule import FAMILIES, Rule
from tinycode_git.safety.rulefile import BrokenRule
from tinycode_git.safety.ruleset import HIDDEN, SPLIT

Compiled = tuple[tuple[Rule, ...], tuple[int, ...], bytes, dict[str, str], str]

_WIDE = 32
_LONG_WORD = 9
_REPEAT = re.compile(r"\\.|\[\^?\]?(?:[^\]\\]|\\.)*\]|\{(\d+),(\d+)\}", re.S)


def compiled(rules: Sequence[Rule]) -> Compiled:
    """Rules without their documentation, what each expression means, the database, and digests. Raises BrokenRule."""
    lean = tuple(_lean(rule) for rule in rules)
    entries: list[tuple[int, bytes]] = [(HIDDEN, fold.HIDDEN), (SPLIT, fold.SPLIT)]
    for at, rule in enumerate(lean):
        entries += [(at, expression) for expression in _expressions(rule)]
    groups = {family: _digest([rule for rule in lean if rule.family == family]) for family in FAMILIES}
    digest = sha256(repr(sorted(groups.items())).encode()).hexdigest()[:32]
    return lean, tuple(at for at, _ in entries), _compile(entries, rules), groups, digest


def _lean(rule: Rule) -> Rule:
    return rule._replace(examples=(), near_misses=(), example_path="", source="", line=0)


def _digest(rules: Sequence[Rule]) -> str:
    return sha256(marshal.dumps([tuple(rule) for rule in rules], 2)).hexdigest()[:16]


def _expressions(rule: Rule) -> list[bytes]:
    if rule.kind in ("pattern", "path"):
        cheaper = necessary(rule.body)
        if cheaper == rule.body and rule.keywords:  # nothing in it to look for but what has to be near it
            return [("(?i:" + "|".join(re.escape(word) for word in rule.keywords) + ")").encode()]
        return [widened(cheaper).encode()]
    if rule.literals:
        return [_word(literal) for literal in rule.literals]
    return []


def _word(literal: str) -> bytes:
    """A literal as an expression: whole words only, where it is short and begins or ends with a letter.

    Hyperscan takes a bare literal much faster than one with boundaries, to compile and to look for, and a long one is
    rarely part of a longer word.
    """
    if len(literal) >= _LONG_WORD:
        return re.escape(literal).encode()
    start = r"\b" if literal[0].isascii() and (literal[0].isalnum() or literal[0] == "_") else ""
    end = r"\b" if literal[-1].isascii() and (literal[-1].isalnum() or literal[-1] == "_") else ""
    return (start + re.escape(literal) + end).encode()


def widened(pattern: str) -> str:
    """The pattern with long bounded repetitions unbounded: what it matches is a superset, and cheap to look for."""

    def wider(found: re.Match[str]) -> str:
        if found[2] is None or int(found[2]) <= _WIDE:
            return found[0]
        return f"{{{found[1]},}}"

    return _REPEAT.sub(wider, pattern)


def _compile(entries: Sequence[tuple[int, bytes]], rules: Sequence[Rule]) -> bytes:
    flags = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_MULTILINE
    expressions = [expression for _, expression in entries]
    try:
        return hyperscan.dumpb(_built(expressions, [flags] * len(entries)))
    except hyperscan.HyperscanError:
        return hyperscan.dumpb(_built(expressions, [_flags(entry, flags, rules) for entry in entries]))


def _built(expressions: Sequence[bytes], flags: Sequence[int]) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=list(expressions), ids=list(range(len(expressions))), elements=len(expressions), flags=list(flags)
    )
    return database


def _flags(entry: tuple[int, bytes], flags: int, rules: Sequence[Rule]) -> int:
    """The flags one expression compiles with: as they are, or as a prefilter. Raises BrokenRule where neither does."""
    reason = ""
    for tried in (flags, flags | hyperscan.HS_FLAG_PREFILTER):
        try:
            _built([entry[1]], [tried])
        except hyperscan.HyperscanError as bad:
            reason = str(bad)
        else:
            return tried
    rule = rules[entry[0]]
    raise BrokenRule(rule.source, rule.line, f"rule {rule.id}: {rule.kind}: {reason}")
