"""The repository that a hook runs in: git's own variables read once and passed on explicitly."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from tinycode_git.git.process import Git

if TYPE_CHECKING:
    from pathlib import Path

# What git tells a hook about where it is (githooks(5)): without these, nothing would be staged and nothing pushed.
_TOLD = (
    "GIT_DIR",
    "GIT_COMMON_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
)


def repository() -> Git:
    """git for this hook. History is what the objects say: grafts and replacements do not count."""
    told = {name: os.environ[name] for name in _TOLD if name in os.environ}
    here = cast("Path", os.getcwd())  # a path to whoever asks for one; importing pathlib costs a hook 5 ms
    return Git(here, {**told, "GIT_GRAFT_FILE": os.devnull})
