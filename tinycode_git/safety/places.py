"""Where git tiny keeps files of the user's outside of repositories: the XDG specification's directories, or macOS's.

The same answers as platformdirs gives for ``tinycode-git``; hooks cannot afford importing it (15 ms).
"""

from __future__ import annotations

import os
import sys

NAME = "tinycode-git"


def _folder(variable: str, linux: str, mac: str) -> str:
    if sys.platform == "darwin":
        return os.path.join(os.path.expanduser(mac), NAME)
    base = os.environ.get(variable, "")
    if not os.path.isabs(base):
        base = os.path.expanduser(linux)
    return os.path.join(base, NAME)


def cache() -> str:
    """Files that can be made again: the compiled rules."""
    return _folder("XDG_CACHE_HOME", "~/.cache", "~/Library/Caches")


def config() -> str:
    """Files that the user writes: rules of their own."""
    return _folder("XDG_CONFIG_HOME", "~/.config", "~/Library/Application Support")


def state() -> str:
    """Files that git tiny remembers: which repositories' exceptions are trusted."""
    return _folder("XDG_STATE_HOME", "~/.local/state", "~/Library/Application Support")
