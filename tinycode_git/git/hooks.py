"""The user's own git hooks, run as git runs them (git hook run), on an index and a working tree of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tinycode_git.errors import Refused
from tinycode_git.git.process import Git, GitFailed
from tinycode_git.git.read import ReadRepo


@dataclass(frozen=True, slots=True)
class Hooks:
    """The hooks of a worktree: ``folder`` is absolute, so that a relative core.hooksPath means the user's own files."""

    git: Git
    folder: Path

    @classmethod
    def of(cls, git: Git) -> Hooks:
        """The hooks that git would run in the worktree of ``git``."""
        path = git.user("rev-parse", "--path-format=absolute", "--git-path", "hooks").text
        return cls(git, Path(path))

    def has(self, name: str) -> bool:
        """Whether a hook of that name is there and executable."""
        return os.access(self.folder / name, os.X_OK)

    def run(self, name: str, *args: str, git: Git | None = None) -> str:
        """Run a hook where there is one; its output. Raises Refused with the output when it fails."""
        if not self.has(name):
            return ""
        where = git or self.git
        try:
            done = where.user("-c", f"core.hooksPath={self.folder}", "hook", "run", name, "--", *args)
        except GitFailed as failed:
            said = failed.stderr.strip()
            raise Refused(
                f"the {name} hook refused (exit code {failed.code}); nothing was changed",
                f"put right what it says, or change the hook: {self.folder / name}",
                detail=said or "(the hook printed nothing)",
            ) from failed
        return (done.out + done.err).decode("utf-8", "surrogateescape").strip()


@contextmanager
def staging(repo: ReadRepo, git: Git, tree: str, *, files: bool) -> Iterator[Git]:
    """git with a temporary index that holds ``tree``, and with ``files`` a temporary working tree that holds it too.

    A pre-merge-commit hook reads its index and the files around it. The user's worktree still holds the old files then,
    and a formatter that reads those would take the merge back without a word; so it gets the merged ones.
    """
    with TemporaryDirectory(prefix="git-tiny-") as folder:
        top = Path(folder).resolve() / "tree"
        top.mkdir()
        git_dir = git.user("rev-parse", "--absolute-git-dir").text
        temporary = git.at(top).setting(
            GIT_DIR=git_dir, GIT_WORK_TREE=str(top), GIT_INDEX_FILE=str(Path(folder).resolve() / "index")
        )
        temporary.user("read-tree", tree)
        if files:
            temporary.user("checkout-index", "-a", "-u", "-q", own_session=True)
        yield temporary


def hooked_message(repo: ReadRepo, hooks: Hooks, tree: str, message: str) -> tuple[str, list[str]]:
    """The message after the user's prepare-commit-msg and commit-msg hooks, and what they printed."""
    if not (hooks.has("prepare-commit-msg") or hooks.has("commit-msg")):
        return message, []
    git = hooks.git
    with staging(repo, git, tree, files=False) as temporary, TemporaryDirectory(prefix="git-tiny-") as folder:
        at_home = temporary.at(git.cwd).setting(GIT_WORK_TREE=str(git.cwd)) if repo.place.worktree else temporary
        text, said = _run_message_hooks(hooks, at_home, message, Path(folder).resolve())
        return text, list(said)


def _run_message_hooks(hooks: Hooks, git: Git, message: str, folder: Path) -> tuple[str, Sequence[str]]:
    """prepare-commit-msg and commit-msg on a merge's message, as git merge runs them; the message and their output."""
    file = folder / "MERGE_MSG"
    file.write_text(message, "utf-8", "surrogateescape")
    outputs = [
        hooks.run("prepare-commit-msg", str(file), "merge", git=git),
        hooks.run("commit-msg", str(file), git=git),
    ]
    changed = file.read_text("utf-8", "surrogateescape")
    if changed == message:
        return message, outputs
    cleaned = git.quiet("stripspace", stdin=changed.encode("utf-8", "surrogateescape")).out
    text = cleaned.decode("utf-8", "surrogateescape")
    if not text.strip():
        raise Refused("a hook left the merge without a message; nothing was changed", f"see {hooks.folder}")
    return text, outputs
