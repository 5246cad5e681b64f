"""Where plans meet the validator: findings for a plan's steps, and the refusal of what must not be applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tinycode_git.commands import onrecord
from tinycode_git.errors import Incomplete, Refused, TinyError
from tinycode_git.git.read import ReadRepo
from tinycode_git.ledger import Ledger
from tinycode_git.plan.propose import Validator

# The blobs of so many steps are read by one git process, and held.
_STEPS_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the validator says of some commits. ``gaps`` are what it could not look at, each with the reason."""

    findings: tuple[Mapping[str, Any], ...]
    tier: str
    gaps: tuple[str, ...] = ()

    @property
    def blocking(self) -> tuple[Mapping[str, Any], ...]:
        """The findings that stand against an approval."""
        return tuple(finding for finding in self.findings if finding["blocking"])


def look(repo: ReadRepo, base: str, tip: str) -> Verdict:
    """Validate the commits from ``base`` to ``tip`` by the policy that stands at ``base``."""
    from tinycode_git.safety.flow import session
    from tinycode_git.safety.scan import scan_range

    outcome = session(repo.git, base).run(lambda scanner: scan_range(scanner, f"{base}..{tip}"))
    blocking = set(outcome.blocking)
    found = tuple({**one.to_json(), "blocking": one in blocking} for one in outcome.result.findings)
    gaps = tuple(f"{skip.what}: {skip.reason}" for skip in outcome.result.receipt.skipped)
    return Verdict((*found, *_undeclared(repo, base, tip, outcome.tier)), outcome.tier, gaps)


def _undeclared(repo: ReadRepo, base: str, tip: str, tier: str) -> list[Mapping[str, Any]]:
    """Findings for imports that no manifest declares, by commit; manifests count as the last step leaves them."""
    from tinycode_git.git.diff import diff_commits
    from tinycode_git.plan.dependencies import RULE, Project, needed, undeclared
    from tinycode_git.plan.steps import step_oids
    from tinycode_git.safety.finding import Finding, fingerprint
    from tinycode_git.safety.policy import blocks

    oids = step_oids(repo, base, tip)
    project = Project(repo.snapshot(tip))
    found: list[Mapping[str, Any]] = []
    steps = diff_commits(repo.git, oids)
    blobs: dict[str, bytes | None] = {}
    for number, (commit, files) in enumerate(zip(oids, steps, strict=True)):
        if number % _STEPS_AT_ONCE == 0:
            wanted = sorted({oid for step in steps[number : number + _STEPS_AT_ONCE] for oid in needed(step)})
            blobs = dict(zip(wanted, repo.read_many(wanted), strict=True))
        for one in undeclared(files, blobs.__getitem__, project):
            finding = Finding(
                rule=RULE,
                family="dependency",
                severity="medium",
                confidence="likely",
                path=one.path,
                line=one.line,
                column=1,
                end_line=one.line,
                end_column=1,
                message=f"imports {one.package}, which no manifest or lock file of this project declares",
                fingerprint=fingerprint(RULE, one.path, one.package, 0),
                redacted=one.package,
                oid=one.oid,
                commit=commit,
                advice="declare it with the project's dependencies, if this is the package that was meant",
            )
            found.append({**finding.to_json(), "blocking": blocks(tier, finding.severity, finding.confidence)})
    return found


def judged(repo: ReadRepo, ledger: Ledger, base: str, tip: str, plan: str = "") -> Verdict:
    """As ``look``, with the verdict on record."""
    found = look(repo, base, tip)
    onrecord.verdict(ledger, base, tip, plan, found)
    return found


def validator(ledger: Ledger) -> Validator:
    """What gives a new plan its findings, as its record keeps them; each verdict is on record."""
    return lambda repo, base, tip: judged(repo, ledger, base, tip).findings


def refuse_blocked(verdict: Verdict, plan_id: str) -> None:
    """Refuse to apply what the validator blocks, and what it could not look at."""
    if verdict.blocking:
        count = len(verdict.blocking)
        raise Refused(
            f"the validator blocks {plan_id}: {count} finding{'s' * (count != 1)} (tier {verdict.tier});"
            " nothing was changed",
            "amend the branch with plain git; where a finding is wrong: git tiny rules show RULE says what to do",
            detail=described(verdict.blocking),
        )
    if verdict.gaps:
        raise cannot_look(verdict, plan_id)


def cannot_look(verdict: Verdict, plan_id: str) -> TinyError:
    """The error for what the validator could not look at: never reported as clean."""
    return Incomplete(
        f"the validator could not look at all of {plan_id}; nothing was changed",
        "fetch what is missing, then try again",
        detail="\n".join(f"  {gap}" for gap in verdict.gaps),
    )


def described(findings: Sequence[Mapping[str, Any]]) -> str:
    """Findings as lines for a person: where, what, what to do."""
    rows = []
    for one in findings:
        place = f"{one['path']}:{one['line']}" if one["line"] else one["path"]
        rows.append(f"  {place}  {one['severity']} {one['rule']}: {one['message']}")
        if one.get("advice"):
            rows.append(f"      {one['advice']}")
    return "\n".join(rows)
