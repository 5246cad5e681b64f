"""Several questions at once, to a backend that answers them at once: threads that take turns at everything else.

Only the waiting for the model is shared. What a job does beside it (git, the validator, the audit) runs under one lock,
so that none of it has to know about threads, and jobs begin in order, so that what comes of them does not depend on
which answer was first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Generic, TypeVar

from tinycode_git.dialogue import Answer, Shown

# More would not be quicker on one machine, and each takes its part of the model's memory.
MOST = 16
# How long an interrupted answer may take to end; a server that is silent is left to itself.
_LEFT = 1.0
T = TypeVar("T")
Asking = Callable[[Shown], Answer]


class _Outcome(Generic[T]):
    """What a job returned, or raised."""

    def __init__(self, job: Callable[[], T]) -> None:
        self.failure: BaseException | None = None
        self.value: T
        try:
            self.value = job()
        except BaseException as failure:  # noqa: BLE001 - whatever it is, it is raised again where it was waited for
            self.failure = failure

    def get(self) -> T:
        """The value; raises what the job raised."""
        if self.failure is not None:
            raise self.failure
        return self.value


class Turns:
    """Who works while others wait: one at a time; and at most ``width`` questions are with the model."""

    def __init__(self, width: int) -> None:
        self.width = min(max(width, 1), MOST)
        self._turn = threading.Lock()
        self._asked = threading.BoundedSemaphore(self.width)
        self._speaking = threading.Lock()
        self._waiting: set[SimpleQueue[_Outcome[Answer] | None]] = set()
        self._stopped = False

    def ask(self, asking: Asking, shown: Shown | None) -> Answer:
        """The answer of ``asking``, while others have their turn. Raises KeyboardInterrupt once it was stopped."""
        came: SimpleQueue[_Outcome[Answer] | None] = SimpleQueue()

        def piece(text: str) -> None:
            if self._stopped:
                raise KeyboardInterrupt  # which ends the answer at the server too
            if shown is not None:
                with self._speaking:
                    shown(text)

        def work() -> None:
            with self._asked:
                if not self._stopped:
                    came.put(_Outcome(lambda: asking(piece)))

        if self._stopped:
            raise KeyboardInterrupt
        # A thread of its own: what a server is silent about must not hold up who has interrupted it.
        thread = threading.Thread(target=work, daemon=True)
        with self._away():
            self._waiting.add(came)
            thread.start()
            if self._stopped:
                came.put(None)
            outcome = came.get()
            self._waiting.discard(came)
            if outcome is None:
                thread.join(_LEFT)
                raise KeyboardInterrupt
        return outcome.get()

    @contextmanager
    def _away(self) -> Iterator[None]:
        self._turn.release()
        try:
            yield
        finally:
            self._turn.acquire()

    def stop(self) -> None:
        """Interrupt every question, and let none begin."""
        self._stopped = True
        for came in list(self._waiting):
            came.put(None)

    def run(self, jobs: Sequence[Callable[[], T]], *, inside: bool) -> list[T]:
        """What the jobs return, in order; raises what the first of them raised. ``inside``: a job of ours asks for it.

        Ctrl-C interrupts all of them. Where they return all the same, what they return is what was finished.
        """
        outcomes: dict[int, _Outcome[T]] = {}
        todo = iter(list(enumerate(jobs)))
        ended = threading.Semaphore(0)

        def work() -> None:
            try:
                with self._turn:
                    for number, job in todo:
                        outcomes[number] = _Outcome(job)
                        if any(one.failure is not None for one in outcomes.values()):
                            break
            finally:
                ended.release()

        count = min(self.width, len(jobs))
        for _ in range(count):
            threading.Thread(target=work, daemon=True).start()
        if inside:
            with self._away():
                _wait(ended, count)
        else:
            self._watch(ended, count)
        found = [outcomes[number].get() for number in sorted(outcomes)]
        if len(found) < len(jobs):
            raise KeyboardInterrupt
        return found

    def _watch(self, ended: threading.Semaphore, count: int) -> None:
        for left in range(count, 0, -1):
            try:
                ended.acquire()
            except KeyboardInterrupt:
                self.stop()
                _wait(ended, left)
                return


def _wait(ended: threading.Semaphore, count: int) -> None:
    for _ in range(count):
        ended.acquire()
