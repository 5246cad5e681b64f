"""The push check under a hook framework, which names only one of the refs that are pushed: so all are looked at."""

from __future__ import annotations

import os
import sys

from tinycode_hooks.answer import answer
from tinycode_hooks.pushed import Update, judge_push, refs_below
from tinycode_hooks.repository import repository


def run(args: list[str]) -> int:
    """Every local branch and tag that the remote does not have (``PRE_COMMIT_REMOTE_NAME``, or every remote)."""
    git = repository()
    remote = os.environ.get("PRE_COMMIT_REMOTE_NAME", "")
    tips = refs_below(git, "refs/heads/", "refs/tags/")
    known = refs_below(git, f"refs/remotes/{remote}/" if remote and "/" not in remote else "refs/remotes/")
    sys.stderr.write("git tiny: the framework names one ref of a push; every local branch and tag is looked at\n")
    outcome = judge_push(git, [Update("", tip, "", "0") for tip in tips], known)
    return 0 if outcome is None else answer(git, "pre-push", outcome)
