"""Applying some steps of a plan: they become a plan of their own, and what is left stays open on the new base."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tinycode_git.errors import Refused, UsageError
from tinycode_git.git.diff import diff_trees
from tinycode_git.git.merge import merge
from tinycode_git.git.refs import RefMove
from tinycode_git.git.worktrees import holders
from tinycode_git.git.write import PlanRepo
from tinycode_git.plan.approve import Approval
from tinycode_git.plan.names import RECORDS, branch_ref, keep_ref, new_id
from tinycode_git.plan.record import Event, State, Step
from tinycode_git.plan.store import Plan, save
from tinycode_git.plan.transplant import Choice, Source, choose, move, sources

_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


def parse_steps(text: str, total: int) -> set[int]:
    """``1,3-4`` as step numbers. Raises UsageError for anything else, and for numbers that the plan does not have."""
    found: set[int] = set()
    for part in text.replace(" ", "").split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise UsageError(f"--steps takes numbers and ranges, not {part!r}", "for example --steps 1,3-4")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= total:
            raise UsageError(f"there is no step {part}: the plan has steps 1 to {total}", "git tiny show lists them")
        found.update(range(first, last + 1))
    return found


@dataclass(frozen=True, slots=True)
class Part:
    """A partial approval, prepared: the approval of the chosen steps, and what happens to the rest."""

    approval: Approval
    whole: Plan
    left: tuple[Source, ...]
    numbers: str

    def rest(self, repo: PlanRepo, merged: str) -> list[RefMove]:
        """The moves that put the left-out steps on the merge. Raises Refused where they do not fit there."""
        who = repo.identity()
        moved = move(repo, self.left, merged, who, sign=repo.config_flag("commit.gpgSign"))
        if moved.stuck is not None:
            paths = ", ".join(one.path for one in moved.conflicts[:5])
            raise Refused(
                f"step {moved.stuck.n}, which is left out, does not fit on the result ({paths}); nothing was changed",
                f"git tiny restack {self.whole.id} first, or choose it too",
            )
        event = Event(
            "partly applied", f"{who.name} <{who.email}>", who.when, f"{self.numbers} as {self.approval.plan.id}"
        )
        number = self.whole.record.kept + 1
        state = State.OPEN if moved.steps else State.SUPERSEDED
        record = self.whole.record.after(
            event, state=state, base=merged, tip=moved.tip, steps=moved.steps, kept=number, conflicts=()
        )
        return [
            RefMove(self.whole.branch, self.whole.tip, moved.tip),
            RefMove(keep_ref(self.whole.id, number), "", self.whole.tip),
            save(repo, record, self.whole.head),
        ]


def prepare_part(repo: PlanRepo, plan: Plan, wanted: set[int], *, with_needed: bool) -> Part:
    """Compute what applying some steps would do; writes nothing but objects.

    Raises Refused where a chosen step does not fit without one that is left out (naming both), or where the plan's
    branch is checked out and so cannot be moved.
    """
    used = holders(repo, plan.branch)
    if used:
        raise Refused(
            f"the branch of {plan.id} is checked out in {used[0].path}, and is not moved under you",
            "check out something else there, or apply the whole plan",
        )
    choice = choose(repo, sources(repo, plan.steps), plan.base, wanted, with_needed=with_needed)
    if choice.needs:
        raise _needed(plan, choice)
    target = plan.record.target
    old = repo.ref(target)
    if old is None:
        raise Refused(f"{target.removeprefix('refs/heads/')} is gone", "the plan's target has to be a branch")
    who = repo.identity()
    moved = move(repo, choice.chosen, plan.base, who, sign=repo.config_flag("commit.gpgSign"))
    numbers = ", ".join(str(source.n) for source in choice.chosen)
    part = _part_of(repo, plan, moved.tip, moved.steps, numbers)
    merged = merge(repo, old, moved.tip)
    files = diff_trees(repo.git, old, merged.tree)
    approval = Approval(part, target, old, moved.tip, merged.tree, merged.conflicts, files)
    return Part(approval, plan, choice.left, numbers)


def _part_of(repo: PlanRepo, plan: Plan, tip: str, steps: tuple[Step, ...], numbers: str) -> Plan:
    taken = {name.removeprefix(RECORDS) for name in repo.refs(RECORDS)}
    part_id = new_id(plan.id.rpartition("-")[0], taken)
    record = replace(
        plan.record,
        id=part_id,
        tip=tip,
        base=plan.base,
        steps=steps,
        kept=0,
        conflicts=(),
        notes=(*plan.record.notes, f"steps {numbers} of {plan.id}"),
    )
    return Plan(repo, record, "", branch_ref(repo.prefix, part_id), "")


def _needed(plan: Plan, choice: Choice) -> Refused:
    rows = []
    by_number = {source.n: source for source in choice.left}
    for n, needed in choice.needs.items():
        names = ", ".join(f"{m} ({by_number[m].commit.title})" for m in needed) or "others of this plan"
        rows.append(f"  step {n} needs step {names}")
    return Refused(
        f"the chosen steps of {plan.id} do not fit without steps that are left out; nothing was changed",
        "--with-needed adds them",
        detail="\n".join(rows),
    )
