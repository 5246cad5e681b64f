"""What plans ask of the validator: a range of commits judged, findings step by step. Pure but for reading objects."""

from __future__ import annotations

from collections.abc import Sequence

from tinycode_git.git.process import Git
from tinycode_git.rows import NamedTuple
from tinycode_git.safety.finding import Finding
from tinycode_git.safety.flow import session
from tinycode_git.safety.look import Receipt
from tinycode_git.safety.policy import blocks, verdict
from tinycode_git.safety.push import new_commits
from tinycode_git.safety.rule import rank
from tinycode_git.safety.scan import scan_commits


class Validation(NamedTuple):
    """A range that has been validated. ``steps`` has the findings of each commit, oldest first.

    ``blocking`` are the findings that stand against applying it in ``tier``; ``incomplete`` says whether something was
    not looked at (what, and why, is in the receipt). ``notes`` are lines for the user.
    """

    findings: tuple[Finding, ...]
    receipt: Receipt
    blocking: tuple[Finding, ...]
    steps: tuple[tuple[str, tuple[Finding, ...]], ...]
    tier: str
    notes: tuple[str, ...] = ()

    @property
    def incomplete(self) -> bool:
        """Whether there is a gap: never reported as clean."""
        return bool(self.receipt.skipped)

    def risk(self, commit: str) -> str:
        """The risk that the findings of one step give it: ``none`` to ``critical``; excused ones do not count."""
        found = dict(self.steps).get(commit, ())
        return risk_of([finding for finding in found if not finding.excused])


def validate_range(git: Git, base: str, tip: str, *, tier: str = "") -> Validation:
    """The commits that ``tip`` has and ``base`` has not, under the policy and the exceptions that stand at ``base``.

    ``tier`` overrides the user's setting; the project's policy can still tighten it. Raises Incomplete where history is
    missing, UsageError and BrokenRule for settings and policies that cannot be read.
    """
    commits = new_commits(git, [tip], [base] if base else [])
    outcome = session(git, base, tier=tier, cached=True).run(lambda scanner: scan_commits(scanner, commits))
    result = outcome.result
    by_commit: dict[str, list[Finding]] = {commit: [] for commit in commits}
    for finding in result.findings:
        by_commit[finding.commit].append(finding)
    steps = tuple((commit, tuple(found)) for commit, found in by_commit.items())
    return Validation(result.findings, result.receipt, outcome.blocking, steps, outcome.tier, result.notes)


def risk_of(findings: Sequence[Finding]) -> str:
    """The highest severity among findings; those that are only possible count one level lower."""
    levels = ("none", "low", "medium", "high", "critical")
    worst = 0
    for finding in findings:
        level = rank(finding.severity) + 1
        worst = max(worst, level if finding.confidence != "possible" else max(1, level - 1))
    return levels[worst]


__all__ = ["Validation", "blocks", "risk_of", "validate_range", "verdict"]
