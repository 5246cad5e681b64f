"""The steps of a plan as its branch has them: derived from commits, never stored apart from them."""

from __future__ import annotations

from tinycode_git.git.diff import FileDiff, diff_commits
from tinycode_git.git.read import ReadRepo
from tinycode_git.plan.record import Record, Step
from tinycode_git.plan.risk import risk_of


def step_of(n: int, title: str, oid: str, files: tuple[FileDiff, ...]) -> Step:
    """A step from its diff."""
    risk, reasons = risk_of(files)
    paths = tuple(dict.fromkeys(path for file in files for path in file.paths))
    return Step(n, title, risk, paths, oid, reasons)


def step_oids(repo: ReadRepo, base: str, tip: str) -> list[str]:
    """The commits of a plan, oldest first: along first parents from the base to the tip."""
    out = repo.git.quiet("rev-list", "--reverse", "--first-parent", tip, f"^{base}").text
    return out.split("\n") if out else []


def derive_steps(repo: ReadRepo, base: str, tip: str) -> tuple[Step, ...]:
    """The steps between base and tip, with their risks."""
    oids = step_oids(repo, base, tip)
    commits = repo.commits(oids)
    diffs = diff_commits(repo.git, oids)
    pairs = zip(commits, diffs, strict=True)
    return tuple(step_of(n, commit.title, commit.oid, files) for n, (commit, files) in enumerate(pairs, 1))


def effective_base(repo: ReadRepo, record: Record, tip: str) -> str:
    """Where the steps begin once the user has changed the branch: rebased, it starts from the target's newer commit."""
    if tip == record.tip:
        return record.base
    onto = repo.ref(record.target)
    common = repo.merge_base(onto, tip) if onto is not None else None
    if common is None or common == tip:
        return record.base
    if repo.is_ancestor(record.base, tip) and not repo.is_ancestor(record.base, common):
        return record.base
    return common
