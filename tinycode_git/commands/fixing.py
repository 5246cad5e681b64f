"""The rounds of ``fix``: propose, run the check on the result in a throwaway working tree, read the failure, again."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from tinycode_git.commands.failing import without_secrets
from tinycode_git.commands.gates import check_of
from tinycode_git.commands.modelplan import Asked, keep, run_once, tell_end
from tinycode_git.commands.modeltell import tell
from tinycode_git.commands.opening import from_top, planning, say
from tinycode_git.commands.talking import Talking, Watched, talking
from tinycode_git.edits.lines import split_lines
from tinycode_git.errors import Refused, UsageError
from tinycode_git.git.write import PlanRepo
from tinycode_git.plan.gate import Check, GateResult, run_gate
from tinycode_git.plan.propose import Target, target_of
from tinycode_git.plan.record import State
from tinycode_git.planners.failure import Failure, read_failure
from tinycode_git.planners.model import Run
from tinycode_git.planners.model_text import data
from tinycode_git.proposal import Snapshot, StepDraft
from tinycode_git.render.progress import progress

_PLACE = re.compile(r"(.+?)(?::(\d+))?(?::\d+)?\Z", re.S)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is known of a fault: where it may be, what a program printed, the check and how often it is tried."""

    place: str
    text: str
    check: str
    rounds: int


def run_fix(fault: Fault, model: str, target: str, json: bool) -> None:
    """See the verb ``fix``."""
    repo, ledger = planning("fix")
    goal = target_of(repo, target or None)
    check = check_of(repo, fault.check)
    place = _place(repo, goal, fault.place)
    if not (fault.text or place or check):
        raise UsageError("nothing says what is wrong", "give --error FILE, --check CMD, or the place")
    with talking(repo, ledger, "fix", model) as talk:
        failure = _failure(repo, goal, fault, check)
        asked = _asked(talk, failure, place)
        with progress("reading the repository", delay=0.3) as line:
            run, passed = _rounds(repo, talk, goal, asked, check, fault.rounds, Watched(line))
        plan = keep(repo, ledger, talk, goal, asked, run, state=State.OPEN if passed else State.DRAFT)
    tell(plan, json)
    tell_end(run, plan)
    if not passed:
        raise Refused(
            f"the check still fails after {fault.rounds} rounds", f"what was tried is kept as the draft plan {plan.id}"
        )


def _place(repo: PlanRepo, goal: Target, text: str) -> tuple[str, int] | None:
    if not text:
        return None
    match = _PLACE.match(text)
    assert match is not None
    path = from_top(repo, match[1])
    snapshot = repo.snapshot(goal.base)
    if snapshot.entry(path) is None:
        raise UsageError(f"there is no {path} in the repository", "name a file that is committed")
    line, lines = int(match[2] or 0), len(split_lines(snapshot.read(path) or b""))
    if line > lines:
        where = goal.ref.removeprefix("refs/heads/")
        raise UsageError(f"{path} has no line {line}", f"it has {lines} lines on {where}")
    return path, line


def _failure(repo: PlanRepo, goal: Target, fault: Fault, check: Check | None) -> Failure | None:
    """What is wrong: what the user gave, else what the check prints on the branch as it is."""
    snapshot = repo.snapshot(goal.base)
    top = str(repo.place.worktree or "")

    known = _known(snapshot)
    if fault.text:
        return read_failure(without_secrets(fault.text), known, top, called=_called(snapshot))
    if check is None:
        return None
    result = _gate(repo, repo.commit(goal.base).tree, check)
    if result.passed:
        raise Refused("the check passes: there is nothing to mend", result.words())
    return read_failure(without_secrets("\n".join(result.lines)), known, top, called=_called(snapshot))


def _known(snapshot: Snapshot) -> Callable[[str], bool]:
    """Whether a path is one of the tree's files; what could be no path is none."""

    def known(path: str) -> bool:
        return "\0" not in path and snapshot.entry(path) is not None

    return known


def _called(snapshot: Snapshot) -> Callable[[str], str]:
    """The one file with a name, wherever it is; nothing where there are several, or none."""
    names: dict[str, list[str]] = {}

    def called(name: str) -> str:
        if not names:
            for entry in snapshot.paths():
                names.setdefault(entry.path.rpartition("/")[2], []).append(entry.path)
        found = names.get(name, [])
        return found[0] if len(found) == 1 else ""

    return called


def _gate(repo: PlanRepo, tree: str, check: Check) -> GateResult:
    say(f"running the check: {check.command}")
    result = run_gate(repo, tree, check)
    say(result.words())
    return result


def _asked(talk: Talking, failure: Failure | None, place: tuple[str, int] | None) -> Asked:
    named = [place[0]] if place else []
    where = f" in {place[0]}" + (f" near line {place[1]}" if place[1] else "") if place else ""
    if failure is None:
        return Asked(f"find and mend the fault{where}", tuple(named), most=3)
    named += [path for path, _ in failure.places if path not in named]
    return Asked(f"mend: {failure.title}{where}", tuple(named), most=3, problem=_problem(talk, failure))


def _problem(talk: Talking, failure: Failure) -> str:
    """The output as data, at most a quarter of the room; with the places that it names."""
    text = failure.text
    while talk.session.count(text) > talk.session.room // 4 and len(text) > 200:
        text = text[len(text) // 3 :]
    places = ", ".join(f"{path}:{line}" for path, line in failure.places)
    return data("What the failing program printed", text) + (f"\nPlaces it names: {places}" if places else "")


def _rounds(
    repo: PlanRepo, talk: Talking, goal: Target, asked: Asked, check: Check | None, rounds: int, watched: Watched
) -> tuple[Run, bool]:
    """The run that the last round ended with, and whether the check passes on it (without one: true)."""
    before: tuple[StepDraft, ...] = ()
    notes: list[str] = []
    for number in range(1, rounds + 1):
        try:
            made = run_once(repo, talk, goal, asked, watched, before=before)
        except Refused as refused:
            # A later round may come to nothing; what the rounds before it made is kept.
            if not before:
                raise
            return Run(list(before), [*notes, f"round {number}: {refused.message}"]), False
        made.run.notes[:0] = notes
        if check is None or not made.run.whole:
            return made.run, True
        result = _gate(repo, repo.commit(made.tip).tree, check)
        if result.passed:
            return made.run, True
        notes = [*made.run.notes, f"after round {number}: {result.words()}"]
        before = tuple(made.run.steps)
        now = repo.snapshot(made.tip)
        failure = read_failure(without_secrets("\n".join(result.lines)), _known(now), called=_called(now))
        asked = replace(asked, problem=_problem(talk, failure))
    made.run.notes[:] = notes
    return made.run, False
