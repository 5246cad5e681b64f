"""What a recipe is. Each module of this package that holds one is checked against ``Recipe`` by the type checker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tinycode_git.planners.recipes.arguments import Option
from tinycode_git.proposal import Proposal, Snapshot


class Recipe(Protocol):
    """A deterministic planner with a name: ``--help``, completion and the README table are made from these fields."""

    @property
    def name(self) -> str:
        """The word on the command line."""

    @property
    def summary(self) -> str:
        """What it does, one line, no full stop."""

    @property
    def usage(self) -> str:
        """Its arguments in the usual notation, beginning with its name."""

    @property
    def examples(self) -> tuple[str, ...]:
        """Command lines that work, beginning with its name."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """Plain sentences that are understood as this recipe."""

    @property
    def options(self) -> tuple[Option, ...]:
        """Its options."""

    def plan(self, snapshot: Snapshot, args: Sequence[str], here: str = "") -> Proposal:
        """The steps for ``args``, the words after the name; paths among them start from the folder ``here``.

        Raises UsageError, Refused or Incomplete; never writes.
        """
