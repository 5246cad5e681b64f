"""Taking details away for good: from the journal, from DuckDB, from what was put aside. The chain stays whole.

The intent comes first, so that an erasure that was interrupted is finished and details never go missing unexplained.
"""

from __future__ import annotations

import os
import shutil

from tinycode_git.audit.details import GONE
from tinycode_git.audit.journal import Journal, sync_folder
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.audit.line import join, lines_from, split
from tinycode_git.audit.lock import locked
from tinycode_git.audit.merkle import leaf_hash
from tinycode_git.audit.store import Store
from tinycode_git.audit.synced import sync
from tinycode_git.errors import Incomplete, Refused, UsageError
from tinycode_git.ledger import Intent, Operation

ACTION = "audit-erase"


def erase(ledger: JournalLedger, seq: int, reason: str) -> None:
    """Remove the details of entry ``seq`` everywhere in this clone, and record that and why.

    Raises UsageError where there is no such entry, Refused where its details are gone already, Incomplete where it
    cannot be written.
    """
    journal = ledger.journal
    tail = journal.tail()
    if not 0 <= seq < tail.position.size:
        raise UsageError(f"the audit log has no entry {seq}", "git tiny audit log lists them")
    data, offset, details = _line(journal, seq)
    if not details:
        raise Refused(f"the details of entry {seq} are gone already")
    if offset in tail.open.values():
        raise Refused(f"an operation that was begun with entry {seq} still needs its details", "git tiny recover")
    intent = ledger.intend(Operation(ACTION, step=str(seq), old=data, details={"reason": reason}))
    _carry_out(journal, {seq})
    ledger.done(intent)


def finish_erasures(ledger: JournalLedger) -> list[int]:
    """Finish erasures that a crash interrupted; which entries they were of."""
    left = [intent for intent in ledger.own_open_intents() if intent.operation.action == ACTION]
    mine: list[Intent] = [intent for intent in left if ledger.claim(intent)]
    if mine:
        _carry_out(ledger.journal, {int(intent.operation.step) for intent in mine})
    for intent in mine:
        ledger.recovered(intent, "finished")
    return sorted(int(intent.operation.step) for intent in mine)


def _line(journal: Journal, seq: int) -> tuple[str, int, bool]:
    """The hash of an entry, where its line starts, and whether its details are there."""
    with journal.path.open("rb") as stream:
        for number, (offset, line) in enumerate(lines_from(stream, 0)):
            if number == seq:
                data, details = split(line)
                return leaf_hash(data).hex(), offset, details.present
    raise UsageError(f"the audit log has no entry {seq}")


def _carry_out(journal: Journal, wanted: set[int]) -> None:
    """Write the journal anew without these details, then let DuckDB and what was put aside go."""
    try:
        with locked(journal.lock_path), locked(journal.folder / "synced.lock"):
            _rewrite(journal, wanted)
    except OSError as failed:
        raise Incomplete(
            f"the journal cannot be written anew: {failed.strerror}",
            "the details are still there; run git tiny audit erase again when there is space",
        ) from failed
    Store(journal.folder).forget()
    # A torn line may be a copy of what is to go.
    shutil.rmtree(journal.folder / "quarantine", ignore_errors=True)


def _rewrite(journal: Journal, wanted: set[int]) -> None:
    beside = journal.folder / "journal.new"
    with journal.path.open("rb") as old, beside.open("wb") as new:
        for number, (_, line) in enumerate(lines_from(old, 0)):
            new.write(join(split(line)[0], GONE) if number in wanted else line)
        new.flush()
        os.fchmod(new.fileno(), os.fstat(old.fileno()).st_mode & 0o777)
        sync(new.fileno())
    # What is known of the old journal's end and offsets holds no more; all of it is derived anew.
    for name in ("tail", "synced", "checkpointed"):
        (journal.folder / name).unlink(missing_ok=True)
    beside.replace(journal.path)
    sync_folder(journal.folder)
