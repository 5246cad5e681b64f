"""A process that dies while it keeps a review: the next command says whether the note was written."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.repos import ROOT, Repo

# The real thing, with its own death wrapped around one step.
DIES = """
import os, sys
from pathlib import Path
from tests.plan.plans import ledger_in
from tinycode_git.commands.reviewing import Options, Wanted, conduct, note_of
from tinycode_git.git.write import PlanRepo
from tinycode_git.review.store import keep

class Dies(PlanRepo):
    def move_refs(self, moves, why):
        if sys.argv[1] == "after":
            super().move_refs(moves, why)
        os._exit(9)

repo = Dies.discover(Path("."))
review = conduct(repo, Wanted(repo.resolve("HEAD~1"), repo.resolve("HEAD")), Options()).review
keep(repo, ledger_in(Path(".")), note_of(review))
"""


@pytest.mark.parametrize(("when", "outcome"), [("before", "taken back"), ("after", "finished")])
def test_a_death_around_the_ref(repo: Repo, when: str, outcome: str) -> None:
    repo.commit("work", {"a.py": "a = 1\n"})
    done = subprocess.run([sys.executable, "-c", DIES, when], cwd=repo.path, env=_env(), check=False)
    assert done.returncode == 9
    assert f"an interrupted review of this repository was {outcome}" in repo.tiny("recover").out
    assert ("refs/notes/tiny-review" in repo.refs()) == (when == "after")
    repo.tiny("review", "HEAD")
    assert repo.tiny("review", "verify").code == 0


def _env() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}
