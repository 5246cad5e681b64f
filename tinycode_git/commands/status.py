"""``git tiny status``: where things stand, without looking at the working tree."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import Annotated

import typer

from tinycode_git import config, modes
from tinycode_git.commands.app import new_app
from tinycode_git.commands.opening import reading
from tinycode_git.commands.planview import listing
from tinycode_git.git.read import ReadRepo
from tinycode_git.ledger import Intent
from tinycode_git.plan.record import State
from tinycode_git.plan.store import Plan, readable_plans
from tinycode_git.render import console, jsonout
from tinycode_git.render.escape import visible

app = new_app()
_WAITING = (State.OPEN, State.DRAFT)


@dataclass(frozen=True, slots=True)
class Status:
    """What ``--json`` prints: ``plans`` counts by state, ``interrupted`` names operations to be put right."""

    branch: str | None
    head: str | None
    mode: str
    mode_source: str
    plans: dict[str, int]
    newest: str | None
    interrupted: tuple[str, ...]


@app.command()
def status(json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Show the branch, the mode, the plans that wait, and whether something was interrupted.

    Examples:

    \b
      git tiny status
      git tiny status --json

    Exit codes:

    \b
      0  done
      1  not in a git repository
      4  a plan's record cannot be read; everything else is shown
    """
    repo = reading()
    held = modes.ceiling(os.environ, config.read(repo.git).mode)
    plans, unreadable = readable_plans(repo)
    waiting = [plan for plan in plans if plan.record.state in _WAITING]
    broken = tuple(f"{intent.operation.action} {intent.operation.plan}".strip() for intent in _interrupted(repo))
    branch = repo.head_branch()
    found = Status(
        branch=branch,
        head=repo.find("HEAD"),
        mode=held.mode.word,
        mode_source=held.source,
        plans=dict(Counter(plan.record.state.value for plan in plans)),
        newest=waiting[0].id if waiting else None,
        interrupted=broken,
    )
    if json:
        jsonout.write(found)
    else:
        _print(repo, found, waiting)
    for error in unreadable.values():
        raise error


def _print(repo: ReadRepo, found: Status, waiting: list[Plan]) -> None:
    where = found.branch.removeprefix("refs/heads/") if found.branch else "a detached HEAD"
    at = f" at {found.head[:12]}" if found.head else ", no commit yet"
    print(f"on {visible(where)}{at}; mode {found.mode} ({found.mode_source})")
    for one in found.interrupted:
        print(f"interrupted: {visible(one)} (git tiny recover puts it right)")
    if waiting:
        print(listing(waiting, console.for_stdout(repo.git)), end="")
    else:
        print("no open plans")


def _interrupted(repo: ReadRepo) -> list[Intent]:
    from tinycode_git.audit.ledger import JournalLedger

    if not repo.place.tiny_dir.is_dir():
        return []
    ledger = JournalLedger(repo.place.common_dir, mode="chat", user="", actor="")
    return [intent for intent in ledger.open_intents() if intent.operation.action != "land"]
