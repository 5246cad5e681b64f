"""``git tiny backups``: what working trees held before git tiny wrote to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.opening import executing, reading, say
from tinycode_git.errors import Refused
from tinycode_git.git.worktrees import worktrees
from tinycode_git.plan.backup import Backup, backups, prepare_restore
from tinycode_git.plan.backup import restore as write_back
from tinycode_git.render import console, jsonout, prompt
from tinycode_git.render.escape import visible
from tinycode_git.render.table import Column, table

app = new_app("What working trees held before git tiny wrote to them: list it, restore it.")


@dataclass(frozen=True, slots=True)
class Backups:
    """What ``list --json`` prints."""

    backups: tuple[Backup, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """What ``restore --json`` prints; ``saved`` is the backup of what was there before."""

    n: int
    paths: tuple[str, ...]
    saved: int


@app.command("list")
def list_(json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """List backups, newest first.

    One is taken before every operation that writes to a working tree: its tracked files, staged work included.

    Examples:

    \b
      git tiny backups list
      git show refs/tiny/backups/3:path/to/file

    Exit codes:

    \b
      0  done
    """
    repo = reading()
    found = backups(repo)
    if json:
        jsonout.write(Backups(tuple(found)))
        return
    columns = (Column("n", right=True), Column("taken"), Column("before"), Column("worktree", shrinks=True))
    rows = [
        (str(one.n), datetime.fromtimestamp(one.at).astimezone().strftime("%Y-%m-%d %H:%M"), one.before, one.worktree)
        for one in found
    ]
    print(table(columns, rows, console.for_stdout(repo.git)), end="") if rows else say("no backups")


@app.command()
def restore(
    n: Annotated[int, typer.Argument(metavar="N", help="The backup's number.")],
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH]..", help="Only these, from the top.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write the files of a backup back into this working tree; what is there now is backed up first.

    Only tracked files that differ are written; the index and untracked files stay.

    Examples:

    \b
      git tiny backups restore 3
      git tiny backups restore 3 src/app.py --yes

    Exit codes:

    \b
      0  done
      1  nothing differs, or not confirmed
      2  no backup of that number
    """
    repo, ledger = executing("backups restore")
    here = next((one for one in worktrees(repo) if one.path == repo.place.worktree), None)
    if here is None:
        raise Refused("there is no working tree here", "run it in the one that is to be restored")
    restoring = prepare_restore(repo, n, here, paths or [])
    if not yes:
        for file in restoring.files:
            say(f"  {file.path}")
        count = len(restoring.files)
        if not prompt.confirm(f"write {count} file{'s' * (count != 1)} of backup {n}?", hint="--yes answers it"):
            raise Refused("not restored; nothing was changed")
    saved = write_back(repo, ledger, restoring)
    if json:
        jsonout.write(Restored(n, restoring.paths, saved))
        return
    print(f"restored {', '.join(visible(path) for path in restoring.paths[:10])}")
    say(f"what was there before is backup {saved}")
