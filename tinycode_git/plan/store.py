"""Plans in the repository: records on ``refs/tiny/plans/<id>``, found, read and written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from types import MappingProxyType

from tinycode_git.errors import Incomplete, Refused, UsageError
from tinycode_git.git.read import ReadRepo, by_prefix
from tinycode_git.git.refs import RefMove
from tinycode_git.git.trees import EMPTY_TREE
from tinycode_git.git.write import PlanRepo
from tinycode_git.plan.names import RECORDS, branch_ref, record_ref
from tinycode_git.plan.record import Record, Risk, State, Step, dump, highest, load
from tinycode_git.plan.steps import derive_steps, effective_base
from tinycode_git.proposal import MODE_FILE, Put

_NOTHING: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True)
class Plan:
    """A plan as it stands: the record (``head`` is its newest commit) and where its branch is (empty: gone)."""

    repo: ReadRepo
    record: Record
    head: str
    branch: str
    branch_tip: str

    @property
    def id(self) -> str:
        """The plan's id."""
        return self.record.id

    @property
    def tip(self) -> str:
        """The newest step: the branch where it is there, else what the record remembers."""
        return self.branch_tip or self.record.tip

    @property
    def edited(self) -> bool:
        """Whether the branch was changed since the record was written."""
        return self.tip != self.record.tip

    @cached_property
    def base(self) -> str:
        """The commit that the first step is on."""
        return effective_base(self.repo, self.record, self.tip)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The steps that the branch has now."""
        return derive_steps(self.repo, self.base, self.tip) if self.edited else self.record.steps

    @property
    def risk(self) -> Risk:
        """The highest risk of the steps."""
        return highest([step.risk for step in self.steps])


def all_plans(repo: ReadRepo) -> list[Plan]:
    """Every plan of this repository, newest first. Raises Incomplete where a record cannot be read."""
    plans, unreadable = readable_plans(repo)
    for error in unreadable.values():
        raise error
    return plans


def readable_plans(repo: ReadRepo) -> tuple[list[Plan], dict[str, Incomplete]]:
    """The plans whose records can be read, newest first; by id, why others (damaged, or of a newer version) cannot."""
    prefix = repo.config("tiny.prefix") or "tiny"
    refs = repo.refs(RECORDS, f"refs/heads/{prefix}/")
    heads = {name.removeprefix(RECORDS): oid for name, oid in refs.items() if name.startswith(RECORDS)}
    found = repo.read_many(f"{oid}:plan.json" for oid in heads.values())
    plans, unreadable = [], {}
    for (plan_id, head), data in zip(heads.items(), found, strict=True):
        try:
            record = load(data or b"", record_ref(plan_id))
        except Incomplete as error:
            unreadable[plan_id] = error
            continue
        branch = branch_ref(prefix, plan_id)
        plans.append(Plan(repo, record, head, branch, refs.get(branch, "")))
    return sorted(plans, key=lambda plan: (plan.record.created, plan.id), reverse=True), unreadable


def find_plan(repo: ReadRepo, name: str | None, *states: State) -> Plan:
    """The plan that ``name`` (an id, a unique prefix, or its branch) means; without a name the newest in ``states``.

    Raises UsageError for an unknown or ambiguous name, Refused where there is no such plan, Incomplete where its
    record cannot be read, or, without a name, any.
    """
    found, unreadable = readable_plans(repo)
    plans = {plan.id: plan for plan in found}
    if name is None:
        for error in unreadable.values():
            raise error
        wanted = states or (State.OPEN,)
        found = [plan for plan in plans.values() if plan.record.state in wanted]
        if found:
            return _newest(repo, found)
        kinds = ", ".join(wanted[:-1]) + " or " * (len(wanted) > 1) + wanted[-1]
        makes = "git tiny propose makes one; " if State.OPEN in wanted else ""
        raise Refused(f"there is no {kinds} plan here", f"{makes}git tiny plans --all lists every plan")
    short = name.removeprefix("refs/heads/").removeprefix((repo.config("tiny.prefix") or "tiny") + "/")
    matches = by_prefix(dict.fromkeys((*plans, *unreadable), ""), short)
    if len(matches) == 1 and matches[0] in unreadable:
        raise unreadable[matches[0]]
    if len(matches) == 1:
        return plans[matches[0]]
    if len(matches) > 1:
        raise UsageError(f"{name!r} means more than one plan: {', '.join(matches[:5])}", "give more of the id")
    near = get_close_matches(short, plans, n=3)
    raise UsageError(
        f"there is no plan {name!r}", f"did you mean {', '.join(near)}?" if near else "see git tiny plans --all"
    )


def _newest(repo: ReadRepo, plans: list[Plan]) -> Plan:
    """The plan that something happened to last; of several applied in the same second the one merged on top, of
    several rolled back the one merged lowest.
    """
    last = max(plan.record.event.at for plan in plans)
    tied = [plan for plan in plans if plan.record.event.at == last]
    merges = {plan.record.merge: plan for plan in tied if plan.record.merge and repo.find(plan.record.merge)}
    if len(merges) < 2:
        return tied[0]
    undone = all(plan.record.state is State.ROLLED_BACK for plan in tied)
    while len(merges) > 1:
        top = repo.git.quiet("rev-list", "--topo-order", "--max-count=1", *merges).text
        if not undone:
            return merges.get(top, tied[0])
        merges.pop(top, None)
    return next(iter(merges.values()))


def save(repo: PlanRepo, record: Record, head: str, attached: Mapping[str, bytes] = _NOTHING) -> RefMove:
    """Store the record's next commit; the move that makes it count (``head``: the commit before it, or empty).

    ``attached`` are further files of its tree: the output of an agent, of a gate.
    """
    committer = repo.identity()
    files = {"plan.json": dump(record), **attached}
    tree = repo.write_tree(EMPTY_TREE, [Put(name, content, MODE_FILE) for name, content in files.items()])
    note = f"\n\n{record.event.note}" if record.event.note else ""
    message = f"{record.event.action} {record.id}{note}\n"
    commit = repo.write_commit(tree, [head] if head else [], message, committer, committer)
    return RefMove(record_ref(record.id), head, commit)
