"""The gate as ``apply`` asks for it: from the command line or the user's settings, shown while it runs."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from tinycode_git import config
from tinycode_git.commands import onrecord
from tinycode_git.commands.opening import say
from tinycode_git.errors import Refused, UsageError
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.trailers import one_line
from tinycode_git.ledger import Ledger
from tinycode_git.plan.approve import Approval, Gate
from tinycode_git.render.escape import visible

if TYPE_CHECKING:
    from tinycode_git.plan.gate import Check  # an approval without a gate does not load what runs one

_SECONDS = 3600


def check_of(repo: ReadRepo, command: str) -> Check | None:
    """The gate that is wanted: ``command``, else ``tiny.check``; None where neither is given."""
    if not command and repo.config("tiny.check") is None:
        return None
    from tinycode_git.commands.limits import limits_of
    from tinycode_git.plan.gate import Check

    settings = config.read(repo.git)
    line = command or settings.check
    if not line.strip():
        return None
    limits = limits_of(settings)
    seconds = limits.seconds or settings.number("tiny.checkSeconds", _SECONDS)
    return Check(
        command=line,
        setup=settings.text("tiny.checkSetup"),
        links=settings.texts("tiny.checkLink"),
        limits=replace(limits, seconds=seconds),
        sandbox=settings.choice("tiny.sandbox", ("auto", "require", "off"), "auto"),
    )


def wanted_gate(repo: ReadRepo, ledger: Ledger, command: str, approval: Approval, *, each_step: bool) -> Gate | None:
    """The gate for an approval, its verdicts on record; None where none is set.

    Raises UsageError for ``--each-step`` without one.
    """
    check = check_of(repo, command)
    if check is None:
        if each_step:
            raise UsageError("--each-step needs a gate", "--check CMD names one, or git config tiny.check CMD")
        return None

    def gate(tree: str) -> None:
        if each_step:
            _steps(repo, ledger, approval, check)
        _run(repo, ledger, approval, tree, check, (approval.old, approval.tip))

    return gate


def _steps(repo: ReadRepo, ledger: Ledger, approval: Approval, check: Check) -> None:
    for step in approval.plan.steps:
        commit = repo.commit(step.oid)
        try:
            _run(repo, ledger, approval, commit.tree, check, commit.parents, str(step.n))
        except Refused as refused:
            title = one_line(step.title)
            raise Refused(
                f"step {step.n} ({title}) is the first that fails: {refused.message}",
                refused.hint,
                detail=refused.detail,
            ) from refused


def _run(
    repo: ReadRepo,
    ledger: Ledger,
    approval: Approval,
    tree: str,
    check: Check,
    parents: tuple[str, ...],
    step: str = "",
) -> None:
    from tinycode_git.plan.gate import refusal, run_gate

    say(f"gate on {f'step {step}' if step else 'the result'}: {one_line(check.command)}")
    result = run_gate(repo, tree, check, parents=parents, shown=_shown)
    onrecord.gate(ledger, approval, result, step)
    if not result.passed:
        raise refusal(replace(result, lines=()))  # they were shown as they came
    say(result.words())


def _shown(line: str) -> None:
    sys.stderr.write(f"| {visible(line)}\n")
    sys.stderr.flush()
