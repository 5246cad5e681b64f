"""Rollback and redo: by reset while nobody else can have the merge, by reverting once somebody can."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace

from tinycode_git.errors import Refused, TinyError, Unsettled
from tinycode_git.git.diff import diff_trees
from tinycode_git.git.execute import ExecuteRepo
from tinycode_git.git.hooks import Hooks, hooked_message
from tinycode_git.git.merge import merge_onto
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.refs import RefMove
from tinycode_git.git.trailers import one_line, with_trailers
from tinycode_git.git.worktrees import Worktree
from tinycode_git.git.write import PlanRepo
from tinycode_git.ledger import Ledger, Operation
from tinycode_git.plan.approve import refuse_unready
from tinycode_git.plan.backup import stashes
from tinycode_git.plan.landing import Landing, land
from tinycode_git.plan.names import keep_ref
from tinycode_git.plan.record import Event, Record, State
from tinycode_git.plan.store import Plan, save

RESET = "reset"


@dataclass(frozen=True, slots=True)
class Undo:
    """What a rollback or a redo would do to the target: go from ``old`` to ``new``, or commit ``tree`` on it.

    ``why`` says why it is a revert and not a reset; empty for a reset.
    """

    action: str
    plan: Plan
    target: str
    old: str
    new: str = ""
    tree: str = ""
    undoes: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Undone:
    """What was done: where the target is now."""

    record: Record
    tip: str
    reverted: bool
    output: tuple[str, ...] = ()


def published_by(repo: ReadRepo, commit: str) -> str | None:
    """A remote-tracking branch or tag that holds ``commit``, so that other people may have it; None without one."""
    asked = ("for-each-ref", "--count=1", f"--contains={commit}", "--format=%(refname)", "refs/remotes", "refs/tags")
    return repo.git.quiet(*asked).text or None


def prepare_rollback(repo: PlanRepo, plan: Plan, *, revert: bool = False) -> Undo:
    """How ``plan`` would be taken back. Raises Refused where it is not applied, or a revert conflicts."""
    record = plan.record
    if record.state is not State.APPLIED:
        raise Refused(f"{plan.id} is {record.state}, not applied", "git tiny plans --all lists what can be rolled back")
    now = _target(repo, record)
    if not repo.is_ancestor(record.merge, now):
        raise Refused(
            f"{_short(record.target)} does not hold the merge of {plan.id} any more", "nothing is to be undone"
        )
    holder = published_by(repo, record.merge)
    if revert:
        why = "as asked"
    elif holder is not None:
        why = f"{holder.removeprefix('refs/')} holds the merge"
    elif now != record.merge:
        why = "later commits came on top"
    else:
        return Undo("rollback", plan, record.target, now, new=record.before)
    tree = _reverted(repo, plan, now, record.merge)
    return Undo("rollback", plan, record.target, now, tree=tree, undoes=record.merge, why=why)


def prepare_redo(repo: PlanRepo, plan: Plan) -> Undo:
    """How a rolled-back plan would come back: the same merge after a reset, the revert reverted otherwise."""
    record = plan.record
    if record.state is not State.ROLLED_BACK:
        raise Refused(f"{plan.id} is {record.state}, not rolled back", "git tiny apply applies an open plan")
    now = _target(repo, record)
    if record.undone == RESET:
        if now != record.before:
            raise Refused(
                f"{_short(record.target)} moved since {plan.id} was rolled back: the same merge cannot come back",
                f"git tiny apply {plan.id} merges it anew",
            )
        return Undo("redo", plan, record.target, now, new=record.merge)
    if not repo.is_ancestor(record.undone, now):
        raise Refused(
            f"{_short(record.target)} does not hold the revert of {plan.id} any more", f"git tiny apply {plan.id}"
        )
    tree = _reverted(repo, plan, now, record.undone)
    return Undo("redo", plan, record.target, now, tree=tree, undoes=record.undone, why="the rollback was a revert")


def _target(repo: ReadRepo, record: Record) -> str:
    now = repo.ref(record.target)
    if now is None:
        raise Refused(f"{_short(record.target)} is gone", "the plan's target has to be a branch")
    return now


def _reverted(repo: PlanRepo, plan: Plan, now: str, commit: str) -> str:
    """The tree of ``now`` without what ``commit`` did against its first parent."""
    undone = repo.commit(commit)
    ours, before = repo.commits([now, undone.parents[0]])
    merged = merge_onto(repo, undone.tree, ours.tree, before.tree)
    if merged.conflicts:
        raise Refused(
            f"taking back {commit[:12]} conflicts with later commits in {len(merged.conflicts)} path(s);"
            " nothing was changed",
            f"revert it by hand: git revert -m 1 {commit[:12]}",
            detail="\n".join(f"  {one.path}  ({one.kind})" for one in merged.conflicts),
        )
    if merged.tree == ours.tree:
        raise Refused(f"{_short(plan.record.target)} holds nothing of {plan.id} any more", "nothing is to be undone")
    return merged.tree


def carry_out(repo: ExecuteRepo, ledger: Ledger, undo: Undo) -> Undone:
    """Do what was prepared. Raises with nothing of the user's changed, or returns when all is."""
    plan = undo.plan
    found = refuse_unready(repo, undo.target)
    who = repo.identity()
    details = {"how": "revert" if undo.tree else "reset", "record": plan.head, "why": undo.why}
    operation = Operation(undo.action, str(plan.risk), undo.target, undo.old, undo.new, plan=plan.id, details=details)
    intent = ledger.intend(operation)
    with stashes(repo, found) as saved_work, ExitStack() as held:
        try:
            new, output = _commit(repo, ledger, undo, found) if undo.tree else (undo.new, [])
            event = Event(_EVENTS[undo.action], f"{who.name} <{who.email}>", who.when, undo.why)
            record, extra = _recorded(undo, new, event)
            saved = save(repo, record, plan.head)
            files = diff_trees(repo.git, undo.old, new)
            landing = Landing(undo.target, undo.old, new, files, tuple(found))
            land(repo, ledger, landing, [*extra, saved], plan.id, f"tiny: {undo.action} {plan.id}", held, saved_work)
        except Unsettled:
            raise
        except TinyError as error:
            ledger.failed(intent, error.message)
            raise
        except BaseException:
            ledger.failed(intent, "interrupted")
            raise
        ledger.done(intent, new=new)
    return Undone(record, new, bool(undo.tree), tuple(filter(None, output)))


_EVENTS = {"rollback": "rolled back", "redo": "redone"}


def _recorded(undo: Undo, new: str, event: Event) -> tuple[Record, list[RefMove]]:
    record = undo.plan.record
    if undo.action == "redo":
        return replace(record, state=State.APPLIED, event=event, undone=""), []
    if undo.tree:
        return replace(record, state=State.ROLLED_BACK, event=event, undone=new), []
    number = record.kept + 1
    kept = RefMove(keep_ref(record.id, number), "", record.merge)
    return replace(record, state=State.ROLLED_BACK, event=event, undone=RESET, kept=number), [kept]


def _commit(repo: ExecuteRepo, ledger: Ledger, undo: Undo, found: list[Worktree]) -> tuple[str, list[str]]:
    record = undo.plan.record
    word = "Revert" if undo.action == "rollback" else "Reapply"
    title = f"{word} plan {record.id}: {one_line(record.task)}"[:120]
    body = f"{title}\n\nThis undoes commit {undo.undoes} against its first parent."
    who = repo.identity()
    trailers = [
        ("Plan-Id", record.id),
        ("Approved-by", f"{who.name} <{who.email}>"),
        ("Tiny-Audit", str(ledger.anchor())),
    ]
    git = repo.git_in(found[0]) if found else repo.git
    message, said = hooked_message(repo, Hooks.of(git), undo.tree, with_trailers(body, trailers))
    sign = repo.config_flag("commit.gpgSign")
    author = repo.identity("AUTHOR")
    return repo.write_commit(undo.tree, [undo.old], message, author, who, sign=sign), said


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/")
