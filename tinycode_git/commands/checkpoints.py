"""What is written after a branch was moved: which policy moved along, and a checkpoint where one is due."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tinycode_git.commands.onrecord import policy_moved
from tinycode_git.commands.opening import say
from tinycode_git.errors import TinyError

if TYPE_CHECKING:
    from tinycode_git.git.read import ReadRepo
    from tinycode_git.ledger import Ledger

# Somebody else is making one: it holds what this would.
_PATIENCE = 0.05


def after_move(repo: ReadRepo, ledger: Ledger, ref: str, old: str, new: str, plan: str) -> None:
    """Write what a move of a branch leaves to be written; what was done stands whether that succeeds or not."""
    try:
        policy_moved(repo, ledger, ref, old, new, plan)
    except TinyError as failed:
        say(f"whether the project's policy moved along is not on record: {failed.message}")
    checkpoint_if_due(repo, ledger)


def checkpoint_if_due(repo: ReadRepo, ledger: Ledger) -> None:
    """Sign and publish the log's state, where that is due; what was done stands whether it succeeds or not.

    Signed with the log's own key alone: nobody is asked for a passphrase that they do not expect.
    """
    from tinycode_git.audit.ledger import JournalLedger
    from tinycode_git.audit.publish import checkpoint
    from tinycode_git.audit.remembered import is_due

    assert isinstance(ledger, JournalLedger)
    try:
        if is_due(ledger.journal, ledger.journal.tail().position.size, time.time()):
            checkpoint(repo.git, ledger, sign=False, patience=_PATIENCE)
    except TinyError as failed:
        say(f"no checkpoint of the audit log was made: {failed.message}")
