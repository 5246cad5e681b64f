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


PLANS = "plans"
SAFETY = "safety"
MODELS = "with a model"
AUDIT = "audit"
UPKEEP = "state and upkeep"
HISTORY = "history and review"
SETTINGS = "settings and health"

VERBS: dict[str, Verb] = {
    "propose": Verb("tinycode_git.commands.propose", "Turn a task into a plan: a branch of reviewed commits", PLANS),
    "plans": Verb("tinycode_git.commands.plans", "List the plans of this repository", PLANS),
    "show": Verb("tinycode_git.commands.show", "Show a plan: steps, risk, findings", PLANS),
    "diff": Verb("tinycode_git.commands.diff", "Show what a plan changes", PLANS),
    "export": Verb("tinycode_git.commands.export", "Write a plan as an mbox of patches", PLANS),
    "check": Verb("tinycode_git.commands.check", "Validate a plan as its branch is now", PLANS),
    "apply": Verb("tinycode_git.commands.apply", "Approve a plan: merge it into its target", PLANS),
    "rollback": Verb("tinycode_git.commands.rollback", "Take an applied plan back", PLANS),
    "redo": Verb("tinycode_git.commands.redo", "Bring a rolled-back plan back", PLANS),
    "reject": Verb("tinycode_git.commands.reject", "Close a plan without applying it", PLANS),
    "restack": Verb("tinycode_git.commands.restack", "Move a plan onto its target's newer commit", PLANS),
    "fetch": Verb("tinycode_git.commands.fetch", "Bring the plans of a remote here", PLANS),
    "model": Verb("tinycode_git.commands.model", "Choose, fetch and test the language model", MODELS),
    "chat": Verb("tinycode_git.commands.chat", "Talk about the repository, with every verb at hand", MODELS),
    "ask": Verb("tinycode_git.commands.ask", "Ask about the repository; places in the answer are checked", MODELS),
    "fix": Verb("tinycode_git.commands.fix", "Turn a failing program's output into a plan that mends it", MODELS),
    "refactor": Verb("tinycode_git.commands.refactor", "Have a model change how code in some paths is written", MODELS),
    "complete": Verb("tinycode_git.commands.complete", "Print what belongs at a place in a file", MODELS),
    "commit-message": Verb("tinycode_git.commands.commit_message", "Write the message for what is staged", MODELS),
    "replay": Verb("tinycode_git.commands.replay", "Make a model's plan once more, and compare the trees", MODELS),
    "backups": Verb("tinycode_git.commands.backups", "List and restore what working trees held before", UPKEEP),
    "audit": Verb("tinycode_git.commands.audit", "Read, verify, publish and prove the audit log", AUDIT),
    "scan": Verb("tinycode_git.commands.scan", "Look for secrets, dangerous code and hostile text", SAFETY),
    "rules": Verb("tinycode_git.commands.rules", "List, show and test the validator's rules and tiers", SAFETY),
    "baseline": Verb("tinycode_git.commands.baseline", "Accept the findings that there are today", SAFETY),
    "allow": Verb("tinycode_git.commands.allow", "Approve a finding of what is staged, with a reason", SAFETY),
    "trust": Verb("tinycode_git.commands.trust", "Let this repository's own exceptions count", SAFETY),
    "install": Verb("tinycode_git.commands.install", "Install the git hooks", SAFETY),
    "uninstall": Verb("tinycode_git.commands.uninstall", "Take the git hooks away again", SAFETY),
    "explain": Verb("tinycode_git.commands.explain", "Say why a line, file, commit or range is as it is", HISTORY),
    "story": Verb("tinycode_git.commands.story", "Tell how a file came to be, with a chart", HISTORY),
    "insights": Verb("tinycode_git.commands.insights", "Show the repository in numbers, with charts", HISTORY),
    "review": Verb("tinycode_git.commands.review", "Review a change: few and sure findings, kept in git", HISTORY),
    "bot": Verb("tinycode_git.commands.bot", "Review every new tip of the branches here", HISTORY),
    "recover": Verb("tinycode_git.commands.recover", "Finish or take back what a crash interrupted", UPKEEP),
    "gc": Verb("tinycode_git.commands.gc", "Drop what closed plans left behind", UPKEEP),
    "status": Verb("tinycode_git.commands.status", "Show the branch, the mode and the plans that wait", UPKEEP),
    "mode": Verb("tinycode_git.commands.mode", "Show or set the ceiling on what may be done", SETTINGS),
    "doctor": Verb("tinycode_git.commands.doctor", "Check what git tiny needs of machine and repository", SETTINGS),
    "completion": Verb("tinycode_git.commands.completion", "Print the completion script of a shell", SETTINGS),
    "config": Verb("tinycode_git.commands.config", "Show the settings, set limits for agents and checks", SETTINGS),
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
