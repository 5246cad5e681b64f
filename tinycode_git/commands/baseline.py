"""``git tiny baseline``: accept the findings that there are today, one small file each, without a secret in it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.onrecord import attempt, changing
from tinycode_git.commands.opening import ledger_here
from tinycode_git.errors import Refused
from tinycode_git.git.process import Git
from tinycode_git.ledger import Operation
from tinycode_git.render import jsonout
from tinycode_git.safety import baseline as entries
from tinycode_git.safety import flow, surface
from tinycode_git.safety.exceptions import SELF
from tinycode_git.safety.finding import Finding
from tinycode_git.safety.scan import Scanner, scan_between
from tinycode_git.safety.settle import matched_texts

app = new_app()


@app.command()
def baseline(
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why they are accepted.")] = "",
    grow: Annotated[bool, typer.Option("--grow", help="Add entries to a baseline that is there already.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write a baseline of what HEAD holds to .tiny/baseline, and drop entries whose finding is gone.

    A baseline that is there only shrinks, unless you say --grow. Commit the files yourself: each new one is a finding
    (exception-added), answered by git tiny allow; they count once trusted (git tiny trust). An entry's name is made by
    scrypt of rule, value and a committed salt: it holds no secret, but a guess can be tested against it, slowly.

    Examples:

    \b
      git tiny baseline --reason "from before the validator"
      git tiny baseline --grow --reason "accepted in the review of May"

    Exit codes:

    \b
      0  written
      1  there is no commit yet, or a reason is missing for new entries
      4  the files cannot be written, or something could not be looked at
    """
    git = Git(Path.cwd(), {"GIT_GRAFT_FILE": os.devnull})
    tip = surface.head(git)
    if not tip:
        raise Refused("there is no commit yet: nothing to accept", "commit first")
    ledger = ledger_here()
    assert ledger is not None
    attempt(ledger, "baseline")
    folder = Path(git.quiet("rev-parse", "--show-toplevel").text) / entries.FOLDER
    texts, incomplete = _findings(git, tip)
    held = {file.name for file in folder.glob("*")} - {"salt"} if folder.is_dir() else set()
    salt = _salt(folder)
    wanted = {name: finding for finding, name in entries.ids(texts, salt).items()}
    new = set(wanted) - held if grow or not held else set()
    if new and not reason.strip():
        raise Refused(f"{len(new)} findings would be accepted without a reason", "git tiny baseline --reason '...'")
    gone = held - set(wanted)
    details = {
        "added": sorted(new)[:50],
        "removed": sorted(gone)[:50],
        "counts": [len(new), len(gone)],
        "reason": reason,
    }
    with changing(ledger, Operation("baseline", "medium" if new else "low", new=tip, details=details)):
        for name in sorted(new):
            (folder / name).write_text(entries.entry_text(wanted[name], reason), "utf-8", "backslashreplace")
        for name in sorted(gone):
            (folder / name).unlink()
    left = set(wanted) - held - new
    if json:
        jsonout.write({"added": sorted(new), "removed": sorted(gone), "not_accepted": len(left)})
    else:
        print(f"{len(new)} added, {len(gone)} removed, {len(held) - len(gone)} kept in {entries.FOLDER}")
        if left:
            print(f"{len(left)} findings are not in it: a baseline only shrinks (--grow adds them)")
    if incomplete:
        raise typer.Exit(4)


def _findings(git: Git, tip: str) -> tuple[dict[Finding, bytes], bool]:
    """What HEAD holds against nothing at all, with the matched texts, and whether something was left out."""
    opened = flow.session(git, tip)
    result = scan_between(Scanner(git, opened.engine), surface.empty_tree(git), tip)
    findings = [one for one in result.findings if not one.excused and not one.approval and one.rule not in SELF]
    return matched_texts(git, opened.engine, findings), bool(result.receipt.skipped)


def _salt(folder: Path) -> bytes:
    file = folder / "salt"
    folder.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.write_text(secrets.token_hex(16) + "\n", "ascii")
    return file.read_bytes().strip()
