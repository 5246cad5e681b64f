"""``git-tiny-hook NAME ARGS..``: what git runs. Imports as little as it can; every hook is a module of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from tinycode_git.boundary import guarded
from tinycode_git.errors import UsageError

# What git calls a hook, or what a hook framework runs, and the module that does it.
HOOKS = {
    "pre-commit": "pre_commit",
    "pre-merge-commit": "pre_commit",
    "prepare-commit-msg": "prepare_commit_msg",
    "commit-msg": "commit_msg",
    "pre-push": "pre_push",
    "post-commit": "post_commit",
    "post-merge": "post_merge",
    "post-checkout": "post_checkout",
    "pre-receive": "pre_receive",
    "update": "update",
    "framework-push": "framework_push",
    "files": "files",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one hook; its exit code decides whether git goes on."""
    args = list(sys.argv[1:] if argv is None else argv)
    return guarded(lambda: _run(args))


def _run(args: list[str]) -> int:
    if not args or args[0] not in HOOKS:
        raise UsageError("usage: git-tiny-hook NAME ARGS..", f"NAME is one of: {', '.join(HOOKS)}")
    module = import_module(f"tinycode_hooks.{HOOKS[args[0]]}")
    code = module.run(args[1:])
    assert isinstance(code, int)
    return code
