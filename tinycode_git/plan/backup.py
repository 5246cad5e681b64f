"""What a working tree held before it was written to: a commit on ``refs/tiny/backups/<n>``, capped and expiring."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tinycode_git.errors import Exit, Incomplete, Refused, UsageError
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


class Stashes:
    """What worktrees hold, read by git in the background while an approval gets on with the rest."""

    def __init__(self, repo: ExecuteRepo, worktrees: Sequence[Worktree], pool: ThreadPoolExecutor) -> None:
        self.repo, self.worktrees, self.pool = repo, worktrees, pool
        self.reading: dict[Path, Future[str]] = {}

    def begin(self) -> None:
        """Read the worktrees as they are now. What was read before (a gate may have taken minutes) no longer counts."""
        self.reading = {one.path: self.pool.submit(_stash, self.repo, one) for one in self.worktrees}

    def keep(self, worktree: Worktree, head: str, before: str) -> None:
        """Store what a worktree held as a backup; ``head`` is the commit checked out there. Waits for the reading."""
        read = self.reading.get(worktree.path)
        keep(self.repo, worktree, (read.result() if read else _stash(self.repo, worktree)) or head, before)


@contextmanager
def stashes(repo: ExecuteRepo, worktrees: Sequence[Worktree]) -> Iterator[Stashes]:
    """Begin to read the worktrees; see ``Stashes``. The readings have ended when the block has."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        begun = Stashes(repo, worktrees, pool)
        begun.begin()
        yield begun


def keep(repo: ExecuteRepo, worktree: Worktree, source: str, before: str) -> None:
    """Store the commit ``source``, which holds what a worktree held, as a backup. The oldest beyond the cap go."""
    who = repo.identity()
    message = with_trailers(f"before {before}", [("Worktree", str(worktree.path))])
    commit = repo.write_commit(repo.commit(source).tree, [source], message, who, who)
    held = {int(name.removeprefix(BACKUPS)): oid for name, oid in repo.refs(BACKUPS).items() if _is_number(name)}
    numbers = sorted(held)
    surplus = numbers[: max(0, len(numbers) + 1 - MOST)]
    moves = [RefMove(f"{BACKUPS}{n}", held[n], "") for n in surplus]
    newest = numbers[-1] if numbers else 0
    repo.move_refs([RefMove(f"{BACKUPS}{newest + 1}", "", commit), *moves], "tiny: backup")


def _duplicate(real: Path, copy: Path) -> None:
    """A second name where that goes (git never writes an index in place, it renames a new one over it), else a copy."""
    try:
        copy.hardlink_to(real)
    except OSError:
        shutil.copyfile(real, copy)


def _stash(repo: ExecuteRepo, worktree: Worktree) -> str:
    """A commit as git stash makes it (working tree; its parents are HEAD and the index); empty where all is clean.

    git writes what it learns on the way into the index, so it gets a copy. Where it cannot stash (an unmerged or
    intent-to-add entry) the answer is empty too: what is committed is still worth keeping.
    """
    git = repo.git_in(worktree)
    real = worktree.git_dir / "index"
    try:
        with TemporaryDirectory(prefix="git-tiny-", ignore_cleanup_errors=True) as folder:
            copy = Path(folder) / "index"
            if real.exists():
                _duplicate(real, copy)
            own = git.setting(GIT_INDEX_FILE=str(copy))
            done = own.user("stash", "create", ok=(0, 1, 128), own_session=True)
    except OSError as error:
        raise Incomplete(
            f"what {worktree.path} holds could not be backed up: {error.strerror}",
            "nothing was changed; free some space",
        ) from error
    failed = GitFailed(("stash",), done.code, done.err)
    if done.code and failed.exit is Exit.INCOMPLETE:
        raise failed
    return done.text if done.code == 0 else ""


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
    now = _stash(repo, worktree) or repo.git_in(worktree).quiet("rev-parse", "HEAD").text
    files = tuple(
        file
        for file in diff_trees(repo.git, now, found[n].oid)
        if not paths or any(p == q.rstrip("/") or p.startswith(q.rstrip("/") + "/") for p in file.paths for q in paths)
    )
    if not files:
        raise Refused(f"the tracked files are as backup {n} has them", "nothing is to be restored")
    return Restoring(found[n], worktree, tuple(dict.fromkeys(p for file in files for p in file.paths)), files)


def restore(repo: ExecuteRepo, ledger: Ledger, restoring: Restoring) -> int:
    """Write the files of a backup into its worktree, after backing up what is there; the new backup's number."""
    git = repo.git_in(restoring.worktree)
    head = git.quiet("rev-parse", "HEAD").text
    operation = Operation(
        "restore", "high", restoring.worktree.branch or "", head, details={"backup": restoring.backup.oid}
    )
    intent = ledger.intend(operation)
    try:
        keep(
            repo, restoring.worktree, _stash(repo, restoring.worktree) or head, f"restoring backup {restoring.backup.n}"
        )
        stdin = b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in restoring.paths)
        source = f"--source={restoring.backup.oid}"
        literal = git.setting(GIT_LITERAL_PATHSPECS="1")
        options = ("--worktree", "--pathspec-from-file=-", "--pathspec-file-nul")
        literal.user("restore", source, *options, stdin=stdin, own_session=True)
    except GitFailed as failed:
        ledger.failed(intent, failed.message)
        raise Refused(f"git could not restore: {failed.message}", "see git tiny backups list") from failed
    ledger.done(intent)
    return backups(repo)[0].n
