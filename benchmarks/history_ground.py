"""A long real history for the benchmarks of ``explain``, ``insights`` and ``review``: git's own, at a pinned commit.

Cloned once into the cache, or a clone on this machine that ``TINY_BENCH_HISTORY`` names (it is written to: notes,
git tiny's own files, and the branch ``bench``).
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from make_repo import cache, environment

SOURCE = "https://github.com/git/git"
COMMIT = "1a3e64c6c4a623626ff0687008732a8e007e2a1c"
FORTY_THOUSAND = "v2.7.0"  # 40,934 commits


def ground() -> Path:
    """The clone, its working tree at the pinned commit."""
    named = os.environ.get("TINY_BENCH_HISTORY")
    place = Path(named) if named else cache() / "git"
    if not place.is_dir():
        subprocess.run(["git", "clone", "-q", SOURCE, str(place)], env=environment(), check=True)
    subprocess.run(["git", "checkout", "-q", "-f", "--detach", COMMIT], cwd=place, env=environment(), check=True)
    return place
