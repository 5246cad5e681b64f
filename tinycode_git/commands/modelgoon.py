"""``propose --continue``: go on from a draft that a model, or an interruption, left unfinished."""

from __future__ import annotations

from dataclasses import replace

from tinycode_git.commands.modelplan import asked_of, model_of, problem_of, propose_by_model, provenance_of
from tinycode_git.commands.opening import say
from tinycode_git.commands.talking import talking
from tinycode_git.errors import Refused
from tinycode_git.git.write import PlanRepo
from tinycode_git.ledger import Ledger
from tinycode_git.plan.close import reject
from tinycode_git.plan.propose import Target
from tinycode_git.plan.record import State
from tinycode_git.plan.store import Plan, find_plan
from tinycode_git.planners.commits import plan_range
from tinycode_git.planners.model import Run
from tinycode_git.proposal import StepDraft


def go_on(repo: PlanRepo, ledger: Ledger, name: str, model: str) -> tuple[Plan, Run]:
    """A new plan with the draft's steps, as its branch has them now, and those still to be done; the draft is closed.

    Raises Refused where nothing is left to be done.
    """
    draft = find_plan(repo, name or None, State.DRAFT)
    found = provenance_of(draft)
    asked, waiting = asked_of(found, draft)
    if draft.record.state is not State.DRAFT or not waiting:
        raise Refused(f"nothing of {draft.id} is still to be done", f"git tiny show {draft.id} shows it")
    if not problem_of(found, repo)[1]:
        say("only the end of what the failing program printed is known here")
    goal = Target(draft.record.target, draft.base)
    before = _steps(repo, draft)
    with talking(repo, ledger, "this plan", model_of(found, repo, model)) as talk:
        plan, run = propose_by_model(repo, ledger, talk, goal, asked, planned=waiting, before=before)
    reject(repo, ledger, draft)
    say(f"{draft.id} is closed; what it had is in {plan.id}")
    return plan, run


def _steps(repo: PlanRepo, draft: Plan) -> tuple[StepDraft, ...]:
    if draft.tip == draft.base:
        return ()
    _, _, proposal = plan_range(repo, f"{draft.base}..{draft.tip}")
    who = repo.identity()
    # The committer's own steps stay their own; the time of authorship is that of the new plan.
    return tuple(
        replace(step, author=None if step.author is None or step.author.email == who.email else step.author)
        for step in proposal.steps
    )
