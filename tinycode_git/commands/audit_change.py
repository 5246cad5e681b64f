"""``git tiny audit erase`` and ``restore``: the two things that are done to the log itself, both on record."""

from __future__ import annotations

from typing import Annotated

import typer

from tinycode_git.audit.erase import erase as erase_details
from tinycode_git.audit.restore import restore as bring_back
from tinycode_git.commands.audit_open import ledger_for, number, writing
from tinycode_git.errors import UsageError
from tinycode_git.git.read import ReadRepo
from tinycode_git.render import jsonout
from tinycode_git.render.escape import visible


def erase(
    seq: Annotated[str, typer.Argument(metavar="SEQ", help="The entry's number.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; this is kept.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Remove an entry's details from this clone for good: journal and DuckDB are written anew. The chain stays whole.

    That it was done, and why, is an entry of its own. Checkpoints never hold details. What you exported or copied
    yourself is not found.

    Examples:

    \b
      git tiny audit erase 41 --reason 'a customer name in a task'

    Exit codes:

    \b
      0  done
      1  the details are gone already, or an operation still needs them
      2  no such entry
      4  the journal cannot be written
    """
    if not reason.strip():
        raise UsageError("an erasure needs a reason", "--reason TEXT; it is kept")
    _, ledger = writing("audit erase")
    erase_details(ledger, number(seq), reason)
    if json:
        jsonout.write({"erased": number(seq), "reason": reason})
    else:
        print(f"the details of entry {number(seq)} are erased")


def restore(json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Bring a lost or altered journal back from what is left: the journal itself, DuckDB, the last checkpoint.

    The longest chain that extends the last checkpoint wins; what was there is kept beside it. Checkpoints hold no
    details: those that are lost are counted, here and in the entry that records this.

    Examples:

    \b
      git tiny audit restore

    Exit codes:

    \b
      0  done
      1  the journal is whole, or nothing is left
      4  the journal cannot be written
    """
    repo = ReadRepo.discover()
    done = bring_back(repo.git, ledger_for(repo, "audit restore"))
    if json:
        jsonout.write(done)
        return
    print(f"{done.entries} entries of log {done.log} are back, from {done.source}")
    if done.details_lost:
        print(f"the details of {done.details_lost} of them are lost")
    if done.aside:
        print(f"what was there before is in tiny/{visible(done.aside)}")
