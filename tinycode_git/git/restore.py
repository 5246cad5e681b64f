"""Bringing a worktree back after a switch that broke off, touching nothing that is somebody's newer work."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinycode_git.errors import Exit, TinyError, Unsettled
from tinycode_git.git.diff import FileDiff
from tinycode_git.git.leftover import clear_index_lock
from tinycode_git.git.places import MANY, place_of
from tinycode_git.git.process import Git, GitFailed
from tinycode_git.proposal import MODE_GITLINK, MODE_LINK, path_bytes


@dataclass(frozen=True, slots=True)
class Side:
    """One path that a switch touches: mode and blob before and after it (mode 0: nothing there)."""

    path: str
    old_mode: int
    old_blob: str
    new_mode: int
    new_blob: str


def put_back(
    git: Git, worktree: Path, old: str, new: str, files: Sequence[FileDiff], *, killed: float | None = None
) -> None:
    """``restore`` for an operation that is about to fail. Raises Unsettled where only recovery can do it, later.

    ``killed`` is when the git began that was killed: it may have left the lock of the index.
    """
    try:
        if killed is not None:
            clear_index_lock(worktree, Path(git.quiet("rev-parse", "--absolute-git-dir").text), killed)
        restore(git, worktree, old, new, files)
    except BaseException as error:
        reason = error.message if isinstance(error, TinyError) else "interrupted"
        unsettled = Unsettled(f"{worktree} could not be put back as it was: {reason}", "run: git tiny recover")
        if not isinstance(error, TinyError):
            unsettled.exit = Exit.INTERRUPTED
        raise unsettled from error


def two_way(old: str, new: str) -> tuple[str, ...]:
    """The git command that takes index and working tree from ``old`` to ``new``, keeping uncommitted work apart.

    git keeps 96 MB of trees that it has unpacked by itself; a few are enough, and quicker to look through.
    """
    return ("-c", "core.deltaBaseCacheLimit=4m", "read-tree", "-m", "-u", "--no-recurse-submodules", old, new)


def restore(git: Git, worktree: Path, old: str, new: str, files: Sequence[FileDiff]) -> tuple[str, ...]:
    """Bring a worktree back to ``old`` after a switch to ``new`` that broke off; what could not be put back.

    The paths held no uncommitted work when the switch began. A file is put back only where it holds the old or the new
    content, or a beginning of it (git writes files in place); anything else is somebody's newer work and stays.
    """
    if not _index_holds(git, old, files):
        try:
            git.user(*two_way(new, old), own_session=True)
            return ()
        except GitFailed as failed:
            if ".lock'" in failed.stderr:
                raise
            # Newer work on some path stops git as a whole: the index alone goes back, then each file that is ours.
            git.user("read-tree", "-m", "-i", new, old, own_session=True)
    return _restore_files(git, worktree, files)


def _restore_files(git: Git, worktree: Path, files: Sequence[FileDiff]) -> tuple[str, ...]:
    left = []
    back = []
    for side in _written_to(git, worktree, files):
        verdict = _verdict(git, worktree, side)
        if verdict == "foreign":
            left.append(side.path)
        elif verdict == "remove":
            _remove(worktree, side.path)
        elif verdict == "put back":
            back.append(side.path)
    if back:
        stdin = b"".join(path_bytes(path) + b"\0" for path in back)
        try:
            git.user("checkout-index", "-f", "-u", "-z", "--stdin", stdin=stdin, own_session=True)
        except GitFailed as failed:
            if ".lock'" in failed.stderr:
                raise
            left += sorted(set(_listed(git, ("diff-files", "-z", "--name-only", "--no-renames"), back)) & set(back))
    return tuple(left)


def _index_holds(git: Git, revision: str, files: Sequence[FileDiff]) -> bool:
    """Whether the index has, on the paths of ``files``, what ``revision`` has: git replaces the index in one rename."""
    touched = {path for file in files for path in (file.path, file.old_path)}
    asked = ("diff-index", "--cached", "-z", "--name-only", "--no-renames", revision)
    return not set(_listed(git, asked, touched)) & touched


def _listed(git: Git, asked: Sequence[str], paths: Collection[str]) -> list[str]:
    """What git lists, asked about ``paths`` alone where a command line holds them."""
    limit = ["--", *sorted(paths)] if len(paths) <= MANY else []
    return git.setting(GIT_LITERAL_PATHSPECS="1").lines(*asked, *limit)


def _written_to(git: Git, worktree: Path, files: Sequence[FileDiff]) -> Iterator[Side]:
    """The paths on which the worktree is not as the index has it, but for what a sparse checkout leaves out."""
    touched = {path for file in files for path in (file.path, file.old_path)}
    changed = set(_listed(git, ("diff-files", "-z", "--name-only", "--no-renames"), touched))
    skipped = {row[2:] for row in _listed(git, ("ls-files", "-v", "-z"), touched) if row[:1] in "Ss"}
    for side in _sides(files):
        if side.path in skipped:
            continue
        if side.path in changed or (not side.old_mode and os.path.lexists(place_of(worktree, side.path))):
            yield side


def _sides(files: Sequence[FileDiff]) -> Iterator[Side]:
    for file in files:
        if file.status == "R":
            yield Side(file.old_path, file.old_mode, file.old_oid, 0, "")
        if file.status in "ARC":
            yield Side(file.path, 0, "", file.new_mode, file.new_oid)
        else:
            new = (0, "") if file.status == "D" else (file.new_mode, file.new_oid)
            yield Side(file.path, file.old_mode, file.old_oid, *new)


def _verdict(git: Git, worktree: Path, side: Side) -> str:
    """What is to be done with a path: ``keep``, ``put back``, ``remove``, or ``foreign`` for somebody's newer work."""
    if MODE_GITLINK in (side.old_mode, side.new_mode):
        return "keep"
    place = place_of(worktree, side.path)
    try:
        mode = place.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "put back" if side.old_mode else "keep"
    if stat.S_ISDIR(mode):
        return "put back" if side.old_mode else "keep"
    held = os.fsencode(place.readlink()) if stat.S_ISLNK(mode) else place.read_bytes()
    linked = stat.S_ISLNK(mode)
    old = _written(git, side.path, side.old_mode, side.old_blob, linked)
    if old == held and (linked or bool(mode & 0o100) == (side.old_mode == 0o100755)):
        return "keep"
    new = _written(git, side.path, side.new_mode, side.new_blob, linked)
    if not any(content is not None and content.startswith(held) for content in (old, new)):
        return "foreign"
    return "put back" if side.old_mode else "remove"


def _written(git: Git, path: str, mode: int, blob: str, linked: bool) -> bytes | None:
    """What a checkout writes for a blob, line endings converted and filters run; None for nothing of that kind."""
    if not mode or linked != (mode == MODE_LINK):
        return None
    if linked:
        return git.quiet("cat-file", "blob", blob).out
    try:
        return git.user("cat-file", "--filters", f"--path={path}", blob).out
    except GitFailed:
        return git.quiet(
            "cat-file", "blob", blob
        ).out  # a filter that fails writes nothing; git keeps the blob as it is


def _remove(worktree: Path, path: str) -> None:
    place = place_of(worktree, path)
    place.unlink()
    for parent in place.parents:
        if parent == worktree:
            return
        try:
            parent.rmdir()
        except OSError:
            return
