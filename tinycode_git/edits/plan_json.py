"""Reads plan JSON (docs/plan-json.md) into records; every error names the field: ``steps[2].edits[0].path: ...``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from tinycode_git.edits.globs import Glob
from tinycode_git.edits.lines import BOM
from tinycode_git.errors import UsageError

MODES = {"100644": 0o100644, "100755": 0o100755, "120000": 0o120000}
# The fields of each kind of edit: those that must be there, and those that may.
OPS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "put": (frozenset({"path"}), frozenset({"content", "base64", "mode"})),
    "replace": (frozenset({"path", "search", "replace"}), frozenset()),
    "delete": (frozenset({"path"}), frozenset()),
    "rename": (frozenset({"path", "to"}), frozenset()),
    "mode": (frozenset({"path", "mode"}), frozenset()),
}
_HINT = "docs/plan-json.md describes the format"
Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class PlanEdit:
    """One edit; ``where`` is its field name. What an ``op`` has no field for is empty or None."""

    where: str
    op: str
    path: str
    content: bytes = b""
    search: str = ""
    replace: str = ""
    to: str = ""
    mode: int | None = None


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step."""

    title: str
    body: str
    edits: tuple[PlanEdit, ...]


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A whole plan; ``declared`` empty means that nothing was declared."""

    task: str
    generator: str
    declared: tuple[Glob, ...]
    steps: tuple[PlanStep, ...]


def read_plan(data: bytes) -> PlanFile:
    """The plan in ``data``. Raises ``UsageError`` that names the field."""
    top = _object(_parse(data), "the plan", {"version", "steps"}, {"task", "generator", "declared"})
    if top["version"] != 1 or isinstance(top["version"], bool):
        _wrong("version", "must be 1")
    declared = tuple(
        _glob(value, f"declared[{n}]") for n, value in enumerate(_list(top.get("declared", []), "declared"))
    )
    steps = _list(top["steps"], "steps")
    if not steps:
        _wrong("steps", "must hold at least one step")
    generator = _line(top.get("generator", ""), "generator")
    task = _text(top.get("task", ""), "task")
    return PlanFile(task, generator, declared, tuple(_step(value, f"steps[{n}]") for n, value in enumerate(steps)))


def _wrong(where: str, reason: str) -> NoReturn:
    raise UsageError(f"{where}: {reason}", _HINT)


def _parse(data: bytes) -> object:
    import json

    try:
        return json.loads(data.removeprefix(BOM).decode("utf-8"), object_pairs_hook=_pairs)
    except UnicodeDecodeError as error:
        raise UsageError(f"the plan is no JSON: byte {error.start} is not UTF-8", _HINT) from error
    except json.JSONDecodeError as error:
        reason = f"line {error.lineno} column {error.colno}: {error.msg}"
        raise UsageError(f"the plan is no JSON: {reason}", _HINT) from error
    except (RecursionError, ValueError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else "a number is too long"
        raise UsageError(f"the plan is refused: {reason}", _HINT) from error


def _pairs(pairs: list[tuple[str, object]]) -> Json:
    found: Json = {}
    for key, value in pairs:
        if key in found:
            _wrong(_name(key), "is there twice in one object")
        found[key] = value
    return found


def _name(key: str) -> str:
    """A field name from outside, fit for a message."""
    return key if key.isidentifier() and len(key) <= 60 else ascii(key[:60])


def _object(value: object, where: str, required: set[str] | frozenset[str], more: set[str] | frozenset[str]) -> Json:
    if not isinstance(value, dict):
        _wrong(where, "must be an object")
    prefix = "" if where == "the plan" else f"{where}."
    for key in value:
        if key not in required and key not in more:
            _wrong(f"{prefix}{_name(key)}", "is not a known field here")
    for key in sorted(required):
        if key not in value:
            _wrong(f"{prefix}{key}", "is missing")
    return value


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        _wrong(where, "must be a list")
    return value


def _string(value: object, where: str) -> str:
    if not isinstance(value, str):
        _wrong(where, "must be a string")
    return value


def _text(value: object, where: str) -> str:
    text = _string(value, where)
    try:
        text.encode()
    except UnicodeEncodeError:
        _wrong(where, "must be valid Unicode (for bytes use base64)")
    return text


def _line(value: object, where: str) -> str:
    text = _text(value, where)
    if not text.isprintable():
        _wrong(where, "must be one line without control characters")
    return text.strip()


def _glob(value: object, where: str) -> Glob:
    text = _string(value, where)
    if not text or text.startswith("/") or ".." in text.split("/"):
        _wrong(where, "must be a path or a pattern below the top of the repository")
    return Glob(text)


def _step(value: object, where: str) -> PlanStep:
    step = _object(value, where, {"title", "edits"}, {"body"})
    title = _line(step["title"], f"{where}.title")
    if not title:
        _wrong(f"{where}.title", "must not be empty")
    edits = _list(step["edits"], f"{where}.edits")
    if not edits:
        _wrong(f"{where}.edits", "must hold at least one edit")
    body = _text(step.get("body", ""), f"{where}.body")
    return PlanStep(title, body, tuple(_edit(edit, f"{where}.edits[{n}]") for n, edit in enumerate(edits)))


def _edit(value: object, where: str) -> PlanEdit:
    if not isinstance(value, dict):
        _wrong(where, "must be an object")
    if "op" not in value:
        _wrong(f"{where}.op", "is missing")
    op = _string(value["op"], f"{where}.op")
    if op not in OPS:
        _wrong(f"{where}.op", f"must be one of {', '.join(OPS)}")
    required, more = OPS[op]
    edit = _object(value, where, required | {"op"}, more)
    path = _string(edit["path"], f"{where}.path")
    mode = _mode(edit["mode"], op, f"{where}.mode") if "mode" in edit else None
    if op == "put":
        return PlanEdit(where, op, path, _content(edit, where), mode=mode)
    texts = {key: _text(edit[key], f"{where}.{key}") for key in ("search", "replace") if key in edit}
    if "search" in texts and not texts["search"].strip():
        _wrong(f"{where}.search", "must hold a line that is not blank")
    to = _string(edit["to"], f"{where}.to") if "to" in edit else ""
    search, replace = texts.get("search", ""), texts.get("replace", "")
    return PlanEdit(where, op, path, search=search, replace=replace, to=to, mode=mode)


def _mode(value: object, op: str, where: str) -> int:
    known = list(MODES)[: 2 if op == "mode" else 3]
    if value not in known:
        _wrong(where, f"must be one of {', '.join(known)}, as a string")
    return MODES[str(value)]


def _content(edit: Json, where: str) -> bytes:
    if ("content" in edit) == ("base64" in edit):
        _wrong(where, "must have either content or base64")
    if "content" in edit:
        return _text(edit["content"], f"{where}.content").encode()
    from base64 import b64decode

    try:
        return b64decode(_string(edit["base64"], f"{where}.base64"), validate=True)
    except ValueError:
        _wrong(f"{where}.base64", "must be base64 (RFC 4648, section 4)")
