"""``git tiny trust``: let this repository's own exceptions count, in this clone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.onrecord import changing
from tinycode_git.commands.opening import planning
from tinycode_git.git.process import Git
from tinycode_git.ledger import Operation
from tinycode_git.render import jsonout
from tinycode_git.safety import surface, trust
from tinycode_git.safety.settle import exceptions_digest

app = new_app()


@app.command("trust")
def trust_(
    remove: Annotated[bool, typer.Option("--remove", help="Trust them no longer.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Only say whether they are trusted.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Trust the exceptions that this repository brings: inline allows, allowlists, a baseline, .gitleaks.toml.

    Once a clone. In tier strict it is asked again when they change; in paranoid they never count. New ones are findings
    of their own, whether trusted or not.

    Examples:

    \b
      git tiny trust --show
      git tiny trust

    Exit codes:

    \b
      0  done; with --show: they are trusted
      1  with --show: they are not
      4  the list of trusted repositories cannot be written
    """
    git = Git(Path.cwd(), {"GIT_GRAFT_FILE": os.devnull})
    common, digest = surface.common_dir(git), exceptions_digest(git, surface.head(git)) or "-"
    known = trust.trusted_digest(common)
    if not show:
        _, ledger = planning("trust")
        operation = Operation("untrust" if remove else "trust", risk="medium", details={"exceptions": digest})
        with changing(ledger, operation):
            trust.trust(common, digest, remove=remove)
        known = None if remove else digest
    if json:
        jsonout.write({"trusted": known is not None, "changed": known not in (None, digest), "exceptions": digest})
    else:
        print(_words(known, digest))
    if show and known is None:
        raise typer.Exit(1)


def _words(known: str | None, digest: str) -> str:
    if known is None:
        return "this repository's exceptions are not trusted"
    if known != digest:
        return "this repository's exceptions are trusted, and have changed since (strict asks again)"
    return "this repository's exceptions are trusted"
