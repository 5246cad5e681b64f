"""A finding of a review: what, where on the diff, how sure, which commits show it, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from hashlib import sha256
from typing import Any

from tinycode_git.review.place import Place

SEVERITIES = ("low", "medium", "high", "critical")


class State(StrEnum):
    """What became of a finding since it was first made."""

    NEW = "new"
    OPEN = "still open"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"


class Source(StrEnum):
    """Who says so."""

    VALIDATOR = "validator"
    LINTER = "linter"
    HISTORY = "history"
    MODEL = "model"


# What is no rule's finding: a few of these are shown, the surest first.
_JUDGED = (Source.HISTORY, Source.MODEL)


@dataclass(frozen=True, slots=True)
class Cited:
    """A commit that shows it."""

    oid: str
    title: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. The first thirteen fields are those that every finding of git tiny has.

    ``text`` is the first line of the place, ``key`` what tells findings of one rule and line apart; both go into the
    fingerprint, numbers of lines do not. ``certainty`` (0 to 1) orders what is no rule's finding. ``fix`` is the text
    that takes the place of the line (empty: none is known).
    """

    rule: str
    family: str
    severity: str
    confidence: str
    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    fingerprint: str
    redacted: str
    oid: str
    where: str
    commit: str
    source: Source
    tool: str
    advice: str
    text: str
    key: str
    certainty: float
    commits: tuple[Cited, ...] = ()
    state: State = State.NEW
    reason: str = ""
    fix: str = ""

    @property
    def counts(self) -> bool:
        """Whether it still stands: nobody dismissed it."""
        return self.state is not State.DISMISSED

    def at_least(self, severity: str) -> bool:
        """Whether it is as severe as that or more."""
        return SEVERITIES.index(self.severity) >= SEVERITIES.index(severity)


def made(
    place: Place,
    *,
    rule: str,
    source: Source,
    severity: str,
    confidence: str,
    message: str,
    family: str = "",
    tool: str = "git-tiny",
    advice: str = "",
    columns: tuple[int, int] = (1, 1),
    key: str = "",
    certainty: float = 1.0,
    commits: Iterable[Cited] = (),
    redacted: str = "",
    oid: str = "",
    text: str | None = None,
    fix: str = "",
) -> Finding:
    """A finding at a place. ``text`` replaces the place's own line where that must not be kept (a secret)."""
    shown = place.text if text is None else text
    return Finding(
        rule=rule,
        family=family or source.value,
        severity=severity,
        confidence=confidence,
        path=place.path,
        line=place.line,
        column=columns[0],
        end_line=place.end_line,
        end_column=columns[1],
        message=message,
        fingerprint=fingerprint(rule, place.path, shown, key or place.commit),
        redacted=redacted,
        oid=oid,
        where=place.where,
        commit=place.commit,
        source=source,
        tool=tool,
        advice=advice,
        text=shown,
        key=key,
        certainty=certainty,
        commits=tuple(commits),
        fix=fix,
    )


def fingerprint(rule: str, path: str, text: str, key: str) -> str:
    """32 hex digits that stay the same when the line moves or is indented."""
    joined = "\0".join((rule, path, "".join(text.split()), key))
    return sha256(joined.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def chosen(findings: Iterable[Finding], most: int) -> tuple[tuple[Finding, ...], int]:
    """What is shown: every rule's finding, and of the rest the ``most`` surest; and how many are left out.

    Equal findings (same fingerprint) are one; what was dismissed takes no place. Order: severity, then certainty, then
    place.
    """
    unlike = list({one.fingerprint: one for one in findings}.values())
    rules = [one for one in unlike if one.source not in _JUDGED or not one.counts]
    judged = [one for one in unlike if one.source in _JUDGED and one.counts]
    rest = sorted(judged, key=lambda one: (-one.certainty, one.path))
    kept = sorted([*rules, *rest[:most]], key=_order)
    return tuple(kept), len(rest) - min(most, len(rest))


def _order(one: Finding) -> tuple[int, float, str, int]:
    return -SEVERITIES.index(one.severity), -one.certainty, one.path, one.line


_FIELDS = tuple(field.name for field in fields(Finding))


def from_json(raw: Mapping[str, Any]) -> Finding:
    """A finding as it was written. Raises KeyError, TypeError or ValueError for what is none."""
    plain = {name: raw[name] for name in _FIELDS if name != "fix"} | {"fix": raw.get("fix", "")}
    for name, value in plain.items():
        wanted: type | tuple[type, ...] = str
        if name in ("line", "column", "end_line", "end_column"):
            wanted = int
        elif name == "certainty":
            wanted = (int, float)
        elif name == "commits":
            wanted = list
        if not isinstance(value, wanted):
            raise TypeError(f"{name} is {type(value).__name__}")
    if plain["severity"] not in SEVERITIES:
        raise ValueError(f"there is no severity {plain['severity']!r}")
    plain["source"], plain["state"] = Source(plain["source"]), State(plain["state"])
    plain["commits"] = tuple(Cited(str(row["oid"]), str(row["title"])) for row in plain["commits"])
    return Finding(**plain)


def compared(now: Iterable[Finding], before: Iterable[Finding]) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The findings with what they are against a review before (new, still open, dismissed), and those fixed since.

    A finding is the same where its fingerprint is; in a file that was renamed, where rule, line and key are.
    """
    known = {one.fingerprint: one for one in before}
    by_line = {(one.rule, "".join(one.text.split()), one.key): one for one in before}
    seen: set[str] = set()
    stated: list[Finding] = []
    for one in now:
        old = known.get(one.fingerprint) or (by_line.get((one.rule, "".join(one.text.split()), one.key)))
        if old is None or old.fingerprint in seen:
            stated.append(one)
            continue
        seen.add(old.fingerprint)
        state = State.DISMISSED if old.state is State.DISMISSED else State.OPEN
        stated.append(replace(one, state=state, reason=old.reason if state is State.DISMISSED else ""))
    fixed = tuple(one for one in before if one.fingerprint not in seen and one.state in (State.NEW, State.OPEN))
    return tuple(stated), fixed
