"""What the benchmarks do with plans outside the timing: make one, say which, take it away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from frame import git, once, tiny


def propose(repo: Path, patch: Path) -> dict[str, Any]:
    """A plan from a patch series; the plan as ``--json`` gives it."""
    made = json.loads(once([*tiny(), "propose", "--patch", str(patch), "--json"], repo).out)
    plan: dict[str, Any] = made.get("plan", made)
    return plan


def reset(repo: Path, base: str) -> None:
    """The branch and the working tree as they were at ``base``."""
    git(repo, "reset", "-q", "--hard", base)


def drop(repo: Path) -> None:
    """Every plan with its record, as if there had been none."""
    mine = ("refs/heads/tiny/", "refs/tiny/")
    for ref in git(repo, "for-each-ref", "--format=%(refname)", *mine).split():
        git(repo, "update-ref", "-d", ref)
