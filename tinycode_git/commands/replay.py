"""``git tiny replay``: make a model's plan once more from its recorded provenance, and compare."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.errors import Exit, Incomplete
from tinycode_git.git.write import PlanRepo
from tinycode_git.ledger import Ledger
from tinycode_git.plan.store import Plan
from tinycode_git.render import jsonout
from tinycode_git.render.escape import visible

app = new_app()


@dataclass(frozen=True, slots=True)
class Replayed:
    """What ``--json`` prints. ``tree`` is the plan's, ``again`` the one that came now; ``calls`` compares answers."""

    plan: str
    model: str
    same: bool
    tree: str
    again: str
    calls: int
    equal_calls: int
    different_paths: tuple[str, ...]


@app.command()
def replay(
    plan: Annotated[
        str, typer.Argument(metavar="[PLAN]", help="A plan of a model (default: the newest open one).")
    ] = "",
    model: Annotated[str, typer.Option("--model", metavar="MODEL", help="Where the model is now.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a model's plan once more from what its record keeps, and say whether the same trees come of it.

    The same model (by digest) is asked the same questions on the same commit with the same parameters and seed. Nothing
    is taken from the cache and no plan is made.

    Examples:

    \b
      git tiny replay
      git tiny replay add-a-timeout-3f2a --json

    Exit codes:

    \b
      0  the same trees
      1  other trees
      4  no model made the plan, or the model is gone or another one now
    """
    from tinycode_git.commands.opening import planning
    from tinycode_git.plan.record import State
    from tinycode_git.plan.store import find_plan

    repo, ledger = planning("replay")
    found = find_plan(repo, plan or None, State.OPEN, State.DRAFT, State.APPLIED)
    done = _replayed(repo, ledger, found, model)
    if json:
        jsonout.write(done)
    elif done.same:
        sys.stdout.write(
            f"the same tree as {found.id}: {done.tree[:12]}, {done.equal_calls} of {done.calls} answers equal\n"
        )
    else:
        paths = ", ".join(visible(path) for path in done.different_paths[:8])
        sys.stdout.write(f"another tree than {found.id}: {paths or 'other steps'}\n")
    raise typer.Exit(Exit.DONE if done.same else Exit.REFUSED)


def _replayed(repo: PlanRepo, ledger: Ledger, plan: Plan, model: str) -> Replayed:
    from tinycode_git.commands.modelplan import (
        asked_of,
        first_record,
        model_of,
        problem_of,
        provenance_of,
        run_once,
    )
    from tinycode_git.commands.talking import Watched, talking
    from tinycode_git.plan.propose import Target
    from tinycode_git.plan.record import load
    from tinycode_git.render.progress import progress

    found = provenance_of(plan)
    if not problem_of(found, repo)[1]:
        raise Incomplete(
            f"what the failing program printed for {plan.id} is not kept in this clone",
            "its record holds only the end of it; replay where the plan was made",
        )
    first = first_record(plan)
    record = load(repo.read_many([f"{first}:plan.json"])[0] or b"", f"refs/tiny/plans/{plan.id}")
    tree = repo.commit(record.tip).tree
    asked, _ = asked_of(found, plan)
    given = {"seed": int(found["seed"]), "temperature": float(found["temperature"])}
    with (
        progress("asking again", delay=0.3) as line,
        talking(repo, ledger, "replay", model_of(found, repo, model), remember=False, **given) as talk,
    ):
        _check_model(found, talk.backend.card().digest)
        talk.session.context = int(found["context"])
        made = run_once(repo, talk, Target(record.target, str(found["base"])), asked, Watched(line))
        again = repo.commit(made.tip).tree
        calls = [(call.question, call.answer) for call in talk.session.calls]
    before = [(row["question"], row["answer"]) for row in found["calls"]]
    paths = repo.git.quiet("diff-tree", "-r", "--name-only", "-z", tree, again).out.decode("utf-8", "surrogateescape")
    return Replayed(
        plan.id,
        str(found["model"]),
        tree == again,
        tree,
        again,
        len(before),
        sum(1 for one in before if one in calls),
        tuple(path for path in paths.split("\0") if path),
    )


def _check_model(found: Mapping[str, Any], digest: str) -> None:
    if digest != found["digest"]:
        raise Incomplete(
            f"{found['model']} is another model now: its digest is {digest[:12] or 'not known'}",
            "the plan can only be made again by the very same weights",
        )
