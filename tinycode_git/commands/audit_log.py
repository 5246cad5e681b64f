"""``git tiny audit log``: what was done here, newest first."""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from tinycode_git.audit.published import refs
from tinycode_git.audit.store import Store
from tinycode_git.commands.audit_open import ask, records
from tinycode_git.commands.opening import say
from tinycode_git.errors import UsageError
from tinycode_git.git.read import ReadRepo
from tinycode_git.render import console, jsonout
from tinycode_git.render.console import Console, Style
from tinycode_git.render.escape import visible
from tinycode_git.render.table import Cell, Column, table

RISKS = ("none", "low", "medium", "high", "critical")
# What a table shows unless told otherwise; a log may have a million entries.
SCREENS = 1000
_NOW = re.compile(r"now|today|sec|@|\d\d:\d\d")
_STYLES = {"medium": Style.WARN, "high": Style.BAD, "critical": Style.WORST}
_OUTCOMES = {"done": Style.GOOD, "failed": Style.BAD, "open": Style.WARN, "recovered": Style.WARN}


@dataclass(frozen=True, slots=True)
class Log:
    """What ``--json`` prints."""

    entries: list[dict[str, Any]]


def log(
    since: Annotated[str, typer.Option("--since", metavar="WHEN", help="Not before this (as git log --since).")] = "",
    action: Annotated[str, typer.Option("--action", metavar="ACTION", help="apply, rollback, propose ...")] = "",
    plan: Annotated[str, typer.Option("--plan", metavar="PLAN", help="A plan, or the beginning of its id.")] = "",
    user: Annotated[str, typer.Option("--user", metavar="TEXT", help="Part of the name or address.")] = "",
    risk: Annotated[str, typer.Option("--risk", metavar="RISK", help="This risk or a higher one.")] = "",
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", min=0, help="At most so many; 0: all (default: 1000; with --json all)."),
    ] = None,
    timeline: Annotated[bool, typer.Option("--timeline", help="By day, oldest first, one operation a line.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List what git tiny did here: a table of entries, newest first, or a timeline.

    Examples:

    \b
      git tiny audit log
      git tiny audit log --since '2 weeks ago' --action apply --risk high
      git tiny audit log --plan add-retries --timeline
      git tiny audit log --json

    Exit codes:

    \b
      0  done (also where nothing was written yet)
      1  the journal was altered: git tiny audit verify says where
      2  a filter that is none
      4  the log could not be read
    """
    repo = ReadRepo.discover()
    view = "operations" if timeline else "entries"
    where, parameters = _filters(repo, timeline, since, action, plan, user, risk)
    store = Store(repo.place.tiny_dir)
    # The words of the statement are ours; every value of the user's is a parameter.
    sql = f"SELECT * FROM {view} {where} ORDER BY seq DESC"  # noqa: S608
    most = limit if limit is not None else 0 if json else SCREENS
    if most:
        sql, parameters = f"{sql} LIMIT ?", [*parameters, most + 1]
    found = records(ask(store, sql, parameters)) if store.folder.is_dir() else []
    if most and len(found) > most:
        found.pop()
        if limit is None:
            say(f"the newest {most} only: --limit 0 shows all, --since fewer")
    if json:
        jsonout.write(Log(found))
    elif not found:
        sys.stderr.write("no entries\n")
        if action and store.folder.is_dir():
            _say_actions(store, action)
        elif not store.folder.is_dir():
            _say_others(repo)
    elif timeline:
        sys.stdout.write(drawn_timeline(found[::-1], console.for_stdout(repo.git)))
    else:
        sys.stdout.write(drawn(found, console.for_stdout(repo.git)))


def _say_actions(store: Store, action: str) -> None:
    """What there is, where nothing is of the action that was asked for."""
    known = [str(row[0]) for row in ask(store, "SELECT DISTINCT action FROM entries ORDER BY action").rows]
    if action not in known:
        say(f"nothing here is of the action {action!r}; there are: {', '.join(known) or 'none yet'}")


def _say_others(repo: ReadRepo) -> None:
    """Which logs of other clones are here, where this one has none."""
    others = sorted({log for log, _ in refs(repo.git).values()})
    if others:
        say(f"no log of this clone; published here: {', '.join(others)} (git tiny audit verify, prove --log)")


def _filters(
    repo: ReadRepo, timeline: bool, since: str, action: str, plan: str, user: str, risk: str
) -> tuple[str, list[Any]]:
    """The condition of the query, and its parameters."""
    if risk and risk not in RISKS:
        raise UsageError(f"there is no risk {risk!r}", f"risks are {', '.join(RISKS)}")
    tests: list[tuple[str, list[Any]]] = []
    if since:
        tests.append((f"{'started' if timeline else 'timestamp'} >= CAST(? AS TIMESTAMP)", [_moment(repo, since)]))
    if action:
        tests.append(("action = ?", [action]))
    if plan:
        tests.append(("starts_with(plan, ?)", [plan]))
    if user:
        tests.append(("contains(lower(user), lower(?))", [user]))
    if risk:
        higher = RISKS[RISKS.index(risk) :]
        tests.append((f"risk_level IN ({', '.join('?' * len(higher))})", list(higher)))
    where = " AND ".join(test for test, _ in tests)
    return (f"WHERE {where}" if where else ""), [value for _, values in tests for value in values]


def _moment(repo: ReadRepo, since: str) -> str:
    """A time as git reads it, in UTC."""
    text = repo.git.quiet("rev-parse", f"--since={since}").text
    seconds = text.removeprefix("--max-age=")
    # What it does not understand git takes for the time now.
    unknown = seconds.isdigit() and abs(int(seconds) - time.time()) < 3 and not _NOW.search(since)
    if not seconds.lstrip("-").isdigit() or unknown:
        raise UsageError(f"{since!r} is no time", "as git log --since: '2 weeks ago', 2026-01-31")
    return datetime.fromtimestamp(int(seconds), UTC).replace(tzinfo=None).isoformat()


def drawn(rows: list[dict[str, Any]], on: Console) -> str:
    """Entries as a table."""
    columns = [
        Column("SEQ", right=True),
        Column("TIME (UTC)"),
        Column("ACTION"),
        Column("PHASE"),
        Column("RISK"),
        Column("PLAN", shrinks=True, style=Style.REF),
        Column("REF OR COMMIT", shrinks=True),
        Column("USER", shrinks=True, style=Style.DIM),
    ]
    return table(
        columns,
        [
            (
                str(row["seq"]),
                row["timestamp"][:19].replace("T", " "),
                row["action"],
                Cell(row["phase"], _OUTCOMES.get(row["phase"], Style.PLAIN)),
                Cell(row["risk_level"], _STYLES.get(row["risk_level"], Style.PLAIN)),
                row["plan"],
                _what(row),
                row["user"].partition(" <")[0],
            )
            for row in rows
        ],
        on,
    )


def drawn_timeline(rows: list[dict[str, Any]], on: Console) -> str:
    """Operations by day: when, what, on what, how it ended, how long it took."""
    lines: list[str] = []
    day = ""
    for row in rows:
        if row["started"][:10] != day:
            day = row["started"][:10]
            lines.append(on.paint(day, Style.STRONG))
        what = visible(" ".join(filter(None, [row["action"], row["plan"], _what(row)])))
        outcome = on.paint(row["outcome"], _OUTCOMES.get(row["outcome"], Style.PLAIN))
        lines.append(f"  {row['started'][11:19]}  {what}: {outcome}{_took(row)}{_why(row)}  ({visible(row['user'])})")
    return "\n".join(lines) + "\n"


def _what(row: dict[str, Any]) -> str:
    """The branch or ref of an entry; where it has none, its commit."""
    return str(row["ref"].removeprefix("refs/heads/") or row["new"][:12])


def _why(row: dict[str, Any]) -> str:
    """The reason of a failure, as far as it was given."""
    reason = ((row["result"] or row["details"]) or {}).get("reason", "") if row["outcome"] == "failed" else ""
    return f": {visible(reason)}" if reason else ""


def _took(row: dict[str, Any]) -> str:
    if not row["ended"]:
        return ""
    seconds = (datetime.fromisoformat(row["ended"]) - datetime.fromisoformat(row["started"])).total_seconds()
    return f" after {seconds:.1f} s" if seconds >= 0.1 else ""
