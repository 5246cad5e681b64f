"""From a planner's steps to commits: trees first, then commits, no ref."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tinycode_git.edits.paths import check_collisions, check_link, check_parents, check_path, parents
from tinycode_git.errors import Refused, UsageError
from tinycode_git.git.diff import FileDiff, diff_pairs
from tinycode_git.git.trailers import one_line, with_trailers, without_ours
from tinycode_git.git.trees import folder_names
from tinycode_git.git.write import PlanRepo
from tinycode_git.plan.record import Step
from tinycode_git.plan.risk import risk_of
from tinycode_git.plan.steps import step_of
from tinycode_git.proposal import MODE_LINK, Delete, Identity, Proposal, Snapshot, StepDraft

_TITLE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Built:
    """What was built: the last step's oid and all steps. No ref names them yet."""

    tip: str
    steps: tuple[Step, ...]


def check_proposal(proposal: Proposal) -> None:
    """Refuse what could never be a plan: no steps, a step without a title or without changes."""
    if not proposal.steps:
        raise Refused("the plan has no steps: nothing would change", "give a task that changes something")
    for n, step in enumerate(proposal.steps, 1):
        if not step.title.strip():
            raise UsageError(f"step {n} has no title", "give each step a title of one line")
        if not step.changes:
            raise Refused(f"step {n} ({one_line(step.title)}) changes nothing", "leave it out")


def materialise(
    repo: PlanRepo, proposal: Proposal, base: str, plan_id: str, committer: Identity, *, sign: bool
) -> Built:
    """Write every step's objects on top of ``base``; see the module.

    Raises Refused where a step does not fit the tree before it, or changes nothing.
    """
    check_proposal(proposal)
    trees = _trees(repo, proposal.steps, repo.commit(base).tree, repo.snapshot(base))
    diffs = diff_pairs(repo.git, list(pairwise(trees)))
    tip = base
    steps = []
    total = len(proposal.steps)
    for n, (draft, tree, files) in enumerate(zip(proposal.steps, trees[1:], diffs, strict=True), 1):
        message = step_message(draft, plan_id, f"{n}/{total}", files)
        tip = repo.write_commit(tree, [tip], message, draft.author or committer, committer, sign=sign)
        steps.append(step_of(n, message.split("\n", 1)[0], tip, files))
    return Built(tip, tuple(steps))


def _trees(repo: PlanRepo, drafts: Sequence[StepDraft], tree: str, snapshot: Snapshot) -> list[str]:
    trees = [tree]
    for n, draft in enumerate(drafts, 1):
        try:
            after = snapshot.after(draft.changes)
            _check_paths(draft, snapshot, after)
            trees.append(repo.write_tree(trees[-1], draft.changes))
            added = [c.path for c in draft.changes if not isinstance(c, Delete) and snapshot.entry(c.path) is None]
            check_new_names(repo, trees[-1], added)
        except Refused as refused:
            raise Refused(f"step {n} ({one_line(draft.title)}): {refused.message}", refused.hint) from refused
        if trees[-1] == trees[-2]:
            raise Refused(f"step {n} ({one_line(draft.title)}) changes nothing", "leave it out")
        snapshot = after
    return trees


def _check_paths(draft: StepDraft, before: Snapshot, after: Snapshot) -> None:
    """Guard every path whatever planner it came from: none is trusted to have done it."""
    for change in draft.changes:
        check_path(change.path, existing=before.entry(change.path) is not None)
        if not isinstance(change, Delete):
            check_parents(change.path, after)
            if change.mode == MODE_LINK:
                check_link(change.path)


def check_new_names(repo: PlanRepo, tree: str, added: Sequence[str]) -> None:
    """Refuse a new name that a case-folding or normalising file system takes for another one of its folder."""
    wanted: dict[str, set[str]] = {}
    for path in added:
        for whole in (*parents(path), path):
            folder, _, name = whole.rpartition("/")
            wanted.setdefault(folder, set()).add(name)
    for folder, names in wanted.items():
        others = [name for name in folder_names(repo.objects, tree, folder) if name not in names]
        check_collisions(sorted(names), others)


def step_message(draft: StepDraft, plan_id: str, number: str, files: Sequence[FileDiff]) -> str:
    """The commit message of a step: title, body, trailers."""
    title = one_line(draft.title)[:_TITLE_LENGTH]
    body = without_ours(f"{title}\n\n{draft.body.strip()}") if draft.body.strip() else title
    rows = [("Plan-Id", plan_id), ("Plan-Step", number), ("Plan-Risk", str(risk_of(files)[0]))]
    if draft.assisted_by:
        rows.append(("Assisted-by", draft.assisted_by))
    return with_trailers(body, rows)
