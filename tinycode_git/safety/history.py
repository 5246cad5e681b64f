"""Whole histories: everything that a ref reaches, each commit against its parents."""

from __future__ import annotations

from collections.abc import Callable

from tinycode_git.safety.scan import Scanner, ScanResult, scan_range

Moved = Callable[[int, int], None]


def scan_history(scanner: Scanner, *, unreachable: bool, jobs: int, moved: Moved) -> ScanResult:
    """Every commit that a ref reaches."""
    return scan_range(scanner, "--all")
