"""``git tiny apply``: approve a plan, exactly as it was shown."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.opening import executing, planning, say
from tinycode_git.commands.planview import PlanView, summary, view
from tinycode_git.errors import Exit, Refused, UsageError
from tinycode_git.git.diff import FileDiff, diff_trees
from tinycode_git.git.execute import ExecuteRepo
from tinycode_git.git.read import ReadRepo
from tinycode_git.ledger import Ledger
from tinycode_git.plan.approve import (
    Approval,
    Approved,
    TreeChanged,
    approve,
    check_expected,
    prepare,
    refuse_conflicts,
)
from tinycode_git.plan.record import State
from tinycode_git.plan.store import Plan, find_plan
from tinycode_git.render import console, jsonout, prompt
from tinycode_git.render.escape import visible_block

app = new_app()


@dataclass(frozen=True, slots=True)
class Applied:
    """What ``--json`` prints: ``merge`` is the new commit on ``target``, which was at ``before``."""

    id: str
    state: str
    target: str
    before: str
    merge: str
    tree: str
    output: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What ``--dry-run --json`` prints: the tree that the merge would give, and its conflicts."""

    plan: PlanView
    target: str
    before: str
    tree: str
    conflicts: tuple[object, ...]
    files: tuple[FileDiff, ...]


@app.command()
def apply(
    plan: Annotated[str, typer.Argument(metavar="[PLAN]", help="A plan (default: the newest open one).")] = "",
    expect: Annotated[
        str, typer.Option("--expect", metavar="OID", help="Approve only if the plan's tip is this commit.")
    ] = "",
    expect_tree: Annotated[
        str,
        typer.Option("--expect-tree", metavar="OID", help="Approve also this tree, which a hook made of the merge."),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Compute the merge and show it; change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask (off a terminal: with --expect).")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Approve a plan: merge its branch into its target, with your hooks, filters and signature.

    The merge is computed first; a conflict changes nothing. What you have uncommitted stays as it is, staged and not;
    where the plan touches the same paths it is refused before anything is written. git tiny rollback takes it back.

    Examples:

    \b
      git tiny apply
      git tiny apply rename-get-cwd --dry-run
      git tiny apply rename-get-cwd --yes --expect 1f2e3d4c5b6a

    Exit codes:

    \b
      0  applied (with --dry-run: it would merge cleanly)
      1  refused: conflict, overlap, failed hook, moved branch, not approved
      2  no plan of that name
      130  interrupted; nothing was changed
    """
    if dry_run:
        _preview(plan, json)
        return
    repo, ledger = executing("apply")
    found = find_plan(repo, plan or None, State.OPEN)
    approval = prepare(repo, found)
    if expect:
        check_expected(approval, expect)
    refuse_conflicts(approval)
    if yes and not expect and not prompt.at_terminal():
        raise Refused(
            "off a terminal, --yes needs the oid that was looked at",
            f"git tiny show {found.id}, then: git tiny apply {found.id} --yes --expect {approval.tip}",
        )
    if not yes:
        approval = _approved_by_person(repo, approval, json)
    done = _approve(repo, ledger, approval, expect_tree, ask=not yes, quiet=json)
    _report(repo, approval, done, json)


def _preview(name: str, json: bool) -> None:
    repo, _ = planning("apply --dry-run")
    found = find_plan(repo, name or None, State.OPEN)
    approval = prepare(repo, found)
    if json:
        jsonout.write(
            Preview(
                view(found), approval.target, approval.old, approval.tree, tuple(approval.conflicts), approval.files
            )
        )
    else:
        sys.stdout.write(summary(found, console.for_stdout(repo.git)))
        sys.stdout.write(_merge_line(approval))
    if approval.conflicts:
        raise typer.Exit(Exit.REFUSED) if json else _conflicts(approval)


def _conflicts(approval: Approval) -> Refused:
    try:
        refuse_conflicts(approval)
    except Refused as refused:
        return refused
    raise AssertionError("called for a merge with conflicts")


def _merge_line(approval: Approval) -> str:
    target = approval.target.removeprefix("refs/heads/")
    return f"\nmerges into {target} at {approval.old[:12]}: {len(approval.files)} paths change, tree {approval.tree[:12]}\n"


def _approved_by_person(repo: ReadRepo, approval: Approval, json: bool) -> Approval:
    """Show the plan and ask; what is answered is pinned to the commit that was shown."""
    plan = approval.plan
    hint = f"git tiny show {plan.id}, then: git tiny apply {plan.id} --yes --expect {approval.tip}"
    while True:
        drawn = console.for_stderr(repo.git) if json else console.for_stdout(repo.git)
        stream = sys.stderr if json else sys.stdout
        stream.write(summary(approval.plan, drawn) + _merge_line(approval))
        answer = prompt.ask(f"apply {plan.id} at {approval.tip[:12]}?", hint=hint)
        now = _again(repo, plan)
        if now.tip != approval.tip or repo.ref(approval.target) != approval.old:
            if answer is prompt.Answer.YES:
                say(f"{plan.id} or its target moved while it was shown; this is what it is now:")
            assert isinstance(repo, ExecuteRepo)
            approval = prepare(repo, now)
            refuse_conflicts(approval)
            continue
        if answer is prompt.Answer.YES:
            return approval
        if answer is prompt.Answer.NO:
            raise Refused(f"{plan.id} was not approved; nothing was changed", f"git tiny reject {plan.id} closes it")


def _again(repo: ReadRepo, plan: Plan) -> Plan:
    return find_plan(repo, plan.id)


def _approve(
    repo: ExecuteRepo, ledger: Ledger, approval: Approval, expect_tree: str, *, ask: bool, quiet: bool
) -> Approved:
    """Approve; where a hook makes another tree of it, show that and ask once more."""
    if expect_tree and (len(expect_tree) != len(approval.tree) or not expect_tree.isalnum()):
        raise UsageError(f"--expect-tree takes a whole tree oid, not {expect_tree!r}")
    while True:
        try:
            return approve(repo, ledger, approval, expect_tree=expect_tree)
        except TreeChanged as changed:
            if not ask:
                raise
            say("a hook changed what the merge would give:")
            for file in diff_trees(repo.git, approval.tree, changed.tree):
                say(f"  {file.status} {file.path} +{file.added or 0} -{file.removed or 0}")
            hint = f"--expect-tree {changed.tree}"
            if not prompt.confirm(f"apply {approval.plan.id} with that (tree {changed.tree[:12]})?", hint=hint):
                raise
            expect_tree = changed.tree


def _report(repo: ReadRepo, approval: Approval, done: Approved, json: bool) -> None:
    record = done.record
    for text in done.output:
        sys.stderr.write(visible_block(text) + "\n")
    if json:
        tree = repo.commit(done.merge).tree
        jsonout.write(
            Applied(record.id, record.state.value, record.target, approval.old, done.merge, tree, done.output)
        )
        return
    target = record.target.removeprefix("refs/heads/")
    print(f"applied {record.id} to {target}: {done.merge[:12]}")
    say(f"git tiny rollback {record.id} takes it back")
