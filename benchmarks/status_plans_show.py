"""``status``, ``plans`` and ``show`` under 250 ms each, in 100,000 files and 50,000 commits, with ten plans."""

from __future__ import annotations

from frame import Contender, Report, in_turns, tiny
from make_repo import ensure, pristine
from plans import propose

report = Report()
repo = ensure("large")
for _ in range(10):
    plan = propose(repo, repo.parent / "series.mbox")
sides = {
    "status": (["status"], ["status"]),
    "plans": (["plans"], ["branch", "--list", "-v"]),
    "show": (["show", plan["id"]], ["log", "--stat", "--format=medium", f"main..tiny/{plan['id']}"]),
}
for verb, (ours_args, git_args) in sides.items():
    ours = Contender(f"git tiny {verb}", [*tiny(), *ours_args], repo)
    other = Contender(f"git {git_args[0]}", ["git", *git_args], repo)
    in_turns(ours, other, rounds=7)
    report.within(f"{verb}: under 250 ms at 100,000 files and 50,000 commits", ours, other, seconds=0.250)
pristine(repo)
report.end()
