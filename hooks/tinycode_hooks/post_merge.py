"""post-merge: what a merge or a pull has brought."""

from __future__ import annotations

from tinycode_git.safety.flow import session
from tinycode_git.safety.scan import scan_between
from tinycode_git.safety.surface import head
from tinycode_hooks.answer import passed, warn
from tinycode_hooks.repository import repository


def run(args: list[str]) -> int:
    """Look at what HEAD has that it had not before; said and written down, never refused."""
    git = repository()
    before = git.quiet("rev-parse", "-q", "--verify", "--end-of-options", "ORIG_HEAD^{commit}", ok=(0, 1, 128)).text
    tip = head(git)
    if not before or not tip or args[:1] == ["1"]:  # squashed: nothing is committed yet
        return 0
    opened = session(git, before, cached=True)
    outcome = opened.run(lambda scanner: scan_between(scanner, before, tip))
    warn(git, "post-merge", outcome, "this came with the merge; look at it before you build or run anything", tip)
    user = git.quiet("var", "GIT_COMMITTER_IDENT", ok=(0, 128)).text.rpartition(">")[0]
    passed(git, "post-merge", outcome, opened.settings, tip, f"{user}>" if user else "")
    return 0
