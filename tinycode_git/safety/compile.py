"""Rules into Hyperscan databases: what every expression is widened to, and what is left of a rule for matching."""

from __future__ import annotations

import marshal
import re
from collections.abc import Sequence
from hashlib import sha256

import hyperscan

from tinycode_git.rows import NamedTuple
from tinycode_git.safety import fold
from tinycode_git.safety.factor import factor, parsed
from tinycode_git.safety.rule import FAMILIES, Rule
from tinycode_git.safety.rulefile import BrokenRule
from tinycode_git.safety.ruleset import HIDDEN, LATE, PATH, SPLIT, TEXT
from tinycode_git.safety.segment import segment
from tinycode_git.safety.workers import spread

_WIDE = 32
_LONG_WORD = 9
_REACH = 4096
_MANY = 300
_RARE = 8
_QUICK = 800  # what is longer takes too long to compile where it holds many anchors
_NEAR = 512  # what keywords may be away from a match, and their own length
_REPEAT = re.compile(r"\\.|\[\^?\]?(?:[^\]\\]|\\.)*\]|\{(\d+),(\d+)\}", re.S)
# Hyperscan refuses many an anchor; without it more is found, which is confirmed anyway.
_ANCHOR = re.compile(r"(\\.|\[\^?\]?(?:[^\]\\]|\\.)*\])|\$", re.S)
_INDENTED = re.compile(r"(\\.|\[\^?\]?(?:[^\]\\]|\\.)*\])|\^\\s\*", re.S)
_MARKS = re.compile(r"[^A-Za-z0-9]+")
_ONCE = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_MULTILINE
_EACH = hyperscan.HS_FLAG_MULTILINE


class Compiled(NamedTuple):
    """Rules without their documentation, how far they reach, digests; for each database what its expressions mean."""

    rules: tuple[Rule, ...]
    reach: list[int]
    groups: dict[str, str]
    digest: str
    databases: list[tuple[str, list[tuple[int, ...]], bytes]]


_Meant = dict[tuple[bytes, int], list[int]]


class Entry(NamedTuple):
    """An expression of the database: the rules that it stands for, and its flags."""

    at: tuple[int, ...]
    text: bytes
    flags: int


def compiled(rules: Sequence[Rule]) -> Compiled:
    """Compile rules. Raises BrokenRule where Hyperscan refuses an expression."""
    lean = tuple(_lean(rule) for rule in rules)
    used, reach = looked_for(lean)
    made = _compile([entries for _, entries in used], rules)
    databases = [
        (use, [entry.at for entry in entries], database) for (use, entries), database in zip(used, made, strict=True)
    ]
    groups = {family: _digest([rule for rule in lean if rule.family == family]) for family in FAMILIES}
    digest = sha256(repr(sorted(groups.items())).encode()).hexdigest()[:32]
    return Compiled(lean, reach, groups, digest, databases)


def looked_for(rules: Sequence[Rule]) -> tuple[list[tuple[str, list[Entry]]], list[int]]:
    """The expressions of each database and its use, and how far from what they find each rule can hold."""
    words, paths, late = _Meant(), _Meant(), _Meant()
    others: _Meant = {(fold.HIDDEN, _ONCE): [HIDDEN], (fold.SPLIT, _EACH): [SPLIT]}
    reach = []
    for at, (rule, (texts, far)) in enumerate(zip(rules, _all_expressions(rules), strict=True)):
        reach.append(far)
        kind = paths if rule.where == ("path",) else words if _is_words(rule) else others
        kind = late if rule.kind == "ast" or rule.removed else kind
        for text in texts:
            kind.setdefault((text, _EACH if far else _ONCE), []).append(at)
    uses = ((TEXT, words), (TEXT, others), (LATE, late), (PATH, paths))
    return [(use, _entries(kind)) for use, kind in uses if kind], reach


def _all_expressions(rules: Sequence[Rule]) -> list[tuple[list[bytes], int]]:
    """What to look for, for each rule; of many rules in two processes."""
    if len(rules) < _MANY:
        return [expressions(rule) for rule in rules]
    half = len(rules) // 2
    done = spread((rules[:half], rules[half:]), lambda part, _: [expressions(rule) for rule in part], lambda _: None)
    return [one for part in done for one in part]


def _entries(meant: _Meant) -> list[Entry]:
    return [Entry(tuple(at), text, flags) for (text, flags), at in meant.items()]


def _is_words(rule: Rule) -> bool:
    """Whether words are all that is looked for, more or less: these take another way through Hyperscan."""
    return rule.family == "secret" or rule.kind == "builtin"


def _lean(rule: Rule) -> Rule:
    return rule._replace(examples=(), near_misses=(), example_path="", source="", line=0)


def _digest(rules: Sequence[Rule]) -> str:
    return sha256(marshal.dumps([tuple(rule) for rule in rules], 2)).hexdigest()[:16]


def expressions(rule: Rule) -> tuple[list[bytes], int]:
    """What to look for so that a rule is not missed, and how far from there it can hold (0: anywhere)."""
    if rule.near:
        return [widened(rule.near).encode()], _reach(rule.body, 0) if rule.body else 0
    if rule.kind in ("pattern", "path"):
        length, words = factor(rule.body)
        cheaper = words or rule.body
        # Where a rule has no limit the whole text is searched for it: not for every "kill" or "find", nor for a "://".
        rare = length >= _RARE or (_reach(rule.body, 0) and not _MARKS.fullmatch(words))
        if (not words and not rule.keywords) or (words and not rare):
            part = segment(rule.body)
            if not words:
                cheaper = part
            elif "$" not in part or len(part) <= _QUICK:
                cheaper = _ANCHOR.sub(lambda found: found[1] or "", part)
        if cheaper == rule.body and rule.keywords:  # nothing in it to look for but what has to be near it
            words = "(?i:" + "|".join(re.escape(word) for word in rule.keywords) + ")"
            return [words.encode()], _reach(rule.body, _NEAR)
        return [widened(cheaper).encode()], 0 if cheaper == rule.body else _reach(rule.body, 0)
    if rule.literals:
        return [_word(literal) for literal in rule.literals], 0
    return [], 0


def _reach(pattern: str, more: int) -> int:
    """How long a match can be, and ``more``; 0 where there is no limit."""
    tree = parsed(pattern)
    longest = int(tree.getwidth()[1]) + more if tree is not None else 0
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
    """The pattern with long bounded repetitions unbounded: what it matches is a superset, and cheap to look for.

    That space has to stand at a line's start is left out: of two expressions that begin like that in one database,
    Hyperscan 5.4 does not see one.
    """

    def wider(found: re.Match[str]) -> str:
        if found[2] is None or int(found[2]) <= _WIDE:
            return found[0]
        return f"{{{found[1]},}}"

    return _INDENTED.sub(lambda found: found[1] or r"\s*", _REPEAT.sub(wider, pattern))


def _compile(kinds: Sequence[Sequence[Entry]], rules: Sequence[Rule]) -> list[bytes]:
    """A database of each kind; of many rules at the same time. Raises BrokenRule."""
    if sum(map(len, kinds)) < _MANY:
        made = [_tried(kind) for kind in kinds]
    else:
        made = spread(kinds, lambda kind, _: _tried(kind), lambda _: None)
    return [
        done if done is not None else hyperscan.dumpb(built([_possible(entry, rules) for entry in kind]))
        for kind, done in zip(kinds, made, strict=True)
    ]


def _tried(entries: Sequence[Entry]) -> bytes | None:
    try:
        return hyperscan.dumpb(built(entries))
    except hyperscan.HyperscanError:
        return None


def built(entries: Sequence[Entry]) -> hyperscan.Database:
    """A database of expressions, each known by its place among them. Raises HyperscanError."""
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
            built([tried])
        except hyperscan.HyperscanError as bad:
            reason = str(bad)
        else:
            return tried
    rule = rules[entry.at[0]]
    raise BrokenRule(rule.source, rule.line, f"rule {rule.id}: {rule.kind}: {reason}")
