"""The few options that hooks take, read by hand: a parser costs more than the hook."""

from __future__ import annotations

from tinycode_git.errors import UsageError
from tinycode_git.safety.rule import FAMILIES


def families(args: list[str]) -> list[str]:
    """The values of ``--family``, taken out of ``args``. Raises UsageError for one that there is not."""
    found: list[str] = []
    while "--family" in args:
        at = args.index("--family")
        name = args[at + 1] if at + 1 < len(args) else ""
        if name not in FAMILIES:
            raise UsageError(f"there is no family '{name}'", f"one of: {', '.join(FAMILIES)}")
        found.append(name)
        del args[at : at + 2]
    return found
