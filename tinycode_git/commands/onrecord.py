"""What verbs put on record beside the operations that flows carry out: refusals, verdicts, changes of settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from tinycode_git.errors import TinyError, UsageError
from tinycode_git.ledger import Ledger, Operation
from tinycode_git.safety.opening import POLICY
from tinycode_git.safety.policyseen import policy_change, remember_policy

if TYPE_CHECKING:
    from tinycode_git.commands.validating import Verdict
    from tinycode_git.git.read import ReadRepo
    from tinycode_git.plan.approve import Approval
    from tinycode_git.plan.gate import GateResult

# Long lists are named by their first members; the plan's record has them all.
_MOST = 50


@dataclass(frozen=True, slots=True)
class _Attempt:
    ledger: Ledger
    operation: Operation
    failures: int


_attempts: list[_Attempt] = []


def attempt(ledger: Ledger, action: str) -> None:
    """From here on this process tries to do ``action``: if it is refused, that is on record too."""
    _attempts[:] = [_Attempt(ledger, Operation(action), ledger.failures)]


def about(plan: str, ref: str = "") -> None:
    """What the attempt is about, once that is known."""
    _attempts[:] = [
        replace(one, operation=replace(one.operation, plan=plan, ref=ref or one.operation.ref)) for one in _attempts
    ]


def refused(error: TinyError) -> None:
    """Put the refusal of what was attempted on record, unless the flow did; malformed calls attempt nothing."""
    if not _attempts or isinstance(error, UsageError):
        return
    one = _attempts.pop()
    if one.ledger.failures == one.failures:
        details = {"outcome": "refused", "reason": error.message}
        # A log that cannot be written refuses the operations themselves; the refusal stands without an entry.
        with suppress(TinyError):
            one.ledger.note(replace(one.operation, details=details))


@contextmanager
def changing(ledger: Ledger | None, operation: Operation) -> Iterator[None]:
    """Intent before, outcome after what the block does; nothing where there is no repository to keep a log in."""
    if ledger is None:
        yield
        return
    intent = ledger.intend(operation)
    try:
        yield
    except BaseException as failed:
        ledger.failed(intent, str(failed) or type(failed).__name__)
        raise
    ledger.done(intent)


def verdict(ledger: Ledger, base: str, tip: str, plan: str, found: Verdict) -> None:
    """The validator's word on the commits from ``base`` to ``tip``: rules and fingerprints, no text of theirs."""
    findings, gaps = found.findings, found.gaps
    blocking = [one for one in findings if one["blocking"]]
    details = {
        "outcome": "refused" if blocking or gaps else "passed",
        "tier": found.tier,
        "findings": len(findings),
        "blocking": len(blocking),
        "rules": sorted({str(one["rule"]) for one in findings})[:_MOST],
        "fingerprints": sorted({str(one["fingerprint"]) for one in blocking})[:_MOST],
        "not_looked_at": len(gaps),
    }
    ledger.note(Operation("validate", risk=_worst(blocking), old=base, new=tip, plan=plan, details=details))


def approved(ledger: Ledger, approval: Approval, *, asked: bool, gated: bool) -> None:
    """The word of the user for exactly these commits and this tree: at a terminal, or by naming the commit."""
    plan = approval.plan
    details = {"tree": approval.tree, "by": "answer at a terminal" if asked else "--yes --expect", "gate": gated}
    ledger.note(
        Operation("approve", str(plan.risk), approval.target, approval.old, approval.tip, plan.id, details=details)
    )


def gate(ledger: Ledger, approval: Approval, result: GateResult, step: str) -> None:
    """How a gate went. The command is named by its digest alone: it may carry anything."""
    details = {
        "outcome": "passed" if result.passed else "failed",
        "command_sha256": sha256(result.check.command.encode("utf-8", "surrogateescape")).hexdigest(),
        "code": result.code,
        "seconds": round(result.seconds, 1),
        "remembered": result.remembered,
        "sandboxed": result.sandboxed,
        "exceeded": result.exceeded,
        "changed": result.changed,
    }
    ref, plan = approval.target, approval.plan
    ledger.note(Operation("gate", str(plan.risk), ref, new=result.tree, plan=plan.id, step=step, details=details))


def policy_moved(repo: ReadRepo, ledger: Ledger, ref: str, old: str, new: str, plan: str) -> None:
    """Name the files of the project's policy, exceptions and baseline that a move of a branch has changed."""
    git = repo.git.without_index()
    changed = git.lines("diff-tree", "-r", "-z", "--name-only", "--end-of-options", old, new, "--", *POLICY)
    if changed:
        details = {"paths": changed[:_MOST], "count": len(changed)}
        ledger.note(Operation("policy", "medium", ref, old, new, plan, details=details))
        remember_policy(git, str(repo.place.common_dir), ref, new)


def policy_seen(repo: ReadRepo, ledger: Ledger) -> None:
    """Put on record that the branch in hand has another policy than when git tiny last looked, whoever changed it."""
    try:
        moved = policy_change(repo.git, str(repo.place.common_dir))
    except OSError:
        return  # who cannot write there can do nothing that is to be recorded, and hears so
    if moved is not None:
        details = {"paths": moved.paths[:_MOST], "count": len(moved.paths), "seen": "later"}
        ledger.note(Operation("policy", "medium", moved.ref, new=moved.commit, details=details))


def _worst(blocking: Sequence[Mapping[str, Any]]) -> str:
    order = ("none", "low", "medium", "high", "critical")
    found = {str(one["severity"]) for one in blocking}
    return next((risk for risk in reversed(order) if risk in found), "none")
