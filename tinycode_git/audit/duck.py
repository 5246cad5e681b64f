"""DuckDB, in a process of its own: a crash in it ends no command, and nothing else ever opens its file.

    python -m tinycode_git.audit.duck JOB

``JOB`` is a JSON object (see ``run``). Results go to standard output, one JSON value a line; what went wrong goes to
standard error, as ``{"kind", "message"}`` with exit code 3.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from binascii import hexlify, unhexlify
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, NoReturn

import duckdb

from tinycode_git.audit.entry import DATA, LARGEST_ENTRY, LOG, PREVIOUS, SEQ, Altered
from tinycode_git.audit.line import LEAF, Position, entry_in, line_pattern, lines_from
from tinycode_git.audit.views import VIEWS

FAILED = 3
MEMORY = ":memory:"
# How much of the journal is taken in one transaction.
CHUNK_BYTES = 24_000_000
LINES = 1000
ROWS = 5000
# The CSV reader takes several buffers of the longest line that it is told of: few entries are longer than this.
LINE_BYTES = 300_000
# By default DuckDB writes the file anew for every 16 MB, which at a million entries is most of a fold's time.
CHECKPOINT_THRESHOLD = "256MB"
SCHEMA = 2
# PIVOT is several statements in one (MULTI). SHOW, DESCRIBE, SUMMARIZE, FROM and VALUES are SELECT.
_QUESTIONS = frozenset({"SELECT", "EXPLAIN", "PRAGMA", "MULTI"})

_Config = dict[str, str | bool | int | float | list[str]]
_TABLES = """
CREATE TABLE log (seq UBIGINT, entry VARCHAR, hash VARCHAR, salt VARCHAR, details VARCHAR);
CREATE TABLE folded (schema INTEGER, journal UBIGINT, size UBIGINT, bytes UBIGINT, hash VARCHAR, log VARCHAR);
"""


class Damaged(Exception):
    """The file is not one that was written here, or is not whole: it is built anew."""


class Unlike(Exception):
    """The file does not hold what the journal begins with: one of them was changed."""


def run(job: dict[str, Any]) -> None:
    """``database``, ``journal``: paths. ``op``: ``fold``, ``query`` (``sql``, ``parameters``), ``lines`` (the journal's
    lines as they are held), ``export`` (``format``, ``output``). ``fold`` false: the file is taken as it is; else it
    holds at least ``least`` entries afterwards.
    """
    connection = _connect(job)
    if job["op"] == "query" and job["database"] != MEMORY:
        connection.close()
        connection = duckdb.connect(job["database"], read_only=True, config={**_limits(job), **_sealed()})
    elif job["op"] == "query":
        for name, value in _sealed().items():
            connection.execute(f"SET {name} = {value}")
    if job["op"] == "lines":
        _lines(connection)
    elif job["op"] == "query":
        _query(connection, job["sql"], job.get("parameters", []))
    elif job["op"] == "export":
        _export(connection, job["format"], job["output"])
    connection.close()


def _limits(job: dict[str, Any]) -> _Config:
    return {
        "memory_limit": job.get("memory", "150MB"),
        # An ordered export keeps what each thread has ready.
        "threads": "1" if job["op"] == "export" else "2",
        "preserve_insertion_order": "true",
        "checkpoint_threshold": CHECKPOINT_THRESHOLD,
        # Trying every other way first costs a quarter of a fold, for a file half as large again.
        "force_compression": "zstd",
    }


def _sealed() -> _Config:
    """No SQL reads or writes a file, and none changes that."""
    return {"enable_external_access": "false", "lock_configuration": "true"}


def _connect(job: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    if not job.get("fold", True):
        connection = duckdb.connect(job["database"], read_only=True, config=_limits(job))
        if job["op"] != "lines":
            _folded(connection)
        return connection
    connection = duckdb.connect(job["database"], config=_limits(job))
    tables = {row[0] for row in connection.execute("SHOW TABLES").fetchall()}
    if not tables:
        connection.execute("BEGIN")
        connection.execute(_TABLES)
        connection.execute("INSERT INTO folded VALUES (?, 0, 0, 0, ?, '')", [SCHEMA, "0" * 64])
        connection.execute("COMMIT")
    _fold(connection, Path(job["journal"]))
    _, size, _, _ = _folded(connection)
    if size < job.get("least", 0):
        raise Damaged(f"it holds {size} entries, and the journal {job['least']}")
    return connection


def _folded(connection: duckdb.DuckDBPyConnection) -> tuple[int, int, int, Position]:
    """The state of the file: the journal's inode, entries, bytes, chain. Raises Damaged where rows do not fit it."""
    rows = connection.execute("SELECT schema, journal, size, bytes, hash, log FROM folded").fetchall()
    if len(rows) != 1 or rows[0][0] != SCHEMA:
        raise Damaged("made by another version")
    _, inode, size, taken, last, log = rows[0]
    found = connection.execute("SELECT count(*), coalesce(max(seq) + 1, 0) FROM log").fetchone()
    if found != (size, size):
        raise Damaged(f"it holds {found} rows where {size} were written")
    return inode, size, taken, Position(log.encode(), size, bytes.fromhex(last))


def _fold(connection: duckdb.DuckDBPyConnection, journal: Path) -> None:
    """Take in what the journal has more. Nothing is taken that does not follow in the chain. Raises Altered."""
    inode, _, taken, position = _folded(connection)
    try:
        stream = journal.open("rb", buffering=1 << 18)
    except FileNotFoundError:
        return
    with stream:
        status = os.fstat(stream.fileno())
        if taken and (inode != status.st_ino or status.st_size < taken):
            raise Unlike("it was made from another journal")
        with ThreadPoolExecutor(1) as other:
            _take_in(connection, lines_from(stream, taken), position, taken, status.st_ino, other)


def _take_in(
    connection: duckdb.DuckDBPyConnection,
    lines: Iterator[tuple[int, bytes]],
    position: Position,
    taken: int,
    inode: int,
    other: ThreadPoolExecutor,
) -> None:
    """Read one part while DuckDB, in another thread, takes in the part before."""
    begun, before = taken > 0, None
    while True:
        part = tempfile.TemporaryFile()  # noqa: SIM115  # closed once it is taken in
        try:
            position, end, longest = _collect(lines, position, part, taken)
        except Altered as odd:
            part.close()
            if begun:
                raise Unlike(odd.message) from odd
            raise
        finally:
            if before is not None:
                before.result()
        if end == taken:
            part.close()
            return
        begun, taken = False, end
        before = other.submit(_insert, connection, part, longest, (inode, position, end))


def _collect(
    lines: Iterator[tuple[int, bytes]], position: Position, part: IO[bytes], start: int
) -> tuple[Position, int, int]:
    """Copy checked lines, with the number and hash of each entry before it; the chain's end, the offset, the longest
    line. ``entry_in`` and ``Position.next``, written out: this is what a fold waits for.
    """
    end, longest, kept = start, 0, []
    match, log, size, previous = line_pattern().fullmatch, position.log, position.size, hexlify(position.hash)
    for offset, line in lines:
        found = match(line)
        if found is None or not (line.isascii() and len(line) < LARGEST_ENTRY):
            if not line.endswith(b"\n"):
                break
            found = entry_in(line)
        data, named, before, number = found.group(DATA, LOG, PREVIOUS, SEQ)
        if before != previous or number != b"%d" % size or (log and named != log):
            Position(log, size, unhexlify(previous)).next(found)
        log, previous = named, hexlify(sha256(LEAF + data).digest())
        kept.append(b"%d\t%b\t%b" % (size, previous, line))
        size, end, longest = size + 1, offset + len(line), max(longest, len(line))
        if len(kept) == LINES:
            part.write(b"".join(kept))
            kept.clear()
        if end - start > CHUNK_BYTES:
            break
    part.write(b"".join(kept))
    return Position(log, size, unhexlify(previous)), end, longest


def _insert(
    connection: duckdb.DuckDBPyConnection, part: IO[bytes], longest: int, state: tuple[int, Position, int]
) -> None:
    with part:
        part.flush()
        part.seek(0)
        _insert_rows(connection, part, longest, state)


def _insert_rows(
    connection: duckdb.DuckDBPyConnection, part: IO[bytes], longest: int, state: tuple[int, Position, int]
) -> None:
    inode, position, end = state
    connection.execute("BEGIN")
    connection.execute(
        """INSERT INTO log
        SELECT seq, entry, hash, coalesce(salt, ''), coalesce(details, '')
        FROM read_csv($1, delim = '\t', header = false, quote = '', escape = '', auto_detect = false,
          max_line_size = $2, columns = {seq: 'UBIGINT', hash: 'VARCHAR', entry: 'VARCHAR', salt: 'VARCHAR',
          details: 'VARCHAR'})""",
        [f"/dev/fd/{part.fileno()}", max(longest + 200, LINE_BYTES)],
    )
    connection.execute(
        "UPDATE folded SET journal = ?, size = ?, bytes = ?, hash = ?, log = ?",
        [inode, position.size, end, position.hash.hex(), position.log.decode()],
    )
    connection.execute("COMMIT")


# A line of the journal, out of a row; with its hash where that is not the entry's.
_LINE = """SELECT concat(entry, '\t', salt, '\t', details,
  CASE WHEN hash = sha256('\\x00'::BLOB || encode(entry)) THEN '' ELSE concat('\t', hash) END, '\n') FROM log"""


def _lines(connection: duckdb.DuckDBPyConnection) -> None:
    """What the file holds, as it is: a row that was altered, moved, added or taken away makes a line that no journal
    has, at its place. The last line says how much of the journal was taken in.

    Part by part: to sort a whole log by its number costs more memory than the log may take.
    """
    states = connection.execute("SELECT size, bytes FROM folded").fetchall()
    size, taken = states[0] if len(states) == 1 else (0, 0)
    written = 0
    for start in range(0, size, ROWS):
        rows = connection.execute(f"{_LINE} WHERE seq >= ? AND seq < ? ORDER BY seq", [start, start + ROWS])
        while found := rows.fetchmany(LINES):
            written += len(found)
            sys.stdout.buffer.write("".join([line for (line,) in found]).encode())
    beyond = connection.execute(f"{_LINE} WHERE seq >= ? OR seq IS NULL LIMIT 1", [size]).fetchall()
    sys.stdout.buffer.write("".join([line for (line,) in beyond]).encode())
    sys.stdout.buffer.write(b"a row is gone\n" if written < size else b"end %d\n" % taken)


def _query(connection: duckdb.DuckDBPyConnection, sql: str, parameters: list[Any]) -> None:
    for view in VIEWS.values():
        connection.execute(view)
    # What is in memory was not opened read-only.
    connection.execute("BEGIN TRANSACTION READ ONLY")
    try:
        rows = connection.execute(_question(connection, sql), parameters)
        _print([name for name, *_ in rows.description or []])
        while found := rows.fetchmany(1000):
            for row in found:
                _print(list(row))
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as refused:
        _fail("sql", str(refused))


def _question(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    statements = connection.extract_statements(sql)
    if not statements:
        _fail("sql", "there is no statement in it")
    if len(statements) > 1:
        _fail("sql", f"it holds {len(statements)} statements: ask one at a time")
    kind = statements[0].type.name
    if kind not in _QUESTIONS:
        _fail("sql", f"only questions are answered (SELECT and the like), and {kind} is none: everything is read-only")
    return statements[0]


def _print(row: list[Any]) -> None:
    sys.stdout.write(json.dumps(row, default=_text) + "\n")


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    moment = getattr(value, "isoformat", None)
    return str(moment()) if callable(moment) else str(value)


_FORMATS = {"csv": "FORMAT csv, HEADER", "parquet": "FORMAT parquet", "jsonl": "FORMAT json"}


def _export(connection: duckdb.DuckDBPyConnection, kind: str, output: str) -> None:
    # In the order of the journal, as it was taken in: DuckDB keeps that (preserve_insertion_order), and sorts nothing.
    connection.execute(VIEWS["entries"])
    try:
        connection.execute(f"COPY (FROM entries) TO '{output.replace(chr(39), chr(39) * 2)}' ({_FORMATS[kind]})")
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as refused:
        _fail("output", str(refused))


def _fail(kind: str, message: str) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.write(json.dumps({"kind": kind, "message": message}))
    sys.stderr.flush()
    # Without unwinding: a broken database is not to be written to any more.
    os._exit(FAILED)


def main() -> None:
    """Run the job on the command line."""
    try:
        run(json.loads(sys.argv[1]))
        sys.stdout.flush()
    except Altered as odd:
        _fail("altered", odd.message)
    except Damaged as odd:
        _fail("damaged", str(odd))
    except Unlike as odd:
        _fail("unlike", str(odd))
    except duckdb.OutOfMemoryException as odd:
        _fail("memory", str(odd))
    except duckdb.Error as odd:
        _fail(_kind(odd), str(odd))
    except OSError as odd:
        _fail("full", odd.strerror or type(odd).__name__)


def _kind(error: duckdb.Error) -> str:
    """Why the file cannot be used: DuckDB tells it in words alone. ``full`` comes up in a commit as well."""
    text = str(error)
    if "No space left" in text or "quota exceeded" in text:
        return "full"
    shut = ("lock", "Permission denied", "Read-only")
    return "busy" if isinstance(error, duckdb.IOException) and any(word in text for word in shut) else "damaged"


if __name__ == "__main__":
    main()
