"""``git tiny diff``: what a plan would change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.opening import reading
from tinycode_git.errors import UsageError
from tinycode_git.git.diff import FileDiff, diff_trees
from tinycode_git.plan.record import State
from tinycode_git.plan.store import Plan, find_plan
from tinycode_git.render import console, jsonout
from tinycode_git.render.diffview import paged, painted

app = new_app()
_PLAIN = ("--no-ext-diff", "--no-textconv", "--no-color", "-M", "--patch", "--binary")


@dataclass(frozen=True, slots=True)
class Difference:
    """What ``--json`` prints."""

    id: str
    base: str
    tip: str
    files: tuple[FileDiff, ...]


@app.command()
def diff(
    plan: Annotated[str, typer.Argument(metavar="[PLAN]", help="A plan (default: the newest open one).")] = "",
    step: Annotated[int, typer.Option("--step", "-s", metavar="N", help="Only this step.")] = 0,
    stat: Annotated[bool, typer.Option("--stat", help="Only which files, and how many lines.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the changed files as one JSON object.")] = False,
) -> None:
    """Show what a plan changes, as one diff from its base to its last step, or of one step.

    What comes from the repository is shown with control and invisible characters made visible; git tiny export gives
    the bytes themselves.

    Examples:

    \b
      git tiny diff
      git tiny diff rename-get-cwd --step 2
      git tiny diff --stat

    Exit codes:

    \b
      0  done
      1  there is no open plan
      2  no plan or step of that name
    """
    repo = reading()
    found = find_plan(repo, plan or None, State.OPEN, State.DRAFT, State.ROLLED_BACK)
    old, new = _ends(found, step)
    if json:
        jsonout.write(Difference(found.id, old, new, diff_trees(repo.git, old, new)))
        return
    drawn = console.for_stdout(repo.git)
    options = ["--stat=120", "--summary"] if stat else []
    plain = [option for option in _PLAIN if not (stat and option in ("--patch", "--binary"))]
    out = (
        repo.git.without_index()
        .quiet("diff-tree", "-r", *plain, *options, old, new)
        .out.decode("utf-8", "surrogateescape")
    )
    with paged(drawn, repo.git) as stream:
        stream.writelines(painted(out.split("\n")[:-1], drawn))


def _ends(plan: Plan, step: int) -> tuple[str, str]:
    if not step:
        return plan.base, plan.tip
    if not 1 <= step <= len(plan.steps):
        raise UsageError(f"{plan.id} has steps 1 to {len(plan.steps)}, not {step}", f"git tiny show {plan.id}")
    oid = plan.steps[step - 1].oid
    return plan.repo.commit(oid).parents[0], oid
