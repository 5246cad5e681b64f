"""The cache: what is known about texts and changes, in ``<common dir>/tiny/verdicts.db``.

A row says that the rules of a digest have looked at a text, and what they saw there; matches hold no word of a secret,
and their digests are keyed by a value of this file's own. The file can be deleted at any time. One that is locked,
damaged or cannot be written is done without (damaged: made again); nothing here raises.
"""

from __future__ import annotations

import marshal
import os
import secrets
import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tinycode_git.safety.engine import NOTHING, Looked
from tinycode_git.safety.finding import Match
from tinycode_git.safety.look import Known, Text

if TYPE_CHECKING:
    from tinycode_git.safety.ruleset import RuleSet

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rulesets (id INTEGER PRIMARY KEY, digests BLOB UNIQUE);
CREATE TABLE IF NOT EXISTS texts
  (oid BLOB, place TEXT, rules INTEGER, matches BLOB, PRIMARY KEY (oid, place)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS histories (tips BLOB, rules TEXT, result BLOB, PRIMARY KEY (tips, rules)) WITHOUT ROWID;
"""
_VERSION = 1
_AT_ONCE = 400


class Verdicts:
    """An open cache. ``key`` is what digests of matches are keyed with; empty where the cache does not work."""

    def __init__(self, database: sqlite3.Connection | None, rules: RuleSet) -> None:
        self.database = database
        self.rules = rules
        self.key = b""
        self._group = 0
        self._groups: dict[int, dict[str, str]] = {}
        if database is not None:
            weakref.finalize(self, database.close)
            self._ready()

    @classmethod
    def open(cls, common_dir: str, rules: RuleSet) -> Verdicts:
        """The cache of a clone, made where there is none, made again where it is damaged."""
        folder = os.path.join(common_dir, "tiny")
        file = os.path.join(folder, "verdicts.db")
        for _ in range(2):
            try:
                os.makedirs(folder, exist_ok=True)
                return cls(_connect(file), rules)
            except sqlite3.OperationalError:  # locked, read-only, no space
                return cls(None, rules)
            except sqlite3.DatabaseError:
                _remove(file)
            except OSError:
                break
        return cls(None, rules)

    def _ready(self) -> None:
        assert self.database is not None
        with self.database:
            self.database.execute("INSERT OR IGNORE INTO meta VALUES ('key', ?)", (secrets.token_bytes(16),))
            digests = marshal.dumps(sorted(self.rules.groups.items()), 2)
            self.database.execute("INSERT OR IGNORE INTO rulesets (digests) VALUES (?)", (digests,))
        (self.key,) = self.database.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()
        for number, raw in self.database.execute("SELECT id, digests FROM rulesets"):
            self._groups[number] = dict(marshal.loads(raw))  # noqa: S302 - our own file, plain values
            if raw == digests:
                self._group = number

    def known(self, texts: Iterable[Text]) -> dict[Text, Known]:
        """See ``Cache``. Of what older rules saw, that of families whose rules are still the same counts."""
        if self.database is None:
            return {}
        found: dict[Text, Known] = {}
        asked: dict[bytes, list[Text]] = {}
        for text in texts:
            asked.setdefault(bytes.fromhex(text.oid), []).append(text)
        try:
            for oid, place, group, raw in self._rows(list(asked)):
                for text in asked[oid]:
                    if place == _place(text):
                        found[text] = self._still(group, _unpacked(raw))
        except (sqlite3.Error, ValueError, EOFError, TypeError):
            return {}
        return found

    def _still(self, group: int, looked: Looked) -> Known:
        """What counts of what the rules of ``group`` saw."""
        if group == self._group:
            return Known(looked)
        held = self._groups.get(group, {})
        changed = frozenset(name for name, digest in self.rules.groups.items() if held.get(name) != digest)
        families = {rule.id: rule.family for rule in self.rules.rules}
        kept = [match for match in looked.matches if families.get(match.rule, "") not in ("", *changed)]
        return Known(Looked(tuple(kept)), changed)

    def _rows(self, oids: list[bytes]) -> Iterator[tuple[bytes, str, int, bytes | None]]:
        assert self.database is not None
        for at in range(0, len(oids), _AT_ONCE):
            part = oids[at : at + _AT_ONCE]
            marks = ",".join("?" * len(part))
            yield from self.database.execute(
                f"SELECT oid, place, rules, matches FROM texts WHERE oid IN ({marks})",  # noqa: S608 - marks only
                part,
            )

    def keep(self, looked: Mapping[Text, Looked]) -> None:
        """See ``Cache``. What was looked at with gaps is not kept."""
        rows = [
            (bytes.fromhex(text.oid), _place(text), self._group, _packed(seen))
            for text, seen in looked.items()
            if not seen.gaps
        ]
        self._write("INSERT OR REPLACE INTO texts VALUES (?, ?, ?, ?)", rows)

    def history(self) -> list[tuple[tuple[str, ...], bytes]]:
        """Histories that these rules have looked at as a whole: the tips, and the result as it was stored."""
        if self.database is None:
            return []
        try:
            rows = self.database.execute("SELECT tips, result FROM histories WHERE rules = ?", (self.rules.digest,))
            return [(tuple(marshal.loads(tips)), result) for tips, result in rows]  # noqa: S302
        except (sqlite3.Error, ValueError, EOFError, TypeError):
            return []

    def keep_history(self, tips: Iterable[str], result: bytes) -> None:
        """Remember the result for everything that is reachable from ``tips``; the one before is forgotten."""
        row = (marshal.dumps(tuple(tips), 2), self.rules.digest, result)
        self._write("DELETE FROM histories WHERE ? IS NOT NULL", [(1,)])
        self._write("INSERT OR REPLACE INTO histories VALUES (?, ?, ?)", [row])

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if self.database is None or not rows:
            return
        try:
            with self.database:
                self.database.executemany(statement, rows)
        except sqlite3.Error:
            self.database = None

    def close(self) -> None:
        """Let go of the file."""
        if self.database is not None:
            self.database.close()
            self.database = None


def _connect(file: str) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=2.0)
    try:
        database.execute("PRAGMA synchronous = OFF")  # a cache: what a power cut damages is made again
        if database.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            with database:
                for name in ("texts", "histories", "rulesets", "meta"):
                    database.execute(f"DROP TABLE IF EXISTS {name}")
                for statement in _SCHEMA.strip().split(";\n"):
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {_VERSION}")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _remove(file: str) -> None:
    for name in (file, f"{file}-journal", f"{file}-wal", f"{file}-shm"):
        try:
            os.unlink(name)
        except OSError:
            pass


def _place(text: Text) -> str:
    return f"{text.where}:{text.language}"


def _packed(looked: Looked) -> bytes | None:
    return marshal.dumps([tuple(match) for match in looked.matches], 2) if looked.matches else None


def _unpacked(raw: bytes | None) -> Looked:
    if raw is None:
        return NOTHING
    return Looked(tuple(Match(*row) for row in marshal.loads(raw)))  # noqa: S302 - our own file, plain values
