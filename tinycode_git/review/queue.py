"""The bot's queue: tips to review, in a SQLite file that outlives every process. Deleted, it is filled anew.

A job is claimed by a process and given back when that process is gone, whatever ended it. Jobs of one ref are handed
out in the order in which they came, one at a time.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tinycode_git.errors import Incomplete

TRIES = 3
_KEPT = 2000

_TABLES = """
CREATE TABLE IF NOT EXISTS jobs(
  id INTEGER PRIMARY KEY AUTOINCREMENT, ref TEXT NOT NULL, old TEXT NOT NULL, tip TEXT NOT NULL, state TEXT NOT NULL,
  pid INTEGER NOT NULL DEFAULT 0, began REAL NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,
  said TEXT NOT NULL DEFAULT '', came REAL NOT NULL, ended REAL NOT NULL DEFAULT 0, UNIQUE(ref, tip));
CREATE TABLE IF NOT EXISTS seen(ref TEXT PRIMARY KEY, tip TEXT NOT NULL);
"""


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Job:
    """One tip of a ref to review; ``old`` is where the ref stood before (empty: it was not there)."""

    id: int
    ref: str
    old: str
    tip: str
    state: JobState
    tries: int
    said: str
    ended: float


class Queue:
    """The queue in a file. Each method is one transaction, durable when it returns. Raises Incomplete."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        except (OSError, sqlite3.Error) as failed:
            raise Incomplete(f"the bot's queue cannot be opened: {failed}") from failed
        try:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as failed:
            raise Incomplete(
                f"the bot's queue cannot be used: {failed}", f"it is filled anew where {self.path} is deleted"
            ) from failed
        finally:
            connection.close()

    def push(self, ref: str, old: str, tip: str) -> bool:
        """A ref has moved. False where this tip of it is known already."""
        with self._open() as base:
            base.execute("INSERT OR REPLACE INTO seen VALUES(?, ?)", (ref, tip))
            done = base.execute(
                "INSERT OR IGNORE INTO jobs(ref, old, tip, state, came) VALUES(?, ?, ?, ?, ?)",
                (ref, old, tip, JobState.WAITING, time.time()),
            )
            return done.rowcount == 1

    def seen(self) -> dict[str, str]:
        """The refs that were looked at, with the tip that they had."""
        with self._open() as base:
            return dict(base.execute("SELECT ref, tip FROM seen").fetchall())

    def claim(self, pid: int, began: float) -> Job | None:
        """The next job, now this process's own; None where there is none that may run."""
        with self._open() as base:
            row = base.execute(
                "SELECT id FROM jobs j WHERE state = 'waiting' AND NOT EXISTS("
                "SELECT 1 FROM jobs o WHERE o.ref = j.ref AND (o.state = 'running' OR o.state = 'waiting'"
                " AND o.id < j.id)) ORDER BY id LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            base.execute(
                "UPDATE jobs SET state = 'running', pid = ?, began = ?, tries = tries + 1 WHERE id = ?",
                (pid, began, row[0]),
            )
            return _job(base.execute(f"{_SELECT} WHERE id = ?", row).fetchone())

    def end(self, job: Job, state: JobState, said: str) -> None:
        """How a job ended; WAITING gives it back."""
        with self._open() as base:
            base.execute(
                "UPDATE jobs SET state = ?, said = ?, ended = ? WHERE id = ?", (state, said, time.time(), job.id)
            )
            base.execute(
                "DELETE FROM jobs WHERE state IN ('done', 'failed', 'skipped') AND id <= "
                "(SELECT max(id) FROM jobs) - ? AND NOT EXISTS(SELECT 1 FROM seen s WHERE s.tip = jobs.tip)",
                (_KEPT,),
            )

    def give_back(self, job: Job, said: str) -> None:
        """The job waits again, and the try does not count: not the review failed, its bot was ended."""
        with self._open() as base:
            base.execute(
                "UPDATE jobs SET state = 'waiting', tries = tries - 1, said = ? WHERE id = ? AND state = 'running'",
                (said, job.id),
            )

    def running(self) -> list[tuple[Job, int, float]]:
        """Claimed jobs, with the process that holds each and when that process began."""
        with self._open() as base:
            rows = base.execute(f"{_SELECT} WHERE state = 'running'").fetchall()
            holders = base.execute("SELECT pid, began FROM jobs WHERE state = 'running'").fetchall()
        return [(_job(row), int(pid), float(began)) for row, (pid, began) in zip(rows, holders, strict=True)]

    def jobs(self) -> list[Job]:
        """Every job that is kept, oldest first."""
        with self._open() as base:
            return [_job(row) for row in base.execute(f"{_SELECT} ORDER BY id").fetchall()]


_SELECT = "SELECT id, ref, old, tip, state, tries, said, ended FROM jobs"


def _job(row: tuple[int, str, str, str, str, int, str, float]) -> Job:
    number, ref, old, tip, state, tries, said, ended = row
    return Job(number, ref, old, tip, JobState(state), tries, said, ended)
