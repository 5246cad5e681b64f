"""Plans for tests: made quickly inside this process, then shown, applied and taken back by the real program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.repos import Content, Entry, Exe, Link, Repo, Result
from tests.world import tick
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.git.execute import ExecuteRepo
from tinycode_git.git.fingerprint import Fingerprint, difference
from tinycode_git.git.write import PlanRepo
from tinycode_git.plan.propose import propose, target_of
from tinycode_git.proposal import (
    MODE_EXEC,
    MODE_FILE,
    MODE_LINK,
    Change,
    Delete,
    Proposal,
    Put,
    StepDraft,
    path_bytes,
)


@dataclass(frozen=True, slots=True)
class Made:
    """An open plan: its id, the tip that was shown, its branch's short name."""

    id: str
    tip: str
    branch: str


def change_of(path: str, entry: Entry) -> Change:
    """What the tests' files are as a change: None deletes."""
    if entry is None:
        return Delete(path)
    if isinstance(entry, Link):
        return Put(path, _bytes(entry.target), MODE_LINK)
    if isinstance(entry, Exe):
        return Put(path, _bytes(entry.content), MODE_EXEC)
    return Put(path, _bytes(entry), MODE_FILE)


def _bytes(content: Content) -> bytes:
    return content if isinstance(content, bytes) else path_bytes(content)


def ledger_in(path: Path) -> JournalLedger:
    """The journal of the clone at ``path``."""
    repo = PlanRepo.discover(path)
    return JournalLedger(repo.place.common_dir, mode="execute", user="Ada Example <ada@example.com>", actor="")


def execute_in(path: Path) -> ExecuteRepo:
    """The highest handle, for the clone at ``path``."""
    return ExecuteRepo.discover(path)


def make_plan(repo: Repo, *steps: Mapping[str, Entry], target: str | None = None, task: str = "change things") -> Made:
    """An open plan with a step for each mapping of paths to contents."""
    drafts = [
        StepDraft(f"step {n}", tuple(change_of(path, entry) for path, entry in files.items()))
        for n, files in enumerate(steps, 1)
    ]
    return make_from(repo, drafts, target=target, task=task)


def make_from(repo: Repo, drafts: list[StepDraft], *, target: str | None = None, task: str = "change things") -> Made:
    """An open plan of the given steps."""
    tick()
    handle = PlanRepo.discover(repo.path)
    proposal = Proposal(task, "test", tuple(drafts))
    plan = propose(handle, ledger_in(repo.path), proposal, target_of(handle, target), validate=lambda *_: ())
    return Made(plan.id, plan.tip, plan.branch.removeprefix("refs/heads/"))


def apply(repo: Repo, plan: Made, *options: str, check: bool = True, env: Mapping[str, str] | None = None) -> Result:
    """Approve what was shown, as a script does."""
    return repo.tiny("apply", plan.id, "--yes", "--expect", plan.tip, *options, check=check, env=env)


@contextmanager
def untouched(repo: Repo) -> Iterator[None]:
    """Fails the test where anything of the user's is another after the block."""
    before = Fingerprint.take(repo.path)
    yield
    assert difference(before, before.again()) == ()


def state(repo: Repo) -> tuple[object, ...]:
    """What a user would call the state of the working tree: files with their bytes and modes, index, refs, HEAD."""
    modes = {path: (repo.path / path).lstat().st_mode for path in repo.files()}
    flags = repo.git("ls-files", "-v", "-t", "--stage", "-z").out
    theirs = {name: oid for name, oid in repo.refs().items() if not name.startswith(("refs/tiny/", "refs/heads/tiny/"))}
    return repo.files(), modes, flags, theirs, repo.git("symbolic-ref", "-q", "HEAD", check=False).text
