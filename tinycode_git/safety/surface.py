"""What is looked at: changed paths with their objects on both sides, from plumbing, which no attribute can blind."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from tinycode_git.errors import Incomplete, UsageError
from tinycode_git.git.process import Completed, Git, GitFailed
from tinycode_git.rows import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

LINK = 0o120000
SUBMODULE = 0o160000

# Settings of a repository that would hide changes or history from plumbing.
RAW = (
    "--raw",
    "-z",
    "-r",
    "--no-renames",
    "--no-abbrev",
    "--no-relative",
    "--ignore-submodules=none",
    "--no-ext-diff",
    "--no-textconv",
)


AGAINST_HEAD = ("diff-index", "--cached", *RAW, "HEAD", "--")


class Side(NamedTuple):
    """A path as it is on one side: mode 0 where it is not there."""

    mode: int
    oid: str


class Change(NamedTuple):
    """A path that differs from every parent. ``olds`` has one side a parent, the commit is empty outside of history."""

    path: str
    new: Side
    olds: tuple[Side, ...]
    commit: str = ""

    @property
    def added(self) -> bool:
        """Whether no parent has the path."""
        return self.new.mode != 0 and not any(old.mode for old in self.olds)


class ChangeSet(NamedTuple):
    """What one commit (or the index) changes. ``texts`` are names of objects whose text belongs to it."""

    commit: str
    changes: tuple[Change, ...]


def parse_raw(out: bytes) -> Iterator[str | Change]:
    """``--raw -z`` output, plain or combined: commit names (str) as ``diff-tree --stdin`` writes them, and changes.

    Format: git-diff-tree(1), "raw output format" and "diff format for merges".
    """
    fields = iter(out.split(b"\0"))
    commit = ""
    for field in fields:
        if not field:
            continue
        if field[:1] != b":":
            commit = field.decode("ascii")
            yield commit
            continue
        parents = len(field) - len(field.lstrip(b":"))
        words = field[parents:].split(b" ")
        modes, oids = words[: parents + 1], words[parents + 1 : 2 * parents + 2]
        sides = [Side(int(mode, 8), oid.decode("ascii")) for mode, oid in zip(modes, oids, strict=True)]
        yield Change(next(fields).decode("utf-8", "surrogateescape"), sides[-1], tuple(sides[:-1]), commit)


def staged(git: Git, against_head: Completed | None = None) -> ChangeSet:
    """What the index has that HEAD has not; in a merge, that none of the commits merged has.

    ``against_head``: how ``git diff-index`` with AGAINST_HEAD ended (0 or 128), where somebody has run it already.
    """
    done = against_head or git.quiet(*AGAINST_HEAD, ok=(0, 128))
    outs = [done.out if done.code == 0 else _against(git, empty_tree(git))]
    outs += [_against(git, merged) for merged in _merging(git)]
    found: dict[str, list[Change]] = {}
    for out in outs:
        for change in _changes(out):
            found.setdefault(change.path, []).append(change)
    return ChangeSet(
        "",
        tuple(
            each[0]._replace(olds=tuple(change.olds[0] for change in each))
            for each in found.values()
            if len(each) == len(outs)
        ),
    )


def _against(git: Git, base: str) -> bytes:
    return git.quiet("diff-index", "--cached", *RAW, base, "--").out


def between(git: Git, old: str, new: str) -> ChangeSet:
    """What tree-ish ``new`` has that tree-ish ``old`` has not."""
    return ChangeSet(
        "", tuple(_changes(git.without_index().quiet("diff-tree", *RAW, "--end-of-options", old, new).out))
    )


def _changes(out: bytes) -> Iterator[Change]:
    for item in parse_raw(out):
        if not isinstance(item, str):
            yield item


def commits_of(git: Git, *revisions: str) -> list[str]:
    """Commits of a rev-list question, newest first. Raises UsageError for a revision that does not exist."""
    try:
        return git.quiet("rev-list", "--topo-order", "--end-of-options", *revisions).text.split()
    except GitFailed as bad:
        raise no_such(bad, " ".join(revisions)) from bad


_NO_SUCH = ("bad revision", "unknown revision", "bad object", "ambiguous argument", "fatal: option")


def no_such(bad: GitFailed, what: str) -> UsageError | Incomplete:
    """The error for a question about history that git cannot answer."""
    if any(words in bad.stderr for words in _NO_SUCH):
        return UsageError(f"there is no such range: {what}", "git log --oneline shows the commits that there are")
    return Incomplete(f"the history of {what} cannot be read: {bad.message}", "git fsck says what is missing")


def history(git: Git, commits: Sequence[str]) -> Iterator[ChangeSet]:
    """What each commit changes: a root against nothing, a merge against all of its parents together."""
    if not commits:
        return
    asked = "".join(f"{commit}\n" for commit in commits).encode()
    try:
        out = git.without_index().quiet("diff-tree", "--stdin", "-c", "--root", "--always", *RAW, stdin=asked).out
    except GitFailed as bad:
        raise Incomplete(f"the history cannot be read: {bad.message}", "git fsck says what is missing") from bad
    yield from grouped(parse_raw(out))


def grouped(items: Iterable[str | Change]) -> Iterator[ChangeSet]:
    """Commits with their changes, from what ``parse_raw`` gives."""
    commit, changes = "", list[Change]()
    for item in items:
        if isinstance(item, str):
            if commit:
                yield ChangeSet(commit, tuple(changes))
            commit, changes = item, []
        else:
            changes.append(item)
    if commit:
        yield ChangeSet(commit, tuple(changes))


def tips(git: Git) -> list[str]:
    """The objects that refs name, with HEAD where it is detached; each once."""
    named = git.quiet("for-each-ref", "--format=%(objectname)").text.split()
    return list(dict.fromkeys([*named, *([head(git)] if head(git) else [])]))


def head(git: Git) -> str:
    """The commit of HEAD; empty on a branch without commits."""
    return git.quiet("rev-parse", "--verify", "-q", "--end-of-options", "HEAD^{commit}", ok=(0, 1, 128)).text


def empty_tree(git: Git) -> str:
    """The name of the empty tree in this repository's hash."""
    return git.quiet("hash-object", "-t", "tree", "--stdin").text


def git_dir(git: Git) -> str:
    """The folder of this worktree's own state: what git told a hook, else the usual place, else what git says."""
    told = git.env.get("GIT_DIR", os.path.join(str(git.cwd), ".git"))
    if os.path.isdir(told):
        return os.path.join(str(git.cwd), told)
    return git.quiet("rev-parse", "--absolute-git-dir").text


def common_dir(git: Git) -> str:
    """The folder that all worktrees share."""
    found = git.quiet("rev-parse", "--git-common-dir").text
    return os.path.normpath(os.path.join(str(git.cwd), found))


def _merging(git: Git) -> list[str]:
    """The other parents of a merge that is being made: MERGE_HEAD, or what git merge tells its hooks."""
    try:
        with open(os.path.join(git_dir(git), "MERGE_HEAD"), encoding="ascii") as stream:
            return stream.read().split()
    except OSError:
        return [name.removeprefix("GITHEAD_") for name in os.environ if name.startswith("GITHEAD_")]
