"""``propose --samples K``: several candidates of one model, the best one open, the others kept as drafts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tinycode_git.commands.gates import check_of
from tinycode_git.commands.modelplan import Asked, Made, keep, run_once
from tinycode_git.commands.opening import say
from tinycode_git.commands.talking import Talking, Watched, context_of
from tinycode_git.commands.validating import look
from tinycode_git.dialogue import Context
from tinycode_git.errors import Incomplete, Refused, TinyError
from tinycode_git.git.diff import diff_commits
from tinycode_git.git.write import PlanRepo
from tinycode_git.ledger import Ledger
from tinycode_git.llm.session import Session
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
    """One candidate: its conversation, its run, its tree, and what it is ranked by, the better the smaller."""

    number: int
    talk: Talking
    run: Run
    tree: str
    failed: bool
    findings: int
    size: int

    @property
    def rank(self) -> tuple[bool, bool, int, int, int]:
        """Whole and passing before others, then few findings, then small, then the first."""
        return (not self.run.whole, self.failed, self.findings, self.size, self.number)


@dataclass(slots=True)
class _Sample:
    """One candidate in the making; ``why`` says why there is none."""

    number: int
    talk: Talking
    made: Made | None = None
    why: str = ""
    interrupted: bool = False
    failure: Incomplete | None = None


def propose_samples(
    repo: PlanRepo, ledger: Ledger, talk: Talking, goal: Target, asked: Asked, count: int
) -> tuple[Plan, Run, bool]:
    """Make ``count`` candidates, drop equal trees, open the best; True where Ctrl-C ended it before all were made.

    Raises Refused where none came to anything, Incomplete where the model could not be asked.
    """
    samples = _samples(repo, talk, goal, asked, count)
    interrupted = any(one.interrupted for one in samples)
    found = _candidates(repo, goal, samples)
    if not found and interrupted:
        raise KeyboardInterrupt
    if not found:
        for one in samples:
            if one.failure is not None:
                raise one.failure
        raise Refused("no candidate came to anything", "say the task more exactly, or try another model")
    best, *others = sorted(found, key=lambda one: one.rank)
    for other in reversed(others):
        kept = keep(repo, ledger, other.talk, goal, asked, other.run, state=State.DRAFT)
        say(f"candidate {other.number + 1} is kept as the draft {kept.id}")
    say(f"candidate {best.number + 1} comes first: {_words(best)}")
    return keep(repo, ledger, best.talk, goal, asked, best.run), best.run, interrupted


def _samples(repo: PlanRepo, talk: Talking, goal: Target, asked: Asked, count: int) -> list[_Sample]:
    """Ask for the candidates, as many at once as the model answers at once. What ends one ends those after it."""
    over: list[_Sample] = []
    with progress("reading the repository", delay=0.3) as line:
        context = context_of(repo, goal.base, talk.session, asked.task, asked.named)

        def sampling(number: int) -> Callable[[Session], _Sample]:
            def sample(session: Session) -> _Sample:
                session.seed, session.temperature = number * _APART, _DRAWN
                one = _Sample(number, replace(talk, session=session))
                if over:
                    one.why, one.interrupted = "not begun", over[0].interrupted
                    return one
                _make(one, repo, goal, asked, context, Watched(line, f"candidate {number + 1} of {count}: "))
                if one.interrupted or one.failure or (one.made is not None and not one.made.run.whole):
                    over.append(one)
                return one

            return sample

        return talk.session.together([sampling(number) for number in range(count)])


def _make(one: _Sample, repo: PlanRepo, goal: Target, asked: Asked, context: Context, watched: Watched) -> None:
    try:
        one.made = run_once(repo, one.talk, goal, asked, watched, context=context)
        one.interrupted = one.made.run.interrupted
    except Refused as refused:
        one.why = refused.message
    except Incomplete as failure:
        one.why, one.failure = failure.message, failure
    except KeyboardInterrupt:
        one.why, one.interrupted = "interrupted", True


def _candidates(repo: PlanRepo, goal: Target, samples: Sequence[_Sample]) -> list[Candidate]:
    """Those with steps, each tree once."""
    found: list[Candidate] = []
    for one in samples:
        if one.made is None:
            say(f"candidate {one.number + 1}: {one.why}")
            continue
        tree = repo.commit(one.made.tip).tree
        if any(other.tree == tree for other in found):
            say(f"candidate {one.number + 1} gives the same tree as another one")
        elif one.made.run.steps:
            found.append(_judged(repo, goal, one, one.made, tree))
    return found


def _judged(repo: PlanRepo, goal: Target, one: _Sample, made: Made, tree: str) -> Candidate:
    findings = len(look(repo, goal.base, made.tip).findings)
    files = [file for step in diff_commits(repo.git, step_oids(repo, goal.base, made.tip)) for file in step]
    size = sum((file.added or 0) + (file.removed or 0) for file in files)
    return Candidate(one.number, one.talk, made.run, tree, _fails(repo, tree), findings, size)


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
