"""What a working tree held before it was written to: a commit on ``refs/tiny/backups/<n>``, capped and expiring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinycode_git.errors import Refused, UsageError
from tinycode_git.git.diff import FileDiff, diff_trees
from tinycode_git.git.execute import ExecuteRepo
from tinycode_git.git.process import GitFailed
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.refs import RefMove
from tinycode_git.git.trailers import with_trailers
from tinycode_git.git.worktrees import Worktree
from tinycode_git.ledger import Ledger, Operation

BACKUPS = "refs/tiny/backups/"
MOST = 50


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup: its number, its commit, when (seconds since 1970), what it was taken before, of which worktree."""

    n: int
    oid: str
    at: int
    before: str
    worktree: str


def backups(repo: ReadRepo) -> list[Backup]:
    """Every backup, newest first."""
    refs = {int(name.removeprefix(BACKUPS)): oid for name, oid in repo.refs(BACKUPS).items() if _is_number(name)}
    commits = repo.commits(refs.values())
    rows = []
    for n, commit in zip(refs, commits, strict=True):
        before, _, rest = commit.message.partition("\n")
        worktree = next((row[10:] for row in rest.split("\n") if row.startswith("Worktree: ")), "")
        rows.append(Backup(n, commit.oid, commit.committer.when, before.removeprefix("before "), worktree))
    return sorted(rows, key=lambda one: one.n, reverse=True)


def _is_number(name: str) -> bool:
    return name.removeprefix(BACKUPS).isdigit()


def take(repo: ExecuteRepo, worktree: Worktree, head: str, before: str) -> str:
    """Store what the tracked files of a worktree hold, staged and not; the ref. Files and index are not touched.

    ``head`` is the commit that is checked out there.
    """
    git = repo.git_in(worktree)
    # Where git cannot stash (an unmerged or intent-to-add entry), what is committed is still worth keeping.
    done = git.user("stash", "create", f"before {before}", ok=(0, 1, 128), own_session=True)
    stash = done.text if done.code == 0 else ""
    source = stash or head
    who = repo.identity()
    message = with_trailers(f"before {before}", [("Worktree", str(worktree.path))])
    commit = repo.write_commit(repo.commit(source).tree, [source], message, who, who)
    numbers = sorted(int(name.removeprefix(BACKUPS)) for name in repo.refs(BACKUPS) if _is_number(name))
    ref = f"{BACKUPS}{(numbers[-1] if numbers else 0) + 1}"
    held = repo.refs(BACKUPS)
    surplus = [f"{BACKUPS}{n}" for n in numbers[: max(0, len(numbers) + 1 - MOST)]]
    repo.move_refs([RefMove(ref, "", commit), *(RefMove(one, held[one], "") for one in surplus)], "tiny: backup")
    return ref


@dataclass(frozen=True, slots=True)
class Restoring:
    """What a restore would do to a worktree's tracked files."""

    backup: Backup
    worktree: Worktree
    paths: tuple[str, ...]
    files: tuple[FileDiff, ...]


def prepare_restore(repo: ExecuteRepo, n: int, worktree: Worktree, paths: Sequence[str]) -> Restoring:
    """Which tracked files differ from backup ``n``. Raises UsageError for an unknown one, Refused for no difference."""
    found = {one.n: one for one in backups(repo)}
    if n not in found:
        known = ", ".join(str(m) for m in list(found)[:10]) or "none"
        raise UsageError(f"there is no backup {n}", f"there are: {known}; git tiny backups list")
    git = repo.git_in(worktree)
    now = git.user("stash", "create", own_session=True).text or git.quiet("rev-parse", "HEAD").text
    files = tuple(
        file
        for file in diff_trees(repo.git, now, found[n].oid)
        if not paths or any(p == q.rstrip("/") or p.startswith(q.rstrip("/") + "/") for p in file.paths for q in paths)
    )
    if not files:
        raise Refused(f"the tracked files are as backup {n} has them", "nothing is to be restored")
    return Restoring(found[n], worktree, tuple(dict.fromkeys(p for file in files for p in file.paths)), files)


def restore(repo: ExecuteRepo, ledger: Ledger, restoring: Restoring) -> str:
    """Write the files of a backup into its worktree, after backing up what is there; the new backup's ref."""
    git = repo.git_in(restoring.worktree)
    head = git.quiet("rev-parse", "HEAD").text
    operation = Operation(
        "restore", "high", restoring.worktree.branch or "", head, details={"backup": restoring.backup.oid}
    )
    intent = ledger.intend(operation)
    try:
        saved = take(repo, restoring.worktree, head, f"restoring backup {restoring.backup.n}")
        stdin = b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in restoring.paths)
        source = f"--source={restoring.backup.oid}"
        literal = git.setting(GIT_LITERAL_PATHSPECS="1")
        options = ("--worktree", "--pathspec-from-file=-", "--pathspec-file-nul")
        literal.user("restore", source, *options, stdin=stdin, own_session=True)
    except GitFailed as failed:
        ledger.failed(intent, failed.message)
        raise Refused(f"git could not restore: {failed.message}", "see git tiny backups list") from failed
    ledger.done(intent)
    return saved
