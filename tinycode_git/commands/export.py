"""``git tiny export``: a plan as a mailbox of patches."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.opening import reading
from tinycode_git.errors import Refused
from tinycode_git.plan.record import State
from tinycode_git.plan.store import find_plan
from tinycode_git.render import jsonout

app = new_app()


@app.command()
def export(
    plan: Annotated[str, typer.Argument(metavar="[PLAN]", help="A plan (default: the newest open one).")] = "",
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Write to FILE, not to stdout.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print {id, mbox} as one JSON object.")] = False,
) -> None:
    """Write a plan as an mbox of patches, one a step, as git format-patch does.

    git am and git tiny propose --patch read it, anywhere that has the plan's base.

    Examples:

    \b
      git tiny export > plan.mbox
      git tiny export rename-get-cwd -o plan.mbox

    Exit codes:

    \b
      0  done
      1  there is no open plan, or FILE cannot be written
      2  no plan of that name
    """
    repo = reading()
    found = find_plan(repo, plan or None, State.OPEN, State.DRAFT, State.ROLLED_BACK)
    revisions = (f"{found.base}..{found.tip}", "--first-parent")
    options = (
        "--stdout",
        "--binary",
        "--full-index",
        "--no-signature",
        "--no-ext-diff",
        "--no-textconv",
        "-M",
        "--no-attach",
    )
    mbox = repo.git.quiet("format-patch", *options, "--no-thread", "--no-cover-letter", "--no-base", *revisions).out
    if json:
        jsonout.write({"id": found.id, "mbox": mbox.decode("utf-8", "surrogateescape")})
    elif output:
        try:
            with open(output, "wb") as stream:  # noqa: PTH123 - a name as the user typed it
                stream.write(mbox)
        except OSError as error:
            raise Refused(f"{output} cannot be written: {error.strerror}") from error
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(mbox)
