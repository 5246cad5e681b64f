"""Taking a worktree from one commit to another while everything uncommitted stays (git read-tree -m -u OLD NEW).

git's two-way merge keeps staged and unstaged work apart and refuses an overlap before it writes. Three things it does
not do, so they are checked first: it overwrites ignored files (since git 2.34), lets a staged change pass that is
the new content (which a later rollback would lose), and it believes ``assume-unchanged`` and ``skip-worktree``.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinycode_git.errors import Incomplete, Refused, TinyError
from tinycode_git.git.diff import FileDiff
from tinycode_git.git.places import MANY, place_of
from tinycode_git.git.process import Git, GitFailed, rows
from tinycode_git.git.refs import lock_refusal
from tinycode_git.git.restore import put_back, two_way
from tinycode_git.proposal import MODE_GITLINK, path_str


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
    limit = ["--", *sorted(touched)] if len(touched) <= MANY else []
    quiet = git.setting(GIT_LITERAL_PATHSPECS="1")
    with (
        quiet.started("diff-index", "--cached", "-z", "--name-only", "--no-renames", old, *limit) as index,
        quiet.started("ls-files", "-v", "-z", *limit) as entries,
    ):
        unstaged = _unstaged(quiet, limit) & touched
        staged = set(rows(index().out)) & touched
        tags = {row[2:]: row[:1] for row in rows(entries().out) if row[2:] in touched}
    if unstaged:
        # Plumbing reports what merely has another mtime: have git look at the contents, then ask again.
        git.user("update-index", "-q", "--refresh", ok=(0, 1, 128))
        unstaged = _unstaged(quiet, limit) & touched
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


class Overlapping(Refused):
    """Uncommitted work is in the way: the refusal names every path; ``found`` is what was found, in ``worktree``."""

    def __init__(self, found: Overlap, worktree: Path) -> None:
        what = "path has" if len(found) == 1 else "paths have"
        super().__init__(
            f"{len(found)} {what} uncommitted work in {worktree} that this would touch; nothing was changed",
            "commit, stash or move that work away, then try again",
            detail=found.lines(),
        )
        self.found = found


def switch(git: Git, worktree: Path, old: str, new: str, files: Sequence[FileDiff], before: Callable[[], None]) -> None:
    """Take index and working tree from ``old`` to ``new``; see the module. Raises Refused before anything is written.

    ``files`` is the diff between the two; ``before`` is called once nothing stands in the way. An interruption in the
    middle is put right before it is passed on.
    """
    found = overlap(git, worktree, old, files)
    if found:
        raise Overlapping(found, worktree)
    before()
    begun = time.time()
    try:
        done = git.user(*two_way(old, new), own_session=True)
    except GitFailed as failed:
        put_back(git, worktree, old, new, files, killed=begun if failed.code < 0 else None)
        if ".lock'" in failed.stderr:
            raise lock_refusal(failed) from failed
        raise _refusal(git, worktree, failed) from failed
    except BaseException:
        put_back(git, worktree, old, new, files, killed=begun)
        raise
    left = _not_removed(worktree, files)
    if left:
        put_back(git, worktree, old, new, files)
        raise Refused(
            f"git could not remove {', '.join(left[:5])} from {worktree}; nothing was changed",
            "put right what it says, then try again",
            detail=path_str(done.err),
        )


def _not_removed(worktree: Path, files: Sequence[FileDiff]) -> list[str]:
    """Files that the switch was to remove and that are still there: git warns of that, and succeeds."""
    there = {file.path.casefold() for file in files if file.status != "D"}
    gone = [file.old_path for file in files if file.status in "DR" and file.old_mode != MODE_GITLINK]
    return [path for path in gone if there.isdisjoint(_ways(path.casefold())) and _is_file(place_of(worktree, path))]


def _ways(path: str) -> list[str]:
    """The path and its folders: what took the place of one of them is not what was to go."""
    return [path, *(path[:at] for at in range(len(path)) if path[at] == "/")]


def _is_file(place: Path) -> bool:
    try:
        return not stat.S_ISDIR(place.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _refusal(git: Git, worktree: Path, failed: GitFailed) -> TinyError:
    """git's refusal to switch in our words."""
    unmerged = sorted({row.partition("\t")[2] for row in git.lines("ls-files", "--unmerged", "-z")})
    if unmerged:
        return Refused(
            f"the index of {worktree} holds conflicts that are not resolved; nothing was changed",
            "resolve them (git status lists them), git add the files, then try again",
            detail="\n".join(f"  {path}" for path in unmerged),
        )
    if any(words in failed.stderr for words in ("unable to write file", "unable to create file")):
        return Incomplete(
            f"git could not write all files in {worktree}; nothing was changed",
            "is the disk full, or a folder read-only? put that right and try again",
            detail=failed.stderr,
        )
    return Refused(
        f"git would not change {worktree}: {failed.message}",
        "nothing was changed; put that right and try again",
        detail=failed.stderr,
    )
