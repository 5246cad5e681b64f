"""post-commit: what was committed past pre-commit (``--no-verify``, another program) does not stay unseen."""

from __future__ import annotations

from tinycode_git.safety.flow import session
from tinycode_git.safety.scan import scan_commits
from tinycode_hooks.answer import passed, warn
from tinycode_hooks.repository import repository

_ASK = ("rev-list", "-n", "1", "--format=%P%n%cn <%ce>", "--end-of-options", "HEAD")


def run(args: list[str]) -> int:
    """Look at the new commit; it is there already, so it is said, and what was found of it is written down."""
    git = repository()
    # "commit OID", its parents, its committer, as git-rev-list(1) writes a format.
    rows = git.quiet(*_ASK, ok=(0, 128)).text.split("\n")
    if len(rows) < 3:
        return 0
    tip, parents, user = rows[0].removeprefix("commit "), rows[1].split(), rows[2]
    opened = session(git, parents[0] if parents else "", cached=True)
    outcome = opened.run(lambda s: scan_commits(s, [tip]))
    warn(
        git, "post-commit", outcome, f"commit {tip[:12]} holds this; pre-push will refuse it (git commit --amend)", tip
    )
    passed(git, "post-commit", outcome, opened.settings, tip, user)
    return 0
