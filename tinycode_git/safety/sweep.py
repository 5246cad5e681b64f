"""A sweep over many objects: each content put before the rules' database at the speed of git's own output.

Two things make it fast. Git writes into a file in memory that we map, so that nothing is copied through a pipe; sizes
are known beforehand, so that its offset says when a batch is there. And of a file's versions, one after the other,
only the parts that differ from the one before are matched, with the lines around them: what stands elsewhere stood
there before.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from tinycode_git.git.process import Git, Writing
from tinycode_git.rows import NamedTuple
from tinycode_git.safety import objects
from tinycode_git.safety.differing import differing
from tinycode_git.safety.view import binary

BATCH = 16 << 20
MOST = 64 << 20
_KEPT = 4
_KEPT_BYTES = 32 << 20
_MANY = 1000  # questions of a batch that fit a pipe's buffer
_WAIT = 0.001
# How much of the packs git may have mapped: it counts as memory of ours.
_WINDOWS = ("-c", "core.packedGitWindowSize=32m", "-c", "core.packedGitLimit=128m")


class Item(NamedTuple):
    """An object to sweep; ``base`` is the version that it came from, best a short way before it (empty: none).

    It may come from several, once for each; one whose base is itself is only there for those that come from it.
    ``paths`` are all that it is at (empty: who knows).
    """

    oid: str
    size: int
    base: str
    paths: tuple[str, ...] = ()


class Swept(NamedTuple):
    """What a sweep tells: objects with the rules that may hold in them, those that git could not give, bytes seen."""

    suspects: list[tuple[str, tuple[str, ...]]]
    lost: list[str]
    bytes: int


class Piece(NamedTuple):
    """A piece of a text, what stood there before (None: who knows), the text's paths; whether the texts are binary."""

    text: bytes
    before: bytes | None = None
    paths: Sequence[str] = ()
    binary: bool = False
    was_binary: bool = False


# The rules that may hold in a piece and did not before; EVERY for all that there are.
Fires = Callable[[Piece], frozenset[str]]
EVERY = frozenset("*")
Moved = Callable[[int], None]


def sweep(git: Git, kind: str, items: Sequence[Item], fires: Fires, moved: Moved) -> Swept:
    """Sweep objects of one ``kind``, each of at most MOST bytes; ``fires`` says which rules may hold in a text."""
    swept = Swept([], [], 0)
    with _shelf() as (descriptor, memory), _Source(git, descriptor, kind) as source:
        versions = _Versions(memory, fires, _branching(items))
        for batch in _batches(items):
            if source.fetch(batch):
                found = versions.matched(batch, len(kind))
            else:
                found = _singly(git, batch, fires, swept.lost)
            swept.suspects.extend(found)
            swept = swept._replace(bytes=swept.bytes + sum(item.size for item in batch))
            moved(len(batch))
    return swept


def _batches(items: Sequence[Item]) -> Iterator[list[Item]]:
    """The items in their order, about BATCH bytes at a time."""
    batch: list[Item] = []
    size = 0
    for item in items:
        if batch and (size + item.size > BATCH or len(batch) >= _MANY):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += item.size
    if batch:
        yield batch


@contextmanager
def _shelf() -> Iterator[tuple[int, mmap.mmap]]:
    """A file in memory of a fixed size, open and mapped."""
    size = MOST + (4 << 20)
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("git-tiny")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    try:
        os.ftruncate(descriptor, size)
        with mmap.mmap(descriptor, size, prot=mmap.PROT_READ) as memory:
            yield descriptor, memory
    finally:
        os.close(descriptor)


class _Source:
    """``git cat-file`` writing to the shelf; started again after it died."""

    def __init__(self, git: Git, descriptor: int, kind: str) -> None:
        self.git, self.descriptor, self.kind = git, descriptor, kind
        self._held: AbstractContextManager[Writing] | None = None
        self._writing: Writing | None = None

    def __enter__(self) -> _Source:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _start(self) -> Writing:
        if self._writing is None:
            self._held = self.git.writing(self.descriptor, *_WINDOWS, "cat-file", "--batch-command", "--buffer")
            self._writing = self._held.__enter__()
        return self._writing

    def _stop(self) -> None:
        if self._held is not None:
            self._held.__exit__(None, None, None)
        self._held = self._writing = None

    def fetch(self, batch: Sequence[Item]) -> bool:
        """Have git write the objects, each behind its header; False where it died on one, or one has another size."""
        writing = self._start()
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        end = sum(header(item, len(self.kind)) + item.size + 1 for item in batch)
        questions = "".join(f"contents {item.oid}\n" for item in batch) + "flush\n"
        try:
            writing.stdin.write(questions.encode("ascii"))
            writing.stdin.flush()
        except BrokenPipeError:
            self._stop()
            return False
        # Git shares our descriptor's offset: once it is where the sizes say, everything is there.
        while (at := os.lseek(self.descriptor, 0, os.SEEK_CUR)) < end:
            if not writing.runs():
                self._stop()
                return False
            time.sleep(_WAIT)
        return at == end


def header(item: Item, kind: int) -> int:
    """How long the line before an object's content is: oid, type, size (git-cat-file(1), "batch output")."""
    return len(item.oid) + 1 + kind + 1 + len(str(item.size)) + 1


class _Versions:
    """Matches what is on the shelf; of versions of one file only what differs from the one that it came from."""

    def __init__(self, memory: mmap.mmap, fires: Fires, until: dict[str, int]) -> None:
        self.memory, self.fires, self.until = memory, fires, until
        self.done = 0
        self.kept: dict[str, bytes] = {}

    def matched(self, batch: Sequence[Item], kind: int) -> list[tuple[str, tuple[str, ...]]]:
        """The objects of the batch in which rules may hold where they are new."""
        suspects, at = [], 0
        here: dict[str, tuple[int, int]] = {}
        for item in batch:
            at += header(item, kind)
            if rules := self._suspected(item, at, here):
                suspects.append((item.oid, tuple(sorted(rules))))
            here[item.oid] = (at, at + item.size)
            at += item.size + 1
        self._keep(batch, here)
        return suspects

    def _suspected(self, item: Item, at: int, here: dict[str, tuple[int, int]]) -> frozenset[str]:
        if item.base == item.oid:
            return frozenset()
        new = self.memory[at : at + item.size]
        if item.base in here:
            begin, end = here[item.base]
            old = self.memory[begin:end]
        elif item.base in self.kept:
            old = self.kept[item.base]
        else:
            return self.fires(Piece(new, None, item.paths, binary(new)))
        found: frozenset[str] = frozenset()
        is_binary, was_binary = binary(new), binary(old)
        for part in differing(old, new):
            before = old[part.old_start : part.old_stop]
            found |= self.fires(Piece(new[part.start : part.stop], before, item.paths, is_binary, was_binary))
        return found

    def _keep(self, batch: Sequence[Item], here: dict[str, tuple[int, int]]) -> None:
        """Remember what other versions are still to be compared with, and the last objects: the next batch goes on."""
        self.done += len(batch)
        last = {item.oid for item in batch[-_KEPT:]}
        kept = {oid: text for oid, text in self.kept.items() if self.until.get(oid, -1) >= self.done}
        for item in batch:
            if item.oid in last or self.until.get(item.oid, -1) >= self.done:
                begin, end = here[item.oid]
                kept[item.oid] = self.memory[begin:end]
        size = sum(map(len, kept.values()))
        for oid in sorted(kept.keys() - last, key=lambda oid: -self.until[oid]):
            if size <= _KEPT_BYTES:
                break
            size -= len(kept.pop(oid))  # what is asked for last of all goes first
        self.kept = kept


def _branching(items: Sequence[Item]) -> dict[str, int]:
    """Objects that something not right behind them came from, with the number of the last such item."""
    found = {}
    before = ""
    for number, item in enumerate(items):
        if item.base and item.base != before:
            found[item.base] = number
        before = item.oid
    return found


def _singly(git: Git, batch: Sequence[Item], fires: Fires, lost: list[str]) -> list[tuple[str, tuple[str, ...]]]:
    """A batch that git did not get through: one by one, to know which objects are damaged."""
    suspects = []
    paths = {item.oid: item.paths for item in batch}
    for loaded in objects.read(git, list(paths)):
        if isinstance(loaded, objects.Large) or loaded.content is None:
            lost.append(loaded.name)
        elif rules := fires(Piece(loaded.content, None, paths[loaded.name], binary(loaded.content))):
            suspects.append((loaded.name, tuple(sorted(rules))))
    return suspects
