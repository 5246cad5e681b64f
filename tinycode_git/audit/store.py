"""The DuckDB store: what everything is read from. Folded from the journal, rebuilt from it when it is not whole."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinycode_git.audit.entry import Altered
from tinycode_git.audit.journal import Journal
from tinycode_git.audit.lock import locked
from tinycode_git.errors import Incomplete, TinyError, UsageError

_MEMORY = ":memory:"
_FAILED = 3
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Rows:
    """The answer to a query."""

    columns: list[str]
    rows: list[list[Any]]


@dataclass(slots=True)
class Store:
    """``audit.duckdb`` in ``folder`` (``<git common dir>/tiny``). ``said`` collects what the user should know."""

    folder: Path
    said: list[str] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """The database. Nothing but DuckDB opens it: closing any descriptor of it would drop DuckDB's lock."""
        return self.folder / "audit.duckdb"

    def fold(self) -> None:
        """Take in what the journal has more. Raises Altered, Incomplete."""
        self._run({"op": "fold"})

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        """Answer SQL over the documented views, after a fold. Raises UsageError where DuckDB refuses the SQL."""
        out = self._run({"op": "query", "sql": sql, "parameters": list(parameters)})
        found = [json.loads(line) for line in out.splitlines()]
        return Rows(found[0] if found else [], found[1:])

    def export(self, kind: str, output: Path) -> None:
        """Write every entry, in order, to a file (``jsonl``, ``csv`` or ``parquet``). Raises UsageError."""
        self._run({"op": "export", "format": kind, "output": str(output)})

    def lines(self) -> Iterator[bytes] | None:
        """The journal's lines as the file holds them now, without a fold; None where there is no file. What the file
        was changed to hold may be no line at all; the last one is ``end N``, N the bytes of the journal in it.

        Raises Incomplete where the file cannot be read.
        """
        if not self.path.exists():
            return None
        job = {"op": "lines", "fold": False, "database": str(self.path), "journal": str(self._journal)}
        out = tempfile.TemporaryFile()  # noqa: SIM115  # closed by the iterator
        with self._lock():
            done = _start(job, out.fileno())
        failure = _failure(done)
        if failure is not None:
            out.close()
            raise Incomplete(f"the DuckDB store cannot be read: {failure[1]}", "git tiny audit log builds it anew")
        return _each_line(out)

    def forget(self) -> None:
        """Remove the file; the next use writes it anew."""
        with self._lock():
            self._remove()

    @property
    def _journal(self) -> Path:
        return self.folder / "journal"

    def _lock(self) -> AbstractContextManager[None]:
        return locked(self.folder / "duckdb.lock") if os.access(self.folder, os.W_OK) else nullcontext()

    def _remove(self) -> None:
        for name in ("audit.duckdb", "audit.duckdb.wal"):
            (self.folder / name).unlink(missing_ok=True)
        # Where DuckDB puts what does not fit its memory; it stays when a process is killed.
        shutil.rmtree(self.folder / "audit.duckdb.tmp", ignore_errors=True)

    def _run(self, job: dict[str, Any]) -> bytes:
        """Do a job: on the file, on one written anew where it is not whole, or in memory where none may be written."""
        writable = self.folder.is_dir() and os.access(self.folder, os.W_OK)
        job = {**job, "database": str(self.path) if writable else _MEMORY, "journal": str(self._journal)}
        least = self._entries_of_journal()
        if least is None:
            job = {**job, "fold": False, "database": str(self.path)}
        else:
            job = {**job, "least": least}
        failure = ("bug", "")
        for _ in range(3):
            with tempfile.TemporaryFile() as out, self._lock() if job["database"] != _MEMORY else nullcontext():
                found = _failure(_start(job, out.fileno()))
                if found is None:
                    out.seek(0)
                    return out.read()
                failure = found
                job = self._otherwise(job, *failure)
        raise _error(*failure)

    def _otherwise(self, job: dict[str, Any], kind: str, message: str) -> dict[str, Any]:
        """The job in another way, after a failure. Raises where there is none."""
        if kind == "memory" and "memory" not in job:
            return {**job, "memory": "4GB"}
        if job["database"] == _MEMORY or not job.get("fold", True):
            raise _error(kind, message)
        if kind == "busy":
            self.said.append("another program has the DuckDB file open; this answer was built from the journal")
            return {**job, "database": _MEMORY}
        if kind == "full":
            self.said.append("the DuckDB file could not be written (disk full); this answer was built from the journal")
            return {**job, "database": _MEMORY}
        if kind == "unlike":
            self._judge(message)
        elif kind in ("damaged", "crash"):
            self.said.append(f"the DuckDB store was not whole ({message}); it was built anew from the journal")
            self._remove()
        else:
            raise _error(kind, message)
        return job

    def _judge(self, message: str) -> None:
        """File and journal do not fit: where the journal is one chain by itself, the file is put aside.

        Raises Altered where the journal is not; then the file may be what it can be restored from.
        """
        alone = {"op": "fold", "database": _MEMORY, "journal": str(self._journal), "memory": "4GB"}
        failure = _failure(_start(alone, None))
        if failure is not None:
            raise _error(*failure)
        aside = self.folder / "quarantine"
        aside.mkdir(exist_ok=True)
        self.path.replace(aside / f"audit-{time.time_ns()}.duckdb")
        self._remove()
        self.said.append(f"the DuckDB store was of another journal ({message}); it was put aside and built anew")

    def _entries_of_journal(self) -> int | None:
        """How many entries the journal has, ended as it should be. Raises Altered; None where it is lost, which leaves
        what DuckDB holds.
        """
        try:
            return Journal(self.folder).tail().position.size
        except Altered:
            if self._journal.exists() or not self.path.exists():
                raise
            self.said.append("the audit journal is gone; this is what DuckDB still holds: git tiny audit restore")
            return None


def _start(job: dict[str, Any], out: int | None) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")]))}
    command = [sys.executable, "-P", "-m", "tinycode_git.audit.duck", json.dumps(job)]
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=out or subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        env=env,
    )


def _failure(done: subprocess.CompletedProcess[bytes]) -> tuple[str, str] | None:
    """Why a job was not done: a kind and words."""
    if done.returncode == 0:
        return None
    if done.returncode == _FAILED:
        try:
            said = json.loads(done.stderr.splitlines()[-1])
            return said["kind"], str(said["message"]).splitlines()[0]
        except (ValueError, KeyError, IndexError, TypeError):
            pass
    if done.returncode < 0:
        return "crash", f"DuckDB ended by signal {-done.returncode}"
    return "bug", done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2] or "DuckDB could not be started"


def _error(kind: str, message: str) -> TinyError:
    if kind == "altered":
        return Altered(f"the audit journal was altered: {message}", "git tiny audit verify says where")
    if kind == "sql":
        return UsageError(
            f"DuckDB refused the query: {message}", "the views are entries, operations, plans, approvals, models"
        )
    if kind == "output":
        return UsageError(f"the export could not be written: {message}")
    return Incomplete(
        f"the audit store could not be read: {message}", "the journal is whole without it: git tiny audit verify"
    )


def _each_line(stream: Any) -> Iterator[bytes]:
    with stream:
        stream.seek(0)
        yield from stream


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A name in the folder of ``path`` that becomes ``path`` when the block ends well, and nothing otherwise."""
    name = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        yield name
        name.replace(path)
    finally:
        name.unlink(missing_ok=True)
