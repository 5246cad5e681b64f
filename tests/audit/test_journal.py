"""The journal under crashes, full disks, several writers and tampering."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from tests.audit.logs import Logged, operation, python, read_only, unprivileged
from tinycode_git.audit.entry import Altered, Entry, parse
from tinycode_git.audit.journal import Journal
from tinycode_git.audit.line import split
from tinycode_git.audit.merkle import leaf_hash, root
from tinycode_git.errors import Incomplete

WRITER = """
import sys
from pathlib import Path
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.ledger import Operation
ledger = JournalLedger(Path(sys.argv[1]), mode="execute", user="u", actor=sys.argv[2])
for n in range(int(sys.argv[3])):
    ledger.done(ledger.intend(Operation("apply", step=str(n))))
"""


def entries(repo: Logged) -> list[Entry]:
    lines = (repo.folder / "journal").read_bytes().splitlines(keepends=True)
    return [parse(split(line)[0]) for line in lines]


def test_entries_are_one_chain_and_one_tree(repo: Logged) -> None:
    repo.log(5)
    found = entries(repo)
    assert [entry.seq for entry in found] == list(range(10))
    assert [entry.previous_hash for entry in found] == ["0" * 64, *(entry.hash.hex() for entry in found[:-1])]
    anchor = repo.ledger().anchor()
    assert str(anchor) == f"{found[0].log}/10/{root([entry.hash for entry in found]).hex()}"
    assert {entry.timestamp for entry in found} >= {"2026-01-02T12:00:00.000000Z"}


def test_the_journal_can_be_read_with_cut(repo: Logged) -> None:
    repo.log(2)
    out = subprocess.run(["cut", "-f1", repo.folder / "journal"], capture_output=True, check=True).stdout
    assert [leaf_hash(line) for line in out.splitlines()] == [entry.hash for entry in entries(repo)]


def test_details_are_committed_to(repo: Logged) -> None:
    repo.ledger().note(operation("propose", details={"paths": ["a", "b\udcff"]}))
    [line] = (repo.folder / "journal").read_bytes().splitlines(keepends=True)
    data, details = split(line)
    assert details.value() == {"paths": ["a", "b\udcff"]}
    assert parse(data).details_digest == details.digest()


def test_eight_processes_over_two_worktrees_write_one_chain(repo: Logged, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", tmp_path / "other")
    commons = [repo.common, Logged(tmp_path / "other").common]
    writers = [python(WRITER, str(commons[n % 2]), f"writer-{n}", "25") for n in range(8)]
    assert [writer.wait() for writer in writers] == [0] * 8
    found = entries(repo)
    assert [entry.seq for entry in found] == list(range(400))
    assert [entry.previous_hash for entry in found[1:]] == [entry.hash.hex() for entry in found[:-1]]
    for n in range(8):
        mine = [(entry.step, entry.phase) for entry in found if entry.actor == f"writer-{n}"]
        assert mine == [(str(k), phase) for k in range(25) for phase in ("intent", "done")]
    assert repo.ledger().anchor().root == root([entry.hash for entry in found]).hex()
    assert not list((repo.folder / "running").iterdir())


@pytest.mark.parametrize("rest", [b"{", b'{"action":"apply"', b"\0" * 700, b'{"action":' + b"\0" * 90 + b"\n"])
def test_a_torn_last_line_is_put_aside_and_recorded(repo: Logged, rest: bytes) -> None:
    repo.log(1)
    with (repo.folder / "journal").open("ab") as stream:
        stream.write(rest)
    assert repo.ledger().anchor().size == 2
    repo.log(1)
    found = entries(repo)
    assert [entry.action for entry in found] == ["propose", "propose", "journal-torn", "propose", "propose"]
    assert [path.read_bytes() for path in (repo.folder / "quarantine").iterdir()] == [rest]
    assert Journal(repo.folder).tail().position.size == 5


def test_a_line_that_was_written_but_not_acknowledged_is_kept(repo: Logged) -> None:
    repo.log(1)
    before = (repo.folder / "tail").read_bytes()
    repo.log(1)
    (repo.folder / "tail").write_bytes(before)
    assert repo.ledger().anchor().size == 4
    repo.log(1)
    assert [entry.seq for entry in entries(repo)] == list(range(6))


@pytest.mark.parametrize("tail", [None, b"", b"half", sha256(b"{}").digest() + b"\0\0\0\2{}"])
def test_a_lost_or_broken_tail_is_derived_anew(repo: Logged, tail: bytes | None) -> None:
    ledger = repo.ledger()
    intent = ledger.intend(operation())
    repo.log(3)
    path = repo.folder / "tail"
    good = path.read_bytes()
    path.unlink()
    if tail is not None:
        path.write_bytes(tail)
    ledger.done(intent)
    repo.log(1)
    assert [entry.seq for entry in entries(repo)] == list(range(10))
    assert len(path.read_bytes()) <= len(good) + 100
    assert repo.ledger().anchor().size == 10


def cut_last_line(data: bytes) -> bytes:
    return b"".join(data.splitlines(keepends=True)[:-1])


ALTERATIONS: list[Callable[[bytes], bytes]] = [
    cut_last_line,
    lambda data: data[:-10],
    lambda data: b"",
    lambda data: data.replace(b'"seq":3', b'"seq":4'),
    lambda data: data + data.splitlines(keepends=True)[-1],
    lambda data: data + b"{}\n",
    lambda data: data + b"\n",
]


@pytest.mark.parametrize("alter", ALTERATIONS)
def test_an_altered_end_is_no_torn_line_and_nothing_is_written_after_it(
    repo: Logged, alter: Callable[[bytes], bytes]
) -> None:
    repo.log(2)
    path = repo.folder / "journal"
    path.write_bytes(alter(path.read_bytes()))
    altered = path.read_bytes()
    ledger = repo.ledger()
    for call in (lambda: ledger.intend(operation()), ledger.anchor, ledger.open_intents):
        with pytest.raises(Altered, match="altered"):
            call()
    assert path.read_bytes() == altered
    assert not (repo.folder / "quarantine").exists()
    assert not list((repo.folder / "running").iterdir())


def test_a_journal_that_is_gone_is_not_begun_anew(repo: Logged) -> None:
    repo.log(1)
    (repo.folder / "journal").unlink()
    with pytest.raises(Altered, match="gone"):
        repo.ledger().intend(operation())
    assert not (repo.folder / "journal").exists()


def test_a_full_disk_leaves_nothing_half_written(repo: Logged) -> None:
    repo.log(1)
    ledger = repo.ledger()
    size = (repo.folder / "journal").stat().st_size
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, kept[1]))
    try:
        with pytest.raises(Incomplete, match="cannot be written") as refused:
            ledger.intend(operation())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
    assert "space" in refused.value.hint
    assert (repo.folder / "journal").stat().st_size == size
    repo.log(1)
    assert len(entries(repo)) == 4


WRITE_ONCE = """
import sys
from pathlib import Path
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.errors import TinyError
from tinycode_git.ledger import Operation
ledger = JournalLedger(Path(sys.argv[1]), mode="execute", user="u", actor="a")
try:
    ledger.note(Operation("apply"))
except TinyError as refused:
    print(type(refused).__name__, refused.message)
    raise SystemExit(int(refused.exit))
"""


@pytest.mark.parametrize("call", ["write", "fdatasync", "openat"])
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_an_error_at_a_system_call_adds_nothing(repo: Logged, tmp_path: Path, call: str, error: str) -> None:
    repo.log(1)
    before = (repo.folder / "journal").read_bytes()
    trace = ["strace", "-qq", "-o", str(tmp_path / "trace"), "-P", str(repo.folder / "journal"), "-e"]
    inject = f"inject={call}:error={error}:when=1"
    done = unprivileged([*trace, inject, sys.executable, "-c", WRITE_ONCE, repo.common])
    assert done.stdout.startswith(b"Incomplete the audit journal cannot be written"), done.stderr
    assert (done.returncode, (repo.folder / "journal").read_bytes()) == (4, before)
    repo.log(1)
    assert len(entries(repo)) == 4


def test_a_read_only_repository_refuses_the_intent_and_answers_the_rest(repo: Logged) -> None:
    repo.log(1)
    code = WRITE_ONCE.replace("try:", "print(ledger.anchor().size, len(ledger.open_intents()))\ntry:")
    with read_only(repo.common):
        done = unprivileged([sys.executable, "-B", "-c", code, str(repo.common)])
    assert done.stdout == b"2 0\nIncomplete the audit journal cannot be written: Permission denied\n", done.stderr
    assert done.returncode == 4


def test_fifty_megabytes_of_details(repo: Logged) -> None:
    ledger = repo.ledger()
    text = "x" * 50_000_000
    ledger.note(operation("propose", details={"text": text}))
    ledger.note(operation("propose"))
    _, details = Journal(repo.folder).read(0)
    assert details.value() == {"text": text}
    assert ledger.anchor().size == 2


def test_an_append_needs_no_duckdb_and_nothing_heavy(repo: Logged) -> None:
    heavy = ["duckdb", "typer", "rich", "pygit2", "cryptography", "psutil", "rfc8785", "subprocess"]
    code = WRITER + f"print([name for name in {heavy} if name in sys.modules])"
    done = unprivileged([sys.executable, "-c", code, repo.common, "a", "1"])
    assert done.stdout == b"[]\n"
