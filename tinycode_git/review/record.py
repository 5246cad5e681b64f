"""A review as a whole, and as it is kept in git: a note of JSON lines, the head first, then a finding a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tinycode_git.errors import Incomplete
from tinycode_git.review.finding import Finding, State, from_json

VERSION = 1


@dataclass(frozen=True, slots=True)
class Looked:
    """What was looked at in one file: its hunks (first and last line), by whom, and by whom not and why."""

    path: str
    hunks: tuple[tuple[int, int], ...]
    lines: int
    by: tuple[str, ...]
    not_by: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """What a review is of. ``patches`` are the patch ids of its commits, which stay the same in a rebase.

    ``gate`` says how the user's check ended on the tip (empty: it did not run); ``model`` which model was asked (empty:
    none), ``asked`` of how many hunks.
    """

    tip: str
    base: str
    branch: str
    patches: tuple[str, ...]
    tier: str
    at: int
    by: str
    program: str
    hunks: int = 0
    unseen: int = 0
    gate: str = ""
    model: str = ""
    asked: int = 0
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Note:
    """What is kept of a review."""

    head: Head
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What came of asking a model: answers, how many findings they held, what was dropped of them by reason."""

    model: str
    samples: int
    answers: int = 0
    claims: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Review:
    """A review that was just made. ``dropped`` counts what was said of lines that the change does not touch, by tool.

    ``excused`` counts what the validator let pass by an exception or found outside of the change; ``said`` is None
    where no model was asked.
    """

    head: Head
    findings: tuple[Finding, ...]
    fixed: tuple[Finding, ...]
    coverage: tuple[Looked, ...]
    dropped: Mapping[str, int]
    left_out: int
    gaps: tuple[str, ...]
    notes: tuple[str, ...]
    before: str = ""
    excused: int = 0
    said: Said | None = None
    interrupted: bool = False

    @property
    def standing(self) -> tuple[Finding, ...]:
        """The findings that nobody dismissed."""
        return tuple(one for one in self.findings if one.counts)


def dump(note: Note) -> bytes:
    """The note as git keeps it: ASCII, one object a line."""
    rows = [asdict(note.head), *(asdict(one) for one in note.findings)]
    return "".join(json.dumps(row, separators=(", ", ": ")) + "\n" for row in rows).encode("ascii")


def load(data: bytes, where: str) -> Note:
    """The note that ``data`` holds. Raises Incomplete, naming ``where`` it stands, for what is none."""
    try:
        first, *rest = data.decode("utf-8").splitlines()
        return Note(_head(json.loads(first)), tuple(from_json(json.loads(row)) for row in rest if row))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as wrong:
        raise Incomplete(
            f"the review note of {where} cannot be read: {wrong}", "git notes --ref=tiny-review show says what it holds"
        ) from wrong


def _head(raw: dict[str, Any]) -> Head:
    if raw["version"] != VERSION:
        raise ValueError(f"it is version {raw['version']}; this git tiny reads {VERSION}")
    texts = {name: raw[name] for name in ("tip", "base", "branch", "tier", "by", "program", "gate")}
    if not all(isinstance(value, str) for value in texts.values()):
        raise TypeError("a field of the head is no text")
    if not all(isinstance(one, str) for one in raw["patches"]):
        raise TypeError("a patch id is no text")
    return Head(
        **texts,
        patches=tuple(raw["patches"]),
        at=int(raw["at"]),
        hunks=int(raw["hunks"]),
        unseen=int(raw["unseen"]),
        model=str(raw.get("model", "")),
        asked=int(raw.get("asked", 0)),
    )


def settled(note: Note, fingerprint: str, state: State, reason: str) -> Note:
    """The note with one finding in another state."""
    findings = tuple(
        replace(one, state=state, reason=reason) if one.fingerprint == fingerprint else one for one in note.findings
    )
    return replace(note, findings=findings)
