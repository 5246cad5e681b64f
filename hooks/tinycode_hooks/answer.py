"""What a hook says and answers: nothing where all is well, else the findings, and the audit's line for a refusal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from tinycode_git.errors import TinyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from tinycode_git.audit.quick import Said
    from tinycode_git.git.process import Git
    from tinycode_git.safety.opening import Settings
    from tinycode_git.safety.outcome import Outcome

# Rules that a loosened policy or a new exception breaks; where somebody allowed that, the change itself is on record.
LOOSENING = ("exception-added", "policy-loosened")
# As in tinycode_git.modes, which costs a hook 10 ms.
_MODES = ("chat", "propose", "execute")


def of_families(outcome: Outcome, families: list[str]) -> Outcome:
    """The outcome as far as some families go; all of it where none is named."""
    if not families:
        return outcome
    findings = tuple(finding for finding in outcome.result.findings if finding.family in families)
    blocking = tuple(finding for finding in outcome.blocking if finding.family in families)
    return outcome._replace(result=outcome.result._replace(findings=findings), blocking=blocking)


def answer(git: Git, hook: str, outcome: Outcome, *, tips: Sequence[str] = ()) -> int:
    """Print what there is to say; 1 where something blocks, 4 where something was not looked at, else 0.

    Nothing changed at all is no gap: an empty commit, a push that only deletes. Refusals are in the audit log; where a
    push brings ``tips``, so is a pass (a commit does not wait for that).
    """
    code = _answered(git, hook, outcome)
    if code:
        audit(git, hook, "refused", outcome, tips)
    elif tips:
        audit(git, hook, "passed", outcome, tips)
    return code


def _answered(git: Git, hook: str, outcome: Outcome) -> int:
    receipt = outcome.result.receipt
    if not outcome.result.findings and not outcome.result.notes and not receipt.skipped:
        return 0
    from tinycode_git.safety import report
    from tinycode_git.safety.finding import printable

    for note in outcome.result.notes:
        _say(f"git tiny: {printable(note)}")
    if outcome.blocking:
        _say(report.told(outcome.result.findings, outcome.blocking, receipt, outcome.tier, color=_color()).rstrip())
        _say(f"git tiny: {hook} refused")
        return 1
    for finding in outcome.result.findings:
        if not finding.excused:
            _say(f"git tiny: note: {report.place(finding)}: {finding.severity}: {finding.rule}")
    if receipt.skipped:
        _say("\n".join(report.gaps(receipt)))
        if outcome.tier == "permissive":
            _say("git tiny: not everything was looked at")
            return 0
        _say(f"git tiny: {hook} refused: not everything could be looked at")
        return 4
    return 0


def warn(git: Git, hook: str, outcome: Outcome, what: str, tip: str) -> None:
    """Say what is there already, with the commit ``tip``, and write it down: too late to refuse."""
    loosened = any(finding.rule in LOOSENING for finding in outcome.result.findings)
    # Another branch with another policy is no change of it.
    if loosened or (outcome.result.policy and hook != "post-checkout"):
        audit(git, hook, "policy", outcome, [tip])
        _remember_policy(git, tip)
    if not outcome.blocking:
        return
    from tinycode_git.safety import report

    _say(report.told(outcome.blocking, outcome.blocking, outcome.result.receipt, outcome.tier, color=_color()).rstrip())
    _say(f"git tiny: {what}")
    audit(git, hook, "bypassed", outcome, [tip])


def _remember_policy(git: Git, tip: str) -> None:
    """What was written down just now is no news to the next command."""
    from tinycode_git.safety.policyseen import remember_policy
    from tinycode_git.safety.surface import common_dir

    ref = git.quiet("rev-parse", "-q", "--symbolic-full-name", "HEAD", ok=(0, 1, 128)).text
    remember_policy(git, common_dir(git), ref, tip)


def passed(git: Git, hook: str, outcome: Outcome, opened: Settings, tip: str, user: str) -> None:
    """Write down that nothing blocks the commit ``tip`` of ``user``, by the short way: every commit waits for it."""
    if outcome.blocking:
        return
    from tinycode_git.audit.quick import note
    from tinycode_git.safety.surface import common_dir

    words = [word for word in (opened.mode, os.environ.get("TINY_MODE", "")) if word]
    gaps = len(outcome.result.receipt.skipped)
    what = "incomplete" if gaps else "passed"
    details: Said = {"hook": hook, "outcome": what, "tier": outcome.tier, "not_looked_at": gaps, "tips": [tip]}
    action = f"hook-{what}"
    if all(word in _MODES for word in words):
        fields = {
            "action": action,
            "risk_level": "none",
            "mode": min(words, key=_MODES.index, default=_MODES[-1]),
            "user": user,
            "actor": "git-tiny-hook",
            "new": tip,
        }
        if note(os.path.join(common_dir(git), "tiny"), fields, details):
            return
    write_down(git, action, "none", details, [tip])


def audit(git: Git, hook: str, what: str, outcome: Outcome, tips: Sequence[str] = ()) -> None:
    """One entry in the audit chain: ``refused``, ``passed``, ``bypassed``, ``policy`` (what of it was changed)."""
    told = outcome.blocking or outcome.result.findings
    details = {
        "hook": hook,
        "outcome": {"refused": "refused", "passed": "passed"}.get(what, "found"),
        "tier": outcome.tier,
        "rules": sorted({finding.rule for finding in told}),
        "fingerprints": sorted({finding.fingerprint for finding in told})[:100],
        "not_looked_at": len(outcome.result.receipt.skipped),
        "tips": list(tips)[:100],
    }
    if outcome.result.policy:
        details["paths"] = list(outcome.result.policy)[:100]
    risk = worst(outcome)
    if what == "policy":
        risk = risk if risk in ("high", "critical") else "medium"
    write_down(git, "policy" if what == "policy" else f"hook-{what}", risk, details, tips)


def write_down(git: Git, action: str, risk: str, details: Mapping[str, Any], tips: Sequence[str] = ()) -> None:
    """Add the entry; a chain that cannot be written is said, and changes no verdict."""
    from pathlib import Path

    from tinycode_git import config, modes
    from tinycode_git.audit.ledger import JournalLedger
    from tinycode_git.ledger import Operation
    from tinycode_git.safety.finding import printable
    from tinycode_git.safety.surface import common_dir

    try:
        held = modes.ceiling(os.environ, config.read(git).mode)
        who = git.quiet("var", "GIT_COMMITTER_IDENT", ok=(0, 128)).text.rpartition(">")[0]
        ledger = JournalLedger(
            Path(common_dir(git)), mode=held.mode.word, user=f"{who}>" if who else "", actor="git-tiny-hook"
        )
        ledger.note(Operation(action, risk=risk, new=tips[0] if tips else "", details=details))
    except TinyError as failed:
        _say(f"git tiny: not written to the audit log: {printable(failed.message)}")


def worst(outcome: Outcome) -> str:
    """The highest severity that blocks; ``none`` where nothing does."""
    from tinycode_git.safety.rule import rank

    return max((finding.severity for finding in outcome.blocking), key=rank, default="none")


def _color() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def _say(text: str) -> None:
    if text:
        sys.stderr.write(text + "\n")
