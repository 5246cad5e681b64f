"""A plan of ten steps from a patch series: at most half of ``git am``, no slower in a repository ten times larger.

``python benchmarks/propose_series.py large`` leaves the larger repository out (it takes 6 GB of disk).
"""

from __future__ import annotations

import sys
from pathlib import Path

from frame import Contender, Report, git, in_turns, tiny
from make_repo import ensure, pristine
from plans import drop, reset

NOISE = 1.15


def sides(repo: Path, rounds: int) -> tuple[Contender, Contender]:
    """Ours and ``git am`` of the same series in one repository."""
    series = repo.parent / "series.mbox"
    base = git(repo, "rev-parse", "HEAD").strip()
    propose = [*tiny(), "propose", "--patch", str(series), "--json"]
    ours = Contender("git tiny propose", propose, repo, after=lambda: drop(repo))
    am = Contender("git am", ["git", "am", "-q", str(series)], repo, after=lambda: reset(repo, base))
    in_turns(ours, am, rounds=rounds)
    pristine(repo)
    return ours, am


report = Report()
ours, am = sides(ensure("large"), rounds=7)
report.ratio("propose, 10 patches, 100,000 files: at most half of git am", ours, am, most=0.5)
if sys.argv[1:] != ["large"]:
    huge, huge_am = sides(ensure("huge"), rounds=3)
    report.ratio("propose, 10 patches, 1,000,000 files: at most half of git am", huge, huge_am, most=0.5)
    smaller = Contender("the same in 100,000 files", (), Path(), runs=ours.runs)
    report.ratio(f"propose in 10 times the files: not slower (x{NOISE} is noise)", huge, smaller, most=NOISE)
report.end()
