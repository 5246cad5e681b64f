"""``git tiny fetch``: bring other people's plans here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.opening import planning, say
from tinycode_git.commands.validating import validator
from tinycode_git.errors import Exit
from tinycode_git.git.remote import fetch_plans
from tinycode_git.plan.imports import Imported, Outcome, import_plans
from tinycode_git.render import jsonout
from tinycode_git.render.escape import visible
from tinycode_git.render.progress import progress

app = new_app()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What ``--json`` prints: a row for each plan that the remote has."""

    remote: str
    plans: tuple[Imported, ...]


@app.command()
def fetch(
    remote: Annotated[str, typer.Argument(metavar="[REMOTE]", help="A remote of this repository.")] = "origin",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Bring the plans of a remote here, with their records; each is checked again before it counts.

    A plan travels by plain git: git push REMOTE refs/tiny/plans/ID refs/heads/tiny/ID. What was changed on both sides
    is left as it is here, and named.

    Examples:

    \b
      git push origin refs/tiny/plans/fix-it-1a2b refs/heads/tiny/fix-it-1a2b
      git tiny fetch origin

    Exit codes:

    \b
      0  done
      1  a plan was refused or has diverged, or git could not fetch
      2  no remote of that name
    """
    repo, ledger = planning("fetch")
    with progress(f"fetching plans from {remote}", delay=0.5):
        fetched = fetch_plans(repo, remote)
        done = import_plans(repo, ledger, remote, fetched, validate=validator(ledger))
    if json:
        jsonout.write(Fetched(remote, tuple(done)))
    else:
        for one in done:
            print(f"{one.outcome.value}: {visible(one.id)}" + (f" ({visible(one.reason)})" if one.reason else ""))
        if not done:
            say(f"{remote} has no plans")
    if any(one.outcome in (Outcome.DIVERGED, Outcome.REFUSED) for one in done):
        raise typer.Exit(Exit.REFUSED)
