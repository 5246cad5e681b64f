"""Putting hooks where git looks for them, and taking them away: what was there before is kept and still runs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence

from tinycode_git.errors import Incomplete, Refused, UsageError
from tinycode_git.git.process import Git
from tinycode_git.rows import NamedTuple
from tinycode_git.safety import places
from tinycode_hooks.script import KEPT, MARK, script

WORKING = ("pre-commit", "commit-msg", "pre-merge-commit", "pre-push", "post-commit", "post-merge", "post-checkout")
SERVING = ("pre-receive",)
ALL = (*WORKING, "prepare-commit-msg", "pre-receive", "update")


class Done(NamedTuple):
    """What became of one hook: ``installed``, ``kept`` (with one that was there), ``removed``, ``restored``."""

    hook: str
    file: str
    what: str


class Target(NamedTuple):
    """A folder that git reads hooks from; ``everywhere`` when it serves all of the user's repositories."""

    folder: str
    everywhere: bool
    bare: bool = False


def install(git: Git, *, hooks: Sequence[str] = (), everywhere: bool = False) -> list[Done]:
    """Install hooks in a repository, or for all of them. Raises Refused, UsageError, Incomplete."""
    for name in hooks:
        if name not in ALL:
            raise UsageError(f"there is no hook '{name}'", f"one of: {', '.join(ALL)}")
    target = global_target(git) if everywhere else repository_target(git)
    chosen = tuple(hooks) or (SERVING if target.bare else WORKING)
    program = own_program()
    try:
        os.makedirs(target.folder, exist_ok=True)
        done = [_put(target, name, script(name, program, everywhere=everywhere)) for name in chosen]
    except OSError as failed:
        raise Incomplete(f"the hooks cannot be written: {failed.strerror}", target.folder) from failed
    if everywhere:
        git.user("config", "--global", "core.hooksPath", target.folder)
    return done


def uninstall(git: Git, *, everywhere: bool = False) -> list[Done]:
    """Take our hooks away and put back what was there before."""
    target = global_target(git) if everywhere else repository_target(git)
    try:
        done = [found for name in ALL if (found := _take(target, name)) is not None]
        if everywhere and _global_path(git) == _own_folder() and not _left(target.folder):
            git.user("config", "--global", "--unset", "core.hooksPath", ok=(0, 5))
    except OSError as failed:
        raise Incomplete(f"the hooks cannot be removed: {failed.strerror}", target.folder) from failed
    return done


def repository_target(git: Git) -> Target:
    """The hooks folder of a repository, shared by its worktrees; ``core.hooksPath`` counts where it is the clone's own.

    Raises Refused where the user's configuration sets it for all repositories.
    """
    bare = git.quiet("rev-parse", "--is-bare-repository").text == "true"
    scoped = git.user("config", "--show-scope", "--get", "core.hooksPath", ok=(0, 1)).text
    scope, _, value = scoped.partition("\t")
    if value and scope not in ("local", "worktree"):
        raise Refused(
            f"core.hooksPath is set for all repositories: {value}",
            "git tiny install --global puts the hooks there; they run this repository's own hooks as well",
        )
    folder = git.user("rev-parse", "--path-format=absolute", "--git-path", "hooks").text
    return Target(folder, False, bare)


def global_target(git: Git) -> Target:
    """The folder for all repositories: what ``core.hooksPath`` names in the user's configuration, else our own."""
    return Target(os.path.expanduser(_global_path(git) or _own_folder()), True)


def _global_path(git: Git) -> str:
    return git.user("config", "--global", "--get", "core.hooksPath", ok=(0, 1)).text


def _own_folder() -> str:
    return os.path.join(places.config(), "hooks")


def _left(folder: str) -> Iterable[str]:
    return [name for name in os.listdir(folder) if not name.endswith(".sample")]


def own_program() -> str:
    """The path of ``git-tiny-hook``: beside this Python, else on the PATH. Raises Incomplete."""
    beside = os.path.join(os.path.dirname(sys.executable), "git-tiny-hook")
    found = beside if os.access(beside, os.X_OK) else shutil.which("git-tiny-hook")
    if not found:
        raise Incomplete("git-tiny-hook is not installed", "install the package tinycode-git, which brings it")
    return os.path.abspath(found)


def is_ours(file: str) -> bool:
    """Whether a hook is one that git tiny wrote."""
    try:
        with open(file, "rb") as stream:
            return MARK.encode() in stream.read(4096)
    except OSError:
        return False


def _put(target: Target, name: str, text: str) -> Done:
    file = os.path.join(target.folder, name)
    kept = file + KEPT
    foreign = os.path.lexists(file) and not is_ours(file)
    if foreign and os.path.lexists(kept):
        raise Refused(
            f"there is a hook {file} and another one kept from before: {kept}",
            "remove one of the two; git tiny runs one hook beside its own",
        )
    beside = f"{file}.{os.getpid()}"
    with open(beside, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(beside, 0o755)  # noqa: S103 - git runs it only so, whoever works in the repository
    if foreign:
        os.rename(file, kept)
    os.replace(beside, file)
    return Done(name, file, "kept" if os.path.lexists(kept) else "installed")


def _take(target: Target, name: str) -> Done | None:
    file = os.path.join(target.folder, name)
    if not is_ours(file):
        return None
    kept = file + KEPT
    if os.path.lexists(kept):
        os.replace(kept, file)
        return Done(name, file, "restored")
    os.unlink(file)
    return Done(name, file, "removed")
