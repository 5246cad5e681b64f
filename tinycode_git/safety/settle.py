"""From what was found to what counts: exceptions as they stood before, once trusted; approvals; what blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from tinycode_git.safety import baseline, objects, trust
from tinycode_git.safety.exceptions import approved, baselined, excused
from tinycode_git.safety.opening import EXCEPTION_FILES, Policy
from tinycode_git.safety.outcome import Outcome
from tinycode_git.safety.policy import verdict
from tinycode_git.safety.surface import common_dir

if TYPE_CHECKING:
    from tinycode_git.git.process import Git
    from tinycode_git.safety.engine import Engine
    from tinycode_git.safety.finding import Finding
    from tinycode_git.safety.scan import ScanResult


Approvals = Callable[[str], dict[str, str]]


def settle(
    git: Git, engine: Engine, policy: Policy, base: str, result: ScanResult, approvals: Approvals | None = None
) -> Outcome:
    """Apply the exceptions that stood at ``base`` and named approvals (rule to reason, for a commit or ``""``)."""
    if not result.findings:
        return Outcome(result, (), policy.tier)
    findings, notes = list(result.findings), list(result.notes)
    if policy.tier == "paranoid":
        findings = [finding._replace(excused="") for finding in findings]
    else:
        findings, said = _with_exceptions(git, engine, policy, base, findings)
        notes += said
        if approvals is not None:
            findings = [one for each in findings for one in approved([each], approvals(each.commit))]
    done = result._replace(findings=tuple(findings), notes=tuple(dict.fromkeys(notes)))
    return Outcome(done, tuple(verdict(findings, policy.tier)), policy.tier)


def exceptions_digest(git: Git, base: str) -> str:
    """What a repository's exceptions at ``base`` are, as one word; empty where it has none."""
    from hashlib import sha256

    if not base:
        return ""
    held = [
        git.quiet("rev-parse", "-q", "--verify", "--end-of-options", f"{base}:{name}", ok=(0, 1, 128)).text
        for name in (*EXCEPTION_FILES, baseline.FOLDER)
    ]
    return sha256(" ".join(held).encode()).hexdigest()[:32] if any(held) else ""


def _with_exceptions(
    git: Git, engine: Engine, policy: Policy, base: str, findings: list[Finding]
) -> tuple[list[Finding], list[str]]:
    digest = exceptions_digest(git, base)
    inline = sum(1 for finding in findings if finding.excused)
    if not digest and not inline:
        return findings, []
    if not trust.is_trusted(common_dir(git), digest or "-", policy.tier):
        held = [finding._replace(excused="") for finding in findings]
        return held, ["this repository brings exceptions of its own; git tiny trust makes them count"]
    from datetime import UTC, datetime

    findings = excused(findings, policy.allows, datetime.now(UTC).date().isoformat())
    if policy.foreign:
        from tinycode_git.safety.gitleaks import foreign_excused

        findings = foreign_excused(git, engine, findings, policy.foreign)
    known = _baseline(git, base)
    return (_in_baseline(git, engine, findings, *known) if known else findings), []


def _baseline(git: Git, base: str) -> tuple[bytes, frozenset[str]] | None:
    names = git.lines("ls-tree", "-z", "--name-only", "--end-of-options", f"{base}^{{tree}}", f"{baseline.FOLDER}/")
    if baseline.SALT not in names:
        return None
    loaded = next(iter(objects.read(git, [f"{base}:{baseline.SALT}"])))
    if isinstance(loaded, objects.Large) or not loaded.content:
        return None
    return loaded.content.strip(), frozenset(name.rpartition("/")[2] for name in names)


def _in_baseline(git: Git, engine: Engine, findings: list[Finding], salt: bytes, held: frozenset[str]) -> list[Finding]:
    open_ones = [finding for finding in findings if not finding.excused and finding.oid]
    made = baseline.ids(matched_texts(git, engine, open_ones), salt)
    return baselined(findings, lambda finding: made.get(finding, "") in held)


def matched_texts(git: Git, engine: Engine, findings: Sequence[Finding]) -> dict[Finding, bytes]:
    """The text that each finding matched, read again: nothing keeps it. Findings about paths have their path."""
    out = {finding: finding.path.encode("utf-8", "surrogateescape") for finding in findings if finding.where == "path"}
    by_oid: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.where in ("content", "symlink", "message", "identity"):
            by_oid.setdefault(finding.oid, []).append(finding)
    for loaded in objects.read(git, list(by_oid)):
        if isinstance(loaded, objects.Loaded) and loaded.content is not None:
            out |= spans_of(engine, loaded.content, by_oid[loaded.name])
    return out


def spans_of(engine: Engine, content: bytes, findings: Iterable[Finding]) -> dict[Finding, bytes]:
    """The matched text of findings in one object's content."""
    from tinycode_git.safety.view import readable

    out = {}
    texts: dict[str, bytes] = {}
    for finding in findings:
        if finding.where not in texts:
            texts[finding.where] = _part(content, finding.where)
        text = readable(texts[finding.where])
        for match in engine.look(texts[finding.where], finding.where, finding.path).matches:
            if match.rule == finding.rule and (match.line, match.column) == (finding.line, finding.column):
                out[finding] = text[match.start : match.end]
                break
    return out


def _part(content: bytes, where: str) -> bytes:
    if where != "message":
        return content
    return content.partition(b"\n\n")[2]
