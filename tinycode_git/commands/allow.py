"""``git tiny allow``: a named approval of what is staged, bound to the very tree, with a reason, and audited."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.onrecord import changing
from tinycode_git.commands.opening import planning
from tinycode_git.errors import Refused, UsageError
from tinycode_git.git.process import Git
from tinycode_git.ledger import Operation
from tinycode_git.render import jsonout
from tinycode_git.render.escape import visible
from tinycode_git.safety import surface
from tinycode_git.safety.approvals import Approval, approve, index_tree
from tinycode_git.safety.flow import check_staged
from tinycode_git.safety.report import place

app = new_app()


@app.command()
def allow(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The rule whose findings are meant.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why this is no danger.")] = "",
    staged: Annotated[bool, typer.Option("--staged", help="What is staged (the only thing there is).")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Approve one rule's findings in what is staged. Any further change to what is staged needs a new word.

    Examples:

    \b
      git tiny allow --staged ci-workflow-changed --reason "reviewed with the release team"

    Exit codes:

    \b
      0  done; the next commit of exactly this tree passes
      1  the rule has no finding in what is staged
      2  no reason
      4  the approval cannot be written
    """
    if not staged:
        raise UsageError("say what is approved: --staged", "git tiny allow --staged RULE --reason '...'")
    if not reason.strip():
        raise UsageError("an approval needs a reason", "git tiny allow --staged RULE --reason '...'")
    git = Git(Path.cwd(), {"GIT_GRAFT_FILE": os.devnull})
    findings = [one for one in check_staged(git).result.findings if one.rule == rule]
    if not findings:
        raise Refused(f"{rule} has no finding in what is staged", "git tiny scan --staged lists what there is")
    tree = index_tree(git)
    if not tree:
        raise Refused("the index holds conflicts", "finish the merge first")
    repo, ledger = planning("allow")
    who = repo.identity()
    details = {"rule": rule, "reason": reason, "findings": len(findings)}
    given = Approval(tree, rule, reason, f"{who.name} <{who.email}>", datetime.now(UTC).isoformat(timespec="seconds"))
    with changing(ledger, Operation("allow", risk="high", new=tree, details=details)):
        approve(surface.common_dir(git), given)
    if json:
        jsonout.write({**given._asdict(), "findings": len(findings)})
        return
    for one in findings:
        print(f"allowed: {visible(place(one))}: {rule}")
