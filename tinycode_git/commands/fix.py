"""``git tiny fix``: from what a failing program printed to a plan; with a check, until it passes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.errors import Incomplete, UsageError

app = new_app()
_LARGEST = 4 * 1024 * 1024


@app.command()
def fix(
    place: Annotated[
        str, typer.Argument(metavar="[PATH[:LINE]]", help="Where the fault is, if you know.", show_default=False)
    ] = "",
    error: Annotated[
        str, typer.Option("--error", metavar="FILE", help="What the program printed; - for standard input.")
    ] = "",
    check: Annotated[
        str, typer.Option("--check", metavar="CMD", help="The command that fails now and must pass (tiny.check).")
    ] = "",
    rounds: Annotated[
        int, typer.Option("--rounds", metavar="N", min=1, max=10, help="How often to try with a check.")
    ] = 3,
    model: Annotated[str, typer.Option("--model", metavar="MODEL", help="Another model than tiny.model.")] = "",
    target: Annotated[
        str, typer.Option("--target", metavar="REF", help="The branch to merge into (default: the one checked out).")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the plan as one JSON object.")] = False,
) -> None:
    """Turn a traceback, a compiler's or a test's output into a plan that mends it.

    With --check the command runs in a throwaway working tree: first on the branch as it is, then on what the model made
    of it. What it prints goes back to the model, at most N times; what still fails then stays a draft.

    Examples:

    \b
      pytest 2>&1 | git tiny fix --error -
      git tiny fix --check "python -m pytest -q"
      git tiny fix src/net.py:40 --error build.log

    Exit codes:

    \b
      0  the plan is open (and the check passes, where there is one)
      1  the check still fails, or there is nothing to mend
      2  no such path, or nothing says what is wrong
      4  no model is set up
    """
    from tinycode_git.commands.fixing import Fault, run_fix
    from tinycode_git.commands.opening import preload

    preload("pygit2")
    text = _read(error) if error else ""
    if error and not text.strip():
        raise UsageError(f"{'standard input' if error == '-' else error} is empty", "give what the program printed")
    run_fix(Fault(place, text, check, rounds), model, target, json)


def _read(name: str) -> str:
    try:
        if name == "-":
            data = sys.stdin.buffer.read(_LARGEST)
        else:
            with Path(name).open("rb") as stream:
                data = stream.read(_LARGEST)
    except OSError as failed:
        raise Incomplete(
            f"{name} cannot be read: {failed.strerror}", "name a file, or - for standard input"
        ) from failed
    return data.decode("utf-8", "replace")
