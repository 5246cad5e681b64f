"""The seam that every changing operation goes through: intent before, outcome after, each written durably.

Flows know this protocol only; the audit package implements it. What is recorded is what recovery needs (``details``)
and what an auditor needs (the fields).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Operation:
    """What is about to be done: the ref that moves, from ``old`` to ``new`` (hex oids, empty where there is none).

    ``details`` is JSON-able; it holds what recovery needs and nothing secret.
    """

    action: str
    risk: str = "none"
    ref: str = ""
    old: str = ""
    new: str = ""
    plan: str = ""
    step: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Intent:
    """An operation whose intent is on disk: ``id`` names it, the outcome refers to it."""

    id: str
    seq: int
    timestamp: str
    operation: Operation


@dataclass(frozen=True, slots=True)
class Anchor:
    """A state of the log, as the ``Tiny-Audit`` trailer writes it: ``<log>/<size>/<root>`` (root in hex)."""

    log: str
    size: int
    root: str

    def __str__(self) -> str:
        return f"{self.log}/{self.size}/{self.root}"


class Ledger(Protocol):
    """Append-only record of operations. Every method returns once what it wrote is durable."""

    @property
    def failures(self) -> int:
        """How many operations were begun through this object and failed."""

    def intend(self, operation: Operation) -> Intent:
        """Write the intent. Raises TinyError where it cannot be written: then the operation must not start."""

    def done(self, intent: Intent, *, new: str = "", details: Mapping[str, Any] | None = None) -> None:
        """Write that the operation was carried out."""

    def failed(self, intent: Intent, reason: str) -> None:
        """Write that it was not, and that nothing is changed."""

    def recovered(self, intent: Intent, outcome: str) -> None:
        """Write what recovery made of an intent without outcome (``finished`` or ``taken back``)."""

    def note(self, operation: Operation) -> None:
        """Write something that happened or was refused, in one entry (phase ``done`` or, for a refusal, ``failed``)."""

    def open_intents(self) -> Sequence[Intent]:
        """Intents of processes that are gone, without an outcome, oldest first."""

    def claim(self, intent: Intent) -> bool:
        """Take an open intent over, so that no other process recovers it too; False where one does already."""

    def anchor(self) -> Anchor:
        """The state of the log now."""
