"""Moving steps onto another tree in memory: the one operation behind restack, partial approval and taken-over ranges.

A step whose paths are on the new tree as they were on its parent is placed there path by path; any other is merged by
git (three trees, ``git merge-tree``). No working tree, index or ref takes part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tinycode_git.git.diff import FileDiff, diff_commits
from tinycode_git.git.merge import Conflict, merge_onto
from tinycode_git.git.read import Commit
from tinycode_git.git.snapshot import TreeSnapshot
from tinycode_git.git.trailers import trailers, with_trailers, without_ours
from tinycode_git.git.trees import change_tree
from tinycode_git.git.write import PlanRepo
from tinycode_git.plan.record import Step
from tinycode_git.plan.steps import step_of
from tinycode_git.proposal import Change, Delete, Identity, PutObject


@dataclass(frozen=True, slots=True)
class Source:
    """A step to be moved: its number in the plan, its commit, its parent's tree, what it changes."""

    n: int
    commit: Commit
    parent_tree: str
    files: tuple[FileDiff, ...]

    @property
    def paths(self) -> frozenset[str]:
        """Every path that it touches, old names of renamed files included."""
        return frozenset(path for file in self.files for path in (file.path, file.old_path))


@dataclass(frozen=True, slots=True)
class Placed:
    """The tree after a step was placed; ``conflicts`` where it does not fit (then ``tree`` holds git's markers)."""

    tree: str
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """Steps that were moved: new commits in order. ``dropped`` are those that change nothing there any more.

    ``stuck`` is the first one that conflicts, with its conflicts and git's tree with markers; the rest is not moved.
    """

    tip: str
    steps: tuple[Step, ...]
    dropped: tuple[int, ...] = ()
    stuck: Source | None = None
    conflicts: tuple[Conflict, ...] = ()
    conflict_tree: str = ""


def sources(repo: PlanRepo, steps: Sequence[Step]) -> list[Source]:
    """The steps of a plan, ready to be moved."""
    commits = repo.commits(step.oid for step in steps)
    parents = repo.commits(commit.parents[0] for commit in commits)
    diffs = diff_commits(repo.git, [commit.oid for commit in commits])
    rows = zip(steps, commits, parents, diffs, strict=True)
    return [Source(step.n, commit, parent.tree, files) for step, commit, parent, files in rows]


def place(repo: PlanRepo, tree: str, source: Source) -> Placed:
    """What ``tree`` becomes by what ``source`` did to its parent's tree."""
    if tree == source.parent_tree:
        return Placed(source.commit.tree)
    snapshot = TreeSnapshot.of(repo.objects, tree)
    if all(_untouched(snapshot, file) for file in source.files):
        return Placed(change_tree(repo.objects, tree, _changes(source.files)))
    merged = merge_onto(repo, source.parent_tree, tree, source.commit.tree)
    return Placed(merged.tree, merged.conflicts)


def _untouched(snapshot: TreeSnapshot, file: FileDiff) -> bool:
    """Whether the paths of ``file`` are in the tree as they were before the step, so that nothing has to be merged."""
    entry = snapshot.entry(file.old_path)
    if file.status in "AC":
        return snapshot.entry(file.path) is None and not snapshot.is_dir(file.path) and _room(snapshot, file.path)
    if entry is None or (entry.oid, entry.mode) != (file.old_oid, file.old_mode):
        return False
    return file.status != "R" or (snapshot.entry(file.path) is None and _room(snapshot, file.path))


def _room(snapshot: TreeSnapshot, path: str) -> bool:
    """Whether no parent of ``path`` is a file, and its folder is there (git may see a renamed folder otherwise)."""
    folder = path.rpartition("/")[0]
    return not folder or snapshot.is_dir(folder)


def _changes(files: Sequence[FileDiff]) -> list[Change]:
    changes: list[Change] = [Delete(file.old_path) for file in files if file.status in "DR"]
    return changes + [PutObject(file.path, file.new_oid, file.new_mode) for file in files if file.status != "D"]


def move(repo: PlanRepo, moving: Sequence[Source], onto: str, committer: Identity, *, sign: bool) -> Moved:
    """Place the steps one after the other on the commit ``onto``; commits that can stay the same do."""
    kept, dropped, stuck, placed = _placements(repo, moving, repo.commit(onto).tree)
    tip = onto
    steps: list[Step] = []
    total = len(moving) - len(dropped)
    for number, (source, tree) in enumerate(kept, 1):
        if source.commit.parents == (tip,):
            tip = source.commit.oid
        else:
            message = renumbered(source.commit.message, f"{number}/{total}")
            tip = repo.write_commit(tree, [tip], message, source.commit.author, committer, sign=sign)
        steps.append(step_of(number, source.commit.title, tip, source.files))
    if stuck is None:
        return Moved(tip, tuple(steps), tuple(dropped))
    return Moved(tip, tuple(steps), tuple(dropped), stuck, placed.conflicts, placed.tree)


def _placements(
    repo: PlanRepo, moving: Sequence[Source], tree: str
) -> tuple[list[tuple[Source, str]], list[int], Source | None, Placed]:
    """The tree after each step that changes something, the numbers of those that do not, the first that conflicts."""
    kept: list[tuple[Source, str]] = []
    dropped: list[int] = []
    placed = Placed(tree)
    for source in moving:
        placed = place(repo, tree, source)
        if placed.conflicts:
            return kept, dropped, source, placed
        if placed.tree == tree:
            dropped.append(source.n)
            continue
        tree = placed.tree
        kept.append((source, tree))
    return kept, dropped, None, placed


def renumbered(message: str, number: str) -> str:
    """The message with another ``Plan-Step``; as it is where there is none."""
    ours = trailers(message)
    if not any(key == "Plan-Step" for key, _ in ours):
        return message
    kept = [(key, number if key == "Plan-Step" else value) for key, value in ours if key in _OURS]
    return with_trailers(without_ours(message), kept)


_OURS = ("Plan-Id", "Plan-Step", "Plan-Risk", "Assisted-by")


@dataclass(frozen=True, slots=True)
class Choice:
    """Some of a plan's steps: those that would be applied, those that stay, and what the first need of the second."""

    chosen: tuple[Source, ...]
    left: tuple[Source, ...]
    needs: Mapping[int, tuple[int, ...]]


def choose(repo: PlanRepo, plan: Sequence[Source], base: str, wanted: set[int], *, with_needed: bool = False) -> Choice:
    """Split a plan by step numbers; ``needs`` maps a chosen step to left-out ones that it does not fit without.

    With ``with_needed`` those are chosen as well, until nothing is missing.
    """
    base_tree = repo.commit(base).tree
    picked = set(wanted)
    while True:
        needs = _needs(repo, plan, base_tree, picked)
        if not needs or not with_needed:
            break
        picked |= {n for some in needs.values() for n in some}
    chosen = tuple(source for source in plan if source.n in picked)
    return Choice(chosen, tuple(source for source in plan if source.n not in picked), needs)


def _needs(repo: PlanRepo, plan: Sequence[Source], base_tree: str, picked: set[int]) -> dict[int, tuple[int, ...]]:
    needs: dict[int, tuple[int, ...]] = {}
    tree = base_tree
    for source in plan:
        if source.n not in picked:
            continue
        placed = place(repo, tree, source)
        if placed.conflicts:
            needs[source.n] = _missing(repo, plan, base_tree, source, picked)
        else:
            tree = placed.tree
    return needs


def _missing(
    repo: PlanRepo, plan: Sequence[Source], base_tree: str, source: Source, picked: set[int]
) -> tuple[int, ...]:
    """The fewest earlier left-out steps that make ``source`` fit: all related ones, less each that is not needed."""
    earlier = [one for one in plan if one.n < source.n]
    wanted = {one.n for one in _related(earlier, source) if one.n not in picked}
    for n in sorted(wanted, reverse=True):
        if _fits(repo, earlier, base_tree, source, picked | (wanted - {n})):
            wanted.discard(n)
    return tuple(sorted(wanted))


def _related(earlier: Sequence[Source], source: Source) -> list[Source]:
    """Earlier steps that share paths with ``source``, with those that share paths with them, and so on."""
    paths = set(source.paths)
    found: list[Source] = []
    for one in reversed(earlier):
        if _share(one.paths, paths):
            found.append(one)
            paths |= one.paths
    return found


def _share(some: frozenset[str], others: set[str]) -> bool:
    if not some.isdisjoint(others):
        return True
    return any(p.startswith(q + "/") or q.startswith(p + "/") for p in some for q in others)


def _fits(repo: PlanRepo, earlier: Sequence[Source], base_tree: str, source: Source, picked: set[int]) -> bool:
    tree = base_tree
    for one in [*(one for one in earlier if one.n in picked), source]:
        placed = place(repo, tree, one)
        if placed.conflicts:
            return False
        tree = placed.tree
    return True


def conflict_lines(content: bytes) -> tuple[int, ...]:
    """The line numbers (from 1) at which git's conflict markers open in a merged file."""
    lines = content.split(b"\n")
    return tuple(n for n, line in enumerate(lines, 1) if line.startswith(b"<<<<<<<"))
