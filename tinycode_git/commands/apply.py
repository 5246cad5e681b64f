"""``git tiny apply``: approve a plan, exactly as it was shown."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.commands.checkpoints import after_move
from tinycode_git.commands.gates import wanted_gate
from tinycode_git.commands.onrecord import about, approved
from tinycode_git.commands.opening import executing, planning, preload, say
from tinycode_git.commands.planview import PlanView, summary, view
from tinycode_git.commands.validating import judged, refuse_blocked
from tinycode_git.errors import Exit, Refused, UsageError
from tinycode_git.git.diff import FileDiff, diff_trees
from tinycode_git.git.execute import ExecuteRepo
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.worktrees import holders
from tinycode_git.git.write import PlanRepo
from tinycode_git.ledger import Ledger
from tinycode_git.plan.approve import (
    Approval,
    Approved,
    Gate,
    TreeChanged,
    approve,
    check_expected,
    prepare,
    refuse_conflicts,
)
from tinycode_git.plan.backup import Stashes, stashes
from tinycode_git.plan.record import State
from tinycode_git.plan.store import Plan, find_plan
from tinycode_git.render import console, jsonout, prompt
from tinycode_git.render.escape import visible_block

if TYPE_CHECKING:
    from tinycode_git.plan.partial import Part

app = new_app()


@dataclass(frozen=True, slots=True)
class Applied:
    """What ``--json`` prints: ``merge`` is the new commit on ``target``, which was at ``before``.

    ``rest`` is the plan that holds the steps left out by ``--steps``; empty where all were applied.
    """

    id: str
    state: str
    target: str
    before: str
    merge: str
    tree: str
    rest: str
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
    steps: Annotated[
        str | None, typer.Option("--steps", metavar="N,N-N", help="Apply only these steps, as 1,3-4.")
    ] = None,
    with_needed: Annotated[
        bool, typer.Option("--with-needed", help="With --steps: add the steps that the chosen ones need.")
    ] = False,
    check: Annotated[
        str, typer.Option("--check", metavar="CMD", help="The gate: it must pass on the result (default: tiny.check).")
    ] = "",
    no_check: Annotated[bool, typer.Option("--no-check", help="Apply without the gate that tiny.check sets.")] = False,
    each_step: Annotated[
        bool, typer.Option("--each-step", help="Run the gate on every step first, and name the first that fails.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Compute the merge and show it; change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask (off a terminal: with --expect).")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Approve a plan: merge its branch into its target, with your hooks, filters and signature.

    The merge is computed first; a conflict changes nothing. What you have uncommitted stays as it is, staged and not;
    where the plan touches the same paths it is refused before anything is written. git tiny rollback takes it back.

    A gate (--check, or git config tiny.check) runs on the very tree that the merge gives, in a checkout of its own
    where nothing untracked of yours can change the verdict; tiny.checkSetup prepares it, tiny.checkLink links what it
    needs from your working tree. A pass is remembered for that tree, command, setup and toolchain, a failure never.

    Examples:

    \b
      git tiny apply
      git tiny apply rename-get-cwd --dry-run
      git tiny apply rename-get-cwd --steps 1,3-4 --with-needed
      git tiny apply rename-get-cwd --check "make test" --each-step
      git tiny apply rename-get-cwd --yes --expect 1f2e3d4c5b6a

    Exit codes:

    \b
      0  applied (with --dry-run: it would merge cleanly)
      1  refused: conflict, overlap, failed hook or gate, moved branch, not approved
      2  no plan of that name
      130  interrupted; nothing was changed
    """
    if no_check and (check or each_step):
        raise UsageError("--no-check cannot be combined with --check or --each-step", "see git tiny apply --help")
    if steps is not None and not steps.strip():
        raise UsageError("--steps names no step", "for example --steps 1,3-4; without it the whole plan is applied")
    if with_needed and not steps:
        raise UsageError("--with-needed goes with --steps", "see git tiny apply --help")
    choice = Choice(steps or "", with_needed)
    preload("pygit2", "tinycode_git.safety.flow", "tinycode_git.audit.ledger", "concurrent.futures.thread")
    if dry_run:
        _preview(plan, choice, json)
        return
    repo, ledger = executing("apply")
    found = find_plan(repo, plan or None, State.OPEN)
    about(found.id, found.record.target)
    if expect:
        check_expected(found, expect)
    with ExitStack() as held:
        # Approved already: what the worktrees hold is read while everything else is looked at.
        begun = held.enter_context(stashes(repo, holders(repo, found.record.target))) if yes and expect else None
        approval, part = _prepare(repo, found, choice)
        refuse_conflicts(approval)
        refuse_blocked(judged(repo, ledger, approval.plan.base, approval.tip, found.id), found.id)
        if yes and not expect and not prompt.at_terminal():
            raise Refused(
                "off a terminal, --yes needs the oid that was looked at",
                f"git tiny show {found.id}, then: git tiny apply {found.id} --yes --expect {found.tip}",
            )
        if not yes:
            approval, part = _approved_by_person(repo, ledger, found, choice, json)
        approved(ledger, approval, asked=not yes, gated=not no_check)
        gate = None if no_check else wanted_gate(repo, ledger, check, approval, each_step=each_step)
        done = _approve(repo, ledger, approval, part, expect_tree, gate, begun, ask=not yes)
    _report(repo, approval, done, part, json)
    after_move(repo, ledger, approval.target, approval.old, done.merge, found.id)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which steps the user named (empty: all)."""

    steps: str
    with_needed: bool


def _prepare(repo: PlanRepo, plan: Plan, choice: Choice) -> tuple[Approval, Part | None]:
    approval = prepare(repo, plan)
    if not choice.steps:
        return approval, None
    from tinycode_git.plan.partial import parse_steps, prepare_part

    wanted = parse_steps(choice.steps, len(plan.steps))
    if len(wanted) == len(plan.steps):
        return approval, None
    part = prepare_part(repo, plan, wanted, with_needed=choice.with_needed)
    return part.approval, part


def _preview(name: str, choice: Choice, json: bool) -> None:
    repo, _ = planning("apply --dry-run")
    found = find_plan(repo, name or None, State.OPEN)
    approval, _ = _prepare(repo, found, choice)
    found = approval.plan
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
    count = len(approval.files)
    return (
        f"\nmerges into {target} at {approval.old[:12]}: {count} path{'s' * (count != 1)}, tree {approval.tree[:12]}\n"
    )


def _approved_by_person(
    repo: ExecuteRepo, ledger: Ledger, plan: Plan, choice: Choice, json: bool
) -> tuple[Approval, Part | None]:
    """Show the plan and ask; what is answered is pinned to the commits that were shown."""
    drawn = console.for_stderr(repo.git) if json else console.for_stdout(repo.git)
    stream = sys.stderr if json else sys.stdout
    looked_at = plan
    while True:
        approval, part = _prepare(repo, plan, choice)
        refuse_conflicts(approval)
        if plan is not looked_at:
            refuse_blocked(judged(repo, ledger, approval.plan.base, approval.tip, plan.id), plan.id)
        hint = f"git tiny show {plan.id}, then: git tiny apply {plan.id} --yes --expect {plan.tip}"
        stream.write(summary(approval.plan, drawn) + _merge_line(approval))
        answer = prompt.ask(f"apply {plan.id} at {plan.tip[:12]}?", hint=hint)
        if answer is prompt.Answer.NO:
            raise Refused(f"{plan.id} was not approved; nothing was changed", f"git tiny reject {plan.id} closes it")
        now = find_plan(repo, plan.id)
        shown = (plan.head, plan.branch_tip, approval.old)
        if (now.head, now.branch_tip, repo.ref(approval.target)) == shown:
            if answer is prompt.Answer.YES:
                return approval, part
        elif answer is prompt.Answer.YES:
            say(f"{plan.id} or its target moved while it was shown; this is what it is now:")
        plan = now


def _approve(
    repo: ExecuteRepo,
    ledger: Ledger,
    approval: Approval,
    part: Part | None,
    expect_tree: str,
    gate: Gate | None,
    begun: Stashes | None,
    *,
    ask: bool,
) -> Approved:
    """Approve; where a hook makes another tree of it, show that and ask once more."""
    if expect_tree and (len(expect_tree) != len(approval.tree) or not expect_tree.isalnum()):
        raise UsageError(f"--expect-tree takes a whole tree oid, not {expect_tree!r}")
    while True:
        try:
            also = partial(part.rest, repo) if part is not None else None
            return approve(repo, ledger, approval, gate=gate, expect_tree=expect_tree, also=also, begun=begun)
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


def _report(repo: ReadRepo, approval: Approval, done: Approved, part: Part | None, json: bool) -> None:
    record = done.record
    for text in done.output:
        sys.stderr.write(visible_block(text) + "\n")
    if json:
        tree = repo.commit(done.merge).tree
        jsonout.write(
            Applied(
                record.id,
                record.state.value,
                record.target,
                approval.old,
                done.merge,
                tree,
                part.whole.id if part is not None else "",
                done.output,
            )
        )
        return
    target = record.target.removeprefix("refs/heads/")
    print(f"applied {record.id} to {target}: {done.merge[:12]}")
    if part is not None:
        say(f"the other steps stay open as {part.whole.id}, on the new base")
    say(f"git tiny rollback {record.id} takes it back")
