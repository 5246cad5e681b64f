"""What ``propose`` does where a sentence is for a model; nothing of a model is imported before one is set up."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinycode_git.errors import Incomplete
from tinycode_git.git.write import PlanRepo
from tinycode_git.ledger import Ledger
from tinycode_git.plan.propose import Target
from tinycode_git.plan.store import Plan

if TYPE_CHECKING:
    from tinycode_git.commands.modelplan import Asked
    from tinycode_git.commands.talking import Talking
    from tinycode_git.planners.model import Run


@dataclass(frozen=True, slots=True)
class Modelled:
    """What the options say about a plan by a model."""

    model: str
    context: tuple[str, ...]
    most: int
    edit_format: str
    samples: int
    show: bool
    go_on: bool

    @property
    def asked_for(self) -> bool:
        """Whether an option says that a model is to plan, whatever a recipe may understand."""
        return bool(self.model or self.context or self.show or self.go_on or self.samples > 1)


def is_recipe(repo: PlanRepo, goal: Target, task: str) -> bool:
    """Whether a recipe understands the sentence."""
    from tinycode_git.planners.sentence import understand

    return understand(task, repo.snapshot(goal.base)) is not None


@dataclass(frozen=True, slots=True)
class ByModel:
    """A plan that a model made, and how the run ended."""

    plan: Plan
    run: Run
    interrupted: bool = False

    def tell_end(self) -> None:
        """Say what is to be said of a run that ended early, and raise what ended it."""
        from tinycode_git.commands.modelplan import tell_end

        tell_end(self.run, self.plan)
        if self.interrupted:
            raise KeyboardInterrupt


def plan_by_model(repo: PlanRepo, ledger: Ledger, goal: Target, task: str, wanted: Modelled) -> ByModel | None:
    """The plan of a model as the options ask for it; None where only the context was to be shown.

    Raises Incomplete where no model is set up.
    """
    from tinycode_git import config

    if not wanted.model and not wanted.go_on and not config.read(repo.git).text("tiny.model"):
        raise no_model(task)
    from tinycode_git.commands.modelplan import Asked, check_format, propose_by_model
    from tinycode_git.commands.talking import talking

    asked = Asked(task, wanted.context, wanted.most, check_format(wanted.edit_format))
    if wanted.go_on:
        from tinycode_git.commands.modelgoon import go_on

        return ByModel(*go_on(repo, ledger, task, wanted.model))
    with talking(repo, ledger, "this task", wanted.model, remember=wanted.samples == 1) as talk:
        if wanted.show:
            _show_context(repo, goal, talk, asked)
            return None
        if wanted.samples > 1:
            from tinycode_git.commands.modelsamples import propose_samples

            return ByModel(*propose_samples(repo, ledger, talk, goal, asked, wanted.samples))
        return ByModel(*propose_by_model(repo, ledger, talk, goal, asked))


def _show_context(repo: PlanRepo, goal: Target, talk: Talking, asked: Asked) -> None:
    from tinycode_git.commands.talking import context_of
    from tinycode_git.planners.context.gather import described
    from tinycode_git.render.escape import visible_block

    context = context_of(repo, goal.base, talk.session, asked.task, asked.named)
    sys.stdout.write(visible_block(described(context)) + "\n")
    if context.outline:
        sys.stdout.write(f"\nthe map of definitions:\n{visible_block(context.outline)}\n")


def no_model(task: str) -> Incomplete:
    """The two lines where a sentence is for a model and none is set up."""
    from tinycode_git.planners.sentence import nearest_recipes

    near = nearest_recipes(task)
    ways = f"try --recipe {' or '.join(near)}, " if near else "try --recipe, "
    return Incomplete(
        "no recipe understands this task, and no model is set up to plan it",
        f"{ways}or bring the changes: --patch, --reply, --plan, --from-worktree; git tiny model use sets one up",
    )
