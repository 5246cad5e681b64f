"""pre-push: everything that the push would publish, whatever hooks it was committed past."""

from __future__ import annotations

import sys

from tinycode_git.errors import Refused
from tinycode_git.safety.opening import settings
from tinycode_hooks.answer import answer, write_down
from tinycode_hooks.pushed import Update, judge_push, parse_updates, refs_below, refuse_unnamed_plans, tips
from tinycode_hooks.repository import repository


def run(args: list[str]) -> int:
    """``args``: the remote's name and URL; standard input: a line for each ref (githooks(5))."""
    git = repository()
    lines = sys.stdin.read().splitlines()
    updates = parse_updates(lines, lambda words: Update(*words), 4)
    try:
        refuse_unnamed_plans(updates, settings(git).prefix)
    except Refused as refused:
        write_down(git, "hook-refused", "low", {"hook": "pre-push", "outcome": "refused", "reason": refused.message})
        raise
    remote = args[0] if args else ""
    known = refs_below(git, f"refs/remotes/{remote}/") if remote and "/" not in remote else []
    known += [update.old for update in updates if update.old.strip("0")]
    outcome = judge_push(git, updates, known)
    return 0 if outcome is None else answer(git, "pre-push", outcome, tips=tips(updates))
