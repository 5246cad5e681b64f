"""A new plan as its verb shows it: the object, or the summary and what to do next."""

from __future__ import annotations

import sys

from tinycode_git.commands.opening import say
from tinycode_git.commands.planview import summary, view
from tinycode_git.plan.record import State
from tinycode_git.plan.store import Plan
from tinycode_git.render import console, jsonout


def tell(plan: Plan, json: bool) -> None:
    """Print ``plan``."""
    if json:
        jsonout.write(view(plan))
        return
    sys.stdout.write(summary(plan, console.for_stdout(plan.repo.git)))
    name = "" if plan.record.state is State.OPEN else f" {plan.id}"
    say(f"look at it: git tiny diff{name}; approve it: git tiny apply{name}")
