"""A scan that has been judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinycode_git.rows import NamedTuple

if TYPE_CHECKING:
    from tinycode_git.safety.finding import Finding
    from tinycode_git.safety.scan import ScanResult


class Outcome(NamedTuple):
    """A result that has been judged: all findings, those that block, the tier that it was judged by."""

    result: ScanResult
    blocking: tuple[Finding, ...]
    tier: str

    @property
    def incomplete(self) -> bool:
        """Whether something was not looked at, or nothing was."""
        return bool(self.result.receipt.skipped) or self.result.receipt.empty
