"""What a verification found: what holds, what could not be looked at, what was tampered with."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from tinycode_git.errors import Exit

# A log altered in many places is as bad as one altered in a hundred.
MOST_PROBLEMS = 100


class Kind(StrEnum):
    """Why a log is not what it should be."""

    ALTERED = "altered"
    MISSING = "missing"
    INSERTED = "inserted"
    CUT = "cut"
    FORKED = "forked"
    FORGED = "forged"
    STORE = "store"
    DETAILS = "details"
    UNRECORDED = "unrecorded"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it was written: in which log, at which entry (None: none in particular), where seen."""

    kind: Kind
    log: str
    seq: int | None
    message: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Unchecked:
    """What could not be verified, and why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class LogResult:
    """One log: its size and root as recomputed, and what was compared with them."""

    log: str
    source: str
    size: int
    root: str
    checkpoints: int = 0
    signed: int = 0
    anchors: int = 0
    pinned: bool = False


@dataclass(slots=True)
class Report:
    """Everything a verification says; ``exit`` follows from it."""

    logs: list[LogResult] = field(default_factory=list)
    verified: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unchecked: list[Unchecked] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def exit(self) -> Exit:
        """1 where something was tampered with, 4 where something could not be verified, otherwise 0."""
        if self.problems:
            return Exit.REFUSED
        return Exit.INCOMPLETE if self.unchecked else Exit.DONE

    def problem(self, kind: Kind, log: str, seq: int | None, message: str, source: str = "") -> None:
        """Add a problem, as long as there are not too many."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(kind, log, seq, message, source))

    def could_not(self, what: str, reason: str) -> None:
        """Add something that could not be verified."""
        if Unchecked(what, reason) not in self.unchecked:
            self.unchecked.append(Unchecked(what, reason))
