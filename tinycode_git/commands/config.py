"""``git tiny config``: the settings of git tiny, and the limits for programs that it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from tinycode_git import config
from tinycode_git.commands.app import new_app
from tinycode_git.commands.limits import ALL, SEED
from tinycode_git.commands.onrecord import changing
from tinycode_git.commands.opening import planning, reading, say
from tinycode_git.errors import UsageError
from tinycode_git.ledger import Operation
from tinycode_git.render import console, jsonout
from tinycode_git.render.escape import visible
from tinycode_git.render.table import Column, table

app = new_app("Show git tiny's settings; set limits for the programs that it runs (agents and gates).")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its value (None where it is not set), where it is set, what it is for."""

    key: str
    value: str | None
    scope: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What ``--json`` prints."""

    settings: tuple[Setting, ...]


@app.command("list")
def list_(json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """List every setting of git tiny with its value and what it is for; git config sets them.

    Examples:

    \b
      git tiny config list
      git config tiny.check "make test"

    Exit codes:

    \b
      0  done
    """
    repo = reading()
    _show(config.read(repo.git), tuple(config.KNOWN), json)


@app.command()
def limits(
    action: Annotated[str, typer.Argument(metavar="[show|seed|clear]", help="What to do.")] = "show",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show, set or clear the limits for agents and gates in this clone.

    seed sets memory 2 GB, processor time 300 s, 100 open files, files of 10 MB; git config changes each. A limit on
    wall time is tiny.limitTime, in seconds. What goes over is ended, and its figure said.

    Examples:

    \b
      git tiny config limits
      git tiny config limits seed
      git config tiny.limitMemory 4g

    Exit codes:

    \b
      0  done
      2  no such action
    """
    if action not in ("show", "seed", "clear"):
        raise UsageError(f"limits takes show, seed or clear, not {action!r}", "see git tiny config limits --help")
    if action == "show":
        repo = reading()
        _show(config.read(repo.git), ALL, json)
        return
    writer, ledger = planning("config limits")
    with changing(ledger, Operation("config", "low", details={"limits": action})):
        for key, value in SEED.items():
            if action == "seed":
                writer.git.quiet("config", "--local", key, value)
            else:
                writer.git.quiet("config", "--local", "--unset-all", key, ok=(0, 5))
    _show(config.read(writer.git), ALL, json)


def _show(settings: config.Settings, keys: tuple[str, ...], json: bool) -> None:
    rows = []
    for key in keys:
        found = settings.value(key)
        meaning = config.KNOWN[key]
        rows.append(Setting(key, found.text if found else None, found.scope.value if found else "", meaning))
    if json:
        jsonout.write(Shown(tuple(rows)))
        return
    columns = (Column("setting"), Column("value"), Column("set in"), Column("what it is for", shrinks=True))
    lines = [(row.key, visible(row.value or "-"), row.scope or "-", row.meaning) for row in rows]
    print(table(columns, lines, console.for_stdout()), end="")
    if not any(row.value for row in rows):
        say("nothing is set")
