"""``review`` of a 2,000-line diff under 1 s: a commit on top of git's own history, a hundred lines in each of 20."""

from __future__ import annotations

from pathlib import Path

from frame import Contender, Report, git, in_turns, tiny
from history_ground import COMMIT, ground

FILES, LINES, STEP = 20, 100, 4


def change(repo: Path) -> str:
    """A commit in which every fourth line of the first files of C is another one."""
    git(repo, "checkout", "-q", "-B", "bench", COMMIT)
    able = [
        path
        for path in git(repo, "ls-files", "*.c").split()
        if (repo / path).read_bytes().count(b"\n") > 10 + STEP * LINES
    ]
    for path in able[:FILES]:
        rows = (repo / path).read_text(errors="surrogateescape").split("\n")
        for n in range(10, 10 + STEP * LINES, STEP):
            rows[n] = f"\tbench_call_{n}(value, {n});"
        (repo / path).write_text("\n".join(rows), errors="surrogateescape")
    git(repo, "commit", "-q", "-a", "-m", "bench: change many lines")
    return git(repo, "rev-parse", "HEAD").strip()


report = Report()
repo = ground()
tip = change(repo)
shown = git(repo, "diff", "--shortstat", f"{tip}^", tip).strip()
ours = Contender("git tiny review", [*tiny(), "review", tip, "--no-note", "--fail-on", "never", "--json"], repo)
other = Contender("git diff", ["git", "diff", f"{tip}^", tip], repo)
in_turns(ours, other, rounds=5)
report.within(f"review ({shown}): under 1 s", ours, other, seconds=1.0)
git(repo, "checkout", "-q", "-f", "--detach", COMMIT)
git(repo, "branch", "-q", "-D", "bench")
report.end()
