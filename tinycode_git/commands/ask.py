"""``git tiny ask``: a question about the repository, read-only by construction."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.errors import UsageError

app = new_app()


@app.command()
def ask(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What you want to know, in a sentence.")],
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="[PATH..]", help="Files or folders that the model must see.")
    ] = None,
    at: Annotated[str, typer.Option("--at", metavar="REF", help="Ask about this commit (default: HEAD).")] = "HEAD",
    model: Annotated[str, typer.Option("--model", metavar="MODEL", help="Another model than tiny.model.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask about the repository at a commit. Nothing is written but the audit's entry of the call.

    The answer names the places it rests on as path:line at that commit. Each is looked up: one that does not exist, or
    that the model was never shown, is said.

    Examples:

    \b
      git tiny ask "where are passwords hashed?"
      git tiny ask "what does retry do?" src/net --at v2.0

    Exit codes:

    \b
      0  answered
      1  answered, but a place that it names does not hold
      2  no question, or no such path at that commit
      4  no model is set up, or it gave no answer
    """
    from tinycode_git.commands.asking import answer
    from tinycode_git.commands.opening import committed, preload, reading
    from tinycode_git.commands.talking import Watched, reading_ledger, talking
    from tinycode_git.render.progress import progress

    preload("pygit2", "tinycode_git.planners.context.gather")
    if not question.strip():
        raise UsageError("the question is empty", 'for example git tiny ask "where are passwords hashed?"')
    repo = reading()
    with talking(repo, reading_ledger(repo), "ask", model) as talk:
        commit = repo.resolve(at)
        named = committed(repo, paths or (), commit)
        with progress("reading the repository", delay=0.3) as line:
            watched = Watched(line)
            watched.say("answering")
            done = answer(repo, talk, commit, question, named, watched.shown)
    if json:
        from tinycode_git.render import jsonout

        jsonout.write(done)
    else:
        from tinycode_git.commands.answerview import shown_answer

        sys.stdout.write(shown_answer(done))
    raise typer.Exit(0 if all(place.good for place in done.citations) else 1)
