"""``git tiny --version``: at most three times ``python -c pass``, plus 60 ms."""

from __future__ import annotations

import sys
from pathlib import Path

from frame import Contender, Report, in_turns, tiny
from make_repo import cache

report = Report()
cache().mkdir(parents=True, exist_ok=True)
here = Path(cache())
ours = Contender("git tiny --version", [*tiny(), "--version"], here)
bare = Contender("python -c pass", [sys.executable, "-c", "pass"], here)
in_turns(ours, bare, rounds=15)
report.ratio("--version: at most 3 x python -c pass + 60 ms", ours, bare, most=3, plus=0.060)
report.end()
