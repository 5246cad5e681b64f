"""Partial approval and restack of a plan of 50 steps, at 100,000 files: under 1 s each.

Beside ours what a user would do by hand: ``git cherry-pick`` of the same commits, ``git rebase`` of the same branch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from frame import Contender, Report, git, in_turns, once, tiny
from make_repo import content, ensure, path_of, pristine
from plans import drop, reset

FILES, STEPS = 100_000, 50
CHOSEN = "1,3,5-30"


def fifty(repo: Path) -> None:
    """The branch ``fifty``: as many commits on main, each of which changes two files that no other one touches."""
    rows = [b"feature done\n"]
    for step in range(STEPS):
        who = f"Bench <bench@example.com> {1_700_000_000 + step} +0000"
        rows.append(f"commit refs/heads/fifty\nauthor {who}\ncommitter {who}\ndata <<.\nstep {step}\n.\n".encode())
        if step == 0:
            rows.append(b"from refs/heads/main^0\n")
        for number in (step * 1_999, step * 1_999 + 1):
            text = content(number) + b"# fifty\n"
            rows.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path_of(number, FILES).encode(), len(text), text))
    stream = repo.parent / "fifty.stream"
    stream.write_bytes(b"".join([*rows, b"done\n"]))
    git(repo, "fast-import", "--quiet", "--done", "--force", stdin=stream)
    stream.unlink()


class Side:
    """The repository put in place before each run and back after it."""

    def __init__(self, repo: Path) -> None:
        self.repo, self.base = repo, git(repo, "rev-parse", "main").strip()
        self.plan: dict[str, Any] = {}

    def propose(self) -> None:
        """A plan of the fifty commits."""
        made = once([*tiny(), "propose", "--from-range", "main..fifty", "--json"], self.repo).out
        self.plan = json.loads(made)

    def move_main(self) -> None:
        """The plan's target, one commit further."""
        self.propose()
        self.advance()

    def advance(self) -> None:
        """One commit on main, in a file that no step touches."""
        (self.repo / "theirs.txt").write_text("theirs\n")
        git(self.repo, "add", "theirs.txt")
        git(self.repo, "commit", "-q", "-m", "theirs")

    def applying(self) -> Sequence[str]:
        """Approves more than half of the steps of what was just proposed."""
        named = (self.plan["id"], "--steps", CHOSEN, "--yes", "--expect", self.plan["tip"])
        return [*tiny(), "apply", *named]

    def restacking(self) -> Sequence[str]:
        """Moves what was just proposed."""
        return [*tiny(), "restack", self.plan["id"]]

    def back(self) -> None:
        """As before; what was measured must have happened."""
        assert git(self.repo, "rev-parse", "main").strip() != self.base, "nothing was done"
        git(self.repo, "checkout", "-q", "main")
        reset(self.repo, self.base)
        drop(self.repo)
        git(self.repo, "branch", "-f", "fifty", kept)


report = Report()
repo = ensure("large")
fifty(repo)
kept = git(repo, "rev-parse", "fifty").strip()
commits = git(repo, "rev-list", "--reverse", "main..fifty").split()
picked = [commits[0], commits[2], *commits[4:30]]
side = Side(repo)
ours = Contender("git tiny apply --steps", side.applying, repo, before=side.propose, after=side.back)
pick = Contender("git cherry-pick", ["git", "cherry-pick", *picked], repo, after=side.back)
in_turns(ours, pick, rounds=5)
report.within("28 of 50 steps approved, 100,000 files: under 1 s", ours, pick, seconds=1)

ours = Contender("git tiny restack", side.restacking, repo, before=side.move_main, after=side.back)
rebase = Contender("git rebase", ["git", "rebase", "-q", "main", "fifty"], repo, before=side.advance, after=side.back)
in_turns(ours, rebase, rounds=5)
report.within("a plan of 50 steps restacked, 100,000 files: under 1 s", ours, rebase, seconds=1)
pristine(repo)
report.end()
