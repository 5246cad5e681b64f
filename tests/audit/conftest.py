"""Real repositories with everything around them sealed, and programs that write to their audit chain."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.ledger import Operation

TOP = Path(__file__).parents[2]
NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)


def ticking(start: datetime = NOON, step: timedelta = timedelta(seconds=1)) -> Callable[[], datetime]:
    """A clock that moves by ``step`` each time it is read."""
    moments = (start + n * step for n in range(10**9))
    return lambda: next(moments)


@pytest.fixture(autouse=True)
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """HOME, state and cache folders, git configuration, identity and dates of the test's own."""
    home = tmp_path_factory.mktemp("home")
    kept = dict(os.environ)
    for name in [name for name in os.environ if name.startswith(("GIT_", "XDG_", "TINY_", "SSH_"))]:
        del os.environ[name]
    (home / ".gitconfig").write_text("[user]\n\tname = A U Thor\n\temail = author@example.com\n")
    os.environ.update(
        HOME=str(home),
        XDG_STATE_HOME=str(home / "state"),
        XDG_CACHE_HOME=str(home / "cache"),
        XDG_CONFIG_HOME=str(home / "config"),
        GIT_CONFIG_GLOBAL=str(home / ".gitconfig"),
        GIT_CONFIG_NOSYSTEM="1",
        GIT_AUTHOR_DATE="2026-01-02T12:00:00Z",
        GIT_COMMITTER_DATE="2026-01-02T12:00:00Z",
        PYTHONPATH=str(TOP),
        TZ="UTC",
        NO_COLOR="1",
        COLUMNS="120",
    )
    yield home
    os.environ.clear()
    os.environ.update(kept)


@dataclass(frozen=True)
class Repo:
    """A repository with a work tree; ``git`` runs git in it."""

    path: Path

    def git(self, *args: str, check: bool = True, stdin: bytes = b"") -> str:
        done = subprocess.run(["git", *args], cwd=self.path, input=stdin, capture_output=True, check=False)
        assert not check or done.returncode == 0, done.stderr.decode()
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    @property
    def common(self) -> Path:
        return (self.path / self.git("rev-parse", "--git-common-dir")).resolve()

    @property
    def tiny(self) -> Path:
        return self.common / "tiny"

    def commit(self, message: str = "work", **files: str) -> str:
        for name, content in (files or {"file": message}).items():
            (self.path / name).write_text(content)
            self.git("add", "--", name)
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def ledger(self, **more: Callable[[], datetime]) -> JournalLedger:
        clock = more.get("clock") or ticking()
        return JournalLedger(
            self.common, mode="execute", user="A U Thor <author@example.com>", actor="git-tiny", clock=clock
        )

    def write(self, count: int, *, action: str = "propose") -> None:
        """``count`` operations, each with an intent and an outcome."""
        ledger = self.ledger()
        for n in range(count):
            ledger.done(ledger.intend(operation(action, details={"n": n, "text": f"details of {n}"})))


def operation(action: str = "apply", **more: object) -> Operation:
    fields: dict[str, object] = {"ref": "refs/heads/main", "old": "a" * 40, "new": "b" * 40, "plan": "add-retries-1a2b"}
    fields.update(more)
    return Operation(action, risk="low", **fields)  # type: ignore[arg-type]


def make_repo(path: Path, *options: str) -> Repo:
    path.mkdir(parents=True)
    repo = Repo(path)
    repo.git("init", "-q", "-b", "main", *options)
    return repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A new repository with one commit."""
    made = make_repo(tmp_path / "repo")
    made.commit("first")
    return made


def python(code: str, *args: str, **options: object) -> subprocess.Popen[bytes]:
    """A program of its own, with the package importable."""
    return subprocess.Popen([sys.executable, "-c", code, *args], **options)  # type: ignore[call-overload,no-any-return]


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody may write below ``folder`` as long as the block runs."""
    modes = {path: path.stat().st_mode for path in [folder, *folder.rglob("*")]}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    yield
    for path, mode in modes.items():
        if path.exists():
            path.chmod(mode)


def unprivileged(command: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a program that file modes hold for: root may write everywhere unless it gives that up."""
    drop = "-dac_override,-dac_read_search"
    prefix = ["setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}"] if os.geteuid() == 0 else []
    return subprocess.run([*prefix, *command], capture_output=True, check=False, **options)
