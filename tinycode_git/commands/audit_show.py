"""``git tiny audit show``: one entry, or everything that the log says of a commit."""

from __future__ import annotations

import json as jsonlib
import sys
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from tinycode_git.audit.chain import parse_anchor
from tinycode_git.audit.store import Store
from tinycode_git.commands.audit_open import ask, number, records
from tinycode_git.errors import Refused, UsageError
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.trailers import trailers
from tinycode_git.render import jsonout
from tinycode_git.render.escape import visible

_OIDS = (40, 64)


@dataclass(frozen=True, slots=True)
class Shown:
    """What ``--json`` prints: ``commit`` where one was asked for, the states that its trailers name, the entries."""

    commit: str
    anchors: list[str]
    entries: list[dict[str, Any]]


def show(
    what: Annotated[str, typer.Argument(metavar="SEQ|COMMIT", help="An entry's number, or a commit.")],
    raw: Annotated[
        bool, typer.Option("--raw", help="An entry as it is hashed: its canonical JSON and nothing else.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show an entry in full, with its details and hash; or the entries that made, moved or undid a commit.

    A number is an entry's; write a commit whose name is all digits as refs/heads/NAME or with more of its hash.

    Examples:

    \b
      git tiny audit show 41
      git tiny audit show HEAD
      git tiny audit show 41 --raw > entry.json

    Exit codes:

    \b
      0  done
      1  the log says nothing of it
      2  no such entry or commit
    """
    repo = ReadRepo.discover()
    store = Store(repo.place.tiny_dir)
    by_number = what.isdigit() and len(what) not in _OIDS
    if raw:
        if json or not by_number:
            raise UsageError("--raw shows one entry as it is", "git tiny audit show NUMBER --raw")
        sys.stdout.buffer.write(_raw(store, what))
        return
    shown = _entry(store, what) if by_number else _commit(repo, store, what)
    if json:
        jsonout.write(shown)
        return
    for anchor in shown.anchors:
        print(f"trailer  {visible(anchor)}")
    print("\n".join(_drawn(entry) for entry in shown.entries))


def _entry(store: Store, what: str) -> Shown:
    rows = _rows(store, "SELECT * FROM entries WHERE seq = ?", [number(what)])
    if not rows:
        raise UsageError(f"the audit log has no entry {what}", "git tiny audit log lists them")
    return Shown("", [], rows)


def _raw(store: Store, what: str) -> bytes:
    rows = ask(store, "SELECT entry FROM log WHERE seq = ?", [number(what)]).rows if store.folder.is_dir() else []
    if not rows:
        raise UsageError(f"the audit log has no entry {what}", "git tiny audit log lists them")
    return f"{rows[0][0]}\n".encode()


def _commit(repo: ReadRepo, store: Store, what: str) -> Shown:
    oid = repo.resolve(what)
    rows = _rows(store, "SELECT * FROM entries WHERE new = ? OR old = ? ORDER BY seq", [oid, oid])
    message = repo.git.quiet("log", "-1", "--no-show-signature", "--format=%B", oid).text
    named = [value for key, value in trailers(message) if key == "Tiny-Audit" and parse_anchor(value)]
    if not rows and not named:
        raise Refused(
            f"the audit log says nothing of {oid}",
            "commits that git tiny did not make, and that none of its hooks saw, have no entry",
        )
    return Shown(oid, named, rows)


def _rows(store: Store, sql: str, parameters: list[Any]) -> list[dict[str, Any]]:
    return records(ask(store, sql, parameters)) if store.folder.is_dir() else []


def _drawn(entry: dict[str, Any]) -> str:
    """Every field that holds something, then the details."""
    fields = [(name, value) for name, value in entry.items() if name not in ("details", "details_gone")]
    lines = [f"{name:<16}{visible(str(value))}" for name, value in fields if value != ""]
    if entry["details_gone"]:
        lines.append("details         (gone)")
    elif entry["details"]:
        text = jsonlib.dumps(entry["details"], ensure_ascii=False, indent=2)
        lines.append("details")
        lines += [f"  {visible(row)}" for row in text.split("\n")]
    return "\n".join(lines) + "\n"
