"""Plans from existing commits: each commit along first parents becomes a step that gives the same tree."""

from __future__ import annotations

from tinycode_git.errors import Refused, UsageError
from tinycode_git.git.diff import FileDiff, diff_commits
from tinycode_git.git.read import Commit, ReadRepo
from tinycode_git.git.trailers import without_ours
from tinycode_git.proposal import Change, Delete, Proposal, PutObject, StepDraft

MOST = 1000


def plan_range(repo: ReadRepo, text: str) -> tuple[str, str, Proposal]:
    """The base commit, the last commit and the steps of ``A..B``.

    ``A...B`` and a single commit ``C`` (meaning ``C^..C``) work too.
    Messages and authors are kept. Commits that change nothing are left out and noted. Raises UsageError for what names
    no range, Refused for an empty one.
    """
    base, tip = _ends(repo, text)
    out = repo.git.quiet("rev-list", "--reverse", "--first-parent", f"--max-count={MOST + 1}", tip, f"^{base}").text
    oids = out.split("\n") if out else []
    if not oids:
        raise Refused(f"{text} holds no commits", "the range goes from the older to the newer: OLD..NEW")
    if len(oids) > MOST:
        raise Refused(f"{text} holds more than {MOST} commits", "a plan has to be reviewable: take a shorter range")
    commits = repo.commits(oids)
    start = commits[0].parents[0] if commits[0].parents else base
    pairs = list(zip(commits, diff_commits(repo.git, oids), strict=True))
    steps = tuple(_step(commit, files) for commit, files in pairs if files)
    notes = tuple(f"{commit.oid[:12]} changes nothing and was left out" for commit, files in pairs if not files)
    return start, tip, Proposal(f"take over {text}", "range", steps, notes=notes)


def _ends(repo: ReadRepo, text: str) -> tuple[str, str]:
    for dots in ("...", ".."):
        if dots in text:
            left, _, right = text.partition(dots)
            ends = repo.resolve(left or "HEAD"), repo.resolve(right or "HEAD")
            break
    else:
        tip = repo.resolve(text)
        first = repo.commit(tip).parents[:1]
        if not first:
            raise Refused(f"{text} is a root commit: a plan needs a commit to stand on", "give a range: A..B")
        ends = first[0], tip
    base = repo.merge_base(*ends)
    if base is None:
        raise UsageError(f"the two ends of {text} have no commit in common", "take a range within one history")
    return base, ends[1]


def _step(commit: Commit, files: tuple[FileDiff, ...]) -> StepDraft:
    message = without_ours(commit.message).strip("\n")
    title, _, body = message.partition("\n")
    return StepDraft(title.strip() or f"commit {commit.oid[:12]}", changes_of(files), body.strip("\n"), commit.author)


def changes_of(files: tuple[FileDiff, ...]) -> tuple[Change, ...]:
    """A diff as changes that place the objects it names."""
    changes: list[Change] = []
    for file in files:
        if file.status in "DR":
            changes.append(Delete(file.old_path))
        if file.status != "D":
            changes.append(PutObject(file.path, file.new_oid, file.new_mode))
    return tuple(changes)
