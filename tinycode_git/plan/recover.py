"""After a crash: what was begun is found in the ledger, and finished or taken back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tinycode_git import config
from tinycode_git.errors import Refused
from tinycode_git.git.diff import diff_trees
from tinycode_git.git.execute import ExecuteRepo
from tinycode_git.git.leftover import CHILD_SECONDS, clear_index_lock, clear_ref_locks
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.refs import RefMove
from tinycode_git.git.worktrees import Worktree, worktrees
from tinycode_git.ledger import Intent, Ledger
from tinycode_git.plan.landing import landing_lock, move_rest
from tinycode_git.plan.names import record_ref
from tinycode_git.plan.store import find_plan

FINISHED = "finished"
TAKEN_BACK = "taken back"
_MOVING_BRANCH = ("propose", "restack", "fetch")


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of one interrupted operation; ``left`` are paths that hold newer work and were not touched."""

    action: str
    plan: str
    outcome: str
    left: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = f"an interrupted {self.action} of {self.plan or 'this repository'} was {self.outcome}"
        return f"{text}; left as they are: {', '.join(self.left)}" if self.left else text


def recover(repo: ExecuteRepo, ledger: Ledger) -> list[Recovery]:
    """Finish or take back every operation whose process is gone; what was done, in order (nothing found: empty)."""
    found = [intent for intent in ledger.open_intents() if ledger.claim(intent)]
    landings = [intent for intent in found if intent.operation.action == "land"]
    done = [_recover_landing(repo, ledger, intent) for intent in landings]
    for intent in found:
        if intent.operation.action == "land":
            continue
        outcome = FINISHED if _took_effect(repo, intent) else TAKEN_BACK
        if outcome == FINISHED and intent.operation.action in _MOVING_BRANCH:
            _move_branch(repo, intent)
        ledger.recovered(intent, outcome)
        done.append(Recovery(intent.operation.action, intent.operation.plan, outcome))
    return _told_once(done)


def _told_once(done: list[Recovery]) -> list[Recovery]:
    """A landing is a part of an apply, rollback or redo: tell of the whole, with what the landing had to leave."""
    parts = {one.plan: one for one in done if one.action == "land"}
    wholes = [one for one in done if one.action != "land"]
    told = [
        Recovery(one.action, one.plan, one.outcome, parts[one.plan].left if one.plan in parts else ()) for one in wholes
    ]
    return told + [part for plan, part in parts.items() if plan not in {one.plan for one in wholes}]


def _took_effect(repo: ReadRepo, intent: Intent) -> bool:
    """Whether the operation's ref transaction happened: all of it or nothing did, and the record moves in each."""
    operation = intent.operation
    if operation.action == "mode":
        return config.read(repo.git).mode == operation.details.get("to")
    if operation.action.startswith("review"):
        head = repo.ref(operation.ref)
        return head is not None and repo.is_ancestor(operation.new, head)
    now = repo.ref(record_ref(operation.plan)) if operation.plan else None
    if operation.action == "propose":
        return now is not None
    before = operation.details.get("record")
    return now is not None and before is not None and now != before


def _move_branch(repo: ExecuteRepo, intent: Intent) -> None:
    """Have the plan's branch follow its record, which moves first, where the power went between the two."""
    operation = intent.operation
    since = datetime.fromisoformat(intent.timestamp).timestamp()
    clear_ref_locks(repo, since, [operation.ref], words=operation.plan)
    tip = find_plan(repo, operation.plan).record.tip
    if (repo.ref(operation.ref) or "") == operation.old != tip:
        repo.move_refs([RefMove(operation.ref, operation.old, tip)], f"tiny: recover {operation.plan}")


def _recover_landing(repo: ExecuteRepo, ledger: Ledger, intent: Intent) -> Recovery:
    operation = intent.operation
    moves = [RefMove(*move) for move in operation.details.get("moves", [])]
    since = datetime.fromisoformat(intent.timestamp).timestamp()
    with _waiting_lock(repo.place.tiny_dir):
        clear_ref_locks(repo, since, [move.ref for move in moves], words=operation.plan)
        now = repo.ref(operation.ref)
        left: list[str] = []
        outcome = FINISHED if now == operation.new else TAKEN_BACK
        if now == operation.old:
            files = diff_trees(repo.git, operation.old, operation.new)
            for worktree in _named(repo, operation.details.get("worktrees", [])):
                clear_index_lock(worktree.path, worktree.git_dir, since)
                left += repo.restore(worktree, operation.old, operation.new, files)
        elif now == operation.new:
            move_rest(repo, moves, f"tiny: recover {operation.plan}")
        ledger.recovered(intent, outcome)
    return Recovery("land", operation.plan, outcome, tuple(left))


def _named(repo: ReadRepo, paths: list[str]) -> Iterator[Worktree]:
    for worktree in worktrees(repo):
        if str(worktree.path) in paths and worktree.usable:
            yield worktree


@contextmanager
def _waiting_lock(folder: Path) -> Iterator[None]:
    deadline = time.monotonic() + CHILD_SECONDS
    while True:
        try:
            with landing_lock(folder):
                yield
                return
        except Refused:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
