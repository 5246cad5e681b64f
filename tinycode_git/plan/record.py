"""A plan as its record holds it: frozen data, and the JSON of ``plan.json``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, TypeVar

from tinycode_git.errors import Incomplete

VERSION = 1
T = TypeVar("T")


class State(StrEnum):
    """Where a plan stands in its life."""

    DRAFT = "draft"
    OPEN = "open"
    APPLIED = "applied"
    ROLLED_BACK = "rolled-back"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"

    @property
    def closed(self) -> bool:
        """Whether the plan waits for nothing any more."""
        return self in (State.APPLIED, State.REJECTED, State.SUPERSEDED)


class Risk(StrEnum):
    """How much a step can break, in rising order."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def level(self) -> int:
        """0 for none to 4 for critical."""
        return list(Risk).index(self)


def highest(risks: list[Risk]) -> Risk:
    """The highest of some risks; none where there are none."""
    return max(risks, key=lambda risk: risk.level, default=Risk.NONE)


@dataclass(frozen=True, slots=True)
class Step:
    """One commit of a plan: its number from 1, title, risk, the paths it touches, its oid."""

    n: int
    title: str
    risk: Risk
    paths: tuple[str, ...]
    oid: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """What the newest commit of the record stands for: ``at`` in seconds since 1970."""

    action: str
    by: str
    at: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that is stored of a plan. ``target`` is a full ref; ``merge`` the commit that applied it.

    ``undone`` says how a rollback was done: empty, ``reset``, or the oid of the reverting commit. ``before`` is where
    the target stood before the plan was applied.
    """

    id: str
    task: str
    planner: str
    state: State
    target: str
    base: str
    tip: str
    steps: tuple[Step, ...]
    created: int
    event: Event
    declared: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    findings: tuple[Mapping[str, Any], ...] = ()
    conflicts: tuple[Mapping[str, Any], ...] = ()
    merge: str = ""
    before: str = ""
    undone: str = ""
    kept: int = 0
    version: int = VERSION

    @property
    def risk(self) -> Risk:
        """The highest risk of the steps."""
        return highest([step.risk for step in self.steps])

    def after(self, event: Event, **changed: Any) -> Record:
        """The record once ``event`` has happened."""
        return replace(self, event=event, **changed)


def dump(record: Record) -> bytes:
    """``plan.json``: one object, ASCII (bytes of paths that are not UTF-8 are lone surrogate escapes)."""
    return json.dumps(asdict(record), indent=1).encode("ascii") + b"\n"


def load(data: bytes, where: str) -> Record:
    """A record from ``plan.json``. Raises Incomplete naming the field that is wrong; ``where`` is the ref's name."""
    try:
        raw = json.loads(data)
        version = raw["version"]
        if version != VERSION:
            raise Incomplete(f"{where} is version {version}; this git tiny reads {VERSION}", "upgrade git tiny")
        known = {f.name for f in fields(Record)}
        plain = {key: value for key, value in raw.items() if key in known}
        record = Record(
            **{
                **plain,
                "state": State(raw["state"]),
                "steps": tuple(_step(step) for step in raw["steps"]),
                "event": Event(**raw["event"]),
                "declared": tuple(raw["declared"]),
                "notes": tuple(raw["notes"]),
                "findings": tuple(raw["findings"]),
                "conflicts": tuple(raw.get("conflicts", ())),
            }
        )
        _check_types(record)
        return record
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Incomplete(
            f"{where} does not hold a readable record: {error}",
            f"git show {where}:plan.json shows it, git update-ref {where} {where}~1 goes back to the record before it",
        ) from error


_KINDS: dict[str, type] = {"str": str, "int": int, "tuple[str, ...]": tuple}


def _check_types(record: Record) -> None:
    """Raise TypeError where a field is not what it is declared as: a record may have come from anybody."""
    parts: tuple[Record | Event | Step, ...] = (record, record.event, *record.steps)
    for part in parts:
        for field in fields(part):
            value: Any = getattr(part, field.name)
            wanted = str(field.type)
            kind: type = _KINDS.get(wanted, object)
            if not isinstance(value, kind) or isinstance(value, bool):
                raise TypeError(f"{field.name} is {type(value).__name__}")
            if wanted == "tuple[str, ...]" and not _all_text(value):
                raise TypeError(f"{field.name} holds more than text")
    for row in (*record.findings, *record.conflicts):
        if not isinstance(row, dict):
            raise TypeError("findings and conflicts are objects")
    for row in record.conflicts:
        if not isinstance(row["step"], int) or not isinstance(row["path"], str) or not isinstance(row["kind"], str):
            raise TypeError("a conflict names step, path and kind")


def _all_text(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, str) for one in value)


def _step(raw: Mapping[str, Any]) -> Step:
    return Step(
        n=raw["n"],
        title=raw["title"],
        risk=Risk(raw["risk"]),
        paths=tuple(raw["paths"]),
        oid=raw["oid"],
        reasons=tuple(raw.get("reasons", ())),
    )


Transform = Callable[[Record], Record]
