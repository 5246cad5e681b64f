"""update: as pre-receive, for one ref."""

from __future__ import annotations

from tinycode_git.errors import UsageError
from tinycode_hooks.answer import answer
from tinycode_hooks.pushed import Update, judge_push, refs_below
from tinycode_hooks.repository import repository


def run(args: list[str]) -> int:
    """``args``: ref, old oid, new oid (githooks(5))."""
    if len(args) != 3:
        raise UsageError("usage: git-tiny-hook update REF OLD NEW")
    git = repository()
    outcome = judge_push(git, [Update(args[0], args[2], args[0], args[1])], refs_below(git))
    return 0 if outcome is None else answer(git, "update", outcome, tips=[args[2]])
