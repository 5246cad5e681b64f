"""``git tiny refactor``: a plan of a model that touches the named paths only."""

from __future__ import annotations

from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.errors import UsageError

app = new_app()


@app.command()
def refactor(
    words: Annotated[list[str], typer.Argument(metavar="PATH.. HOW", help="Files or folders, and how to change them.")],
    model: Annotated[str, typer.Option("--model", metavar="MODEL", help="Another model than tiny.model.")] = "",
    max_steps: Annotated[int, typer.Option("--max-steps", metavar="N", min=1, max=20, help="The most steps.")] = 8,
    edit_format: Annotated[
        str, typer.Option("--edit-format", metavar="FORMAT", help="How the model edits: auto, whole or blocks.")
    ] = "auto",
    target: Annotated[
        str, typer.Option("--target", metavar="REF", help="The branch to merge into (default: the one checked out).")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the plan as one JSON object.")] = False,
) -> None:
    """Have a model change how code is written in some paths, and nothing beyond them: an open plan comes of it.

    Examples:

    \b
      git tiny refactor src/store.py "split the class into reading and writing"
      git tiny refactor src tests "use pathlib in place of os.path"

    Exit codes:

    \b
      0  the plan is open
      1  refused: no usable plan came
      2  no such path
      4  no model is set up
    """
    if len(words) < 2:
        raise UsageError("refactor takes paths and, last, how to change them", 'git tiny refactor src/a.py "how"')
    from tinycode_git.commands.modelplan import Asked, check_format, propose_by_model, tell_end
    from tinycode_git.commands.modeltell import tell
    from tinycode_git.commands.opening import committed, planning, preload
    from tinycode_git.commands.talking import talking
    from tinycode_git.plan.propose import check_task, target_of

    preload("pygit2")
    repo, ledger = planning("refactor")
    goal = target_of(repo, target or None)
    paths = committed(repo, words[:-1], goal.base)
    only = tuple(path for path in paths if path not in ("", "."))
    asked = Asked(
        check_task(words[-1]), only, max_steps, check_format(edit_format), only=only if len(only) == len(paths) else ()
    )
    with talking(repo, ledger, "refactor", model) as talk:
        plan, run = propose_by_model(repo, ledger, talk, goal, asked)
    tell(plan, json)
    tell_end(run, plan)
