"""Watches what a running program and everything below it use, against limits."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use; None is no limit. ``seconds`` is wall time; sizes are bytes."""

    seconds: float | None = None
    memory: int | None = None
    cpu_seconds: int | None = None
    open_files: int | None = None
    file_size: int | None = None


class Watch:
    """Looks at the processes below ``pid``. ``reached`` is what came up to a limit that the system itself enforces."""

    def __init__(self, pid: int, limits: Limits) -> None:
        import psutil

        self._top, self._limits = psutil.Process(pid), limits
        self._begun = time.monotonic()
        self.reached: tuple[str, ...] = ()

    def over(self) -> tuple[str, ...]:
        """The limits that are exceeded now, each with its figure: what goes over is to be ended."""
        found = []
        limits, seconds = self._limits, time.monotonic() - self._begun
        if limits.seconds is not None and seconds > limits.seconds:
            found.append(f"time: {seconds:.1f} s of {limits.seconds:g} s")
        if (limits.memory, limits.cpu_seconds, limits.open_files) != (None, None, None):
            found += self._usage()
        return tuple(found)

    def _usage(self) -> list[str]:
        import psutil

        memory, shared, cpu, files = 0, 0, 0.0, 0
        try:
            family = self._top.children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        for process in family:
            try:
                with process.oneshot():
                    used, times = process.memory_info(), process.cpu_times()
                    memory += used.rss - getattr(used, "shared", 0)
                    shared = max(shared, getattr(used, "shared", 0))
                    cpu += times.user + times.system + times.children_user + times.children_system
                    files = max(files, self._open_files(process))
            except psutil.Error:
                continue
        return self._judge(memory + shared, cpu, files)

    def _open_files(self, process: psutil.Process) -> int:
        import psutil

        try:
            return process.num_fds() if self._limits.open_files is not None else 0
        except psutil.AccessDenied:
            return 0

    def _judge(self, memory: int, cpu: float, files: int) -> list[str]:
        limits, found = self._limits, []
        if limits.open_files is not None and files >= limits.open_files:
            self.reached = (f"open files: {files} of {limits.open_files}",)
        if limits.memory is not None and memory > limits.memory:
            found.append(f"memory: {in_words(memory)} of {in_words(limits.memory)}")
        if limits.cpu_seconds is not None and cpu > limits.cpu_seconds:
            found.append(f"CPU time: {cpu:.0f} s of {limits.cpu_seconds} s")
        return found


def large_file(folders: Iterable[Path], most: int, since: float) -> bool:
    """Whether a file that was written after ``since`` came up to ``most`` bytes."""
    for folder in folders:
        for place, _, names in os.walk(folder):
            for name in names:
                try:
                    found = Path(place, name).lstat()
                except OSError:
                    continue
                if stat.S_ISREG(found.st_mode) and found.st_size >= most and found.st_mtime >= since:
                    return True
    return False


def in_words(size: int) -> str:
    """A number of bytes, as limits are given."""
    if size >= 1 << 30:
        return f"{size / (1 << 30):.1f} GB"
    return f"{size / (1 << 20):.0f} MB" if size >= 1 << 20 else f"{size} bytes"
