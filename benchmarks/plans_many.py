"""``plans --json`` with 500 open plans under 300 ms, in 100,000 files and 50,000 commits."""

from __future__ import annotations

import json
import os
import sys

from frame import ROOT, Contender, Report, in_turns, once, tiny
from make_repo import ensure, pristine

MANY = 500
CODE = """
import sys; from pathlib import Path
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.git.write import PlanRepo
from tinycode_git.plan.propose import propose, target_of
from tinycode_git.proposal import Proposal, Put, StepDraft
repo = PlanRepo.discover(Path("."))
ledger = JournalLedger(repo.place.common_dir, mode="propose", user="Bench <bench@example.com>", actor="")
for n in range(int(sys.argv[1])):
    steps = tuple(StepDraft(f"step {m}", (Put(f"plans/{n}/{m}.txt", b"new", 0o100644),)) for m in range(3))
    propose(repo, ledger, Proposal(f"task {n}", "bench", steps), target_of(repo, None), validate=lambda *_: ())
"""

os.environ["PYTHONPATH"] = str(ROOT)
report = Report()
repo = ensure("large")
once([sys.executable, "-c", CODE, str(MANY)], repo)
listed = json.loads(once([*tiny(), "plans", "--json"], repo).out)["plans"]
assert len(listed) == MANY, len(listed)
ours = Contender("git tiny plans --json", [*tiny(), "plans", "--json"], repo)
other = Contender("git branch --list", ["git", "branch", "--list", "-v"], repo)
in_turns(ours, other, rounds=7)
report.within(f"plans --json with {MANY} plans: under 300 ms", ours, other, seconds=0.300)
pristine(repo)
report.end()
