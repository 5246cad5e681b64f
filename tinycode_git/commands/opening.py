"""How a verb gets its handle: the lowest that does, never above the ceiling; recovery comes before any change."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TypeVar

from tinycode_git import config, modes
from tinycode_git.commands.onrecord import attempt, policy_seen
from tinycode_git.errors import Refused, UsageError
from tinycode_git.git.execute import ExecuteRepo
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.write import PlanRepo
from tinycode_git.ledger import Ledger
from tinycode_git.modes import Ceiling, Mode
from tinycode_git.render.escape import visible

# A verb that only shows what it would do attempts nothing.
DRY = "--dry-run"
R = TypeVar("R", bound=PlanRepo)


def preload(*modules: str) -> None:
    """Import what will be needed in the background, while git processes are waited for (pygit2 alone takes 80 ms)."""
    from importlib import import_module
    from threading import Thread

    def load() -> None:
        for name in modules:
            try:
                import_module(name)
            except ImportError:  # who needs it imports it again, and says so
                return

    Thread(target=load, daemon=True).start()


def reading() -> ReadRepo:
    """The repository, to be looked at."""
    return ReadRepo.discover()


def planning(action: str) -> tuple[PlanRepo, Ledger]:
    """The repository, to make plans in, and the ledger. Raises Refused where the ceiling is lower."""
    repo, ledger, held = _opened(PlanRepo, Mode.PROPOSE, action)
    settle(repo, ledger, held)
    return repo, ledger


def executing(action: str) -> tuple[ExecuteRepo, Ledger]:
    """The repository, to apply plans in, and the ledger. Raises Refused where the ceiling is lower."""
    repo, ledger, held = _opened(ExecuteRepo, Mode.EXECUTE, action)
    settle(repo, ledger, held)
    return repo, ledger


def recovering() -> tuple[ExecuteRepo, Ledger]:
    """As ``executing``, with interrupted operations still to be settled."""
    repo, ledger, _ = _opened(ExecuteRepo, Mode.EXECUTE, "recover")
    return repo, ledger


def _opened(kind: type[R], needed: Mode, action: str) -> tuple[R, Ledger, Ceiling]:
    repo = kind.discover()
    held = modes.ceiling(os.environ, config.read(repo.git).mode)
    ledger = ledger_of(repo, held.mode)
    if not action.endswith(DRY):
        attempt(ledger, action)
    modes.require(held, needed, action)
    if not action.endswith(DRY):
        policy_seen(repo, ledger)
    return repo, ledger, held


def ledger_here(*, needed: bool = True) -> Ledger | None:
    """The audit journal of this clone for what needs no identity; None outside of a repository unless it is needed."""
    try:
        repo = ReadRepo.discover()
    except Refused:
        if needed:
            raise
        return None
    held = modes.ceiling(os.environ, config.read(repo.git).mode)
    try:
        return ledger_of(repo, held.mode)
    except Refused:
        return _ledger(repo, held.mode, "")


def ledger_of(repo: ReadRepo, mode: Mode) -> Ledger:
    """The audit journal of this clone. Raises Refused where git does not know who the user is."""
    who = repo.identity()
    return _ledger(repo, mode, f"{who.name} <{who.email}>")


def _ledger(repo: ReadRepo, mode: Mode, user: str) -> Ledger:
    from tinycode_git.audit.ledger import JournalLedger

    return JournalLedger(repo.place.common_dir, mode=mode.word, user=user, actor=os.environ.get("TINY_ACTOR", ""))


def settle(repo: PlanRepo, ledger: Ledger, held: Ceiling) -> None:
    """Finish or take back what a crash interrupted, and say so; below ``execute`` only say that it is there."""
    if not ledger.open_intents():
        return
    if held.mode < Mode.EXECUTE:
        say("an interrupted operation waits to be put right: git tiny recover (needs mode execute)")
        return
    from tinycode_git.plan.recover import recover

    able = repo if isinstance(repo, ExecuteRepo) else ExecuteRepo(repo.git, repo.place)
    for one in recover(able, ledger):
        say(str(one))


def from_top(repo: ReadRepo, path: str) -> str:
    """A path given where the user stands, as one from the top of the working tree. Raises UsageError."""
    inside = os.path.normpath(repo.place.prefix + path) if not path.startswith("/") else path
    if inside == ".." or inside.startswith(("../", "/")):
        raise UsageError(f"{path} is outside the working tree", f"name paths below {repo.place.worktree}")
    return inside


def committed(repo: ReadRepo, paths: Iterable[str], at: str) -> tuple[str, ...]:
    """Files and folders given where the user stands, as paths of the commit ``at``. Raises UsageError."""
    snapshot = repo.snapshot(at)
    found = tuple(from_top(repo, path) for path in paths)
    for path in found:
        if path not in ("", ".") and snapshot.entry(path) is None and not snapshot.is_dir(path):
            raise UsageError(f"there is no {path} in the repository", "name files and folders that are committed")
    return found


def say(text: str) -> None:
    """One line for the user that is no result."""
    sys.stdout.flush()  # what was printed before is to be read before
    sys.stderr.write(visible(text) + "\n")
