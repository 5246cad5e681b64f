"""Where paths of a tree are on disk."""

from __future__ import annotations

import os
from pathlib import Path

from tinycode_git.proposal import path_bytes

# So many paths fit on a command line; more, and git is asked about all.
MANY = 500


def place_of(worktree: Path, path: str) -> Path:
    """Where a path of the tree is on disk, whatever the locale's encoding."""
    return worktree / os.fsdecode(path_bytes(path))
