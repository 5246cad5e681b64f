"""post-commit: what was committed past pre-commit (``--no-verify``, another program) does not stay unseen."""

from __future__ import annotations

from tinycode_git.safety.flow import session
from tinycode_git.safety.scan import scan_commits
from tinycode_git.safety.surface import head
from tinycode_hooks.answer import warn
from tinycode_hooks.repository import repository


def run(args: list[str]) -> int:
    """Look at the new commit; it is there already, so it is said and written down."""
    git = repository()
    tip = head(git)
    if not tip:
        return 0
    parents = git.quiet("rev-list", "--parents", "-n", "1", "--end-of-options", tip).text.split()[1:]
    outcome = session(git, parents[0] if parents else "", cached=True).run(lambda s: scan_commits(s, [tip]))
    warn(
        git, "post-commit", outcome, f"commit {tip[:12]} holds this; pre-push will refuse it (git commit --amend)", tip
    )
    return 0
