"""Moving a target and every worktree that has it checked out: worktrees first, the ref last, both or neither."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tinycode_git.errors import Incomplete, Refused, Unsettled
from tinycode_git.git.diff import FileDiff
from tinycode_git.git.execute import ExecuteRepo
from tinycode_git.git.interrupts import uninterrupted
from tinycode_git.git.refs import RefMove
from tinycode_git.git.trailers import one_line
from tinycode_git.git.worktrees import Worktree
from tinycode_git.ledger import Ledger, Operation
from tinycode_git.plan.backup import Stashes


@dataclass(frozen=True, slots=True)
class Landing:
    """A target that goes from ``old`` to ``new`` by ``files``; ``worktrees`` are those that have it checked out."""

    target: str
    old: str
    new: str
    files: tuple[FileDiff, ...]
    worktrees: tuple[Worktree, ...]


def land(
    repo: ExecuteRepo,
    ledger: Ledger,
    landing: Landing,
    extra: Sequence[RefMove],
    plan_id: str,
    why: str,
    held: ExitStack,
    saved: Stashes,
) -> None:
    """Carry out a landing under the lock of the clone, with ``extra`` refs in the same transaction; see the module.

    Where the worktrees are about to go is written before the first is touched: recovery needs that. ``saved`` makes the
    backups. Once the refs move, interruptions are held back until ``held`` ends: the caller has an outcome to write.
    Raises Unsettled where a worktree could not be put back: then no outcome is to be written.
    """
    with landing_lock(repo.place.tiny_dir):
        now = repo.ref(landing.target)
        if now != landing.old:
            raise _moved(repo, landing, now)
        moves = [RefMove(landing.target, landing.old, landing.new), *extra]
        details = {
            "worktrees": [str(worktree.path) for worktree in landing.worktrees],
            "moves": [[move.ref, move.old, move.new] for move in moves],
        }
        operation = Operation(
            "land", ref=landing.target, old=landing.old, new=landing.new, plan=plan_id, details=details
        )
        intent = ledger.intend(operation)
        try:
            _carry_out(repo, landing, moves, why, held, saved)
        except Unsettled:
            raise
        except BaseException as error:
            ledger.failed(intent, str(error) or "interrupted")
            raise
        ledger.done(intent, new=landing.new)


def _moved(repo: ExecuteRepo, landing: Landing, now: str | None) -> Refused:
    """The refusal for a target that is no longer where it was looked at: where it is, and what brought it there."""
    short = landing.target.removeprefix("refs/heads/")
    where = f"it is at {now[:12]}, {one_line(repo.commit(now).title)!r}" if now else "it is gone"
    return Refused(f"{short} was moved meanwhile: {where}; nothing was changed", "look at it, then try again")


def _carry_out(
    repo: ExecuteRepo, landing: Landing, moves: Sequence[RefMove], why: str, held: ExitStack, saved: Stashes
) -> None:
    done: list[Worktree] = []
    try:
        for worktree in landing.worktrees:
            backup = partial(saved.keep, worktree, landing.old, why.removeprefix("tiny: "))
            repo.switch(worktree, landing.old, landing.new, landing.files, backup)
            done.append(worktree)
        held.enter_context(uninterrupted())
        repo.move_branches(moves, why)
    except Unsettled:
        raise
    except BaseException:
        for worktree in reversed(done):
            repo.put_back(worktree, landing.old, landing.new, landing.files)
        raise


def move_rest(repo: ExecuteRepo, moves: Sequence[RefMove], why: str) -> None:
    """Move what is left of a transaction whose git was ended together with us: it moves refs one after the other."""
    rest = [move for move in moves if move.new != move.old and (repo.ref(move.ref) or "") == move.old]
    if rest:
        repo.move_branches(rest, why)


@contextmanager
def landing_lock(folder: Path) -> Iterator[None]:
    """Hold the clone's one lock for writing worktrees. Raises Refused, naming the holder, where somebody has it."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(folder / "landing.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise Incomplete(f"{folder} cannot be written: {error.strerror}", "nothing was changed") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            holder = os.read(handle, 64).decode("ascii", "replace").strip() or "another process"
            raise Refused(
                f"{holder} is applying or rolling back a plan right now; nothing was changed",
                "try again when it has ended",
            ) from busy
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)
