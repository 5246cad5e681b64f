"""What an explanation is made of: commits with the part that each played, and what could not be looked at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from tinycode_git.git.read import Commit
from tinycode_git.git.trailers import trailers
from tinycode_git.history.links import bugs_in, is_fix


class Role(StrEnum):
    """The part that a commit played, as the timeline says it."""

    SUBJECT = "asked about"
    INTRODUCED = "introduced"
    WROTE = "wrote the lines as they stand"
    CHANGED = "changed"
    OLDEST = "the oldest that this clone has"
    RENAMED = "renamed"
    DELETED = "deleted"
    CAUSE = "wrote what it replaces"
    REVERTED = "is reverted by it"
    REVERTS = "reverts"
    FIXED = "is fixed by it"
    FIXES = "fixes"
    PICKED = "is a copy of"
    BROUGHT = "merged it"
    STEP = "step of the plan"
    PART = "part of the range"


@dataclass(frozen=True, slots=True)
class Release:
    """The first tag that holds a commit, and how many tags do."""

    first: str
    count: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """One commit. ``about`` names, for a role that is about another commit, that commit (full oid).

    ``reason`` is the first paragraph of the message's body: what it states, in its own words; empty where it states
    nothing. ``test_paths`` are the tests that came with it.
    """

    id: str
    oid: str
    roles: tuple[Role, ...]
    title: str
    author: str
    email: str
    when: int
    reason: str = ""
    message: str = ""
    trailers: tuple[tuple[str, str], ...] = ()
    bugs: tuple[str, ...] = ()
    fix: bool = False
    about: tuple[str, ...] = ()
    release: Release | None = None
    test_paths: tuple[str, ...] = ()
    file_count: int = 0
    note: str = ""
    share: float = 0.0
    patch: str = ""

    def trailer(self, name: str) -> str:
        """The value of a trailer; empty where there is none."""
        return next((value for key, value in self.trailers if key.lower() == name.lower()), "")


@dataclass(frozen=True, slots=True)
class Origin:
    """One line of the file now: who wrote it (an evidence id), and where it stood then."""

    line: int
    evidence: str
    was_path: str
    was_line: int
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked about. ``kind`` is lines, path, commit, range or plan; lines count from 1."""

    kind: str
    words: str
    commit: str
    path: str = ""
    first: int = 0
    last: int = 0
    symbol: str = ""
    base: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer: evidence in order of time. ``gaps`` say what could not be looked at; ``notes`` what to know."""

    asked: Asked
    evidence: tuple[Evidence, ...]
    origins: tuple[Origin, ...] = ()
    notes: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    plans: tuple[Mapping[str, Any], ...] = ()
    operations: tuple[Mapping[str, Any], ...] = ()

    def of_role(self, *roles: Role) -> tuple[Evidence, ...]:
        """The evidence that plays one of the parts."""
        return tuple(one for one in self.evidence if set(roles) & set(one.roles))


_TRAILING = re.compile(r"^[A-Za-z][A-Za-z0-9-]*-(?:by|to): |^(?:Fixes|Closes|Link|Cc|Change-Id|Bug): ")


_KEYED = re.compile(r"^[A-Za-z]+(?:-[A-Za-z0-9]+)+: ")  # any tool's trailers: Plan-Id, Reviewed-On


def reason_of(message: str) -> str:
    """The first paragraph of a message's body that is prose: no trailers, no lists of oids, no quoted revert."""
    body = message.lstrip("\n").partition("\n")[2]
    for paragraph in re.split(r"\n[ \t]*\n", body.strip("\n")):
        rows = [row.strip() for row in paragraph.strip().split("\n") if row.strip()]
        if not rows or all(_TRAILING.match(row) or _KEYED.match(row) for row in rows):
            continue
        if rows[0].startswith("(cherry picked") or re.match(r"This reverts commit [0-9a-f]+\.?$", rows[0]):
            rows = rows[1:]
        rows = [row for row in rows if not _TRAILING.match(row)]
        text = " ".join(rows)
        if len(text.split()) >= 3:
            return text
    return ""


_WRAPPED = 64  # a line is followed by what did not fit on it where both would be longer
_LIST = re.compile(r"[-*+] |\d+[.)] |\(cherry picked|This reverts commit ")
_NEXT_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(`])")


def headline(message: str) -> tuple[str, str]:
    """What a message calls the commit, and the reason that it states.

    Mostly the first line and ``reason_of``. Of a first paragraph of wrapped lines (git's ``%s`` is all of it) the first
    sentence is what it calls the commit, and what follows is the reason.
    """
    first = re.split(r"\n[ \t]*\n", message.lstrip("\n"), maxsplit=1)[0].rstrip().split("\n")
    if not _runs_on(first):
        return first[0], reason_of(message)
    title, *rest = _NEXT_SENTENCE.split(" ".join(row.strip() for row in first), maxsplit=1)
    if rest and len(rest[0].split()) >= 3:
        return title, rest[0]
    return title, reason_of(title + "\n" + message.lstrip("\n")[len("\n".join(first)) :])


def _runs_on(rows: Sequence[str]) -> bool:
    if len(rows) < 2 or any(_TRAILING.match(row) or _LIST.match(row.strip()) for row in rows[1:]):
        return False
    return len(rows[0].rstrip()) + 1 + len((rows[1].split() or [""])[0]) > _WRAPPED


@dataclass(slots=True)
class Gathered:
    """Evidence while it is gathered: roles by oid, in the order in which they were found."""

    roles: dict[str, list[Role]] = field(default_factory=dict)
    about: dict[str, list[str]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    patches: dict[str, str] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)

    def add(self, oid: str, role: Role, *, about: str = "") -> None:
        """A commit plays a part; ``about`` is the commit that the part is about."""
        if role not in self.roles.setdefault(oid, []):
            self.roles[oid].append(role)
        if about and about not in self.about.setdefault(oid, []):
            self.about[oid].append(about)

    def evidence(
        self,
        commits: Iterable[Commit],
        tests: Mapping[str, Sequence[str]],
        files: Mapping[str, int],
        releases: Mapping[str, Release],
    ) -> tuple[Evidence, ...]:
        """The records, oldest first, numbered E1, E2 ..."""
        # Rebased commits share a second; git named the newer of them first.
        found = {oid: -at for at, oid in enumerate(self.roles)}
        ordered = sorted(commits, key=lambda commit: (commit.committer.when, found[commit.oid]))
        made = []
        for number, commit in enumerate(ordered, 1):
            oid = commit.oid
            made.append(
                replace(
                    of_commit(commit, f"E{number}"),
                    roles=tuple(self.roles[oid]),
                    about=tuple(self.about.get(oid, ())),
                    release=releases.get(oid),
                    test_paths=tuple(tests.get(oid, ())),
                    file_count=files.get(oid, 0),
                    note=self.notes.get(oid, ""),
                    share=self.shares.get(oid, 0.0),
                    patch=self.patches.get(oid, ""),
                )
            )
        return tuple(made)


def of_commit(commit: Commit, name: str) -> Evidence:
    """What the commit object itself says."""
    title, reason = headline(commit.message)
    return Evidence(
        id=name,
        oid=commit.oid,
        roles=(),
        title=title,
        author=commit.author.name,
        email=commit.author.email,
        when=commit.author.when,
        reason=reason,
        message=commit.message,
        trailers=tuple(trailers(commit.message)),
        bugs=bugs_in(commit.message),
        fix=is_fix(commit.message),
    )
