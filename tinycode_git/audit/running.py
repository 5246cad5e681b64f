"""Which operations are under way: one locked file each, in ``<git common dir>/tiny/running``.

The kernel gives the lock back when the process ends, however it ends, on this machine or in a container that shares the
folder: no process id to be taken over by another process, no start time, no boot to compare.
"""

from __future__ import annotations

import os
import time
from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tinycode_git.audit.lock import try_lock

# A file that no intent names is left over from a process that ended between two calls; a younger one may be in use.
STALE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Running:
    """The operations that this object holds open, by id, and everyone's in ``folder``."""

    folder: Path
    _held: dict[str, int] = field(default_factory=dict)

    def begin(self, name: str) -> None:
        """Mark the operation ``name`` as under way. Raises OSError; FileExistsError where somebody else has it."""
        self.folder.mkdir(exist_ok=True)
        descriptor = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        if not try_lock(descriptor):
            os.close(descriptor)
            raise FileExistsError(name)
        self._held[name] = descriptor

    def end(self, name: str) -> None:
        """The operation has its outcome."""
        # A file that cannot be removed says nothing once its lock is gone; ``sweep`` removes it.
        with suppress(OSError):
            (self.folder / name).unlink(missing_ok=True)
        descriptor = self._held.pop(name, None)
        if descriptor is not None:
            os.close(descriptor)

    def is_gone(self, name: str) -> bool:
        """Whether nobody works on ``name`` any more. Writes nothing."""
        if name in self._held:
            return False
        try:
            descriptor = os.open(self.folder / name, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        except PermissionError:
            return False
        try:
            return try_lock(descriptor)
        finally:
            os.close(descriptor)

    def sweep(self, wanted: Container[str]) -> None:
        """Remove files of operations that are neither wanted nor under way."""
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            old = time.time() - path.stat().st_mtime > STALE_SECONDS
            if old and path.name not in wanted and self.is_gone(path.name):
                path.unlink(missing_ok=True)
