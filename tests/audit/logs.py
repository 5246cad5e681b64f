"""Real repositories with an audit chain, and programs that write to it."""

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

from tests.repos import ROOT, Repo
from tinycode_git.audit.details import Details
from tinycode_git.audit.journal import Draft, Journal
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.audit.publish import Published, checkpoint
from tinycode_git.audit.report import Report
from tinycode_git.audit.store import Store
from tinycode_git.audit.verify import verify
from tinycode_git.git.process import Git
from tinycode_git.ledger import Operation

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
USER = "Ada Example <ada@example.com>"


def ticking(start: datetime = NOON, step: timedelta = timedelta(seconds=1)) -> Callable[[], datetime]:
    """A clock that moves by ``step`` each time it is read."""
    moments = (start + n * step for n in range(10**9))
    return lambda: next(moments)


@dataclass(frozen=True, slots=True)
class Logged(Repo):
    """A repository with an audit chain."""

    @property
    def common(self) -> Path:
        return Path(self.git("rev-parse", "--path-format=absolute", "--git-common-dir").text)

    @property
    def folder(self) -> Path:
        return self.common / "tiny"

    def ledger(self, clock: Callable[[], datetime] | None = None) -> JournalLedger:
        return JournalLedger(self.common, mode="execute", user=USER, actor="git-tiny", clock=clock or ticking())

    @property
    def handle(self) -> Git:
        return Git(self.path, {})

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    def checkpoint(self, **more: Any) -> Published:
        return checkpoint(self.handle, self.ledger(), **more)

    def verify(self, **more: Any) -> Report:
        return verify(self.handle, self.common, **{"stored": Store(self.folder).lines, **more})

    def lines(self) -> list[bytes]:
        return self.journal.read_bytes().splitlines(keepends=True)

    def log_ref(self) -> str:
        return "refs/tiny/audit/" + self.ledger().anchor().log

    def merge(self, plan: str = "add-retries-1a2b") -> str:
        """What an approval does: intent, a commit that names the log, the move of the branch, outcomes."""
        ledger = self.ledger()
        old = self.oid()
        whole = ledger.intend(operation("apply", old=old, new="", plan=plan))
        message = f"Merge plan {plan}\n\nPlan-Id: {plan}\nTiny-Audit: {ledger.anchor()}\n"
        new = self.git("commit-tree", "-p", old, "-m", message, f"{old}^{{tree}}").text
        part = ledger.intend(operation("land", old=old, new=new, plan=plan))
        self.git("update-ref", "-m", f"tiny: apply {plan}", "refs/heads/main", new, old)
        ledger.done(part, new=new)
        ledger.done(whole, new=new)
        return new

    def append(self, count: int) -> None:
        """``count`` entries in one write, where only their number matters."""
        nothing, at = Details(b"s" * 32, b"{}"), NOON.isoformat().replace("+00:00", "Z")
        fields = dict.fromkeys(("mode", "user", "actor", "ref", "old", "new", "plan", "step"), "")
        Journal(self.folder).append(
            [
                Draft(f"{n:024x}", at, "propose", "done", risk_level="none", details=nothing, **fields)
                for n in range(count)
            ]
        )

    def log(self, count: int, *, action: str = "propose") -> None:
        """``count`` operations, each with an intent and an outcome."""
        ledger = self.ledger()
        for n in range(count):
            ledger.done(ledger.intend(operation(action, details={"n": n, "text": f"details of {n}"})))


def operation(action: str = "apply", **more: Any) -> Operation:
    """An operation on ``main``."""
    fields: dict[str, Any] = {"ref": "refs/heads/main", "old": "a" * 40, "new": "b" * 40, "plan": "add-retries-1a2b"}
    return Operation(action, risk="low", **{**fields, **more})


def python(code: str, *args: str | Path, stdout: int | None = None) -> subprocess.Popen[bytes]:
    """A program of its own, with the package importable."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", code, *args], stdout=stdout, env=env)


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


def unprivileged(command: Sequence[str | Path], cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run a program that file modes hold for: root may write everywhere unless it gives that up."""
    drop = "-dac_override,-dac_read_search"
    prefix = ["setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}"] if os.geteuid() == 0 else []
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([*prefix, *command], capture_output=True, check=False, cwd=cwd, env=env)
