"""The throwaway clone of a gate or an agent, at 100,000 files: at most ``git clone --shared`` with its checkout.

The second gate, on a nearby tree, reuses the checkout: it is compared with ``git reset --hard`` and ``git clean`` in a
clone that is there already, plus 250 ms for the process that does it.
"""

from __future__ import annotations

import os
import shutil
import sys
from itertools import cycle

from frame import ROOT, Contender, Report, git, in_turns
from make_repo import cache, ensure

CODE = """
import os, sys; from pathlib import Path
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.throwaway import checkout, clone
repo = ReadRepo.discover(Path("."))
with clone(repo.place, sys.argv[2]) if sys.argv[1] == "agent" else checkout(repo.place, sys.argv[2]) as made:
    os._exit(0)  # the clone is there; taking it away is not in the time
"""

os.environ["PYTHONPATH"] = str(ROOT)
report = Report()
repo = ensure("large")
base, series = git(repo, "rev-parse", "main^{tree}").strip(), git(repo, "rev-parse", "series^{tree}").strip()
commit = git(repo, "rev-parse", "main").strip()
place = cache() / "shared"
kept = cache() / "home/.cache/git-tiny"


def remove() -> None:
    """No clone of either kind is there."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.rmtree(kept, ignore_errors=True)


shared = Contender("git clone --shared", ["git", "clone", "-q", "--shared", ".", str(place)], repo, before=remove)
agent = Contender("clone for an agent", [sys.executable, "-c", CODE, "agent", commit], repo, before=remove)
first = Contender("first checkout for a gate", [sys.executable, "-c", CODE, "gate", base], repo, before=remove)
in_turns(agent, shared, first, rounds=2)
report.ratio("clone for an agent (made and removed): at most git clone --shared + 25%", agent, shared, most=1.25)
report.ratio("first checkout for a gate: at most git clone --shared + 25%", first, shared, most=1.25)

git(repo, "clone", "-q", "--shared", ".", str(place))
git(repo, *("-C", str(place)), "checkout", "-q", "--detach", "origin/main")
ours_next, git_next = cycle([series, base]), cycle(["origin/series", "origin/main"])


def next_gate() -> list[str]:
    """A gate on the tree that the checkout does not hold."""
    return [sys.executable, "-c", CODE, "gate", next(ours_next)]


def next_reset() -> list[str]:
    """The same by hand."""
    return ["sh", "-c", f"git reset -q --hard {next(git_next)} && git clean -ffdxq"]


second = Contender("second checkout for a gate", next_gate, repo)
by_hand = Contender("git reset --hard, git clean", next_reset, place)
in_turns(second, by_hand, rounds=5)
report.ratio("second gate on a nearby tree: at most the difference + 250 ms", second, by_hand, most=1, plus=0.250)
remove()
report.end()
