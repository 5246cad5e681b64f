"""The help of ``git tiny`` itself: made from the registry, importing no verb."""

from __future__ import annotations

from tinycode_git.verbs import GLOBAL_OPTIONS, VERBS

USAGE = "git tiny [-C DIR] [--no-color] VERB [ARGUMENTS]"
IDEA = (
    "Changes arrive as plans: a plan is a branch, approval a merge, rollback a reset. Until you approve, nothing moves."
)
FOOTER = "'git tiny VERB --help' explains a verb, with examples and exit codes; 'man git-tiny' the whole."


def root_help() -> str:
    """What ``git-tiny --help`` prints."""
    lines = [f"usage: {USAGE}", "", IDEA]
    width = max(len(name) for name in [*VERBS, *GLOBAL_OPTIONS])
    for section, names in sections().items():
        lines += ["", section]
        lines += [f"   {name:<{width}}  {VERBS[name].summary}" for name in names]
    lines += ["", "options before the verb"]
    lines += [f"   {name:<{width}}  {summary}" for name, summary in GLOBAL_OPTIONS.items()]
    lines += ["", FOOTER]
    return "\n".join(lines) + "\n"


def sections() -> dict[str, list[str]]:
    """Section to the verbs listed under it, both in the registry's order."""
    found: dict[str, list[str]] = {}
    for name, verb in VERBS.items():
        found.setdefault(verb.section, []).append(name)
    return found
