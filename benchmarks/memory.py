"""Peak memory of the largest process of each command: under 150 MB, in 100,000 files and 50,000 commits."""

from __future__ import annotations

from frame import Report, git, once, tiny
from make_repo import ensure, pristine
from plans import drop, propose, reset

MOST = 150

report = Report()
repo = ensure("large")
series = repo.parent / "series.mbox"
base = git(repo, "rev-parse", "HEAD").strip()


def line(verb: str, args: list[str], other: list[str]) -> None:
    """One command of ours beside git's nearest."""
    ours = once([*tiny(), *args], repo)
    theirs = once(["git", *other], repo)
    claim = f"{verb}: peak under {MOST} MB at 100,000 files and 50,000 commits"
    report.memory(claim, f"git tiny {verb}", ours.megabytes, theirs.megabytes, f"git {other[0]}", most=MOST)


line("--version", ["--version"], ["--version"])
line("propose", ["propose", "--patch", str(series), "--json"], ["am", "-q", str(series)])
reset(repo, base)
plan = propose(repo, series)
line("status", ["status"], ["status"])
line("plans", ["plans"], ["branch", "--list"])
line("show", ["show", plan["id"]], ["log", "--stat", "main..series"])
line("apply", ["apply", plan["id"], "--yes", "--expect", plan["tip"]], ["status"])
line("rollback", ["rollback", plan["id"]], ["merge", "-q", "--no-ff", "-m", "merge", "series"])
reset(repo, base)
drop(repo)
pristine(repo)
report.end()
