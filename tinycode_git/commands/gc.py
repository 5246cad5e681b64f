"""``git tiny gc``: drop what closed plans left behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.opening import planning, say
from tinycode_git.plan.close import KEEP_DAYS, Expired, collect, expired
from tinycode_git.render import jsonout
from tinycode_git.render.escape import visible

app = new_app()


@dataclass(frozen=True, slots=True)
class Collected:
    """What ``--json`` prints."""

    dropped: tuple[Expired, ...]
    dry_run: bool


@app.command()
def gc(
    days: Annotated[int, typer.Option("--days", min=0, metavar="N", help="Closed for at least N days.")] = KEEP_DAYS,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would go.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Drop branches and kept commits of plans that were closed 30 days ago or more; records after a year.

    What an applied plan merged stays, of course: it is in its target. git gc frees the space.

    Examples:

    \b
      git tiny gc --dry-run
      git tiny gc --days 7

    Exit codes:

    \b
      0  done (also where nothing was to be dropped)
    """
    repo, ledger = planning("gc")
    found = expired(repo, days=days)
    if not dry_run:
        collect(repo, ledger, found)
    if json:
        jsonout.write(Collected(tuple(found), dry_run))
        return
    for one in found:
        print(f"{'would drop' if dry_run else 'dropped'} {visible(one.ref)} ({one.oid[:12]}): {visible(one.why)}")
    if not found:
        say("nothing to drop")
