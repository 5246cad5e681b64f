"""Bringing a lost or altered journal back: from what it still holds, from DuckDB, from what was published.

Nothing is invented: the longest chain wins that extends what was published, details come from wherever they still are,
and an entry says what was done and how many details are lost.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tinycode_git.audit.details import GONE
from tinycode_git.audit.entry import Altered
from tinycode_git.audit.journal import Journal, sync_folder
from tinycode_git.audit.keys import LogState
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.audit.line import SALT, START, entry_in, join, lines_from
from tinycode_git.audit.lock import locked
from tinycode_git.audit.merkle import Frontier
from tinycode_git.audit.published import Head, Objects, objects, ref_of, refs
from tinycode_git.audit.store import Store
from tinycode_git.audit.synced import sync
from tinycode_git.audit.tail import load
from tinycode_git.errors import Incomplete, Refused
from tinycode_git.git.process import Git
from tinycode_git.ledger import Operation


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back: entries, from where, and how many of them lost their details."""

    log: str
    entries: int
    source: str
    details_lost: int
    aside: str


def restore(git: Git, ledger: JournalLedger) -> Restored:
    """Put the longest verifiable journal in place; what was there is kept beside it.

    Raises Refused where the journal is whole, or where nothing is left to bring back.
    """
    journal = ledger.journal
    try:
        if journal.tail().position.size:
            raise Refused("the audit journal ends as it should", "git tiny audit verify looks at all of it")
    except Altered:
        pass
    try:
        journal.folder.mkdir(exist_ok=True)
        with locked(journal.lock_path), objects(git) as store:
            head = _head(git, store, journal)
            source, lines = _best(store, journal, head)
            beside = journal.folder / "journal.new"
            made = _write(beside, lines)
            aside = _swap(journal, beside)
    except OSError as failed:
        raise Incomplete(f"the audit journal cannot be written: {failed.strerror}") from failed
    (journal.folder / "checkpointed").unlink(missing_ok=True)
    Store(journal.folder).forget()
    entries, log, lost = made
    details = {"entries": entries, "source": source, "details_lost": lost, "aside": aside}
    ledger.note(Operation("audit-restore", risk="high", step=str(entries), details=details))
    return Restored(log, entries, source, lost, aside)


def _head(git: Git, store: Objects, journal: Journal) -> Head | None:
    """The last checkpoint of this clone's own log."""
    tail = load(journal.tail_path)
    known = refs(git)
    mine = [tail.position.log.decode()] if tail is not None else []
    mine += [log for log, _ in known.values() if LogState(log).clone() == journal.folder.parent]
    for log in mine:
        if ref_of(log) in known:
            return store.head(known[ref_of(log)][1], ref_of(log))
    return None


def _best(store: Objects, journal: Journal, head: Head | None) -> tuple[str, Iterator[bytes]]:
    """The source that holds the longest chain, and its lines."""
    sources: dict[str, Callable[[], Iterable[bytes]]] = {
        "the journal": lambda: _journal_lines(journal),
        "DuckDB": lambda: Store(journal.folder).lines() or (),
    }
    sizes = {}
    for name, lines in sources.items():
        with suppress(Incomplete):
            sizes[name] = _length(lines(), head)
    if head is not None:
        published = head
        sources["the last checkpoint"] = lambda: _published_lines(store, published)
        sizes["the last checkpoint"] = head.checkpoint.size
    best = max(sizes, key=lambda name: sizes[name])
    if not sizes[best]:
        if head is None and not journal.path.exists() and load(journal.tail_path) is None:
            raise Refused("there is no audit log to bring back", "it begins with the first operation of git tiny here")
        raise Refused("nothing is left of the audit journal: no DuckDB store and no checkpoint of it is here")
    return best, _until(sources[best](), sizes[best])


def _until(lines: Iterable[bytes], size: int) -> Iterator[bytes]:
    for _, line in zip(range(size), lines, strict=False):
        yield line


def _length(lines: Iterable[bytes], head: Head | None) -> int:
    """How many of these lines are one chain that extends the checkpoint; none where they contradict it."""
    position, frontier, agreed = START, Frontier(), head is None
    for line in lines:
        try:
            if not line.endswith(b"\n"):
                break
            position = position.next(entry_in(line))
        except Altered:
            break
        frontier = frontier.append(position.hash)
        if head is not None and position.size == head.checkpoint.size:
            agreed = frontier.root() == head.checkpoint.root
    return position.size if agreed else 0


def _journal_lines(journal: Journal) -> Iterator[bytes]:
    with suppress(FileNotFoundError), journal.path.open("rb") as stream:
        for _, line in lines_from(stream, 0):
            yield line


def _published_lines(store: Objects, head: Head) -> Iterator[bytes]:
    for data in store.entries(head.commit, head.checkpoint.size):
        yield join(data, GONE)


def _write(beside: Path, lines: Iterable[bytes]) -> tuple[int, str, int]:
    position, lost = START, 0
    with beside.open("wb") as new:
        for line in lines:
            found = entry_in(line)
            position = position.next(found)
            lost += found[SALT] is None
            new.write(line)
        new.flush()
        sync(new.fileno())
    return position.size, position.log.decode(), lost


def _swap(journal: Journal, beside: Path) -> str:
    """Put the new journal in place; where the old one is now (empty where there was none)."""
    name = ""
    if journal.path.exists():
        (journal.folder / "quarantine").mkdir(exist_ok=True)
        name = f"quarantine/journal-{time.time_ns()}"
        os.link(journal.path, journal.folder / name)
    for known in ("tail", "synced"):
        (journal.folder / known).unlink(missing_ok=True)
    beside.replace(journal.path)
    sync_folder(journal.folder)
    return name
