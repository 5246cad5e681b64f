"""pre-commit and pre-merge-commit: what is staged, before it is a commit."""

from __future__ import annotations

from tinycode_git.safety.flow import check_staged
from tinycode_hooks.answer import answer, of_families
from tinycode_hooks.options import families
from tinycode_hooks.repository import repository


def run(args: list[str]) -> int:
    """Look at what is staged; ``--family`` limits what is told."""
    git, only = repository(), families(args)
    return answer(git, "pre-commit", of_families(check_staged(git), only))
