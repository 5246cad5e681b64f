"""The highest handle: moves the user's branches and writes working trees. Only an approval or its undoing holds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tinycode_git.git.diff import FileDiff
from tinycode_git.git.process import Git
from tinycode_git.git.refs import RefMove
from tinycode_git.git.restore import put_back, restore
from tinycode_git.git.switch import switch
from tinycode_git.git.worktrees import Worktree
from tinycode_git.git.write import PlanRepo

# The user's reference-transaction hook runs while refs move, and nothing can be interrupted then.
_MOVE_SECONDS = 120.0


class ExecuteRepo(PlanRepo):
    """A repository in which approved plans land."""

    def git_in(self, worktree: Worktree) -> Git:
        """git as started in one of the clone's worktrees."""
        return self.git if worktree.path == self.place.worktree else Git(worktree.path, {})

    def switch(
        self, worktree: Worktree, old: str, new: str, files: Sequence[FileDiff], before: Callable[[], None]
    ) -> None:
        """Take a worktree from one commit to another; see ``switch.switch``."""
        switch(self.git_in(worktree), worktree.path, old, new, files, before)

    def restore(self, worktree: Worktree, old: str, new: str, files: Sequence[FileDiff]) -> tuple[str, ...]:
        """Undo a switch that broke off; see ``restore.restore``."""
        return restore(self.git_in(worktree), worktree.path, old, new, files)

    def put_back(self, worktree: Worktree, old: str, new: str, files: Sequence[FileDiff]) -> None:
        """``restore`` while a failure is on its way; see ``restore.put_back``."""
        put_back(self.git_in(worktree), worktree.path, old, new, files)

    def move_branches(self, moves: Sequence[RefMove], why: str, cwd: Path | None = None) -> None:
        """Move refs, the user's included, all or none; the user's reference-transaction hook takes part.

        Raises as ``transact``.
        """
        git = self.git if cwd is None else self.git.at(cwd)
        fsync = ("-c", "core.fsync=committed,loose-object,reference")
        asked = (*fsync, "update-ref", "--stdin", "-z", "-m", why)
        self.transact(moves, lambda stdin: git.user(*asked, stdin=stdin, own_session=True, timeout=_MOVE_SECONDS))
