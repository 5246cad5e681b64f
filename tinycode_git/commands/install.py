"""``git tiny install``: put the hooks where git looks for them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.onrecord import attempt, changing
from tinycode_git.commands.opening import ledger_here
from tinycode_git.git.process import Git
from tinycode_git.ledger import Operation
from tinycode_git.render import jsonout
from tinycode_git.render.escape import visible

app = new_app()


def installer() -> Any:
    """The installer, by name: the hooks' package imports this one, never the other way round."""
    return import_module("tinycode_hooks.installer")


@app.command()
def install(
    global_: Annotated[bool, typer.Option("--global", help="For all of your repositories.")] = False,
    hooks: Annotated[str, typer.Option("--hooks", metavar="A,B", help="Only these hooks.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Install the git hooks; a hook that is there already is kept, and runs first.

    In a bare repository that is pre-receive, elsewhere pre-commit, commit-msg, pre-merge-commit, pre-push, post-commit,
    post-merge and post-checkout. Worktrees share the hooks of their repository. By name only: prepare-commit-msg, which
    has a model write the message, and update.

    Examples:

    \b
      git tiny install
      git tiny install --hooks pre-commit,pre-push
      git tiny install --hooks prepare-commit-msg
      git tiny install --global

    Exit codes:

    \b
      0  done
      1  core.hooksPath is set for all repositories (use --global), or two hooks are in the way
      2  no such hook
      4  the hooks cannot be written
    """
    names = [name.strip() for name in hooks.split(",") if name.strip()]
    ledger = ledger_here(needed=not global_)
    if ledger is not None:
        attempt(ledger, "install")
    with changing(ledger, Operation("install", "low", details={"hooks": names, "global": global_})):
        done = installer().install(Git(Path.cwd(), {}), hooks=names, everywhere=global_)
    show(done, json=json)


def show(done: Any, *, json: bool) -> None:
    """Print what became of each hook."""
    if json:
        jsonout.write({"hooks": [one._asdict() for one in done]})
        return
    words = {
        "installed": "installed",
        "kept": "installed; the hook that was there runs first",
        "removed": "removed",
        "restored": "removed; the hook from before is back",
    }
    for one in done:
        print(f"{one.hook}: {words[one.what]} ({visible(one.file)})")
    if not done:
        print("no hook of git tiny is there")
