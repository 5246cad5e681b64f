"""``apply`` without a gate: at most ``git merge --no-ff`` of the same branch plus 250 ms, at 100,000 files.

Ours also with staged and unstaged work in the tree, which ``git merge`` refuses: shown beside a merge without.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from frame import Contender, Report, git, in_turns, tiny
from make_repo import ensure, path_of, pristine
from plans import drop, propose, reset


class Applying:
    """One side of ours: proposes, applies in time, puts back."""

    def __init__(self, repo: Path, *, dirty: bool) -> None:
        self.repo, self.dirty = repo, dirty
        self.base = git(repo, "rev-parse", "HEAD").strip()
        self.work: dict[Path, str] = {}

    def argv(self) -> Sequence[str]:
        """Approves what was just proposed."""
        return [*tiny(), "apply", self.plan["id"], "--yes", "--expect", self.plan["tip"]]

    def before(self) -> None:
        """A plan, and the user's uncommitted work where there is some."""
        self.plan = propose(self.repo, self.repo.parent / "series.mbox")
        touched = set(git(self.repo, "diff", "--name-only", "main", "series").split())
        if not self.dirty:
            return
        mine = [path for number in range(0, 100_000, 9_973) if (path := path_of(number, 100_000)) not in touched]
        for path in mine:
            self.work[self.repo / path] = (self.repo / path).read_text() + "# mine\n"
            (self.repo / path).write_text(self.work[self.repo / path])
        git(self.repo, "add", *mine[::2])

    def after(self) -> None:
        """The uncommitted work must still be there; then everything as before."""
        assert git(self.repo, "rev-parse", "HEAD").strip() != self.base, "nothing was applied"
        for place, text in self.work.items():
            assert place.read_text() == text, f"{place} lost what was not committed"
        reset(self.repo, self.base)
        drop(self.repo)


report = Report()
repo = ensure("large")
clean, dirty = Applying(repo, dirty=False), Applying(repo, dirty=True)
base = clean.base
ours = Contender("git tiny apply", clean.argv, repo, before=clean.before, after=clean.after)
kept = Contender("git tiny apply, uncommitted work", dirty.argv, repo, before=dirty.before, after=dirty.after)
merge_argv = ["git", "merge", "-q", "--no-ff", "-m", "merge", "series"]
merge = Contender("git merge --no-ff", merge_argv, repo, after=lambda: reset(repo, base))
in_turns(ours, merge, kept, rounds=7)
pristine(repo)
report.ratio("apply, clean, 100,000 files: at most git merge + 250 ms", ours, merge, most=1, plus=0.250)
report.ratio("apply with staged and unstaged work, which git merge refuses: beside a clean git merge", kept, merge)
report.end()
