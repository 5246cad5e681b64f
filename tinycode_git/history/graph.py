"""The commit graph in DuckDB: commits and the paths that each touched, kept by oid, added to when history grows.

A cache in ``<common dir>/tiny/insights.duckdb``: deleted, or not readable, it is made anew; held by another process,
the answer is made in memory.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tinycode_git.git.read import ReadRepo
from tinycode_git.history.links import title_fixes, title_reverts
from tinycode_git.proposal import path_str

if TYPE_CHECKING:
    import duckdb

VERSION = 1
_TABLES = (
    "CREATE TABLE IF NOT EXISTS meta(version INTEGER, tip VARCHAR)",
    "CREATE TABLE IF NOT EXISTS commits(oid VARCHAR, parents INTEGER, moment BIGINT, zone INTEGER, author VARCHAR, "
    "email VARCHAR, title VARCHAR, fix BOOLEAN, reverts BOOLEAN)",
    "CREATE TABLE IF NOT EXISTS touches(oid VARCHAR, status VARCHAR, path VARCHAR)",
)
_FORMAT = "--format=%x01%H%x02%P%x02%at%x02%aN%x02%aE%x02%ai%x00%s"
_FOLDER = "insights.duckdb"


@contextmanager
def graph(repo: ReadRepo, tip: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection whose tables hold the history of ``tip``. Raises GitFailed where history cannot be read."""
    connection = _opened(repo.place.tiny_dir / _FOLDER)
    try:
        for statement in _TABLES:
            connection.execute(statement)
        _bring(repo, connection, tip)
        yield connection
    finally:
        connection.close()


def _opened(place: Path) -> duckdb.DuckDBPyConnection:
    import duckdb

    for _ in range(2):
        try:
            place.parent.mkdir(exist_ok=True)
            connection = duckdb.connect(str(place))
            return connection if _current(connection) else _anew(place, connection)
        except OSError:
            break  # not ours to write: nothing is kept
        except duckdb.IOException as failed:
            if "lock" in str(failed).lower():
                break
            place.unlink(missing_ok=True)
        except duckdb.Error:
            place.unlink(missing_ok=True)
    return duckdb.connect(":memory:")


def _current(connection: duckdb.DuckDBPyConnection) -> bool:
    connection.execute(_TABLES[0])
    row = connection.execute("SELECT max(version) FROM meta").fetchone()
    return row is None or row[0] in (None, VERSION)


def _anew(place: Path, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    import duckdb

    connection.close()
    place.unlink(missing_ok=True)
    return duckdb.connect(str(place))


def stamp(repo: ReadRepo) -> str:
    """What history looks like beside its oids: where a shallow clone ends, and whose name is whose (.mailmap)."""
    found = sha256()
    for place in (repo.place.common_dir / "shallow", (repo.place.worktree or repo.place.common_dir) / ".mailmap"):
        try:
            found.update(b"\1" + place.read_bytes())
        except OSError:
            found.update(b"\0")
    return found.hexdigest()[:12]


def _bring(repo: ReadRepo, connection: duckdb.DuckDBPyConnection, tip: str) -> None:
    """Make the tables hold the history of ``tip`` alone: what is new is added; if rewritten, all is made anew."""
    row = connection.execute("SELECT tip FROM meta").fetchone()
    old, _, looks = str(row[0]).partition(" ") if row else ("", "", "")
    if (old, looks) == (tip, stamp(repo)):
        return
    if old and (looks != stamp(repo) or repo.find(old) is None or not repo.is_ancestor(old, tip)):
        for table in ("meta", "commits", "touches"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608  # the names stand above
        old = ""
    out = repo.git.quiet(
        *("log", "--raw", "-z", "--no-renames", "--no-abbrev", "--no-color", "--no-show-signature", _FORMAT),
        *("--diff-merges=off", tip, *([f"^{old}"] if old else [])),
    ).out
    connection.execute("BEGIN")
    _insert(connection, out)
    connection.execute("DELETE FROM meta")
    connection.execute("INSERT INTO meta VALUES(?, ?)", (VERSION, f"{tip} {stamp(repo)}"))
    connection.execute("COMMIT")


def _insert(connection: duckdb.DuckDBPyConnection, out: bytes) -> None:
    with TemporaryDirectory(prefix="git-tiny-") as folder:
        commits, touches = Path(folder) / "commits.csv", Path(folder) / "touches.csv"
        with (
            commits.open("w", newline="", encoding="utf-8") as one,
            touches.open("w", newline="", encoding="utf-8") as two,
        ):
            written, touched = csv.writer(one), csv.writer(two)
            for row, paths in _rows(out):
                written.writerow(row)
                touched.writerows(paths)
        for table, place in (("commits", commits), ("touches", touches)):
            form = "(FORMAT csv, HEADER false, QUOTE '\"', ESCAPE '\"', NULLSTR '\\N', AUTO_DETECT false)"
            connection.execute(f"COPY {table} FROM '{place}' {form}")


def _rows(out: bytes) -> Iterator[tuple[Sequence[object], list[tuple[str, str, str]]]]:
    parts = iter(out.split(b"\0"))
    row: Sequence[object] = ()
    paths: list[tuple[str, str, str]] = []
    oid = ""
    for part in parts:
        head = part.lstrip(b"\n")
        if head.startswith(b"\x01"):
            if row:
                yield row, paths
            row, paths = _commit(head[1:], next(parts, b"")), []
            oid = str(row[0])
        elif head.startswith(b":"):
            paths.append((oid, head[-1:].decode(), clean(path_str(next(parts, b"")))))
    if row:
        yield row, paths


def _commit(head: bytes, message: bytes) -> Sequence[object]:
    oid, parents, at, author, email, date = clean(path_str(head)).split("\x02")[:6]
    title = message.decode("utf-8", "replace")
    zone = date.rsplit(" ", 1)[-1]
    minutes = (int(zone[1:3]) * 60 + int(zone[3:5])) * (-1 if zone[0] == "-" else 1) if zone[1:].isdigit() else 0
    kinds = title_fixes(title), title_reverts(title)
    return oid, len(parents.split()), int(at or 0), minutes, author, email.lower(), clean(title), *kinds


def clean(text: str) -> str:
    """``text`` as DuckDB and CSV take it: bytes that are not UTF-8 as ``\\xff``, no NUL."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").replace("\0", "")
