"""Statistics of a repository, asked of the commit graph in DuckDB: activity, owners, hot spots, co-change, age."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinycode_git.git.read import ReadRepo
from tinycode_git.history.gather import shallow_gap
from tinycode_git.history.graph import VERSION, clean, graph, stamp

if TYPE_CHECKING:
    import duckdb

MOST_FILES_OF_A_COMMIT = 30
LEAST_TOGETHER = 8
_MOST_BRANCHES = 12
_KEPT = 20


@dataclass(frozen=True, slots=True)
class Month:
    """A month (``2026-01``) with its commits and authors."""

    month: str
    commits: int
    authors: int


@dataclass(frozen=True, slots=True)
class Owner:
    """A part of the tree, who changed it most (``share`` of its changes), and how few made ``half`` of them."""

    area: str
    author: str
    share: float
    half: int
    authors: int


@dataclass(frozen=True, slots=True)
class Spot:
    """A file that changes often: commits, those that fix something, authors."""

    path: str
    commits: int
    fixes: int
    authors: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Two files that change together: in how many commits, and the share of the rarer one's changes."""

    path: str
    other_path: str
    together: int
    share: float


@dataclass(frozen=True, slots=True)
class Age:
    """How many files of the tree were last changed so long ago."""

    since: str
    files: int


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch against the one that was asked about."""

    name: str
    ahead: int
    behind: int
    at: int
    author: str


@dataclass(frozen=True, slots=True)
class Insights:
    """Everything. ``until`` is the newest commit's time, and ``since`` bounds hot spots, owners and pairs (0: none)."""

    tip: str
    commits: int
    merges: int
    authors: int
    files: int
    begun: int
    until: int
    since: int
    fixes: int
    reverts: int
    months: tuple[Month, ...]
    hours: tuple[tuple[int, ...], ...]
    owners: tuple[Owner, ...]
    hot: tuple[Spot, ...]
    pairs: tuple[Pair, ...]
    ages: tuple[Age, ...]
    branches: tuple[Branch, ...]
    gaps: tuple[str, ...] = ()


def insights(repo: ReadRepo, tip: str, *, days: int, most: int) -> Insights:
    """The statistics of the history of ``tip``; hot spots, owners and pairs of the last ``days`` (0: of all)."""
    place = repo.place.tiny_dir / "insights"
    name = f"{VERSION}-{tip}-{stamp(repo)}-{days}-{most}.json"
    answer = _kept(place / name)
    if answer is None:
        with graph(repo, tip) as base:
            answer = _asked(repo, base, tip, days, most)
    away = dict(answer.pop("away", {}))
    known = dict(away)
    found = branches(repo, tip, away)
    if away != known or not (place / name).exists():
        _keep(place, name, {**answer, "away": away})
    return Insights(**{**answer, **_typed(answer)}, branches=found, gaps=shallow_gap(repo))


def _kept(place: Path) -> dict[str, Any] | None:
    """An answer that was given before to the same question about the same commit."""
    try:
        found = json.loads(place.read_text(encoding="ascii"))
        Insights(**{**{key: found[key] for key in found if key != "away"}, **_typed(found)}, branches=())
        if not all(isinstance(pair, list) and len(pair) == 2 for pair in found["away"].values()):
            return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return dict(found)


def _keep(folder: Path, name: str, answer: dict[str, Any]) -> None:
    """Keep an answer, and of all answers the newest; where that is not possible, nothing is kept."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside = folder / f".{os.getpid()}"
        beside.write_text(json.dumps(answer), encoding="ascii")
        beside.replace(folder / name)
        for old in sorted(folder.glob("*.json"), key=lambda one: one.stat().st_mtime)[:-_KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        pass


def _typed(answer: dict[str, Any]) -> dict[str, Any]:
    kinds = {"months": Month, "owners": Owner, "hot": Spot, "pairs": Pair, "ages": Age}
    made: dict[str, Any] = {name: tuple(kind(**row) for row in answer[name]) for name, kind in kinds.items()}
    return {**made, "hours": tuple(tuple(row) for row in answer["hours"])}


def _asked(repo: ReadRepo, base: duckdb.DuckDBPyConnection, tip: str, days: int, most: int) -> dict[str, Any]:
    totals = _row(base, _TOTALS)
    until = int(totals["until"] or 0)
    since = until - days * 86400 if days else 0
    paths = [(clean(path),) for path in repo.git.lines("ls-tree", "-r", "-z", "--name-only", tip)]
    base.execute("CREATE TEMP TABLE files(path VARCHAR)")
    if paths:
        base.execute("INSERT INTO files SELECT unnest(?)", ([path for (path,) in paths],))
    base.execute(_RECENT, (since,))
    return {
        "tip": tip,
        **totals,
        "until": until,
        "begun": int(totals["begun"] or 0),
        "files": len(paths),
        "since": since,
        "months": _every_month(_rows(base, _MONTHS)),
        "hours": _hours(base),
        "owners": _rows(base, _OWNERS, most),
        "hot": _rows(base, _HOT, most),
        "pairs": _rows(base, _PAIRS, MOST_FILES_OF_A_COMMIT, LEAST_TOGETHER, most),
        "ages": _rows(base, _AGES, until),
    }


def _every_month(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The months from the first to the last, those without a commit too."""
    found = {row["month"]: row for row in rows}
    if not rows:
        return []
    year, number = (int(part) for part in rows[0]["month"].split("-"))
    made = []
    while (name := f"{year:04}-{number:02}") <= rows[-1]["month"]:
        made.append(found.get(name, {"month": name, "commits": 0, "authors": 0}))
        year, number = (year, number + 1) if number < 12 else (year + 1, 1)
    return made


def _rows(base: duckdb.DuckDBPyConnection, sql: str, *parameters: object) -> list[dict[str, Any]]:
    done = base.execute(sql, list(parameters))
    names = [column[0] for column in done.description or ()]
    return [dict(zip(names, row, strict=True)) for row in done.fetchall()]


def _row(base: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    return _rows(base, sql)[0]


def _hours(base: duckdb.DuckDBPyConnection) -> list[list[int]]:
    """Commits by weekday (Monday first) and hour, in each author's own time."""
    table = [[0] * 24 for _ in range(7)]
    for row in _rows(base, _HOURS):
        table[row["day"] - 1][row["hour"]] = row["commits"]
    return table


_TOTALS = """
SELECT count(*) AS commits, count(*) FILTER (parents > 1) AS merges, count(DISTINCT email) AS authors,
  min(moment) FILTER (moment > 0) AS begun, max(moment) AS until,
  count(*) FILTER (fix AND parents < 2) AS fixes, count(*) FILTER (reverts AND parents < 2) AS reverts
FROM commits
"""
_MONTHS = """
SELECT strftime(make_timestamp(moment * 1000000), '%Y-%m') AS month, count(*) AS commits,
  count(DISTINCT email) AS authors
FROM commits WHERE moment > 0 GROUP BY month ORDER BY month
"""
_HOURS = """
SELECT CAST(isodow(local) AS INTEGER) AS day, CAST(hour(local) AS INTEGER) AS hour, count(*) AS commits
FROM (SELECT make_timestamp((moment + zone * 60) * 1000000) AS local FROM commits WHERE moment > 0 AND parents < 2)
GROUP BY day, hour
"""
# Touches of files that are still there, in the time that was asked about.
_RECENT = """
CREATE TEMP TABLE recent AS
SELECT t.oid, t.path, c.author, c.email, c.fix FROM touches t JOIN commits c USING (oid) JOIN files f USING (path)
WHERE c.moment >= ?
"""
_OWNERS = """
WITH parts AS (
  SELECT CASE WHEN contains(path, '/') THEN split_part(path, '/', 1) || '/' ELSE '(top)' END AS area,
    email, max(author) AS author, count(DISTINCT oid) AS n
  FROM recent GROUP BY area, email),
ranked AS (
  SELECT *, sum(n) OVER (PARTITION BY area) AS total,
    row_number() OVER (PARTITION BY area ORDER BY n DESC, email) AS rank,
    sum(n) OVER (PARTITION BY area ORDER BY n DESC, email ROWS UNBOUNDED PRECEDING) AS upto
  FROM parts)
SELECT area, max(author) FILTER (rank = 1) AS author, round(max(n) FILTER (rank = 1) / max(total), 3) AS share,
  CAST(min(rank) FILTER (upto * 2 >= total) AS INTEGER) AS half, count(*) AS authors
FROM ranked GROUP BY area ORDER BY max(total) DESC, area LIMIT ?
"""
_HOT = """
SELECT path, count(DISTINCT oid) AS commits, count(DISTINCT oid) FILTER (fix) AS fixes, count(DISTINCT email) AS authors
FROM recent GROUP BY path ORDER BY commits DESC, fixes DESC, path LIMIT ?
"""
_PAIRS = """
WITH narrow AS (SELECT oid FROM recent GROUP BY oid HAVING count(*) BETWEEN 2 AND ?),
slim AS (SELECT oid, path FROM recent JOIN narrow USING (oid)),
times AS (SELECT path, count(*) AS n FROM slim GROUP BY path),
pairs AS (SELECT a.path AS path, b.path AS other_path, count(*) AS together
  FROM slim a JOIN slim b ON a.oid = b.oid AND a.path < b.path GROUP BY 1, 2 HAVING count(*) >= ?)
SELECT p.path, p.other_path, p.together, round(p.together / least(x.n, y.n), 3) AS share
FROM pairs p JOIN times x ON x.path = p.path JOIN times y ON y.path = p.other_path
ORDER BY share * ln(p.together) DESC, p.together DESC, p.path, p.other_path LIMIT ?
"""
_AGES = """
WITH last AS (
  SELECT t.path, max(c.moment) AS moment FROM touches t JOIN commits c USING (oid) JOIN files USING (path) GROUP BY 1),
aged AS (SELECT (? - moment) / 86400.0 AS days FROM last)
SELECT since, count(*) AS files FROM (
  SELECT CASE WHEN days < 30 THEN '1 month' WHEN days < 91 THEN '3 months' WHEN days < 365 THEN '1 year'
    WHEN days < 730 THEN '2 years' WHEN days < 1826 THEN '5 years' ELSE 'longer' END AS since, days FROM aged)
GROUP BY since ORDER BY min(days)
"""


def branches(repo: ReadRepo, tip: str, away: dict[str, list[int]]) -> tuple[Branch, ...]:
    """The newest branches, with how far they are from ``tip``; ``away`` has what is known by oid, and is added to."""
    form = "%(objectname)%00%(refname:lstrip=2)%00%(committerdate:unix)%00%(authorname)"
    count = f"--count={_MOST_BRANCHES}"
    rows = repo.git.quiet("for-each-ref", "--sort=-committerdate", count, f"--format={form}", "refs/heads").text
    found = []
    for row in rows.split("\n") if rows else ():
        oid, name, at, author = row.split("\0")
        if oid not in away:
            counts = repo.git.quiet("rev-list", "--left-right", "--count", f"{oid}...{tip}").text.split()
            away[oid] = [int(counts[0]), int(counts[1])]
        found.append(Branch(name, away[oid][0], away[oid][1], int(at or 0), author))
    return tuple(found)
