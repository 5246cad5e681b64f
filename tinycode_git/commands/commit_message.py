"""``git tiny commit-message``: the message for what is staged."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app

app = new_app()


@app.command()
def commit_message(
    model: Annotated[str, typer.Option("--model", metavar="MODEL", help="Another model than tiny.model.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Have a model write the message for what is staged, and print it. Nothing is committed.

    As a hook (git tiny install --hooks prepare-commit-msg) it fills the editor of git commit where nothing stands there
    yet: a message of yours, of a merge, a template or an amended commit is never touched.

    Examples:

    \b
      git tiny commit-message
      git commit -e -F <(git tiny commit-message)

    Exit codes:

    \b
      0  done
      1  nothing is staged, or no usable message came
      4  no model is set up
    """
    from tinycode_git.commands.messaging import message_for_staged
    from tinycode_git.commands.opening import reading
    from tinycode_git.commands.talking import reading_ledger, talking
    from tinycode_git.render.progress import progress

    repo = reading()
    with talking(repo, reading_ledger(repo), "commit-message", model) as talk, progress("writing", delay=0.3):
        text = message_for_staged(repo, talk)
    if json:
        from tinycode_git.render import jsonout

        jsonout.write({"message": text})
    else:
        from tinycode_git.render.escape import visible_block

        sys.stdout.write(visible_block(text))
