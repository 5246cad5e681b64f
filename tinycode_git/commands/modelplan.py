"""``propose`` by a model: context, the two phases, the validator after each step, the plan with its provenance."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tinycode_git import config
from tinycode_git.commands.opening import preload, say
from tinycode_git.commands.talking import Talking, Watched, context_of
from tinycode_git.commands.validating import described, look, validator
from tinycode_git.dialogue import Context
from tinycode_git.errors import Incomplete, Refused, UsageError
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.write import PlanRepo
from tinycode_git.ledger import Ledger
from tinycode_git.plan.materialise import materialise
from tinycode_git.plan.propose import Target
from tinycode_git.plan.propose import propose as make_plan
from tinycode_git.plan.record import State
from tinycode_git.plan.store import Plan
from tinycode_git.planners.model import Run, Wish, run_model
from tinycode_git.planners.model_plan import PlannedStep
from tinycode_git.proposal import Proposal, StepDraft
from tinycode_git.render.progress import progress

PROVENANCE = "model.json"
FORMATS = ("auto", "whole", "blocks")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of the model, as far as it decides on the answer."""

    task: str
    named: tuple[str, ...] = ()
    most: int = 8
    edit_format: str = "auto"
    problem: str = ""
    only: tuple[str, ...] = ()


@dataclass(slots=True)
class Judge:
    """Looks at each step as the validator will, on a commit that no ref names; ``tip`` is where the next one stands."""

    repo: PlanRepo
    tip: str
    _committer: Any = field(default=None)

    def __call__(self, step: StepDraft) -> str:
        """What blocks ``step``, in words; empty where nothing does, and the next step is looked at on top of it."""
        self._committer = self._committer or self.repo.identity()
        one = Proposal("a step", "model", (step,))
        try:
            built = materialise(self.repo, one, self.tip, "judged", self._committer, sign=False)
        except Refused as refused:
            return refused.message
        blocking = look(self.repo, self.tip, built.tip).blocking
        if blocking:
            return described(blocking)
        self.tip = built.tip
        return ""


def check_format(text: str) -> str:
    """One of the edit formats. Raises UsageError."""
    if text not in FORMATS:
        raise UsageError(f"--edit-format takes {', '.join(FORMATS)}, not {text!r}", "auto chooses by the file's length")
    return text


@dataclass(frozen=True, slots=True)
class Made:
    """What a model made of a task, before it is a plan: the run, and the commit that no ref names."""

    run: Run
    tip: str


def run_once(
    repo: PlanRepo,
    talking: Talking,
    goal: Target,
    asked: Asked,
    watched: Watched,
    *,
    context: Context | None = None,
    planned: Sequence[PlannedStep] = (),
    before: Sequence[StepDraft] = (),
) -> Made:
    """Ask the model, while what validates its steps is loaded.

    ``planned`` and ``before`` go on from a draft: steps to be done, and those that were done.
    """
    preload("tinycode_git.safety.flow")
    snapshot = repo.snapshot(goal.base)
    judge = Judge(repo, goal.base)
    for step in before:
        judge(step)
        snapshot = snapshot.after(step.changes)
    seen = context or context_of(repo, judge.tip, talking.session, asked.task, asked.named or asked.only)
    wish = Wish(
        asked.task,
        seen,
        most=asked.most,
        edit_format=asked.edit_format,
        problem=asked.problem,
        only=asked.only,
        planned=tuple(planned),
        judge=judge,
        say=watched.say,
        shown=watched.shown,
    )
    run = run_model(talking.session, snapshot, wish)
    run.steps[:0] = before
    return Made(run, judge.tip)


def propose_by_model(
    repo: PlanRepo,
    ledger: Ledger,
    talking: Talking,
    goal: Target,
    asked: Asked,
    *,
    planned: Sequence[PlannedStep] = (),
    before: Sequence[StepDraft] = (),
) -> tuple[Plan, Run]:
    """The plan of a model, open where it is whole, else a draft; the run says how it ended."""
    with progress("reading the repository", delay=0.3) as line:
        made = run_once(repo, talking, goal, asked, Watched(line), planned=planned, before=before)
        return keep(repo, ledger, talking, goal, asked, made.run), made.run


def keep(
    repo: PlanRepo,
    ledger: Ledger,
    talking: Talking,
    goal: Target,
    asked: Asked,
    run: Run,
    *,
    state: State = State.OPEN,
) -> Plan:
    """Make a plan of a run: in ``state`` where it is whole, else a draft. Without any step it was interrupted."""
    if not run.steps:
        raise KeyboardInterrupt
    if not run.whole:
        run.notes.append(f"still to be done: {', '.join(step.title for step in run.waiting)}")
    return make_plan(
        repo,
        ledger,
        run.proposal(asked.task),
        goal,
        validate=validator(ledger),
        state=state if run.whole else State.DRAFT,
        attached={PROVENANCE: provenance(repo, talking, goal, asked, run)},
    )


def provenance(repo: PlanRepo, talking: Talking, goal: Target, asked: Asked, run: Run) -> bytes:
    """Where a plan comes from: model, prompts, parameters, base tree; what was asked, never what was answered."""
    card, session = talking.backend.card(), talking.session
    found = {
        "version": 1,
        "model": f"{talking.backend.kind}:{card.name}",
        "digest": card.digest,
        "context": session.context,
        "temperature": session.temperature,
        "seed": session.seed,
        "base": goal.base,
        "tree": repo.commit(goal.base).tree,
        "asked": asdict(asked) | _problem_kept(repo, asked),
        "calls": [asdict(call) for call in session.calls],
        "waiting": [asdict(step) for step in run.waiting],
    }
    return jsonlib.dumps(found, indent=1).encode("ascii") + b"\n"


def _problem_kept(repo: PlanRepo, asked: Asked) -> dict[str, str]:
    """What the record keeps of a failing program's output: its end and a hash."""
    from tinycode_git.commands.failing import TAIL, keep

    if not asked.problem:
        return {}
    return {"problem": asked.problem[-TAIL:], "problem_sha256": keep(_failures(repo), asked.problem)}


def _failures(repo: ReadRepo) -> Path:
    return repo.place.tiny_dir / "failures"


def problem_of(found: Mapping[str, Any], repo: ReadRepo) -> tuple[str, bool]:
    """What a failing program had printed, and whether that is the whole of it: elsewhere only its end is known."""
    from tinycode_git.commands.failing import kept
    from tinycode_git.planners.model_text import data

    asked = found.get("asked")
    end = str(asked.get("problem") or "") if isinstance(asked, Mapping) else ""
    if not end:
        return "", True
    assert isinstance(asked, Mapping)
    whole = kept(_failures(repo), str(asked.get("problem_sha256")))
    if whole is not None:
        return whole, True
    return data("The end of what the failing program printed", end), False


def provenance_of(plan: Plan) -> Mapping[str, Any]:
    """The provenance that was stored with a plan. Raises Incomplete where a model did not make it."""
    data = plan.repo.read_many([f"{first_record(plan)}:{PROVENANCE}"])[0]
    try:
        found = jsonlib.loads(data or b"null")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Incomplete(f"{plan.id} was not made by a model", f"git tiny show {plan.id} says where it comes from")
    return found


def asked_of(found: Mapping[str, Any], plan: Plan) -> tuple[Asked, tuple[PlannedStep, ...]]:
    """What was asked, and the steps still to be done. Raises Incomplete: a record may have come from anybody."""
    try:
        asked, rows = found["asked"], found["waiting"]
        most = int(asked["most"])
        return (
            Asked(
                task=str(asked["task"]),
                named=_texts(asked["named"]),
                most=min(max(most, 1), 20),
                edit_format=check_format(str(asked["edit_format"])),
                problem=problem_of(found, plan.repo)[0],
                only=_texts(asked["only"]),
            ),
            tuple(
                PlannedStep(
                    str(row["title"]),
                    str(row["intent"]),
                    _texts(row["change"]),
                    _texts(row["create"]),
                    _texts(row["delete"]),
                )
                for row in rows
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Incomplete(f"the provenance of {plan.id} is not readable: {error}", f"git tiny show {plan.id}") from error


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in value)


def model_of(found: Mapping[str, Any], repo: PlanRepo, given: str) -> str:
    """The model that is recorded, or the ``given`` one. A record names no file that the user has not named."""
    recorded = str(found.get("model"))
    if given or not recorded.startswith("gguf:"):
        return given or recorded
    mine = config.read(repo.git).text("tiny.model")
    if mine.startswith("gguf:"):
        return mine
    raise Refused("the plan was made by a model file, which is not named here", "name it: --model gguf:FILE")


def first_record(plan: Plan) -> str:
    """The commit of the record that proposed the plan."""
    return plan.repo.git.quiet("rev-list", "--max-parents=0", "--end-of-options", plan.head).text.split("\n")[-1]


def tell_end(run: Run, plan: Plan) -> None:
    """What is to be said of a run that ended early; raises what ended it."""
    if run.whole:
        return
    say(f"what was finished is the draft {plan.id}; git tiny propose --continue {plan.id} goes on from it")
    if run.failure is not None:
        raise run.failure
    raise KeyboardInterrupt
