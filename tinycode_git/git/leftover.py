"""Lock files that git processes of ours left when they were killed, and such processes that outlived their parent."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tinycode_git.errors import Refused
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.worktrees import worktrees

CHILD_SECONDS = 20.0
_PATIENCE = 2.0
_SHOWN = 60


def clear_index_lock(worktree: Path, git_dir: Path, since: float) -> None:
    """Remove the index lock that our own dead git left, and no other: it is younger than ``since`` and nobody runs.

    A git that outlived its parent is waited for. Raises Refused where the lock may be somebody's.
    """
    _wait(lambda: any(_runs("read-tree", under=[worktree])))
    _clear(git_dir / "index.lock", since, [worktree])


def clear_ref_locks(repo: ReadRepo, since: float, refs: Sequence[str], *, words: str = "") -> None:
    """Remove the locks of ``refs`` that our own dead git left since then, and no other.

    An update-ref that outlived its parent, and has ``words`` among its arguments, is waited for. Raises Refused where a
    lock may be somebody's.
    """
    if words:
        _wait(lambda: any(words in " ".join(args) for args in _runs("update-ref")))
    trees = worktrees(repo)
    folders = [repo.place.common_dir, *(worktree.path for worktree in trees)]
    heads = [worktree.git_dir / "HEAD.lock" for worktree in trees]
    named = [repo.place.common_dir / f"{ref}.lock" for ref in refs]
    for lock in [*named, *heads, repo.place.common_dir / "packed-refs.lock"]:
        _clear(lock, since, folders)


def holders_of(lock: Path) -> list[str]:
    """The processes that have a lock file open, or else the git processes that run in its repository, in words.

    git closes some locks before it is done with them (an editor is open, a hook runs).
    """
    import psutil

    place, top = os.path.realpath(lock), os.path.realpath(lock).partition(f"{os.sep}.git{os.sep}")[0]
    opened, around = [], []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            named = f"process {process.pid} ({' '.join(words)[:_SHOWN]})"
            if process.pid != os.getpid() and any(file.path == place for file in process.open_files()):
                opened.append(named)
            elif words and Path(words[0]).name == "git" and "tiny" not in words[:6]:
                here = process.cwd()
                around += [named] if here == top or here.startswith(f"{top}{os.sep}") else []
        except psutil.Error:
            continue
    return opened or around


def _clear(lock: Path, since: float, folders: Sequence[Path]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            born = lock.stat().st_mtime
        except FileNotFoundError:
            return
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    if born < since - 1 or any(_runs("", under=folders)):
        raise Refused(
            f"{lock} is held, so what was interrupted cannot be put right yet",
            "when no git runs here any more, delete that file and run git tiny recover",
        )
    lock.unlink(missing_ok=True)


def _wait(busy: Callable[[], bool]) -> None:
    deadline = time.monotonic() + CHILD_SECONDS
    while busy() and time.monotonic() < deadline:
        time.sleep(0.05)


def _runs(verb: str, *, under: Sequence[Path] = ()) -> Iterator[list[str]]:
    """The arguments of running git processes that have ``verb`` among them and were started below one of the folders.

    Not those that a ``git tiny`` is run by: the git that started this very process waits for it.
    """
    import psutil

    for process in psutil.process_iter(["name"]):
        if not str(process.info["name"]).startswith("git"):
            continue
        try:
            args = process.cmdline()
            if process.status() == psutil.STATUS_ZOMBIE or "tiny" in args[:6] or (verb and verb not in args):
                continue
            here = process.cwd()
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if not under or any(here == str(folder) or here.startswith(f"{folder}{os.sep}") for folder in under):
            yield args
