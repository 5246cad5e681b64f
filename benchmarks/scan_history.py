"""A whole history against ``git cat-file --batch-all-objects``: one process, two, and again; the peak of memory.

python benchmarks/scan_history.py REPOSITORY (a git directory, not written to: a copy is). Where kingfisher is on the
PATH it is measured as well (at most 0.7 of its time).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from frame import ROOT, Contender, Report, git, in_turns

if len(sys.argv) != 2:
    raise SystemExit("usage: python benchmarks/scan_history.py REPOSITORY")


def scan(*options: str) -> list[str]:
    """The scan; findings (exit code 1) and objects that the copy has not (4) are no failure of the benchmark."""
    command = f"'{sys.executable}' -P -m tinycode_git scan --all {' '.join(options)}; [ $? -ne 2 ] && [ $? -ne 3 ]"
    return ["env", f"PYTHONPATH={ROOT}", "sh", "-c", command]


report = Report()
with tempfile.TemporaryDirectory() as folder:
    copy = Path(folder) / "repository.git"
    shutil.copytree(sys.argv[1], copy)
    git(copy, "rev-parse", "--git-dir")

    def forget() -> None:
        """Nothing is known from before."""
        shutil.rmtree(copy / "tiny", ignore_errors=True)

    argv = ["git", "cat-file", "--batch-all-objects", "--batch", "--unordered", "--buffer"]
    objects = Contender("git cat-file --batch-all-objects", argv, copy)
    alone = Contender("git tiny scan --all --jobs 1", scan("--jobs", "1"), copy, before=forget)
    both = Contender("git tiny scan --all --jobs 2", scan("--jobs", "2"), copy, before=forget)
    again = Contender("git tiny scan --all, again", scan("--jobs", "1"), copy)
    sides = [objects, alone, again, both]
    if found := shutil.which("kingfisher"):
        flags = ["--git-history", "full", "--no-validate", "--no-update-check", "--jobs", "2"]
        sides.append(Contender("kingfisher scan", ["sh", "-c", f"'{found}' scan {' '.join(flags)} . || true"], copy))
    in_turns(*sides, rounds=3)
    report.ratio("one process: at most 1.6 x git cat-file", alone, objects, most=1.6)
    report.ratio("two processes: at most 1.0 x git cat-file", both, objects, most=1.0)
    report.ratio("again: under 5% of the first run", again, alone, most=0.05)
    report.memory("memory", both.name, both.megabytes, objects.megabytes, objects.name, most=400)
    for rival in sides[4:]:
        report.ratio("two processes: at most 0.7 of kingfisher", both, rival, most=0.7)
report.end()
