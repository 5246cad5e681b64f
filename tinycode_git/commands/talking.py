"""How a verb gets to talk to a model: which one, with what context, recorded where; and what is shown meanwhile."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinycode_git import config, modes
from tinycode_git.config import Settings
from tinycode_git.dialogue import Context
from tinycode_git.errors import TinyError
from tinycode_git.git.process import Git
from tinycode_git.git.read import ReadRepo
from tinycode_git.ledger import Ledger, Operation
from tinycode_git.llm.backend import Backend
from tinycode_git.llm.choose import open_model
from tinycode_git.llm.remember import Remembered
from tinycode_git.llm.session import Session
from tinycode_git.planners.context.gather import Need, gather
from tinycode_git.render.progress import Progress

_RECENT = 5


@dataclass(slots=True)
class Talking:
    """A model that is ready to be asked, with what was set for it."""

    session: Session
    backend: Backend
    settings: Settings


@contextmanager
def talking(
    repo: ReadRepo | None, ledger: Ledger | None, what: str, model: str = "", *, remember: bool = True, **more: Any
) -> Iterator[Talking]:
    """A session with the model that is meant; without ``repo`` by the user's configuration, and nothing is kept.

    Raises Incomplete where there is none: what to install is in the hint.
    """
    settings = config.read(repo.git if repo is not None else Git(Path.cwd(), {}))
    backend = open_model(settings, model, what)
    try:
        kept = Remembered(repo.place.tiny_dir / "answers") if remember and repo is not None else None
        context = settings.number("tiny.modelContext", 0)
        session = Session.begin(backend, noting(ledger), context=context, remembered=kept, **more)
        session.width = settings.number("tiny.modelParallel", 0) or backend.parallel()
        backend.warm(session.context)
        yield Talking(session, backend, settings)
    finally:
        backend.close()


def noting(ledger: Ledger | None) -> Callable[[Operation], object]:
    """Where calls are recorded; an operation that only reads records what it can."""

    def note(operation: Operation) -> None:
        if ledger is None:
            return
        try:
            ledger.note(operation)
        except TinyError as failed:
            sys.stderr.write(f"the audit could not be written: {failed.message}\n")

    return note


def reading_ledger(repo: ReadRepo) -> Ledger | None:
    """The audit for what only reads; None where git does not know who the user is."""
    from tinycode_git.commands.opening import ledger_of

    held = modes.ceiling(os.environ, config.read(repo.git).mode)
    try:
        return ledger_of(repo, held.mode)
    except TinyError:
        return None


def context_of(
    repo: ReadRepo, base: str, session: Session, task: str, named: Sequence[str], *, share: float = 0.55
) -> Context:
    """What the model gets to see of the tree at ``base``: ``share`` of its room."""
    snapshot = repo.snapshot(base)
    room = int(session.room * share) - session.count(task)

    def recent(paths: Sequence[str]) -> Sequence[str]:
        out = repo.git.quiet("log", f"--max-count={_RECENT}", "--format=%s", base, "--", *paths)
        return out.text.split("\n") if out.text else ()

    need = Need(task, tuple(named), max(room, 200), session.count)
    return gather(snapshot, snapshot.tree, need, cache=repo.place.tiny_dir / "context", recent=recent)


@dataclass(slots=True)
class Watched:
    """What a person sees while a model works: what it does, and how fast it writes."""

    line: Progress
    prefix: str = ""
    _label: str = ""
    _begun: float = 0.0
    _pieces: int = field(default=0)

    def say(self, label: str) -> None:
        """What is worked on now."""
        self._label, self._begun, self._pieces = self.prefix + label, 0.0, 0
        self.line.say(self._label)

    def shown(self, _: str) -> None:
        """A piece of the answer: a token, with most servers."""
        now = time.monotonic()
        self._begun = self._begun or now
        self._pieces += 1
        spent = now - self._begun
        speed = f", {self._pieces / spent:.0f} tokens/s" if spent > 0.5 else ""
        self.line.say(f"{self._label} ({self._pieces} tokens{speed})")
