"""The worktrees of a clone: which branch is checked out where, and what is going on in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tinycode_git.git.read import ReadRepo

# What git keeps in a worktree's git dir while an operation of several steps is under way (git status reads the same).
_UNDER_WAY = (
    ("rebase-merge", "a rebase", "git rebase --continue or --abort"),
    ("rebase-apply", "a rebase or git am", "git rebase --continue or --abort (git am --continue or --abort)"),
    ("MERGE_HEAD", "a merge", "git merge --continue or --abort"),
    ("CHERRY_PICK_HEAD", "a cherry-pick", "git cherry-pick --continue or --abort"),
    ("REVERT_HEAD", "a revert", "git revert --continue or --abort"),
    ("sequencer", "a cherry-pick or revert of several commits", "git cherry-pick --continue or --abort"),
    ("BISECT_START", "a bisect", "git bisect reset"),
)


@dataclass(frozen=True, slots=True)
class Worktree:
    """One worktree: its folder, its own git dir, the full name of the branch checked out there (None: detached)."""

    path: Path
    git_dir: Path
    branch: str | None
    usable: bool = True


def worktrees(repo: ReadRepo) -> list[Worktree]:
    """Every worktree of the clone that has a folder (a bare repository itself has none)."""
    found = []
    blocks = repo.git.quiet("worktree", "list", "--porcelain", "-z").out.split(b"\0\0")
    for block in blocks:
        rows = [row.decode("utf-8", "surrogateescape") for row in block.split(b"\0") if row]
        fields = dict(row.partition(" ")[::2] for row in rows)
        if "worktree" not in fields or "bare" in fields:
            continue
        path = Path(fields["worktree"])
        usable = path.is_dir() and "prunable" not in fields
        git_dir = _git_dir(path, repo.place.common_dir) if usable else repo.place.common_dir
        found.append(Worktree(path, git_dir, _branch(git_dir, fields.get("branch")), usable))
    return found


def _branch(git_dir: Path, said: str | None) -> str | None:
    """The branch that is checked out, or that a rebase or bisect there will come back to (git moves none of them)."""
    if said is not None:
        return said
    for state in ("rebase-merge", "rebase-apply"):
        name = git_dir / state / "head-name"
        if name.is_file():
            return name.read_text("utf-8", "surrogateescape").strip()
    bisected = git_dir / "BISECT_START"
    return f"refs/heads/{bisected.read_text('utf-8', 'surrogateescape').strip()}" if bisected.is_file() else None


def _git_dir(path: Path, common_dir: Path) -> Path:
    link = path / ".git"
    if link.is_file():
        text = link.read_text("utf-8", "surrogateescape")
        if text.startswith("gitdir: "):
            return (path / text.removeprefix("gitdir: ").rstrip("\n")).resolve()
    return link if link.is_dir() else common_dir


def holders(repo: ReadRepo, ref: str) -> list[Worktree]:
    """The worktrees in which the branch ``ref`` is checked out."""
    return [worktree for worktree in worktrees(repo) if worktree.branch == ref]


def under_way(worktree: Worktree) -> tuple[str, str] | None:
    """What is going on in a worktree that an approval must not get into: its name, and how it is ended."""
    for name, what, how in _UNDER_WAY:
        if (worktree.git_dir / name).exists():
            return what, how
    return None
