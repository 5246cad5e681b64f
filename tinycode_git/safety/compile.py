"""Rules into a Hyperscan database: what every expression is widened to, and what is left of a rule for matching."""

from __future__ import annotations

import marshal
import re
from collections.abc import Sequence
from hashlib import sha256
from re import _parser as parser  # type: ignore[attr-defined]

import hyperscan

from tinycode_git.rows import NamedTuple
from tinycode_git.safety import fold
from tinycode_git.safety.factor import necessary
from tinycode_git.safety.rule import FAMILIES, Rule
from tinycode_git.safety.rulefile import BrokenRule
from tinycode_git.safety.ruleset import HIDDEN, SPLIT

_WIDE = 32
<<<<<<< HEAD
_LONG_WORD = 9
=======
_REACH = 4096
_NEAR = 512  # what keywords may be away from a match, and their own length
>>>>>>> 8214d18 (safety: expressions are confirmed near what was found; a changed group of rules re-checks only itself; benchmarks of hook and history)
_REPEAT = re.compile(r"\\.|\[\^?\]?(?:[^\]\\]|\\.)*\]|\{(\d+),(\d+)\}", re.S)
_ONCE = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_MULTILINE
_EACH = hyperscan.HS_FLAG_MULTILINE


class Compiled(NamedTuple):
    """Rules without their documentation, what each expression means, how far rules reach, digests, the database."""

    rules: tuple[Rule, ...]
    meaning: list[int]
    reach: list[int]
    groups: dict[str, str]
    digest: str
    database: bytes


class Entry(NamedTuple):
    """An expression of the database: what it stands for, and its flags."""

    at: int
    text: bytes
    flags: int


def compiled(rules: Sequence[Rule]) -> Compiled:
    """Compile rules. Raises BrokenRule where Hyperscan refuses an expression."""
    lean = tuple(_lean(rule) for rule in rules)
    entries = [Entry(HIDDEN, fold.HIDDEN, _ONCE), Entry(SPLIT, fold.SPLIT, _EACH)]
    reach = []
    for at, rule in enumerate(lean):
        texts, far = _expressions(rule)
        entries += [Entry(at, text, _EACH if far else _ONCE) for text in texts]
        reach.append(far)
    groups = {family: _digest([rule for rule in lean if rule.family == family]) for family in FAMILIES}
    digest = sha256(repr(sorted(groups.items())).encode()).hexdigest()[:32]
    return Compiled(lean, [entry.at for entry in entries], reach, groups, digest, _compile(entries, rules))


def _lean(rule: Rule) -> Rule:
    return rule._replace(examples=(), near_misses=(), example_path="", source="", line=0)


def _digest(rules: Sequence[Rule]) -> str:
    return sha256(marshal.dumps([tuple(rule) for rule in rules], 2)).hexdigest()[:16]


def _expressions(rule: Rule) -> tuple[list[bytes], int]:
    """What to look for so that a rule is not missed, and how far from there it can hold (0: anywhere)."""
    if rule.kind in ("pattern", "path"):
        cheaper = necessary(rule.body)
        if cheaper == rule.body and rule.keywords:  # nothing in it to look for but what has to be near it
            words = "(?i:" + "|".join(re.escape(word) for word in rule.keywords) + ")"
            return [words.encode()], _reach(rule.body, _NEAR)
        return [widened(cheaper).encode()], 0 if cheaper == rule.body else _reach(rule.body, 0)
    if rule.literals:
        return [_word(literal) for literal in rule.literals], 0
    return [], 0


def _reach(pattern: str, more: int) -> int:
    """How long a match can be, and ``more``; 0 where there is no limit."""
    try:
        longest = parser.parse(pattern).getwidth()[1]
    except (re.error, OverflowError, RecursionError):
        return 0
    bytes_each = 1 if pattern.isascii() else 4
    longest = int(longest) * bytes_each + more
    return longest if longest <= _REACH else 0


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


def _compile(entries: Sequence[Entry], rules: Sequence[Rule]) -> bytes:
    try:
        return hyperscan.dumpb(_built(entries))
    except hyperscan.HyperscanError:
        return hyperscan.dumpb(_built([_possible(entry, rules) for entry in entries]))


def _built(entries: Sequence[Entry]) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[entry.text for entry in entries],
        ids=list(range(len(entries))),
        elements=len(entries),
        flags=[entry.flags for entry in entries],
    )
    return database


def _possible(entry: Entry, rules: Sequence[Rule]) -> Entry:
    """The entry as it compiles: as it is, or as a prefilter. Raises BrokenRule where neither does."""
    reason = ""
    for flags in (entry.flags, entry.flags | hyperscan.HS_FLAG_PREFILTER):
        tried = entry._replace(flags=flags)
        try:
            _built([tried])
        except hyperscan.HyperscanError as bad:
            reason = str(bad)
        else:
            return tried
    rule = rules[entry.at]
    raise BrokenRule(rule.source, rule.line, f"rule {rule.id}: {rule.kind}: {reason}")
