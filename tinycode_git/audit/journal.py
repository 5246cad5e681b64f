"""The journal: what every entry is written to first, one durable line at a time, by any number of processes.

An append takes the lock, checks that the journal ends where it did, writes, moves the tail, gives the lock back, and
returns once a sync has covered its lines (``synced``). A line that was cut short by a crash was never acknowledged: the
next append puts it aside and says so in an entry. Anything else that does not fit is an alteration, and nothing is
written after it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from tinycode_git.audit.details import SALT_SIZE, Details, pack
from tinycode_git.audit.entry import VERSION, Altered, Entry, parse
from tinycode_git.audit.line import LEAF, Position, join, split
from tinycode_git.audit.lock import locked, shared
from tinycode_git.audit.synced import known_synced, settle, sync
from tinycode_git.audit.tail import Break, Tail, advance, fits, load, note_open
from tinycode_git.errors import Incomplete

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before it has a place: every field but ``version``, ``log``, ``seq`` and the two hashes."""

    id: str
    timestamp: str
    action: str
    phase: str
    mode: str
    user: str
    actor: str
    risk_level: str
    ref: str
    old: str
    new: str
    plan: str
    step: str
    details: Details

    def placed(self, position: Position) -> Entry:
        """The entry that follows ``position``."""
        fields = {name: getattr(self, name) for name in self.__slots__ if name != "details"}
        return Entry(
            version=VERSION,
            log=position.log.decode(),
            seq=position.size,
            details_digest=self.details.digest(),
            previous_hash=position.hash.hex(),
            **fields,
        )


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal in ``folder`` (``<git common dir>/tiny``). Nothing is created before the first append."""

    folder: Path

    @property
    def path(self) -> Path:
        """The journal itself."""
        return self.folder / "journal"

    @property
    def tail_path(self) -> Path:
        """What is known of its end."""
        return self.folder / "tail"

    @property
    def lock_path(self) -> Path:
        """What an append holds."""
        return self.folder / "journal.lock"

    def append(self, drafts: Sequence[Draft]) -> list[Entry]:
        """Write entries, in order, durably. Raises Incomplete where that is not possible, Altered where the journal is
        not what was written; then nothing was added.
        """
        try:
            if not self.folder.is_dir():
                self.folder.mkdir(exist_ok=True)
            with locked(self.lock_path):
                journal = self._open()
                try:
                    before, entries, tail = self._add(journal, drafts)
                except BaseException:
                    os.close(journal)
                    raise
            try:
                settle(self.folder, journal, tail.offset)
            except BaseException:
                self._take_back(journal, before, tail)
                raise
            finally:
                os.close(journal)
            return entries
        except OSError as failed:
            raise _unwritable(failed) from failed

    def _add(self, journal: int, drafts: Sequence[Draft]) -> tuple[Tail, list[Entry], Tail]:
        """Write the drafts' lines; the tail before, the entries, the tail after. The lock is held."""
        before, torn = self._checked(journal)
        if torn is not None:
            drafts = [*self._put_aside(journal, torn, drafts[0]), *drafts]
        entries, tail, data = _placed(before, drafts)
        _write(journal, data, before.offset)
        self._keep(tail)
        return before, entries, tail

    def _take_back(self, journal: int, before: Tail, tail: Tail) -> None:
        """Lines that could not be synced go again, unless somebody has written after them: then they stay, unsynced."""
        with suppress(OSError), locked(self.lock_path):
            if os.fstat(journal).st_size == tail.offset:
                os.ftruncate(journal, before.offset)
                self._keep(before)

    def settled(self) -> Tail:
        """The journal's end now, once all of it is on the disk: what may be named elsewhere. Raises as ``tail``."""
        tail = self.tail()
        if tail.offset:
            with self.path.open("rb") as stream:
                if known_synced(self.folder, stream.fileno()) < tail.offset:
                    try:
                        settle(self.folder, stream.fileno(), tail.offset)
                    except OSError:
                        # Where nothing can be written the lock cannot be had, and nobody else writes either.
                        sync(stream.fileno())
        return tail

    def tail(self) -> Tail:
        """The journal's end now. Writes nothing. Raises Altered, or Incomplete where it cannot be read."""
        try:
            found = self._tail_once()
            if found is None:
                # A writer may have been between two files: once more with all writers kept out.
                with shared(self.lock_path):
                    found = self._tail_once()
        except FileNotFoundError:
            if load(self.tail_path) is None:
                return Tail()
            raise _altered("the audit journal is gone") from None
        except OSError as failed:
            raise Incomplete(f"the audit journal cannot be read: {failed.strerror}") from failed
        if found is None:
            raise _altered("the audit journal does not end as it did when it was last written")
        tail, broken = found
        if broken is not None and not broken.torn:
            raise _altered(broken.reason)
        return tail

    def read(self, offset: int) -> tuple[Entry, Details]:
        """The entry whose line starts at ``offset``. Raises Altered."""
        with self.path.open("rb") as stream:
            stream.seek(offset)
            data, details = split(stream.readline())
        return parse(data), details

    def _tail_once(self) -> tuple[Tail, Break | None] | None:
        with self.path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            tail = self._known(stream.fileno(), size)
            if tail is None:
                return None
            return (tail, None) if size == tail.offset else advance(tail, stream)

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
        try:
            return os.open(self.path, flags)
        except FileNotFoundError:
            if load(self.tail_path) is not None:
                raise _altered("the audit journal is gone") from None
            journal = os.open(self.path, flags | os.O_CREAT, 0o666)
            sync_folder(self.folder)
            sync_folder(self.folder.parent)
            return journal

    def _known(self, journal: int, size: int) -> Tail | None:
        """The tail that was kept, if it fits; None where it shows that what was acknowledged is not there any more."""
        tail = load(self.tail_path) or Tail()
        if fits(tail, journal, size):
            return tail
        synced = known_synced(self.folder, journal)
        # After a power cut the tail may know lines that never reached the disk; none of them was acknowledged.
        return Tail() if synced < tail.offset and synced <= size else None

    def _checked(self, journal: int) -> tuple[Tail, Break | None]:
        """The journal's end, and the torn line beyond it if there is one."""
        size = os.fstat(journal).st_size
        tail = self._known(journal, size)
        if tail is None:
            raise _altered("the audit journal does not end as it did when it was last written")
        if size == tail.offset:
            return tail, None
        with os.fdopen(os.dup(journal), "rb") as stream:
            tail, broken = advance(tail, stream)
        if broken is not None and (not broken.torn or broken.offset < known_synced(self.folder, journal)):
            raise _altered(broken.reason)
        return tail, broken

    def _put_aside(self, journal: int, torn: Break, model: Draft) -> list[Draft]:
        """Move the bytes of a write that was cut short out of the journal; the entry that says so."""
        size = os.fstat(journal).st_size - torn.offset
        rest = os.pread(journal, size, torn.offset)
        digest = sha256(rest).hexdigest()
        aside = self.folder / "quarantine"
        aside.mkdir(exist_ok=True)
        write_file(aside / f"{torn.offset}-{digest[:16]}", rest)
        os.ftruncate(journal, torn.offset)
        body = pack({"bytes": size, "offset": torn.offset, "sha256": digest})
        return [
            replace(
                model,
                id=os.urandom(12).hex(),
                action="journal-torn",
                phase="recovered",
                risk_level="none",
                **dict.fromkeys(("ref", "old", "new", "plan", "step"), ""),
                details=Details(os.urandom(SALT_SIZE), body),
            )
        ]

    def _keep(self, tail: Tail) -> None:
        # The entries are durable by now: a tail that cannot be written (full disk) is derived anew by the next reader.
        with suppress(OSError):
            descriptor = os.open(self.tail_path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                os.pwrite(descriptor, tail.dump(), 0)
            finally:
                os.close(descriptor)


def _placed(tail: Tail, drafts: Sequence[Draft]) -> tuple[list[Entry], Tail, bytes]:
    """The drafts as entries that follow ``tail``, the tail after them, and the lines to write."""
    position = tail.position
    if not position.log:
        position = replace(position, log=os.urandom(8).hex().encode())
    entries, lines, opened, offset, last = [], [], dict(tail.open), tail.offset, tail.last
    hashes = []
    for draft in drafts:
        entry = draft.placed(position)
        data = entry.canonical()
        line = join(data, draft.details)
        position = Position(position.log, position.size + 1, sha256(LEAF + data).digest())
        note_open(opened, draft.id, draft.phase, offset)
        offset, last = offset + len(line), offset
        entries.append(entry)
        lines.append(line)
        hashes.append(position.hash)
    return entries, Tail(position, tail.frontier.extend(hashes), offset, last, opened), b"".join(lines)


def _write(journal: int, data: bytes, start: int) -> None:
    """Add ``data`` or nothing."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(journal, view) :]
    except BaseException:
        os.ftruncate(journal, start)
        raise


def write_file(path: Path, data: bytes, *, mode: int = 0o666, durable: bool = True) -> None:
    """Put ``data`` at ``path``, durably and as a whole: written beside, synced, renamed.

    Not ``durable``: what can be derived anew, where a power cut may leave anything or nothing.
    """
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with open(beside, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as stream:
            stream.write(data)
            stream.flush()
            if durable:
                sync(stream.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in ``folder`` are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _altered(reason: str) -> Altered:
    return Altered(f"the audit journal was altered: {reason}", "git tiny audit verify says what is missing or changed")


def _unwritable(failed: OSError) -> Incomplete:
    hint = "free some space and try again" if failed.errno in _FULL else "nothing that changes anything runs without it"
    return Incomplete(f"the audit journal cannot be written: {failed.strerror}", hint)
