"""The verbs of ``git tiny``: where each one lives and what it is for, in the order in which help lists them.

A verb's module is imported when the verb is run, and not before. It exposes ``app``, made by
``tinycode_git.commands.new_app``: one command makes a plain verb, several make a group.
"""

from __future__ import annotations

from typing import NamedTuple


class Verb(NamedTuple):
    """Where a verb lives, its line in the help, and the section it is listed under."""

    module: str
    summary: str
    section: str


SETTINGS = "settings and health"

VERBS: dict[str, Verb] = {
    "mode": Verb("tinycode_git.commands.mode", "Show or set the ceiling on what may be done", SETTINGS),
    "completion": Verb("tinycode_git.commands.completion", "Print the completion script of a shell", SETTINGS),
    "version": Verb("tinycode_git.commands.version", "Show the versions of git tiny and what it runs on", SETTINGS),
}

GLOBAL_OPTIONS: dict[str, str] = {
    "-C DIR": "Run as if started in DIR (may be repeated, as with git)",
    "--no-color": "Draw nothing in colour",
    "--version": "Show the version",
    "--help": "Show this help; after a verb, the verb's own",
}


def nearest(name: str) -> list[str]:
    """The verbs that ``name`` may have meant, best first."""
    from difflib import get_close_matches

    starting = [verb for verb in VERBS if verb.startswith(name)] if name else []
    return starting or get_close_matches(name, VERBS, n=3, cutoff=0.5)
