"""Approval: the merge is computed first, then hooks, gate, message and signature, then the worktrees, the ref last."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace

from tinycode_git.errors import Refused, TinyError, Unsettled, UsageError
from tinycode_git.git.diff import FileDiff, diff_trees
from tinycode_git.git.execute import ExecuteRepo
from tinycode_git.git.hooks import Hooks, hooked_message, staging
from tinycode_git.git.merge import Conflict, merge
from tinycode_git.git.process import Git
from tinycode_git.git.refs import RefMove
from tinycode_git.git.switch import Overlapping, overlap
from tinycode_git.git.trailers import one_line, with_trailers
from tinycode_git.git.worktrees import Worktree, holders, under_way
from tinycode_git.git.write import PlanRepo
from tinycode_git.ledger import Ledger, Operation
from tinycode_git.plan.backup import Stashes, stashes
from tinycode_git.plan.landing import Landing, land
from tinycode_git.plan.record import Event, Record, State
from tinycode_git.plan.stack import retarget_above
from tinycode_git.plan.store import Plan, save
from tinycode_git.proposal import Identity

Gate = Callable[[str], None]
Also = Callable[[str], Sequence[RefMove]]
_MOST_NAMED = 8
_APPLICABLE = (State.OPEN, State.DRAFT, State.ROLLED_BACK)


@dataclass(frozen=True, slots=True)
class Approval:
    """What an approval would do: merge ``tip`` into ``target`` (now at ``old``), giving ``tree``."""

    plan: Plan
    target: str
    old: str
    tip: str
    tree: str
    conflicts: tuple[Conflict, ...] = ()
    files: tuple[FileDiff, ...] = ()


@dataclass(frozen=True, slots=True)
class Approved:
    """What an approval did."""

    record: Record
    merge: str
    output: tuple[str, ...] = ()


class TreeChanged(Refused):
    """A hook made another tree of the merge: it must be shown and approved again. ``tree`` is the new one."""

    def __init__(self, tree: str, approval: Approval, files: Sequence[FileDiff]) -> None:
        changed = ", ".join(file.path for file in files[:5])
        super().__init__(
            f"a hook changed what the merge would give ({changed}); nothing was applied",
            f"look at it: git diff {approval.tree[:12]} {tree[:12]}; to approve it as well: --expect-tree {tree}",
        )
        self.tree = tree


def prepare(repo: PlanRepo, plan: Plan) -> Approval:
    """Compute what applying ``plan`` would do; writes nothing but objects. Conflicts are in the answer."""
    record = plan.record
    if record.state not in _APPLICABLE:
        raise Refused(f"{plan.id} is {record.state}", _what_next(record))
    if not plan.branch_tip:
        raise Refused(
            f"the branch of {plan.id} is gone", f"bring it back: git branch {_short(plan.branch)} {record.tip[:12]}"
        )
    old = repo.ref(record.target)
    if old is None:
        raise Refused(f"{_short(record.target)} is gone", "the plan's target has to be a branch")
    if repo.is_ancestor(plan.tip, old):
        raise Refused(f"{_short(record.target)} holds all of {plan.id}", f"git tiny reject {plan.id} closes it")
    if not repo.is_ancestor(plan.base, old):
        raise Refused(
            f"{plan.id} stands on {plan.base[:12]}, which {_short(record.target)} does not hold:"
            " merging would bring more than its steps",
            f"git tiny restack {plan.id} moves it onto {_short(record.target)}",
        )
    merged = merge(repo, old, plan.tip)
    files = diff_trees(repo.git, old, merged.tree)
    if not files and not merged.conflicts:
        raise Refused(
            f"{_short(record.target)} has all that {plan.id} changes already", f"git tiny reject {plan.id} closes it"
        )
    return Approval(plan, record.target, old, plan.tip, merged.tree, merged.conflicts, files)


def _what_next(record: Record) -> str:
    if record.state is State.APPLIED:
        return f"git tiny rollback {record.id} takes it back"
    return f"git tiny show {record.id} tells its story"


def check_expected(plan: Plan, expect: str) -> None:
    """Refuse unless the plan's tip is what was shown. ``expect`` is a hex oid, at least 7 characters of it.

    Raises UsageError for anything else than an oid.
    """
    wanted = expect.strip().lower()
    if len(wanted) < 7 or any(c not in "0123456789abcdef" for c in wanted):
        raise UsageError(f"--expect takes the oid that was shown, not {expect!r}", f"git tiny show {plan.id}")
    if not plan.tip.startswith(wanted):
        raise Refused(
            f"{plan.id} is now at {plan.tip[:12]}, not {wanted[:12]}: it moved since it was shown",
            f"look again: git tiny show {plan.id}; then --expect {plan.tip}",
        )


def refuse_conflicts(approval: Approval) -> None:
    """Refuse a merge that git cannot make by itself, path by path."""
    if approval.conflicts:
        count = len(approval.conflicts)
        raise Refused(
            f"{approval.plan.id} conflicts with {_short(approval.target)} in {count} path{'s' * (count != 1)};"
            " nothing was changed",
            f"rebase the plan, then apply it: git rebase {_short(approval.target)} {_short(approval.plan.branch)}",
            detail="\n".join(f"  {one.path}  ({one.kind})" for one in approval.conflicts),
        )


def refuse_unready(repo: ExecuteRepo, target: str) -> list[Worktree]:
    """The worktrees that have the target checked out. Refuses where one is in the middle of something else."""
    found = holders(repo, target)
    for worktree in found:
        if not worktree.usable:
            raise Refused(
                f"{_short(target)} is checked out in {worktree.path}, which is not there",
                "git worktree prune forgets it; git worktree repair finds it again",
            )
        doing = under_way(worktree)
        if doing is not None:
            raise Refused(f"{doing[0]} is under way in {worktree.path}; nothing was changed", f"end it: {doing[1]}")
    return found


def approve(
    repo: ExecuteRepo,
    ledger: Ledger,
    approval: Approval,
    *,
    gate: Gate | None = None,
    expect_tree: str = "",
    also: Also | None = None,
    begun: Stashes | None = None,
) -> Approved:
    """Merge the plan; see the module. ``also`` answers, once the merge is known, with refs to move along with it.

    ``begun`` is a reading of the worktrees that was begun a moment ago; without it one begins here.
    Raises with nothing of the user's changed, or returns when all of it is.
    """
    refuse_conflicts(approval)
    found = refuse_unready(repo, approval.target)
    committer = repo.identity()
    plan = approval.plan
    details = {"plan_tip": approval.tip, "record": plan.head, "worktrees": [str(w.path) for w in found]}
    operation = Operation(
        "apply", str(plan.risk), approval.target, approval.old, plan=plan.id, details={**details, "tree": approval.tree}
    )
    intent = ledger.intend(operation)
    with nullcontext(begun) if begun else stashes(repo, found) as saved_work, ExitStack() as held:
        try:
            if gate is not None:
                _refuse_overlap(repo, approval, found)  # a gate may take an hour
            made, output = _merge_commit(repo, ledger, approval, found, committer, gate, expect_tree)
            if gate is not None:
                saved_work.begin()
            event = Event("applied", f"{committer.name} <{committer.email}>", committer.when)
            record = replace(
                plan.record,
                state=State.APPLIED,
                event=event,
                base=plan.base,
                tip=approval.tip,
                steps=plan.steps,
                merge=made.merge,
                before=approval.old,
                undone="",
            )
            saved = save(repo, record, plan.head)
            files = made.files
            landing = Landing(approval.target, approval.old, made.merge, files, tuple(found))
            extra = [RefMove(plan.branch, plan.branch_tip, approval.tip), saved, *(also(made.merge) if also else ())]
            extra += retarget_above(repo, plan) if plan.head else []
            land(repo, ledger, landing, extra, plan.id, f"tiny: apply {plan.id}", held, saved_work)
        except Unsettled:
            raise
        except TinyError as error:
            if isinstance(error, Overlapping) and plan.record.planner == "worktree":
                error.hint = _stash_hint(error)
            ledger.failed(intent, error.message)
            raise
        except BaseException:
            ledger.failed(intent, "interrupted")
            raise
        ledger.done(intent, new=made.merge)
    output += _post_merge(repo, found)
    return Approved(record, made.merge, tuple(filter(None, output)))


def _refuse_overlap(repo: ExecuteRepo, approval: Approval, found: Sequence[Worktree]) -> None:
    for worktree in found:
        in_the_way = overlap(repo.git_in(worktree), worktree.path, approval.old, approval.files)
        if in_the_way:
            raise Overlapping(in_the_way, worktree.path)


def _stash_hint(overlapping: Overlapping) -> str:
    """A plan of uncommitted work meets that very work where it was made: how to let the plan take its place."""
    paths = [path for _, kind in overlapping.found.kinds for path in kind]
    named = f" -- {shlex.join(paths)}" if len(paths) <= _MOST_NAMED else ""
    return (
        f"the plan was made from this work: git stash push --include-untracked{named} puts it aside;"
        " once the plan is applied, git stash drop forgets that copy"
    )


@dataclass(frozen=True, slots=True)
class _Made:
    merge: str
    files: tuple[FileDiff, ...]


def _merge_commit(
    repo: ExecuteRepo,
    ledger: Ledger,
    approval: Approval,
    found: Sequence[Worktree],
    committer: Identity,
    gate: Gate | None,
    expect_tree: str,
) -> tuple[_Made, list[str]]:
    git = repo.git_in(found[0]) if found else repo.git
    hooks = Hooks.of(git)
    tree, output = _hooked_tree(repo, git, hooks, approval)
    if tree != approval.tree and tree != expect_tree:
        raise TreeChanged(tree, approval, diff_trees(repo.git, approval.tree, tree))
    if gate is not None:
        gate(tree)
    message = merge_message(approval.plan, approval.tip, committer, str(ledger.anchor()))
    message, said = hooked_message(repo, hooks, tree, message)
    sign = repo.config_flag("commit.gpgSign")
    author = repo.identity("AUTHOR")
    oid = repo.write_commit(tree, [approval.old, approval.tip], message, author, committer, sign=sign)
    files = approval.files if tree == approval.tree else diff_trees(repo.git, approval.old, tree)
    return _Made(oid, tuple(files)), [*output, *said]


def _hooked_tree(repo: ExecuteRepo, git: Git, hooks: Hooks, approval: Approval) -> tuple[str, list[str]]:
    """The tree after the user's pre-merge-commit hook, where there is one."""
    if not hooks.has("pre-merge-commit"):
        return approval.tree, []
    with staging(repo, git, approval.tree, files=True) as temporary:
        said = hooks.run("pre-merge-commit", git=temporary)
        return temporary.user("write-tree").text, [said]


def _post_merge(repo: ExecuteRepo, found: Sequence[Worktree]) -> list[str]:
    """The user's post-merge hook, in each worktree that got the merge; it cannot stop anything any more."""
    said = []
    for worktree in found:
        try:
            said.append(Hooks.of(repo.git_in(worktree)).run("post-merge", "0"))
        except TinyError as failed:
            said.append(f"{failed.message.replace('; nothing was changed', '')}\n{failed.detail}".rstrip("\n"))
        except KeyboardInterrupt:
            said.append("the post-merge hook was interrupted")
    return said


def merge_message(plan: Plan, tip: str, who: Identity, anchor: str) -> str:
    """The message of the merge that approves a plan, with its trailers (DESIGN 4)."""
    title = f"Merge plan {plan.id}: {one_line(plan.record.task)}"
    rows = [f"- {one_line(step.title)}" for step in plan.steps[:50]]
    if len(plan.steps) > len(rows):
        rows.append(f"- and {len(plan.steps) - len(rows)} more")
    body = f"{title[:120]}\n\n" + "\n".join(rows)
    trailers = [
        ("Plan-Id", plan.id),
        ("Plan-Tip", tip),
        ("Approved-by", f"{who.name} <{who.email}>"),
        ("Tiny-Audit", anchor),
    ]
    return with_trailers(body, trailers)


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/")
