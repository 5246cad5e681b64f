"""Intents, outcomes, and what is left of a process that is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.audit.logs import NOON, Logged, operation, python, ticking, unprivileged
from tests.audit.test_journal import entries
from tinycode_git.ledger import Anchor, Ledger, Operation

LEAVES_INTENTS = """
import os, sys, time
from pathlib import Path
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.ledger import Operation
ledger = JournalLedger(Path(sys.argv[1]), mode="execute", user="u", actor="a")
for n in range(int(sys.argv[2])):
    details = {"back": ["\\udcff"]}
    ledger.intend(Operation("apply", "high", "refs/heads/b\\udcff", "1" * 40, "2" * 40, "plan", str(n), details))
print("ready", flush=True)
time.sleep(600)
"""


def killed(repo: Logged, count: int) -> None:
    """A process that wrote ``count`` intents and was killed."""
    with python(LEAVES_INTENTS, str(repo.common), str(count), stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.kill()


def test_it_is_a_ledger(repo: Logged) -> None:
    ledger: Ledger = repo.ledger()
    assert ledger.open_intents() == []


def test_looking_at_a_repository_without_a_log_creates_nothing(repo: Logged) -> None:
    before = sorted(repo.common.rglob("*"))
    ledger = repo.ledger()
    assert ledger.open_intents() == []
    assert ledger.anchor() == Anchor("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    assert sorted(repo.common.rglob("*")) == before


def test_an_operation_is_an_intent_and_an_outcome_with_one_id(repo: Logged) -> None:
    ledger = repo.ledger()
    done = ledger.intend(operation("apply", new=""))
    failed = ledger.intend(operation("rollback"))
    ledger.failed(failed, "the ref moved")
    ledger.done(done, new="c" * 40, details={"paths": 3})
    ledger.note(operation("hook", details={"outcome": "refused"}))
    ledger.note(operation("hook"))
    assert [(entry.action, entry.phase, entry.new) for entry in entries(repo)] == [
        ("apply", "intent", ""),
        ("rollback", "intent", "b" * 40),
        ("rollback", "failed", "b" * 40),
        ("apply", "done", "c" * 40),
        ("hook", "failed", "b" * 40),
        ("hook", "done", "b" * 40),
    ]
    names = [entry.id for entry in entries(repo)]
    assert (names[0], names[1]) == (names[3], names[2])
    assert len(set(names)) == 4
    assert (done.id, done.seq, done.timestamp) == (names[0], 0, "2026-01-02T12:00:00.000000Z")


def test_an_intent_of_a_living_process_is_not_open_and_of_a_killed_one_is(repo: Logged) -> None:
    with python(LEAVES_INTENTS, str(repo.common), "3", stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        assert repo.ledger().open_intents() == []
        child.send_signal(signal.SIGSTOP)
        assert repo.ledger().open_intents() == []
        child.kill()
    mine = repo.ledger()
    mine.intend(operation("propose"))
    opened = mine.open_intents()
    assert [intent.operation.step for intent in opened] == ["0", "1", "2"]
    assert opened[0].operation == Operation(
        "apply", "high", "refs/heads/b\udcff", "1" * 40, "2" * 40, "plan", "0", {"back": ["\udcff"]}
    )
    mine.recovered(opened[1], "taken back")
    assert [intent.operation.step for intent in repo.ledger().open_intents()] == ["0", "2"]
    assert [entry.phase for entry in entries(repo)][-1] == "recovered"
    assert entries(repo)[-1].id == opened[1].id


def test_open_intents_do_not_depend_on_the_locked_files(repo: Logged) -> None:
    killed(repo, 2)
    for path in (repo.folder / "running").iterdir():
        path.unlink()
    assert len(repo.ledger().open_intents()) == 2


def test_open_intents_survive_the_loss_of_the_tail(repo: Logged) -> None:
    killed(repo, 2)
    repo.log(2)
    (repo.folder / "tail").unlink()
    assert len(repo.ledger().open_intents()) == 2


def test_an_open_intent_is_recovered_once(repo: Logged) -> None:
    killed(repo, 1)
    first, second = repo.ledger(), repo.ledger()
    [intent] = first.open_intents()
    assert second.open_intents() == [intent]
    assert first.claim(intent)
    assert not second.claim(intent)
    assert second.open_intents() == []
    first.recovered(intent, "finished")
    assert not second.claim(intent)
    assert not list((repo.folder / "running").iterdir())


def test_open_intents_of_a_long_journal_read_little_of_it(repo: Logged, tmp_path: Path) -> None:
    killed(repo, 1)
    repo.log(300)
    size = (repo.folder / "journal").stat().st_size
    trace = tmp_path / "trace"
    code = "import sys; from pathlib import Path; from tinycode_git.audit.ledger import JournalLedger\n"
    code += "print(len(JournalLedger(Path(sys.argv[1]), mode='chat', user='u', actor='a').open_intents()))"
    tracer = ["strace", "-qq", "-o", str(trace), "-P", str(repo.folder / "journal"), "-e", "trace=read,pread64"]
    done = unprivileged([*tracer, sys.executable, "-c", code, repo.common])
    assert done.stdout == b"1\n"
    read = sum(int(line.rpartition("= ")[2]) for line in trace.read_text().splitlines() if "=" in line)
    assert 0 < read < size / 10


@pytest.mark.parametrize(
    "moment", [datetime(2106, 2, 8, tzinfo=UTC), datetime(1999, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)]
)
def test_any_year(repo: Logged, moment: datetime) -> None:
    repo.ledger(clock=lambda: moment).note(operation())
    assert entries(repo)[0].timestamp == moment.strftime("%Y-%m-%dT00:00:00.000000Z")


def test_a_clock_that_runs_backwards_does_not_disturb_the_order(repo: Logged) -> None:
    ledger = repo.ledger(clock=ticking(NOON, timedelta(hours=-1)))
    for _ in range(3):
        ledger.note(operation())
    found = entries(repo)
    assert [entry.seq for entry in found] == [0, 1, 2]
    assert sorted((entry.timestamp for entry in found), reverse=True) == [entry.timestamp for entry in found]


def test_a_user_and_a_branch_that_are_not_utf8(repo: Logged) -> None:
    repo.ledger().note(operation(ref="refs/heads/caf\udce9"))
    assert entries(repo)[0].ref == "refs/heads/caf\\xe9"


def test_descriptors_do_not_pile_up(repo: Logged) -> None:
    repo.log(1)
    before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    repo.log(20)
    assert (len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0) == before
