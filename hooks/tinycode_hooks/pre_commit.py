"""pre-commit and pre-merge-commit: what is staged, before it is a commit."""

from __future__ import annotations

from tinycode_git.safety.flow import session
from tinycode_git.safety.scan import scan_staged
from tinycode_hooks.answer import answer, of_families
from tinycode_hooks.options import families
from tinycode_hooks.repository import repository


def run(args: list[str]) -> int:
    """Look at what is staged. A framework that names two commits (``pre-commit run --from-ref``) gets their range."""
    git, only = repository(), families(args)
    outcome = session(git).run(scan_staged)
    return answer(git, "pre-commit", of_families(outcome, only))
