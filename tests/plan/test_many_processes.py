"""Many processes at once in linked worktrees: no plan is lost, no ref wrong, no object missing.

Each worker proposes, applies, rolls back, brings back and rejects, on a branch of its own and on main, which all share.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.repos import Repo, Result, tiny

# A refusal that another process brought about; everything else that fails is a failure of the test.
CROWDED = (
    "is applying or rolling back a plan right now; nothing was changed",
    "was moved by somebody else meanwhile; nothing was changed",
    "was moved meanwhile: ",
    "another git process held ",
    ") holds ",
    " is there, and no git process that runs here holds it",
    "moved since",
    "merging would bring more than its steps",
    "stands on the newest",
)
NEW_FILE = "--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+{path}\n"


@dataclass(slots=True)
class Worker:
    """One process after the other in one worktree. ``states`` is what became of each plan that it made."""

    repo: Repo
    name: str
    until: float
    states: dict[str, str] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)
    crowded: int = 0

    def work(self) -> Worker:
        number, choice = 0, random.Random(self.name)
        while number < 2 or time.monotonic() < self.until:
            number += 1
            target = "main" if choice.random() < 0.4 else self.name
            path = f"{self.name}/{number}.txt"
            plan = self.propose(path, target)
            if choice.random() < 0.15:
                self.moved(plan, "rejected", "reject", plan["id"])
                continue
            applied = self.apply(plan)
            undone = applied and choice.random() < 0.6 and self.moved(plan, "rolled-back", "rollback", plan["id"])
            if undone and choice.random() < 0.5:
                self.moved(plan, "applied", "redo", plan["id"])
        return self

    def propose(self, path: str, target: str) -> dict[str, str]:
        args = ("propose", "--patch", "-", "--target", target, "--json", f"add {path}")
        made: dict[str, str] = self.run(*args, input=NEW_FILE.format(path=path), tries=20).json
        self.states[made["id"]], self.targets[made["id"]] = "open", target
        return made

    def apply(self, plan: dict[str, str]) -> bool:
        """Approve; where somebody took back what the plan stands on, it is moved first."""
        for _ in range(5):
            if self.moved(plan, "applied", "apply", plan["id"], "--yes", "--expect", plan["tip"]):
                return True
            if self.run("restack", plan["id"], tries=5).code == 0:
                plan["tip"] = self.run("show", plan["id"], "--json", tries=1).json["tip"]
        return False

    def moved(self, plan: dict[str, str], state: str, *args: str) -> bool:
        done = self.run(*args, tries=5).code == 0
        if done:
            self.states[plan["id"]] = state
        return done

    def run(self, *args: str, tries: int, input: str | None = None) -> Result:
        for _ in range(tries):
            answer = tiny(*args, cwd=self.repo.path, input=input, check=False)
            if answer.code == 0:
                break
            assert answer.code == 1, answer
            assert any(words in answer.err for words in CROWDED), answer
            self.crowded += 1
            time.sleep(random.uniform(0, 0.3))
        return answer


def crowd(repo: Repo, world: Path, processes: int, seconds: float) -> str:
    """Let them work, then look at everything; a line that says how much was done."""
    trees = [repo.worktree_add(world / f"w{n}", "-b", f"w{n}") for n in range(processes)]
    repo.tiny("scan", "--all")
    until = time.monotonic() + seconds
    workers = [Worker(tree, f"w{n}", until) for n, tree in enumerate(trees)]
    with ThreadPoolExecutor(processes) as pool:
        done = [future.result() for future in [pool.submit(worker.work) for worker in workers]]
    assert repo.tiny("recover").text == "nothing was interrupted"
    plans = {plan["id"]: plan for plan in repo.tiny("plans", "--all", "--json").json["plans"]}
    states = {name: state for worker in done for name, state in worker.states.items()}
    assert {name: plan["state"] for name, plan in plans.items()} == states
    for worker in done:
        _refs_and_files(repo, worker)
    repo.fsck()
    repo.tiny("audit", "verify")
    assert [lock for lock in repo.git_dir().glob("**/*.lock") if lock.parent.name != "tiny"] == []
    crowded = sum(worker.crowded for worker in done)
    return f"{processes} processes, {seconds:g} s: {len(plans)} plans, {crowded} refusals, none lost"


def _refs_and_files(repo: Repo, worker: Worker) -> None:
    """Each file is in its target exactly where its plan is applied, and the worktrees are as their branches."""
    trees = {target: repo.tree(target) for target in ("main", worker.name)}
    held = {path for tree in trees.values() for path in tree if path.startswith(f"{worker.name}/")}
    wanted = set()
    for number, (plan, state) in enumerate(worker.states.items(), 1):
        path = f"{worker.name}/{number}.txt"
        assert (path in trees[worker.targets[plan]]) == (state == "applied"), (plan, state)
        wanted |= {path} if state == "applied" else set()
        if state in ("open", "applied", "rolled-back"):
            assert repo.git("rev-parse", "--verify", "-q", f"refs/heads/tiny/{plan}^{{tree}}").code == 0
    assert held == wanted
    assert worker.repo.git("status", "--porcelain").out == ""
    assert repo.git("status", "--porcelain").out == ""


def test_four_for_a_moment(repo: Repo, world: Path, record_property: Callable[[str, object], None]) -> None:
    record_property("summary", crowd(repo, world, 4, 5))


@pytest.mark.slow
def test_eight_for_a_minute(repo: Repo, world: Path, record_property: Callable[[str, object], None]) -> None:
    record_property("summary", crowd(repo, world, 8, 60))
