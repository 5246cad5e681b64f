"""The ledger that flows write to (``tinycode_git.ledger.Ledger``), on the journal."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tinycode_git.audit.details import SALT_SIZE, Details, pack
from tinycode_git.audit.entry import Entry, text_back, text_of
from tinycode_git.audit.journal import Draft, Journal
from tinycode_git.audit.running import Running
from tinycode_git.errors import Incomplete, TinyError, Unsettled
from tinycode_git.ledger import Anchor, Intent, Operation

# What the audit chain does to itself; its own commands finish it, recovery of plans does not.
OWN_ACTIONS = ("audit-",)
# What says that a note is about something refused or failed: the value of ``outcome`` in its details.
FAILURES = ("failed", "refused", "interrupted")


class JournalLedger:
    """Writes operations to the audit journal of a clone, and says which ones were left without an outcome.

    ``common_dir`` is git's common directory (shared by all worktrees), ``mode`` the mode in force, ``user`` who runs
    git tiny, ``actor`` the program or model that acts for them. Nothing is created before the first write.
    """

    def __init__(
        self, common_dir: Path, *, mode: str, user: str, actor: str, clock: Callable[[], datetime] | None = None
    ) -> None:
        folder = common_dir / "tiny"
        self.journal = Journal(folder)
        self.running = Running(folder / "running")
        self._who = {"mode": text_of(mode), "user": text_of(user), "actor": text_of(actor)}
        self._clock = clock or _now
        self._failures = 0

    @property
    def failures(self) -> int:
        """How many operations were begun through this object and failed."""
        return self._failures

    @property
    def user(self) -> str:
        """Who runs git tiny, as entries say it."""
        return self._who["user"]

    def now(self) -> datetime:
        """The time, in UTC."""
        return self._clock().astimezone(UTC)

    def intend(self, operation: Operation) -> Intent:
        """Write the intent, durably. Raises Incomplete (read-only, disk full), Altered (the journal does not fit)."""
        draft = self._draft(operation, _new_id(), "intent", operation.details)
        self._begin(draft.id)
        try:
            entry = self.journal.append([draft])[-1]
        except BaseException:
            self.running.end(draft.id)
            raise
        return Intent(entry.id, entry.seq, entry.timestamp, operation)

    def done(self, intent: Intent, *, new: str = "", details: Mapping[str, Any] | None = None) -> None:
        """Write that the operation was carried out; ``new`` where it is known only now.

        Raises Unsettled where that cannot be written: the intent stays open, and recovery finds what was done.
        """
        try:
            self._outcome(intent, "done", details or {}, new=new)
        except TinyError as failed:
            unsettled = Unsettled(
                f"this was carried out, but could not be written down: {failed.message}",
                "put that right, then run: git tiny recover",
            )
            unsettled.exit = failed.exit
            raise unsettled from failed

    def failed(self, intent: Intent, reason: str) -> None:
        """Write that the operation was not carried out and that nothing is changed."""
        self._outcome(intent, "failed", {"reason": reason})
        self._failures += 1

    def recovered(self, intent: Intent, outcome: str) -> None:
        """Write what recovery made of an intent without outcome."""
        self._outcome(intent, "recovered", {"outcome": outcome})

    def note(self, operation: Operation) -> None:
        """Write something that happened, in one entry: phase ``failed`` where its details say it was refused."""
        phase = "failed" if operation.details.get("outcome") in FAILURES else "done"
        self.journal.append([self._draft(operation, _new_id(), phase, operation.details)])

    def open_intents(self) -> Sequence[Intent]:
        """Intents without an outcome whose process is gone, oldest first. Writes nothing.

        What the audit chain does to itself (``own_open_intents``) is not among them: its commands finish that.
        """
        return [intent for intent in self._gone() if not intent.operation.action.startswith(OWN_ACTIONS)]

    def own_open_intents(self) -> Sequence[Intent]:
        """As ``open_intents``, for the audit chain's own operations."""
        return [intent for intent in self._gone() if intent.operation.action.startswith(OWN_ACTIONS)]

    def _gone(self) -> list[Intent]:
        opened = self.journal.tail().open
        gone = sorted(offset for name, offset in opened.items() if self.running.is_gone(name))
        return [_intent(*self.journal.read(offset)) for offset in gone]

    def claim(self, intent: Intent) -> bool:
        """Take an open intent over, so that no other process recovers it too; False where one does already."""
        try:
            self._begin(intent.id)
        except FileExistsError:
            return False
        if intent.id in self.journal.tail().open:
            return True
        self.running.end(intent.id)
        return False

    def anchor(self) -> Anchor:
        """The size and root of the log now; an empty log id where nothing was ever written."""
        tail = self.journal.settled()
        return Anchor(tail.position.log.decode(), tail.position.size, tail.frontier.root().hex())

    def _begin(self, name: str) -> None:
        try:
            self.journal.folder.mkdir(exist_ok=True)
            self.running.begin(name)
        except FileExistsError:
            raise
        except OSError as failed:
            raise Incomplete(
                f"the audit journal cannot be written: {failed.strerror}",
                "an operation starts only once its intent is on disk: is the repository read-only, or the disk full?",
            ) from failed

    def _outcome(self, intent: Intent, phase: str, details: Mapping[str, Any], *, new: str = "") -> None:
        draft = self._draft(intent.operation, intent.id, phase, details, new=new)
        try:
            self.journal.append([draft])
        except TinyError as failed:
            failed.hint = failed.hint or "the operation's intent is on record; git tiny recover settles it"
            raise
        self.running.end(intent.id)

    def _draft(
        self, operation: Operation, name: str, phase: str, details: Mapping[str, Any], *, new: str = ""
    ) -> Draft:
        return Draft(
            id=name,
            timestamp=self.now().isoformat(timespec="microseconds").replace("+00:00", "Z"),
            action=text_of(operation.action),
            phase=phase,
            risk_level=operation.risk,
            ref=text_of(operation.ref),
            old=operation.old,
            new=new or operation.new,
            plan=text_of(operation.plan),
            step=text_of(operation.step),
            details=Details(os.urandom(SALT_SIZE), pack(details)),
            **self._who,
        )


def _intent(entry: Entry, details: Details) -> Intent:
    operation = Operation(
        action=entry.action,
        risk=entry.risk_level,
        ref=text_back(entry.ref),
        old=entry.old,
        new=entry.new,
        plan=entry.plan,
        step=entry.step,
        details=details.value(),
    )
    return Intent(entry.id, entry.seq, entry.timestamp, operation)


def _new_id() -> str:
    return os.urandom(12).hex()


def _now() -> datetime:
    return datetime.now(UTC)
