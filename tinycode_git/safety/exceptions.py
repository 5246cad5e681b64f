"""Exceptions applied to findings: allowlists, the baseline, approvals. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tinycode_git.safety.finding import Finding
from tinycode_git.safety.globs import any_glob
from tinycode_git.safety.policy import Allow

# No exception but a named approval is one for these: they are what exceptions are made of.
SELF = frozenset(("inline-allow", "inline-allow-without-reason", "exception-added", "policy-loosened"))


def excused(findings: Iterable[Finding], allows: Sequence[Allow], today: str) -> list[Finding]:
    """The findings, those with an exception that counts marked with its reason."""
    return [_excused(finding, allows, today) for finding in findings]


def _excused(finding: Finding, allows: Sequence[Allow], today: str) -> Finding:
    if finding.excused or finding.rule in SELF:
        return finding
    for allow in allows:
        if allow.rule not in ("*", finding.rule) or not allow.alive(today):
            continue
        if not allow.paths or any_glob(allow.paths, finding.path):
            return finding._replace(excused=f"allowed in {allow.source}: {allow.reason}")
    return finding


def baselined(findings: Iterable[Finding], known: Callable[[Finding], bool]) -> list[Finding]:
    """The findings, those that the baseline holds (``known``) marked so."""
    return [
        finding._replace(excused="in the baseline")
        if not finding.excused and finding.rule not in SELF and known(finding)
        else finding
        for finding in findings
    ]


def approved(findings: Iterable[Finding], reasons: dict[str, str]) -> list[Finding]:
    """The findings, those whose rule was approved by name for the very tree marked with the reason."""
    return [
        finding._replace(excused=f"approved: {reasons[finding.rule]}", approval=False)
        if finding.rule in reasons and not finding.excused
        else finding
        for finding in findings
    ]
