"""What a user names for a review: a range, a branch, a commit, a plan, what is staged."""

from __future__ import annotations

from tinycode_git.commands.reviewing import Wanted
from tinycode_git.errors import Refused, TinyError, UsageError
from tinycode_git.git.read import ReadRepo
from tinycode_git.plan.store import find_plan
from tinycode_git.safety.surface import empty_tree

_USUAL = ("main", "master", "trunk", "develop")


def wanted_of(repo: ReadRepo, words: str, *, staged: bool, onto: str = "") -> Wanted:
    """The change that is meant. Raises UsageError where the words name none, Refused where there is nothing in it."""
    if staged:
        if words or onto:
            raise UsageError("--staged names what to review already")
        if repo.place.worktree is None:
            raise Refused("nothing can be staged in a bare repository", "name a range: git tiny review A..B")
        return Wanted(repo.find("HEAD") or empty_tree(repo.git), "", "")
    if repo.find("HEAD") is None and words in ("", "HEAD"):
        raise Refused("there is no commit yet", "git commit makes one; --staged reviews what it would add")
    if not words:
        branch = repo.head_branch()
        if branch is None:
            raise UsageError("HEAD is on no branch", "name a range: git tiny review A..B")
        return _of_branch(repo, branch, onto)
    if ".." in words:
        return _of_range(repo, words)
    for full in (words, f"refs/heads/{words}", f"refs/remotes/{words}"):
        if full.startswith(("refs/heads/", "refs/remotes/")) and repo.find(full) is not None:
            return _of_branch(repo, full, onto)
    plan = _plan(repo, words)
    if plan is not None:
        return plan
    commit = repo.resolve(words)
    if onto:
        return Wanted(_base(repo, commit, onto), commit, words)
    parents = repo.commit(commit).parents
    return Wanted(parents[0] if parents else empty_tree(repo.git), commit, words)


def _of_range(repo: ReadRepo, words: str) -> Wanted:
    old, dots, new = words.partition("...") if "..." in words else words.partition("..")
    base, tip = repo.resolve(old or "HEAD"), repo.resolve(new or "HEAD")
    if dots == "...":
        base = repo.merge_base(base, tip) or base
    if base == tip:
        raise Refused(f"{words} holds no commits", "git log --oneline shows the commits that there are")
    return Wanted(base, tip, _named(repo, new))


def _named(repo: ReadRepo, end: str) -> str:
    """The branch that the end of a range names, in full; else the words themselves."""
    if end in ("", "HEAD"):
        return repo.head_branch() or "HEAD"
    full = f"refs/heads/{end}"
    return full if repo.find(full) is not None else end


def _plan(repo: ReadRepo, words: str) -> Wanted | None:
    try:
        plan = find_plan(repo, words)
    except TinyError:
        return None
    return Wanted(plan.base, plan.tip, plan.branch)


def _of_branch(repo: ReadRepo, branch: str, onto: str) -> Wanted:
    tip = repo.resolve(branch)
    target = onto or target_of(repo, branch)
    if not target:
        raise UsageError(
            f"{short(branch)} has no upstream to compare with", "name a range (A..B), or the branch with --onto"
        )
    base = _base(repo, tip, target)
    if base == tip:
        raise Refused(
            f"{short(branch)} has no commit that {_told(target)} has not",
            "name a range (A..B), a commit, or --staged",
        )
    return Wanted(base, tip, branch)


def _base(repo: ReadRepo, tip: str, onto: str) -> str:
    other = repo.resolve(onto)
    return repo.merge_base(other, tip) or empty_tree(repo.git)


def target_of(repo: ReadRepo, branch: str) -> str:
    """What a branch goes into: its upstream (not its own copy on a remote), else the main branch; empty for none."""
    found = repo.git.quiet("for-each-ref", "--format=%(upstream)", "--", branch).text
    name = short(branch)
    if found and found.split("/", 3)[-1] != name and repo.find(found):
        return found
    candidates = [repo.git.quiet("symbolic-ref", "-q", "refs/remotes/origin/HEAD", ok=(0, 1)).text]
    for main in (repo.config("init.defaultBranch") or "", *_USUAL):
        candidates += [f"refs/heads/{main}", f"refs/remotes/origin/{main}"] if main else []
    for candidate in candidates:
        if candidate and short(candidate) != name and repo.find(candidate):
            return candidate
    return found if found and repo.find(found) else ""


def _told(ref: str) -> str:
    """A branch as git names it where a remote may have one of the same name."""
    return ref.removeprefix("refs/heads/").removeprefix("refs/remotes/")


def short(ref: str) -> str:
    """A branch as people say it."""
    return ref.removeprefix("refs/heads/").removeprefix("refs/remotes/").removeprefix("origin/")
