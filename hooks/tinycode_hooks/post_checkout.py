"""post-checkout: what a branch (or a fresh clone) brings into the working tree."""

from __future__ import annotations

import os

from tinycode_git.safety.flow import session
from tinycode_git.safety.scan import scan_between
from tinycode_git.safety.surface import empty_tree
from tinycode_hooks.answer import warn
from tinycode_hooks.repository import repository


def run(args: list[str]) -> int:
    """``args``: the HEAD before, the HEAD now, 1 for a branch (githooks(5)). Said and written down, never refused."""
    if len(args) != 3 or args[2] != "1" or args[0] == args[1]:
        return 0
    if os.environ.get("GIT_REFLOG_ACTION", "").startswith("rebase"):
        return 0
    git = repository()
    before = args[0] if args[0].strip("0") else empty_tree(git)
    base = args[0] if args[0].strip("0") else ""
    outcome = session(git, base, cached=True).run(lambda scanner: scan_between(scanner, before, args[1]))
    what = "this is in the working tree now; look at it before you build or run anything"
    warn(git, "post-checkout", outcome, what, args[1])
    return 0
