"""What a model is shown of the evidence, and what its sentences are held against: messages and diffs, by importance."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property

from tinycode_git.history.evidence import Evidence, Role
from tinycode_git.history.support import Corpus

MOST_SHOWN = 24
_MESSAGE, _SUBJECT = 1200, 4000
_DIFF_ROWS, _ROW = 60, 200

Count = Callable[[str], int]
Fenced = Callable[[str, str], str]


class Did(StrEnum):
    """What a commit did, as far as code can tell: a sentence that says one of these of it must be borne out."""

    ADD = "add"
    REMOVE = "remove"
    MOVE = "move"
    COPY = "copy"
    REVERT = "revert"
    FIX = "fix"
    MERGE = "merge"


_BY_ROLE = {
    Role.INTRODUCED: Did.ADD,
    Role.RENAMED: Did.MOVE,
    Role.DELETED: Did.REMOVE,
    Role.REVERTS: Did.REVERT,
    Role.REVERTED: Did.REVERT,
    Role.FIXES: Did.FIX,
    Role.FIXED: Did.FIX,
    Role.PICKED: Did.COPY,
    Role.BROUGHT: Did.MERGE,
}
_SAID = {
    Did.ADD: r"add|introduc|creat|new\b|implement|support|extend",
    Did.REMOVE: r"remov|delet|drop|get rid|stop|clean",
    Did.MOVE: r"mov(?:e|ing)|renam",
    Did.COPY: r"cop(?:y|ied|ies)|cherry",
    Did.REVERT: r"revert|undo|undid|back(?:s|ed|ing)? out|take(?:s|n)? back|restor",
    Did.FIX: r"fix|repair|correct|bug|crash|leak|wrong|broken|fault|error|regress",
    Did.MERGE: r"merg|pull request",
}


@dataclass(frozen=True)
class Exhibit:
    """One piece of evidence: its message and its diff whole. ``problem``: why no sentence may rest on it."""

    id: str
    oid: str
    head: str
    message: str
    diff: str
    did: frozenset[Did]
    problem: str = ""

    @cached_property
    def corpus(self) -> Corpus:
        """All that a sentence about it may draw on."""
        return Corpus(f"{self.oid}\n{self.head}\n{self.message}\n{bare(self.diff)}")

    @cached_property
    def said(self) -> Corpus:
        """The message alone, without its trailers."""
        return Corpus(_without_trailers(self.message))

    @cached_property
    def rows(self) -> Corpus:
        """The lines of the diff, without their marks."""
        return Corpus(bare(self.diff))


_TRAILER = re.compile(
    r"^(?:[a-z][a-z0-9-]*(?:-by|-to|-id|-step|-risk|-tip)|fixes|closes|link|cc|bug): .*$|^\(cherry picked from .*$",
    re.I | re.M,
)
_HEADER = re.compile(r"^(?:index |similarity |dissimilarity |old mode |new mode |@@ ).*$", re.M)


def _without_trailers(message: str) -> str:
    return _TRAILER.sub("", message)


def bare(diff: str) -> str:
    """The lines of a diff without the marks of added and removed."""
    return re.sub(r"^[-+ ]", "", _HEADER.sub("", diff), flags=re.M)


def exhibit(one: Evidence, *, ancestor: bool, touching: bool) -> Exhibit:
    """A piece of evidence as it is shown and checked; what is no ancestor or does not touch may not be cited."""
    problem = "" if ancestor else "is no ancestor of the commit asked about"
    if ancestor and not touching:
        problem = "does not touch what was asked about"
    head, message, diff = (printable_bytes(text) for text in (_head(one), one.message, one.patch))
    return Exhibit(one.id, one.oid, head, message, diff, _did(one), problem)


def printable_bytes(text: str) -> str:
    """Bytes that are not UTF-8 as ``\\xff``: no server takes half a character."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _did(one: Evidence) -> frozenset[Did]:
    found = {_BY_ROLE[role] for role in one.roles if role in _BY_ROLE}
    found |= {did for did, pattern in _SAID.items() if re.search(rf"(?i)\b(?:{pattern})", one.message)}
    if re.search(r"^\+(?!\+\+ )", one.patch, re.M):
        found.add(Did.ADD)
    if re.search(r"^-(?!-- )", one.patch, re.M):
        found.add(Did.REMOVE)
    if re.search(r"^(?:rename|copy) from ", one.patch, re.M) or one.note.startswith(("was ", "stood at ")):
        found.add(Did.MOVE)
    return frozenset(found | ({Did.FIX} if one.fix else set()))


def _head(one: Evidence) -> str:
    facts = [
        f"{datetime.fromtimestamp(one.when, UTC):%Y-%m-%d} by {one.author}",
        ", ".join(role.value for role in one.roles),
        one.note,
        f"first in {one.release.first}" if one.release else "",
        f"with tests {', '.join(one.test_paths[:3])}" if one.test_paths else "",
    ]
    return "; ".join(fact for fact in facts if fact)


# From which role on a commit touches what was asked about; of a commit, whatever has to do with it does.
TOUCHING: Mapping[str, AbstractSet[Role]] = {
    "lines": {Role.INTRODUCED, Role.OLDEST, Role.WROTE, Role.CHANGED},
    "path": {Role.INTRODUCED, Role.OLDEST, Role.RENAMED, Role.CHANGED, Role.DELETED},
    "range": {Role.PART},
    "plan": {Role.STEP},
    "commit": set(Role),
}


def by_importance(evidence: Iterable[Evidence]) -> list[Evidence]:
    """What says most first: what was asked about or began it, what took back, moved or mended, then the newest."""
    return sorted(evidence, key=lambda one: (importance(one), -one.when, one.id))


def importance(one: Evidence) -> int:
    """0 is the greatest."""
    if {Role.SUBJECT, Role.INTRODUCED, Role.OLDEST, Role.WROTE, Role.DELETED} & set(one.roles):
        return 0
    if {Role.REVERTS, Role.REVERTED, Role.RENAMED, Role.CAUSE, Role.BROUGHT} & set(one.roles):
        return 1
    return 2 if set(one.roles) - {Role.CHANGED, Role.PART} or one.fix else 3


@dataclass(frozen=True, slots=True)
class Packed:
    """The text for a model, in order of time, and the ids of the evidence that is in it."""

    text: str
    ids: tuple[str, ...]


def pack(ranked: Sequence[Exhibit], room: int, count: Count, fenced: Fenced) -> Packed:
    """As many of ``ranked`` (the most important first) as ``room`` tokens hold: messages first, then diffs.

    ``fenced`` puts a text under a title, marked as data.
    """
    shown: dict[str, str] = {}
    for one in ranked[:MOST_SHOWN]:
        most = _MESSAGE if shown else _SUBJECT
        text = _titled(one, clipped(one.message, most), fenced)
        if count(text) > room and not shown:
            text = _titled(one, clipped(one.message, max(200, room)), fenced)
        if count(text) > room:
            break
        room -= count(text)
        shown[one.id] = text
    for one in ranked:
        if one.id in shown and one.diff:
            text = "\n" + fenced(f"{one.id} changed", _trimmed(one.diff, one.problem == ""))
            if count(text) <= room:
                room -= count(text)
                shown[one.id] += text
    ordered = sorted(shown, key=lambda name: int(name.lstrip("E")))
    return Packed("\n\n".join(shown[name] for name in ordered), tuple(ordered))


def _titled(one: Exhibit, message: str, fenced: Fenced) -> str:
    return fenced(f"{one.id} ({' '.join(one.head.split())})", message)


def clipped(text: str, most: int) -> str:
    """The beginning of a text, at the end of a word."""
    text = text.strip()
    return text if len(text) <= most else text[:most].rsplit(None, 1)[0] + " ..."


def _trimmed(diff: str, own: bool) -> str:
    """The lines that say most of a diff: names of files, heads of hunks, what went and what came."""
    rows = [row for row in diff.split("\n") if not row.startswith(("index ", "diff --git", "similarity "))]
    most = _DIFF_ROWS if own else _DIFF_ROWS // 3
    if len(rows) > most:
        rows = [row for row in rows if not row.startswith(" ")]
    more = [f"... {len(rows) - most} more lines"] if len(rows) > most else []
    return "\n".join([*(row[:_ROW] for row in rows[:most]), *more])
