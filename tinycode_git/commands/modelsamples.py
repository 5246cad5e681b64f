"""``propose --samples K``: several candidates of one model, the best one open, the others kept as drafts."""

from __future__ import annotations

from dataclasses import dataclass

from tinycode_git.commands.gates import check_of
from tinycode_git.commands.modelplan import Asked, keep, run_once
from tinycode_git.commands.opening import say
from tinycode_git.commands.talking import Talking, Watched, context_of
from tinycode_git.commands.validating import look
from tinycode_git.errors import Refused, TinyError
from tinycode_git.git.diff import diff_commits
from tinycode_git.git.write import PlanRepo
from tinycode_git.ledger import Ledger
from tinycode_git.plan.gate import run_gate
from tinycode_git.plan.propose import Target
from tinycode_git.plan.record import State
from tinycode_git.plan.steps import step_oids
from tinycode_git.plan.store import Plan
from tinycode_git.planners.model import Run
from tinycode_git.render.progress import progress

# Seeds of a candidate are its own: repetitions inside it count up from there.
_APART = 100
_DRAWN = 0.8


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate: its run, its tree, and what it is ranked by, the better the smaller."""

    number: int
    run: Run
    tree: str
    failed: bool
    findings: int
    size: int

    @property
    def rank(self) -> tuple[bool, bool, int, int, int]:
        """Whole and passing before others, then few findings, then small, then the first."""
        return (not self.run.whole, self.failed, self.findings, self.size, self.number)


def propose_samples(
    repo: PlanRepo, ledger: Ledger, talk: Talking, goal: Target, asked: Asked, count: int
) -> tuple[Plan, Run]:
    """Make ``count`` candidates, drop equal trees, open the best. Raises Refused where none came to anything."""
    found: list[Candidate] = []
    with progress("reading the repository", delay=0.3) as line:
        context = context_of(repo, goal.base, talk.session, asked.task, asked.named)
        for number in range(count):
            talk.session.seed, talk.session.temperature = number * _APART, _DRAWN
            watched = Watched(line)
            watched.say(f"candidate {number + 1} of {count}")
            try:
                made = run_once(repo, talk, goal, asked, watched, context=context)
            except Refused as refused:
                say(f"candidate {number + 1}: {refused.message}")
                continue
            tree = repo.commit(made.tip).tree
            if any(one.tree == tree for one in found):
                say(f"candidate {number + 1} gives the same tree as another one")
            elif made.run.steps:
                found.append(_judged(repo, goal, number, made.run, made.tip, tree))
            if not made.run.whole:
                break
    if not found:
        raise Refused("no candidate came to anything", "say the task more exactly, or try another model")
    best, *others = sorted(found, key=lambda one: one.rank)
    for other in reversed(others):
        kept = keep(repo, ledger, talk, goal, asked, other.run, state=State.DRAFT)
        say(f"candidate {other.number + 1} is kept as the draft {kept.id}")
    say(f"candidate {best.number + 1} comes first: {_words(best)}")
    return keep(repo, ledger, talk, goal, asked, best.run), best.run


def _judged(repo: PlanRepo, goal: Target, number: int, run: Run, tip: str, tree: str) -> Candidate:
    findings = len(look(repo, goal.base, tip).findings)
    files = [file for step in diff_commits(repo.git, step_oids(repo, goal.base, tip)) for file in step]
    size = sum((file.added or 0) + (file.removed or 0) for file in files)
    return Candidate(number, run, tree, _fails(repo, tree), findings, size)


def _fails(repo: PlanRepo, tree: str) -> bool:
    check = check_of(repo, "")
    if check is None:
        return False
    try:
        return not run_gate(repo, tree, check).passed
    except TinyError:
        return True


def _words(best: Candidate) -> str:
    check = "the check fails" if best.failed else "no check fails"
    return f"{check}, {best.findings} finding{'s' * (best.findings != 1)}, {best.size} lines"
