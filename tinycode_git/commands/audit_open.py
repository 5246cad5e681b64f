"""What the verbs of ``git tiny audit`` start with: the repository, its log, and rows of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from tinycode_git import config, modes
from tinycode_git.audit.erase import finish_erasures
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.audit.store import Rows, Store
from tinycode_git.commands.opening import say
from tinycode_git.errors import UsageError
from tinycode_git.git.read import ReadRepo
from tinycode_git.modes import Mode


def writing(action: str) -> tuple[ReadRepo, JournalLedger]:
    """The repository and its ledger, for a verb that writes to the log. Raises Refused below mode ``propose``.

    An erasure that a crash interrupted is finished first.
    """
    repo = ReadRepo.discover()
    ledger = ledger_for(repo, action)
    for seq in finish_erasures(ledger):
        say(f"the erasure of entry {seq}, which was interrupted, is finished")
    return repo, ledger


def ledger_for(repo: ReadRepo, action: str) -> JournalLedger:
    """The ledger of this clone. Raises Refused below mode ``propose``, or where git does not know the user."""
    held = modes.ceiling(os.environ, config.read(repo.git).mode)
    modes.require(held, Mode.PROPOSE, action)
    who = repo.identity()
    user = f"{who.name} <{who.email}>"
    return JournalLedger(repo.place.common_dir, mode=held.mode.word, user=user, actor=os.environ.get("TINY_ACTOR", ""))


def ask(store: Store, sql: str, parameters: Sequence[Any] = ()) -> Rows:
    """Rows out of the store; what it has to say goes to the user."""
    found = store.query(sql, parameters)
    for line in store.said:
        say(line)
    return found


def records(found: Rows) -> list[dict[str, Any]]:
    """Rows as dicts, with details as the objects they are."""
    import json

    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    for row in rows:
        for name in ("details", "result"):
            if isinstance(row.get(name), str):
                row[name] = json.loads(row[name])
    return rows


def number(text: str) -> int:
    """An entry's number. Raises UsageError."""
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"{text!r} is no entry's number", "git tiny audit log lists them")
    return int(text)
