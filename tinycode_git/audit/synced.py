"""How much of the journal is known to be on the disk: one sync serves every process that waits for one.

A writer adds its lines under the journal's lock and lets the next one in before it syncs. The sync has a lock of its
own; whoever gets it syncs everything that was written so far and leaves a mark, and those who waited behind it find
their lines below the mark. The mark is written after the sync, so that on a disk it never says too much.
"""

from __future__ import annotations

import fcntl
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from tinycode_git.audit.lock import locked
from tinycode_git.rows import NamedTuple

if TYPE_CHECKING:
    from tinycode_git.audit.lock import Name


class Mark(NamedTuple):
    """That the first ``offset`` bytes of the journal with this inode are on the disk."""

    inode: int = 0
    offset: int = 0


def read_mark(folder: Name) -> Mark:
    """The mark that was left last; nothing where there is none."""
    try:
        with open(os.path.join(folder, "synced"), "rb") as stream:
            inode, _, offset = stream.read().partition(b" ")
        return Mark(int(inode), int(offset))
    except (OSError, ValueError):
        return Mark()


def known_synced(folder: Name, journal: int) -> int:
    """How many bytes of the journal (a descriptor) are known to be on the disk."""
    mark = read_mark(folder)
    return mark.offset if mark.inode == os.fstat(journal).st_ino else 0


def settle(folder: Name, journal: int, end: int) -> None:
    """Return once the first ``end`` bytes of the journal are on the disk. Raises OSError where they cannot be."""
    with locked(os.path.join(folder, "synced.lock")):
        if known_synced(folder, journal) >= end:
            return
        status = os.fstat(journal)
        sync(journal)
        _leave(folder, Mark(status.st_ino, status.st_size))


def _leave(folder: Name, mark: Mark) -> None:
    # Without a mark the next one syncs again; a journal that was written anew meanwhile has another inode.
    with suppress(OSError):
        if os.stat(os.path.join(folder, "journal")).st_ino != mark.inode:
            return
        descriptor = os.open(os.path.join(folder, "synced"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            os.pwrite(descriptor, b"%020d %020d\n" % (mark.inode, mark.offset), 0)
        finally:
            os.close(descriptor)


def sync(descriptor: int) -> None:
    """Wait until what was written is on the disk."""
    if sys.platform == "darwin":
        # fsync on macOS leaves data in the drive's cache (man 2 fsync).
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(descriptor)
