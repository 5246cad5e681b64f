"""Taking a worktree from one commit to another while everything uncommitted stays (git read-tree -m -u OLD NEW).

git's two-way merge keeps staged and unstaged work apart and refuses an overlap before it writes. Three things it does
not do, so they are checked first: it overwrites ignored files (since git 2.34), lets a staged change pass that is
the new content (which a later rollback would lose), and it believes ``assume-unchanged`` and ``skip-worktree``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinycode_git.errors import Refused
from tinycode_git.git.diff import FileDiff
from tinycode_git.git.process import Git, GitFailed
from tinycode_git.git.refs import lock_refusal
from tinycode_git.proposal import path_bytes, path_str

_MANY = 500


@dataclass(frozen=True, slots=True)
class Overlap:
    """What stands in the way of a switch, by kind of uncommitted work."""

    staged: tuple[str, ...] = ()
    unstaged: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    unwatched: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return sum(len(paths) for _, paths in self.kinds)

    @property
    def kinds(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The paths by kind of work, as ``git status`` words it."""
        return (
            ("staged", self.staged),
            ("not staged", self.unstaged),
            ("untracked or ignored, in the way", self.untracked),
            ("marked assume-unchanged", self.unwatched),
            ("marked skip-worktree", self.skipped),
        )

    def lines(self) -> str:
        """One line a path."""
        return "\n".join(f"  {path}  ({kind})" for kind, paths in self.kinds for path in paths)


def overlap(git: Git, worktree: Path, old: str, files: Sequence[FileDiff]) -> Overlap:
    """The uncommitted work in ``worktree`` on the paths of ``files`` (the diff from ``old``, where the branch is)."""
    touched = {path for file in files for path in (file.path, file.old_path)}
    limit = ["--", *sorted(touched)] if len(touched) <= _MANY else []
    quiet = git.setting(GIT_LITERAL_PATHSPECS="1")
    staged = set(quiet.lines("diff-index", "--cached", "-z", "--name-only", "--no-renames", old, *limit)) & touched
    unstaged = _unstaged(quiet, limit) & touched
    if unstaged:
        # Plumbing reports what merely has another mtime: have git look at the contents, then ask again.
        git.user("update-index", "-q", "--refresh", ok=(0, 1, 128))
        unstaged = _unstaged(quiet, limit) & touched
    tags = {row[2:]: row[:1] for row in quiet.lines("ls-files", "-v", "-z", *limit) if row[2:] in touched}
    unwatched = {path for path, tag in tags.items() if tag.islower()}
    skipped = _skipped(git, worktree, {path for path, tag in tags.items() if tag == "S"})
    return Overlap(
        tuple(sorted(staged)),
        tuple(sorted(unstaged - staged)),
        tuple(sorted(_in_the_way(worktree, files) - staged)),
        tuple(sorted(unwatched - staged - unstaged)),
        tuple(sorted(skipped - staged - unstaged)),
    )


def _skipped(git: Git, worktree: Path, marked: set[str]) -> set[str]:
    """Those of the paths marked skip-worktree that a switch may not pass over.

    A sparse checkout marks what it leaves out, and a file that is there all the same is somebody's. Without one the
    mark was set by hand, and git would write the file.
    """
    if not marked or git.quiet("config", "--type=bool", "--get", "core.sparseCheckout", ok=(0, 1)).text != "true":
        return marked
    return {path for path in marked if os.path.lexists(place_of(worktree, path))}


def _unstaged(git: Git, limit: Sequence[str]) -> set[str]:
    return set(git.lines("diff-files", "-z", "--name-only", "--no-renames", "--ignore-submodules=all", *limit))


def _in_the_way(worktree: Path, files: Sequence[FileDiff]) -> set[str]:
    """Paths of the worktree that a file to be added would overwrite or replace, ignored ones included."""
    leaving = {file.old_path for file in files if file.status in "DR"}
    found: set[str] = set()
    for file in files:
        if file.status not in "ARC" or file.new_mode == 0o160000:
            continue
        found.update(_blocks(worktree, file.path, leaving))
    return found


def _blocks(worktree: Path, path: str, leaving: set[str]) -> Iterable[str]:
    parts = path.split("/")
    for n in range(1, len(parts) + 1):
        here = "/".join(parts[:n])
        try:
            mode = place_of(worktree, here).lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return
        if here in leaving:
            return
        if not stat.S_ISDIR(mode):
            yield here
            return
    yield from _left_in(worktree, path, leaving)


def _left_in(worktree: Path, folder: str, leaving: set[str]) -> Iterable[str]:
    """What would remain in a folder that a file is to replace."""
    for here, _, names in os.walk(place_of(worktree, folder)):
        for name in names:
            path = path_str(os.fsencode((Path(here) / name).relative_to(worktree)))
            if path not in leaving:
                yield path


def place_of(worktree: Path, path: str) -> Path:
    """Where a path of the tree is on disk, whatever the locale's encoding."""
    return worktree / os.fsdecode(path_bytes(path))


def refuse_overlap(found: Overlap, worktree: Path) -> Refused:
    """The refusal that names every path."""
    what = "path has" if len(found) == 1 else "paths have"
    return Refused(
        f"{len(found)} {what} uncommitted work in {worktree} that this would touch; nothing was changed",
        "commit, stash or move that work away, then try again",
        detail=found.lines(),
    )


def switch(git: Git, worktree: Path, old: str, new: str, files: Sequence[FileDiff], before: Callable[[], None]) -> None:
    """Take index and working tree from ``old`` to ``new``; see the module. Raises Refused before anything is written.

    ``files`` is the diff between the two; ``before`` is called once nothing stands in the way. An interruption in the
    middle is put right before it is passed on.
    """
    found = overlap(git, worktree, old, files)
    if found:
        raise refuse_overlap(found, worktree)
    before()
    try:
        git.user("read-tree", "-m", "-u", "--no-recurse-submodules", old, new, own_session=True)
    except GitFailed as failed:
        restore(git, worktree, old, new, files)
        if ".lock'" in failed.stderr:
            raise lock_refusal(failed.stderr) from failed
        raise _refusal(git, worktree, failed) from failed
    except BaseException:
        restore(git, worktree, old, new, files)
        raise


def _refusal(git: Git, worktree: Path, failed: GitFailed) -> Refused:
    """git's refusal to switch in our words."""
    unmerged = sorted({row.partition("\t")[2] for row in git.lines("ls-files", "--unmerged", "-z")})
    if unmerged:
        return Refused(
            f"the index of {worktree} holds conflicts that are not resolved; nothing was changed",
            "resolve them (git status lists them), git add the files, then try again",
            detail="\n".join(f"  {path}" for path in unmerged),
        )
    return Refused(
        f"git would not change {worktree}: {failed.stderr.splitlines()[0] if failed.stderr else failed.message}",
        "nothing was changed; put that right and try again",
        detail=failed.stderr,
    )


def restore(git: Git, worktree: Path, old: str, new: str, files: Sequence[FileDiff]) -> tuple[str, ...]:
    """Bring a worktree back to ``old`` after a switch to ``new`` that broke off; what could not be put back.

    The paths held no uncommitted work when the switch began. A file is put back only where it holds the old or the new
    content, or a beginning of it (git writes files in place); anything else is somebody's newer work and stays.
    """
    if not _index_holds(git, old, files):
        git.user("read-tree", "-m", "-u", "--no-recurse-submodules", new, old, own_session=True)
        return ()
    left = []
    back = []
    for file in files:
        for path, blob in _sides(file):
            verdict = _state(git, worktree, path, blob, file)
            if verdict == "foreign":
                left.append(path)
            elif verdict == "remove":
                _remove(worktree, path)
            elif verdict == "put back":
                back.append(path)
    if back:
        stdin = b"".join(path_bytes(path) + b"\0" for path in back)
        git.user("checkout-index", "-f", "-u", "-z", "--stdin", stdin=stdin, own_session=True)
    return tuple(left)


def _index_holds(git: Git, revision: str, files: Sequence[FileDiff]) -> bool:
    """Whether the index has, on the paths of ``files``, what ``revision`` has: git replaces the index in one rename."""
    touched = {path for file in files for path in (file.path, file.old_path)}
    limit = ["--", *sorted(touched)] if len(touched) <= _MANY else []
    quiet = git.setting(GIT_LITERAL_PATHSPECS="1")
    return (
        not set(quiet.lines("diff-index", "--cached", "-z", "--name-only", "--no-renames", revision, *limit)) & touched
    )


def _sides(file: FileDiff) -> list[tuple[str, str]]:
    """Each touched path with the blob that the old side has there (empty: none)."""
    old = [] if file.status in "AC" else [(file.old_path, file.old_oid)]
    new = [(file.path, "")] if file.status in "ARC" else []
    return old + new


def _state(git: Git, worktree: Path, path: str, old_blob: str, file: FileDiff) -> str:
    place = place_of(worktree, path)
    new_blob = file.new_oid if path == file.path and file.status != "D" else ""
    if 0o160000 in (file.old_mode, file.new_mode):
        return "keep"
    try:
        mode = place.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "put back" if old_blob else "keep"
    if stat.S_ISDIR(mode):
        return "put back" if old_blob else "keep"
    held = os.fsencode(place.readlink()) if stat.S_ISLNK(mode) else place.read_bytes()
    wanted = [_written(git, path, blob) for blob in (old_blob, new_blob) if blob]
    if not any(content.startswith(held) for content in wanted):
        return "foreign"
    return "put back" if old_blob else "remove"


def _written(git: Git, path: str, blob: str) -> bytes:
    """What a checkout writes for a blob: line endings converted, filters run."""
    return git.user("cat-file", "--filters", f"--path={path}", blob).out


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
