"""What commit messages say of other commits and of bugs: reverts, fixes, follow-ups, picks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

_OID = r"\b([0-9a-f]{7,64})\b"


class LinkKind(StrEnum):
    """What one commit is to another."""

    REVERTS = "reverts"
    FIXES = "fixes"
    FOLLOWS = "follows up"
    PICKED = "picked from"


# What git log is asked for: messages in which one of the patterns below may be found.
GREP = (
    r"revert|fixes|fix for|follow-?(ed )?(up|on)|amends|introduced|regress|broke|caused|cherry picked|reapply"
    r"|since commit|bug in"
)
_PATTERNS: tuple[tuple[LinkKind, re.Pattern[str]], ...] = (
    (LinkKind.REVERTS, re.compile(rf"(?i)\brevert(?:s|ed|ing)?\s+(?:the\s+)?(?:commit\s+|changeset\s+)?{_OID}")),
    (LinkKind.PICKED, re.compile(rf"(?i)\bcherry[- ]picked from (?:commit )?{_OID}")),
    (LinkKind.FIXES, re.compile(rf"(?im)^\s*fix(?:es|ed)?\s*:\s*(?:commit\s+)?{_OID}")),
    (LinkKind.FOLLOWS, re.compile(rf"(?i)\bfollow(?:ed)?[- ]?(?:up|on)\b[^\n]{{0,40}}?(?:\bcommit\s+)?{_OID}")),
    (
        LinkKind.FIXES,
        re.compile(
            r"(?i)\b(?:introduced|broken?|caused|regress(?:ed|ion)?|since|fix(?:es)?(?: for)?|amends|bug)"
            rf"\s+(?:(?:in|by|with|from|since|was|a|the|introduced)\s+){{0,4}}(?:commit\s+)?{_OID}"
        ),
    ),
)
_REVERT_TITLE = re.compile(r'^(?:\[[^\]]*\]\s*|[\w/.-]+:\s*)?Revert\s+["“](.+)["”]\s*\.?$')
# What was read by other rules is read again.
LINK_RULES = sha256(
    "\n".join([GREP, _REVERT_TITLE.pattern, *(one.pattern for _, one in _PATTERNS)]).encode()
).hexdigest()
_BUGS = re.compile(
    r"\b(?:CVE-\d{4}-\d{4,})|(?:(?<=[\s(,])|(?<=^))(?:[\w.-]+/[\w.-]+)?#\d{1,7}\b|\b(?:bug|issue)[ #:]+(\d{2,8})\b"
    r"|\b(?!(?:UTF|SHA|ISO|RFC|BSD|CVE|GPL|MIT|HTTP|TLS|IPV)-)[A-Z]{2,8}-\d{1,6}\b",
    re.M,
)
_FIX = re.compile(
    r"(?i)\b(?:fix(?:es|ed|ing)?|bug ?fix|hotfix|crash(?:es)?|leaks?|regression|segfault|deadlock|overflow|race"
    r"|use[- ]after[- ]free|corruption|broken|incorrect(?:ly)?|wrong(?:ly)?|prevent|avoid|cve-\d+)\b"
)
_NO_FIX = re.compile(
    r"(?i)\b(?:typos?|comments?|docs?|documentation|spelling|grammar|whitespace|formatting|indent(?:ation)?|lint"
    r"|style|tests?|flaky|warnings?|changelog|readme)\b"
)


@dataclass(frozen=True, slots=True)
class Link:
    """What a message says of another commit: its oid or the beginning of it, or (a revert by title) its title."""

    kind: LinkKind
    oid: str = ""
    title: str = ""


def links_in(message: str) -> tuple[Link, ...]:
    """The commits that a message names, each once, with what it says of them (the first pattern that names it)."""
    found: dict[str, Link] = {}
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(message):
            if not match[1].isdigit():
                found.setdefault(match[1], Link(kind, match[1]))
    title = message.lstrip("\n").split("\n", 1)[0]
    named = _REVERT_TITLE.match(title)
    if named and not any(link.kind is LinkKind.REVERTS for link in found.values()):
        found[""] = Link(LinkKind.REVERTS, "", named[1])
    return tuple(found.values())


def bugs_in(message: str) -> tuple[str, ...]:
    """The bugs that a message names, as it writes them: ``#12``, ``CVE-2024-1``, ``ABC-12``, ``bug 12``."""
    return tuple(dict.fromkeys(match[0].strip() for match in _BUGS.finditer(message)))


def is_fix(message: str) -> bool:
    """Whether a message says that it mends a fault in the program (not a typo, a comment, a test)."""
    title = message.lstrip("\n").split("\n", 1)[0]
    return title_fixes(title) or any(link.kind is LinkKind.FIXES for link in links_in(message))


def title_fixes(title: str) -> bool:
    """Whether a title by itself says so."""
    return bool(_FIX.search(title)) and not _NO_FIX.search(title)


def title_reverts(title: str) -> bool:
    """Whether a title by itself says that the commit takes another one back."""
    return _REVERT_TITLE.match(title) is not None


@dataclass(frozen=True, slots=True)
class Linked:
    """A commit whose message names others."""

    oid: str
    links: tuple[Link, ...]


class LinkIndex:
    """Who names whom: asked for a commit, it answers with those that name it."""

    def __init__(self, commits: Iterable[Linked]) -> None:
        self._by_oid: dict[str, list[tuple[Linked, Link]]] = {}
        self._by_title: dict[str, list[tuple[Linked, Link]]] = {}
        for commit in commits:
            for link in commit.links:
                if link.oid:
                    self._by_oid.setdefault(link.oid[:7], []).append((commit, link))
                else:
                    self._by_title.setdefault(link.title, []).append((commit, link))

    def to(self, oid: str, title: str) -> Iterator[tuple[str, LinkKind]]:
        """Commits that name the one with this oid (or, where a revert names no oid, this title)."""
        for commit, link in self._by_oid.get(oid[:7], ()):
            if oid.startswith(link.oid) and commit.oid != oid:
                yield commit.oid, link.kind
        for commit, link in self._by_title.get(title, ()):
            if commit.oid != oid:
                yield commit.oid, link.kind


def link_args(commit: str) -> list[str]:
    """The arguments of the ``git log`` whose output ``parse_links`` reads: history as ``commit`` has it."""
    grep = ("--extended-regexp", "--regexp-ignore-case", f"--grep={GREP}")
    return ["log", "-z", "--no-color", "--no-show-signature", "--format=%H%n%B", *grep, "--end-of-options", commit]


def parse_links(out: bytes) -> LinkIndex:
    """The links of the messages that it printed."""
    return LinkIndex(linked_in(out))


_MAY_LINK = re.compile(rb"(?<![0-9A-Za-z])[0-9a-f]{7,64}(?![0-9A-Za-z])|Revert ")


def linked_in(out: bytes) -> Iterator[Linked]:
    """The same by commit, in the order in which git named them."""
    for record in out.split(b"\0"):
        oid, _, message = record.partition(b"\n")
        if not _MAY_LINK.search(message):
            continue
        links = links_in(message.decode("utf-8", "replace"))
        if links:
            yield Linked(oid.decode(), links)
