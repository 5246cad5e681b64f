"""The first phase of a model's plan: the form that its answer must have, and what is taken from it.

The form bounds every list and string and names files by ids of an enumeration, because a grammar over thousands of
paths costs a model more than its answer. A server may not honour the form, so everything is checked again here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tinycode_git.dialogue import Schema
from tinycode_git.edits.paths import check_path, shown
from tinycode_git.errors import Refused
from tinycode_git.proposal import Snapshot

MOST_FILES = 200
_TITLE, _INTENT, _PATH = 72, 240, 120
_EACH = 6
_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.S)


class BadAnswer(Exception):
    """Why an answer cannot be used, in words for the model and for the user."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step of the plan before it is carried out: paths to change, to create and to delete."""

    title: str
    intent: str
    change: tuple[str, ...] = ()
    create: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that the step touches."""
        return (*self.change, *self.create, *self.delete)


@dataclass(frozen=True, slots=True)
class Planned:
    """The steps, and what of the answer was dropped and why."""

    steps: tuple[PlannedStep, ...]
    dropped: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reading:
    snapshot: Snapshot
    ids: Mapping[str, str]
    dropped: list[str] = field(default_factory=list)


def ids_of(paths: Sequence[str]) -> dict[str, str]:
    """Ids of files, short because a model writes them: ``f1`` is the first path."""
    return {f"f{n}": path for n, path in enumerate(paths[:MOST_FILES], 1)}


def schema_of(ids: Mapping[str, str], steps: int) -> Schema:
    """The JSON schema of a plan over these files, of at most so many steps."""
    known = {"type": "array", "maxItems": _EACH, "items": {"type": "string", "enum": list(ids)}}
    if not ids:
        known = {"type": "array", "maxItems": 0, "items": {"type": "string"}}
    new = {"type": "array", "maxItems": _EACH, "items": {"type": "string", "minLength": 1, "maxLength": _PATH}}
    step = {
        "title": {"type": "string", "minLength": 3, "maxLength": _TITLE},
        "intent": {"type": "string", "minLength": 3, "maxLength": _INTENT},
        "change": known,
        "create": new,
        "delete": known,
    }
    item = {"type": "object", "properties": step, "required": list(step), "additionalProperties": False}
    return {
        "type": "object",
        "properties": {"steps": {"type": "array", "minItems": 1, "maxItems": steps, "items": item}},
        "required": ["steps"],
        "additionalProperties": False,
    }


def read_plan(text: str, snapshot: Snapshot, ids: Mapping[str, str], most: int) -> Planned:
    """The steps in a model's answer. Raises BadAnswer where there is no plan in it.

    Files that do not exist, paths that no plan may write and steps without files are dropped, and said.
    """
    raw = _object(text)
    rows = raw.get("steps")
    if not isinstance(rows, list) or not rows:
        raise BadAnswer('the answer has no list "steps"')
    reading = _Reading(snapshot, ids)
    steps = [step for n, row in enumerate(rows[:most], 1) if (step := _step(reading, n, row)) is not None]
    if len(rows) > most:
        reading.dropped.append(f"{len(rows) - most} steps beyond the first {most}")
    if not steps:
        raise BadAnswer("no step of the answer names a file that can be changed: " + "; ".join(reading.dropped[:3]))
    return Planned(tuple(steps), tuple(reading.dropped))


def _object(text: str) -> dict[str, Any]:
    """The JSON object in an answer: the whole of it, or fenced, or between prose."""
    candidates = [text, *_FENCE.findall(text)]
    if (start := text.find("{")) >= 0:
        candidates += [text[start : text.rfind("}") + 1], _balanced(text[start:])]
    why = "there is no JSON object in it"
    for candidate in candidates:
        try:
            found = json.loads(candidate)
        except ValueError as error:
            why = f"it is not valid JSON ({error})" if "{" in candidate else why
            continue
        except RecursionError:
            why = "it is nested too deeply"
            continue
        if isinstance(found, list):
            found = {"steps": found}
        if isinstance(found, dict):
            inner = found.get("plan")
            return inner if "steps" not in found and isinstance(inner, dict) else found
    raise BadAnswer(f"the answer is no plan: {why}")


def _balanced(text: str) -> str:
    """The first object in ``text``, which may go on after it."""
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return ""
    return text[:end]


def _step(reading: _Reading, n: int, row: Any) -> PlannedStep | None:
    if not isinstance(row, dict):
        reading.dropped.append(f"step {n}, which is no object")
        return None
    title = _line(row.get("title"), _TITLE) or _line(row.get("intent"), _TITLE)
    change = _known(reading, n, row.get("change"), "change")
    create, there = _new(reading, n, row.get("create"))
    delete = _known(reading, n, row.get("delete"), "delete")
    change = tuple(dict.fromkeys((*change, *there)))
    delete = tuple(path for path in delete if path not in change)
    if not title or not (change or create or delete):
        reading.dropped.append(f"step {n}, which {'names no file' if title else 'has no title'}")
        return None
    return PlannedStep(title, _line(row.get("intent"), _INTENT), change, create, delete)


def _line(value: Any, most: int) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    text = "".join(char for char in text if char.isprintable())
    return text if len(text) <= most else text[: most - 3].rstrip() + "..."


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        value = [value]
    return [one.strip() for one in value if isinstance(one, str) and one.strip()] if isinstance(value, list) else []


def _known(reading: _Reading, n: int, value: Any, verb: str) -> tuple[str, ...]:
    """Paths behind ids; a path in place of its id is taken where the repository has it."""
    found = []
    for text in _texts(value)[: 2 * _EACH]:
        path = reading.ids.get(text) or text.removeprefix("./")
        if _is_file(reading.snapshot, path):
            found.append(path)
        else:
            reading.dropped.append(f"step {n} would {verb} {shown(text)}, which is not there")
    return tuple(dict.fromkeys(found))[:_EACH]


def _new(reading: _Reading, n: int, value: Any) -> tuple[tuple[str, ...], list[str]]:
    """New paths, and those of them that are there already."""
    found, there = [], []
    for text in _texts(value)[: 2 * _EACH]:
        path = reading.ids.get(text) or text.removeprefix("./")
        try:
            check_path(path)
        except Refused as refused:
            reading.dropped.append(f"step {n}: {refused.message}")
            continue
        if _is_file(reading.snapshot, path):
            there.append(path)
        elif taken := _taken(reading.snapshot, path):
            reading.dropped.append(f"step {n} would create {shown(path)}, {taken}")
        else:
            found.append(path)
    return tuple(dict.fromkeys(found))[:_EACH], there


def _taken(snapshot: Snapshot, path: str) -> str:
    """Why no file can be made at ``path``; nothing where one can."""
    if snapshot.is_dir(path):
        return "which is a folder"
    if snapshot.entry(path) is not None:
        return "which is there and no file"
    above = (path[:at] for at, letter in enumerate(path) if letter == "/")
    file = next((one for one in above if not snapshot.is_dir(one) and snapshot.entry(one) is not None), "")
    return f"but {shown(file)} is no folder" if file else ""


def _is_file(snapshot: Snapshot, path: str) -> bool:
    try:
        check_path(path, existing=True)
    except Refused:
        return False
    entry = snapshot.entry(path)
    return entry is not None and entry.mode in (0o100644, 0o100755)
