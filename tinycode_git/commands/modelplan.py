"""``propose`` by a model: context, the two phases, the validator after each step, the plan with its provenance."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tinycode_git.commands.opening import say
from tinycode_git.commands.talking import Talking, Watched, context_of
from tinycode_git.commands.validating import described, look, validate
from tinycode_git.dialogue import Context
from tinycode_git.errors import Incomplete, UsageError
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
        built = materialise(self.repo, one, self.tip, "judged", self._committer, sign=False)
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


def propose_by_model(
    repo: PlanRepo,
    ledger: Ledger,
    talking: Talking,
    goal: Target,
    asked: Asked,
    *,
    planned: Sequence[PlannedStep] = (),
    before: Sequence[StepDraft] = (),
    context: Context | None = None,
) -> tuple[Plan, Run]:
    """The plan of a model, open where it is whole, else a draft; the run says how it ended.

    ``planned`` and ``before`` go on from a draft: steps still to be done, and those that were done.
    """
    session = talking.session
    snapshot = repo.snapshot(goal.base)
    with progress("reading the repository", delay=0.3) as line:
        watched = Watched(line)
        seen = context or context_of(repo, goal.base, session, asked.task, asked.named or asked.only)
        judge = Judge(repo, goal.base)
        for step in before:
            judge(step)
            snapshot = snapshot.after(step.changes)
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
        run = run_model(session, snapshot, wish)
        run.steps[:0] = before
        plan = _made(repo, ledger, talking, goal, asked, run)
    return plan, run


def _made(repo: PlanRepo, ledger: Ledger, talking: Talking, goal: Target, asked: Asked, run: Run) -> Plan:
    if not run.steps:
        raise KeyboardInterrupt
    if not run.whole:
        left = ", ".join(step.title for step in run.waiting)
        run.notes.append(f"still to be done: {left}")
    return make_plan(
        repo,
        ledger,
        run.proposal(asked.task),
        goal,
        validate=validate,
        state=State.OPEN if run.whole else State.DRAFT,
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
        "asked": asdict(asked),
        "calls": [asdict(call) for call in session.calls],
        "waiting": [asdict(step) for step in run.waiting],
    }
    return jsonlib.dumps(found, indent=1).encode("ascii") + b"\n"


def provenance_of(plan: Plan) -> Mapping[str, Any]:
    """The provenance that was stored with a plan. Raises Incomplete where a model did not make it."""
    first = plan.repo.git.quiet("rev-list", "--max-parents=0", "--end-of-options", plan.head).text.split("\n")[-1]
    data = plan.repo.read_many([f"{first}:{PROVENANCE}"])[0]
    try:
        found = jsonlib.loads(data or b"null")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Incomplete(f"{plan.id} was not made by a model", f"git tiny show {plan.id} says where it comes from")
    return found


def tell_end(run: Run, plan: Plan) -> None:
    """What is to be said of a run that ended early; raises what ended it."""
    if run.whole:
        return
    say(f"what was finished is the draft {plan.id}; git tiny propose --continue {plan.id} goes on from it")
    if run.failure is not None:
        raise run.failure
    raise KeyboardInterrupt
