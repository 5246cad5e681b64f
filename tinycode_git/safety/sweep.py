"""A sweep over many objects: each content put before the rules' database at the speed of git's own output.

Two things make it fast. Git writes into a file in memory that we map, so that nothing is copied through a pipe; sizes
are known beforehand, so that its offset says when a batch is there. And of a file's versions, one after the other,
only the part that differs from the one before is matched, with the lines around it: what stands elsewhere stood there
before.
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

BATCH = 16 << 20
MOST = 64 << 20
AROUND = 1024
_BLOCK = 16 << 10
_FINE = 256
_SMALL = 2 * AROUND
_KEPT = 4
_MANY = 1000  # questions of a batch that fit a pipe's buffer
_WAIT = 0.001
# How much of the packs git may have mapped: it counts as memory of ours.
_WINDOWS = ("-c", "core.packedGitWindowSize=32m", "-c", "core.packedGitLimit=128m")


class Item(NamedTuple):
    """An object to sweep; ``base`` is the version that it came from, best a short way before it (empty: none).

    ``paths`` are all that it is at (empty: who knows).
    """

    oid: str
    size: int
    base: str
    paths: tuple[str, ...] = ()


class Swept(NamedTuple):
    """What a sweep tells: objects in which rules may hold, those that git could not give, bytes looked at."""

    suspects: list[str]
    lost: list[str]
    bytes: int


Fires = Callable[[bytes, Sequence[str]], bool]
Moved = Callable[[int], None]


def sweep(git: Git, kind: str, items: Sequence[Item], fires: Fires, moved: Moved) -> Swept:
    """Sweep objects of one ``kind``, each of at most MOST bytes; ``fires`` says whether a rule may hold in a text."""
    swept = Swept([], [], 0)
    with _shelf() as (descriptor, memory), _Source(git, descriptor, kind) as source:
        versions = _Versions(memory, fires)
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

    def __init__(self, memory: mmap.mmap, fires: Fires) -> None:
        self.memory, self.fires = memory, fires
        self.kept: dict[str, bytes] = {}

    def matched(self, batch: Sequence[Item], kind: int) -> list[str]:
        """The objects of the batch in which a rule may hold where they are new."""
        suspects, at = [], 0
        memory, fires = self.memory, self.fires
        here: dict[str, tuple[int, int]] = {}
        for item in batch:
            at += header(item, kind)
            start, stop = at, at + item.size
            if item.size > _SMALL:
                if item.base in here:
                    start, stop = differing(memory, *here[item.base], memory, at, stop)
                elif item.base in self.kept:
                    old = self.kept[item.base]
                    start, stop = differing(old, 0, len(old), memory, at, stop)
            if start < stop and fires(memory[start:stop], item.paths):
                suspects.append(item.oid)
            here[item.oid] = (at, at + item.size)
            at += item.size + 1
        self._keep(batch, here)
        return suspects

    def _keep(self, batch: Sequence[Item], here: dict[str, tuple[int, int]]) -> None:
        """Remember the last objects: what the next batch begins with comes from them more often than not."""
        self.kept = {}
        for item in batch[-_KEPT:]:
            begin, end = here[item.oid]
            self.kept[item.oid] = self.memory[begin:end]


def differing(
    old: mmap.mmap | bytes, old_start: int, old_end: int, new: mmap.mmap | bytes, start: int, end: int
) -> tuple[int, int]:
    """The part of ``new[start:end]`` that ``old[old_start:old_end]`` does not have, with what stands around it.

    An empty range where both are the same.
    """
    most = min(old_end - old_start, end - start)
    same = _ahead(old, old_start, new, start, most)
    if same == most and old_end - old_start == end - start:
        return start, start
    tail = _behind(old, old_end, new, end, most - same)
    first = max(start, start + same - AROUND)
    last = min(end, end - tail + AROUND)
    return first, last


def _ahead(old: mmap.mmap | bytes, a: int, new: mmap.mmap | bytes, b: int, most: int) -> int:
    """How many bytes are the same from ``a`` and ``b`` on, of ``most``, to within a step of _FINE."""
    done, step = 0, _BLOCK
    while done < most:
        size = min(step, most - done)
        if old[a + done : a + done + size] == new[b + done : b + done + size]:
            done += size
        elif size <= _FINE:
            break
        else:
            step = size // 4
    return done


def _behind(old: mmap.mmap | bytes, a: int, new: mmap.mmap | bytes, b: int, most: int) -> int:
    """As ``_ahead``, backwards from the ends."""
    done, step = 0, _BLOCK
    while done < most:
        size = min(step, most - done)
        if old[a - done - size : a - done] == new[b - done - size : b - done]:
            done += size
        elif size <= _FINE:
            break
        else:
            step = size // 4
    return done


def _singly(git: Git, batch: Sequence[Item], fires: Fires, lost: list[str]) -> list[str]:
    """A batch that git did not get through: one by one, to know which objects are damaged."""
    suspects = []
    paths = {item.oid: item.paths for item in batch}
    for loaded in objects.read(git, list(paths)):
        if isinstance(loaded, objects.Large) or loaded.content is None:
            lost.append(loaded.name)
        elif fires(loaded.content, paths[loaded.name]):
            suspects.append(loaded.name)
    return suspects
