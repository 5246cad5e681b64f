"""pre-receive: on the server, everything that a push brings, while it is still in quarantine. Writes no ref."""

from __future__ import annotations

import sys

from tinycode_hooks.answer import answer
from tinycode_hooks.pushed import Update, judge_push, parse_updates, refs_below, tips
from tinycode_hooks.repository import repository


def run(args: list[str]) -> int:
    """Standard input: old oid, new oid and ref, a line each (githooks(5))."""
    git = repository()
    updates = parse_updates(
        sys.stdin.read().splitlines(), lambda words: Update(words[2], words[1], words[2], words[0]), 3
    )
    outcome = judge_push(git, updates, refs_below(git))
    return 0 if outcome is None else answer(git, "pre-receive", outcome, tips=tips(updates))
