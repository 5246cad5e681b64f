"""``git tiny plans``: the plans of this repository."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.opening import reading
from tinycode_git.commands.planview import PlanView, drawn, listing, view
from tinycode_git.errors import UsageError
from tinycode_git.plan.record import State
from tinycode_git.plan.store import readable_plans
from tinycode_git.render import console, jsonout

app = new_app()
_WAITING = (State.OPEN, State.DRAFT, State.ROLLED_BACK)


@dataclass(frozen=True, slots=True)
class Plans:
    """What ``--json`` prints."""

    plans: tuple[PlanView, ...]


@app.command()
def plans(
    all_: Annotated[bool, typer.Option("--all", "-a", help="Closed plans too: applied, rejected, superseded.")] = False,
    state: Annotated[str, typer.Option("--state", metavar="STATE", help="Only plans in this state.")] = "",
    graph: Annotated[bool, typer.Option("--graph", help="Draw which plan stands on which.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object (every plan, unless --state).")] = False,
) -> None:
    """List plans, newest first: those that wait for you, or all of them.

    Examples:

    \b
      git tiny plans
      git tiny plans --state applied
      git tiny plans --graph
      git tiny plans --json

    Exit codes:

    \b
      0  done (also where there is none)
      2  no such state
      4  a record cannot be read; the other plans are listed
    """
    wanted = _states(state, all_ or json)
    repo = reading()
    plans, unreadable = readable_plans(repo)
    found = [plan for plan in plans if plan.record.state in wanted]
    if json:
        jsonout.write(Plans(tuple(view(plan) for plan in found)))
    elif found and graph:
        sys.stdout.write(drawn(found, console.for_stdout(repo.git)))
    elif found:
        sys.stdout.write(listing(found, console.for_stdout(repo.git)))
    else:
        sys.stderr.write(
            "no plans; git tiny propose makes one\n" if all_ else "no open plans (--all lists closed ones)\n"
        )
    for error in unreadable.values():
        raise error


def _states(name: str, everything: bool) -> tuple[State, ...]:
    if not name:
        return tuple(State) if everything else _WAITING
    try:
        return (State(name),)
    except ValueError:
        known = ", ".join(state.value for state in State)
        raise UsageError(f"there is no state {name!r}", f"states are {known}") from None
