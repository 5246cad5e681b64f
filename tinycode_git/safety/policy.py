"""Tiers: which findings block. Pure; goes by severity and confidence alone, approvals aside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tinycode_git.rows import NamedTuple
from tinycode_git.safety.rule import CONFIDENCES, SEVERITIES, Rule, certainty

if TYPE_CHECKING:
    from tinycode_git.safety.finding import Finding

TIERS = ("permissive", "standard", "strict", "paranoid")
DEFAULT = "standard"
FILE = ".tiny.toml"

# The least confidence that blocks, by tier and severity; nothing where a severity does not block at all.
_LEAST: dict[str, dict[str, str]] = {
    "permissive": {"critical": "certain"},
    "standard": {"critical": "possible", "high": "likely"},
    "strict": {"critical": "possible", "high": "possible", "medium": "possible"},
    "paranoid": dict.fromkeys(SEVERITIES, "possible"),
}


class Allow(NamedTuple):
    """An exception: findings of ``rule`` (``*`` for any) below ``paths`` (none: everywhere) until ``expires``.

    ``regexes`` limit it to findings whose matched text one of them finds; ``expires`` is an ISO date or empty.
    """

    rule: str
    paths: tuple[str, ...] = ()
    reason: str = ""
    expires: str = ""
    source: str = FILE

    def alive(self, today: str) -> bool:
        """Whether it still counts on the day ``today`` (ISO)."""
        return not self.expires or today <= self.expires


class ProjectPolicy(NamedTuple):
    """What ``.tiny.toml`` says. ``tier`` is empty where it says none."""

    tier: str = ""
    allows: tuple[Allow, ...] = ()
    rules: tuple[Rule, ...] = ()


def stricter(*tiers: str) -> str:
    """The strictest of several tiers."""
    return max(tiers, key=TIERS.index)


def blocks(tier: str, severity: str, confidence: str) -> bool:
    """Whether a finding of that severity and confidence stops an operation."""
    least = _LEAST[tier].get(severity)
    return least is not None and certainty(confidence) >= certainty(least)


def verdict(findings: Iterable[Finding], tier: str) -> list[Finding]:
    """The findings that block. Pure.

    From ``strict`` on, what needs a named approval blocks without one. Findings with an exception that counts
    (``excused``) do not block, except in ``paranoid``.
    """
    return [
        finding
        for finding in findings
        if (not finding.excused or tier == "paranoid")
        and (blocks(tier, finding.severity, finding.confidence) or _asks(finding, tier))
    ]


def _asks(finding: Finding, tier: str) -> bool:
    return finding.approval and TIERS.index(tier) >= TIERS.index("strict")


def table() -> list[tuple[str, str, dict[str, bool]]]:
    """Every severity and confidence, worst first, with what each tier does about it."""
    return [
        (severity, confidence, {tier: blocks(tier, severity, confidence) for tier in TIERS})
        for severity in reversed(SEVERITIES)
        for confidence in reversed(CONFIDENCES)
    ]
