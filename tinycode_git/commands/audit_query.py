"""``git tiny audit query`` and ``export``: the log as tables, for questions of one's own."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from tinycode_git.audit.store import Store, beside
from tinycode_git.commands.audit_open import ask
from tinycode_git.commands.opening import say
from tinycode_git.errors import UsageError
from tinycode_git.git.read import ReadRepo
from tinycode_git.render import console, jsonout
from tinycode_git.render.table import Column, table


class Format(StrEnum):
    """What ``export`` writes."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class Answer:
    """What ``--json`` prints."""

    columns: list[str]
    rows: list[list[Any]]


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One or more statements; the last one's rows are shown.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask the log in SQL (DuckDB), reading only: no SQL reads or writes a file, or changes the log.

    Views: entries (every field, hash, details, details_gone), operations (an intent with its outcome: started, ended,
    outcome, result), plans (proposed, applied, rolled_back, rejected, lived, approved_by), approvals (approved_by,
    merge, rolled_back_later), models (model, digest, prompt, prompt_hash). Times are UTC; details are JSON:
    details->>'$.reason'.

    Examples:

    \b
      git tiny audit query 'SELECT approved_by, count(*) FROM approvals GROUP BY 1'
      git tiny audit query 'SELECT plan, lived FROM plans ORDER BY lived DESC LIMIT 5'
      git tiny audit query 'SELECT model FROM models JOIN plans USING (plan) WHERE rolled_back IS NOT NULL'

    Exit codes:

    \b
      0  done
      1  the journal was altered
      2  DuckDB refused the SQL
      4  the store could not be read
    """
    repo = ReadRepo.discover()
    found = ask(Store(repo.place.tiny_dir), sql)
    if json:
        jsonout.write(Answer(found.columns, found.rows))
        return
    rows = [["" if value is None else str(value) for value in row] for row in found.rows]
    if found.columns:
        sys.stdout.write(table([Column(name) for name in found.columns], rows, console.for_stdout(repo.git)))


def export(
    kind: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.JSONL,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Write there, not to stdout.")] = "",
) -> None:
    """Write every entry, in order, with its details: JSON lines, CSV or Parquet.

    Examples:

    \b
      git tiny audit export > audit.jsonl
      git tiny audit export --format parquet -o audit.parquet

    Exit codes:

    \b
      0  done
      1  the journal was altered
      2  the file cannot be written
      4  the store could not be read
    """
    store = Store(ReadRepo.discover().place.tiny_dir)
    if output:
        target = Path(output).absolute()
        if not target.parent.is_dir() or target.is_dir():
            what = f"{target} is a folder" if target.is_dir() else f"there is no folder {target.parent}"
            raise UsageError(what, "--output names the file to write")
        try:
            with beside(target) as name:
                store.export(kind, name)
        except OSError as failed:
            raise UsageError(f"{target} cannot be written: {failed.strerror}") from failed
    else:
        if kind is Format.PARQUET and sys.stdout.isatty():
            raise UsageError("Parquet is not for a terminal", "give --output FILE, or redirect the output")
        with tempfile.TemporaryDirectory() as folder:
            store.export(kind, Path(folder) / "export")
            with (Path(folder) / "export").open("rb") as stream:
                shutil.copyfileobj(stream, sys.stdout.buffer)
    for line in store.said:
        say(line)
