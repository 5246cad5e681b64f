"""kill -9 at the system calls of append, fold and checkpoint; errors and full disks at each write.

By default some of the calls, with ``-m slow`` every one: what was acknowledged is there, the chain is whole, and the
next operation works.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.audit.logs import Logged, operation, unprivileged
from tests.audit.test_journal import entries
from tinycode_git.audit.entry import Altered
from tinycode_git.audit.store import Store

APPEND = """
import sys
from pathlib import Path
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.ledger import Operation
ledger = JournalLedger(Path(sys.argv[1]) / ".git", mode="execute", user="u", actor="a")
print("begin", flush=True)
for n in range(2):
    intent = ledger.intend(Operation("apply", step=str(n)))
    print("intent", intent.id, flush=True)
    ledger.done(intent)
    print("done", intent.id, flush=True)
"""
SHORT = """
import sys
from tinycode_git.audit.quick import note
fields = {"action": "hook-passed", "risk_level": "none", "mode": "execute", "user": "u", "actor": "a"}
print("begin", flush=True)
for n in range(2):
    if note(sys.argv[1] + "/.git/tiny", {**fields, "step": str(n)}, {"hook": "post-commit"}):
        print("noted", n, flush=True)
"""
FOLD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tinycode_git.audit import duck
folder = Path(sys.argv[1]) / ".git/tiny"
print("begin", flush=True)
duck.run({"op": "fold", "database": str(folder / "audit.duckdb"), "journal": str(folder / "journal")})
"""
CHECKPOINT = """
import sys
from pathlib import Path
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.audit.publish import checkpoint
from tinycode_git.git.process import Git
place = Path(sys.argv[1])
ledger = JournalLedger(place / ".git", mode="execute", user="u", actor="a")
print("begin", flush=True)
print("published", checkpoint(Git(place, {}), ledger).commit, flush=True)
"""
# The calls that change a file, a name or a lock; whatever is not among them leaves nothing behind.
CALLS = (
    "write,pwrite64,fdatasync,fsync,ftruncate,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,link,linkat,flock"
)
PROGRAMS = {"append": APPEND, "a hook's append": SHORT, "fold": FOLD, "checkpoint": CHECKPOINT}
SAMPLED = 9


def calls_of(repo: Logged, program: str, trace: Path) -> list[tuple[str, int]]:
    """Which of the calls the program makes once it has begun, each with its number among calls of that name."""
    unprivileged(["strace", "-f", "-qq", "-o", trace, "-e", f"trace={CALLS}", *command(repo, program)])
    counts: dict[str, int] = {}
    found, begun = [], False
    for line in trace.read_text("utf-8", "replace").splitlines():
        match = re.match(r"\d+ +(\w+)\(", line)
        if not match:
            continue
        counts[match[1]] = counts.get(match[1], 0) + 1
        if begun:
            found.append((match[1], counts[match[1]]))
        begun = begun or '"begin' in line
    return found


def command(repo: Logged, program: str) -> list[str | Path]:
    return [sys.executable, "-B", "-c", PROGRAMS[program], repo.path, str(Path(__file__).parents[2])]


def copied(repo: Logged, to: Path, state: Path) -> Logged:
    """A copy of the repository, as on another machine: with a copy of the user's state directory of its own."""
    subprocess.run(["cp", "-a", repo.path, to], check=True)
    subprocess.run(["cp", "-a", state, f"{to}-state"], check=True)
    os.environ["XDG_STATE_HOME"] = f"{to}-state"
    return Logged(to)


def killed_at(repo: Logged, program: str, trace: Path, call: str, when: int, fault: str) -> list[list[str]]:
    inject = f"inject={call}:{fault}:when={when}"
    done = unprivileged(["strace", "-f", "-qq", "-o", trace, "-e", "trace=none", "-e", inject, *command(repo, program)])
    return [line.split() for line in done.stdout.decode().splitlines()[1:]]


def assert_whole(repo: Logged, acknowledged: list[list[str]], before: int) -> None:
    """Everything acknowledged is there, the chain holds, and everything works on."""
    there = {(entry.phase, entry.id) for entry in entries(repo)} if repo.journal.exists() else set()
    noted = [entry.step for entry in entries(repo) if entry.action == "hook-passed"] if repo.journal.exists() else []
    for word, *rest in acknowledged:
        if word in ("intent", "done"):
            assert (word, rest[0]) in there
        elif word == "noted":
            assert rest[0] in noted
        elif word == "published":
            assert repo.git("rev-parse", repo.log_ref()).text == rest[0]
    ledger = repo.ledger()
    for intent in ledger.open_intents():
        ledger.recovered(intent, "taken back")
    repo.log(1)
    assert len(entries(repo)) >= before + 2
    assert len(Store(repo.folder).query("SELECT seq FROM entries").rows) == len(entries(repo))
    repo.checkpoint()
    report = repo.verify()
    assert (report.problems, report.unchecked) == ([], [])
    repo.fsck()


def sweep(repo: Logged, world: Path, program: str, fault: str, every: bool) -> None:
    repo.log(2)
    if program == "checkpoint":
        repo.checkpoint()
        repo.log(2)
    before, state = len(entries(repo)), Path(os.environ["XDG_STATE_HOME"])
    calls = calls_of(copied(repo, world / "model", state), program, world / "trace")
    assert len(calls) > 5
    chosen = calls if every else calls[:: max(1, len(calls) // SAMPLED)]
    print(f"{program}, {fault}: {len(chosen)} of {len(calls)} system calls")
    for number, (call, when) in enumerate(chosen):
        victim = copied(repo, world / f"victim{number}", state)
        said = killed_at(victim, program, world / "trace", call, when, fault)
        assert_whole(victim, said, before)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_kill_at_some_system_calls(repo: Logged, world: Path, program: str) -> None:
    sweep(repo, world, program, "signal=SIGKILL", every=False)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_full_disk_at_some_system_calls(repo: Logged, world: Path, program: str) -> None:
    sweep(repo, world, program, "error=ENOSPC", every=False)


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_kill_at_every_system_call(repo: Logged, world: Path, program: str) -> None:
    sweep(repo, world, program, "signal=SIGKILL", every=True)


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_full_disk_at_every_system_call(repo: Logged, world: Path, program: str) -> None:
    sweep(repo, world, program, "error=ENOSPC", every=True)


@pytest.mark.parametrize("tail", ["none", "from before", "ahead"])
@pytest.mark.parametrize("kept", range(0, 12, 2))
@pytest.mark.parametrize("zeros", [False, True])
def test_a_power_cut_keeps_what_was_synced(repo: Logged, kept: int, zeros: bool, tail: str) -> None:
    """What was not synced may be lost, in part, or read as zeros; what lies beside the journal is not synced at all."""
    repo.log(2)
    acknowledged = repo.journal.read_bytes()
    mark, before = (repo.folder / "synced").read_bytes(), (repo.folder / "tail").read_bytes()
    repo.log(1)
    data = repo.journal.read_bytes()
    cut = len(acknowledged) + (len(data) - len(acknowledged)) * kept // 12
    # Of the third operation nothing was acknowledged: the disk has the mark from before it, and any tail.
    repo.journal.write_bytes(data[:cut] + b"\0" * (len(data) - cut if zeros else 0))
    (repo.folder / "synced").write_bytes(mark)
    if tail != "ahead":
        (repo.folder / "tail").unlink()
    if tail == "from before":
        (repo.folder / "tail").write_bytes(before)
    assert repo.verify().problems == []
    repo.log(1)
    found = entries(repo)
    assert [entry.seq for entry in found] == list(range(len(found)))
    assert repo.journal.read_bytes().startswith(acknowledged)
    assert len(found) >= 6
    assert repo.verify().exit == 0


def test_what_was_synced_and_is_gone_is_no_power_cut(repo: Logged) -> None:
    repo.log(2)
    (repo.folder / "tail").unlink()
    repo.journal.write_bytes(repo.journal.read_bytes()[:-20])
    with pytest.raises(Altered):
        repo.ledger().intend(operation())
