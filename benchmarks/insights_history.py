"""``insights`` of 40,000 commits: under 10 s the first time, 0.5 s after."""

from __future__ import annotations

import shutil
from pathlib import Path

from frame import Contender, Report, git, in_turns, tiny
from history_ground import FORTY_THOUSAND, ground


def forget(place: Path) -> None:
    """As if it had never been asked."""
    (place / "insights.duckdb").unlink(missing_ok=True)
    shutil.rmtree(place / "insights", ignore_errors=True)


report = Report()
repo = ground()
kept = Path(git(repo, "rev-parse", "--path-format=absolute", "--git-common-dir").strip()) / "tiny"
argv = [*tiny(), "insights", FORTY_THOUSAND, "--json"]
count = git(repo, "rev-list", "--count", FORTY_THOUSAND).strip()
first = Contender("the first time", argv, repo, before=lambda: forget(kept))
other = Contender("git log --raw", ["git", "log", "--raw", FORTY_THOUSAND], repo)
in_turns(first, other, rounds=2)
report.within(f"insights of {count} commits, the first time: under 10 s", first, other, seconds=10)
again = Contender("again", argv, repo)
in_turns(again, other, rounds=2)
report.within(f"insights of {count} commits, again: under 0.5 s", again, other, seconds=0.5)
report.end()
