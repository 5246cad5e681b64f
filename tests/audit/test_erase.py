"""Erased text is nowhere any more, and the chain is whole."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from tests.audit.logs import Logged, operation, python, unprivileged
from tests.audit.test_journal import entries
from tinycode_git.audit.erase import erase, finish_erasures
from tinycode_git.audit.store import Store
from tinycode_git.errors import Refused, UsageError

SECRET = "Zebedee Quux of 7 Elm Street"


def holders(repo: Logged, text: str = SECRET) -> list[str]:
    """Every file of the repository that holds the text, loose objects unpacked; objects in packs too."""
    found = []
    for path in sorted(repo.path.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        if path.parent.parent.name == "objects" and len(path.parent.name) == 2:
            data += zlib.decompress(data)
        if text.encode() in data or text.encode("utf-16-le") in data:
            found.append(path.name)
    for row in repo.git("cat-file", "--batch-all-objects", "--batch-check").out.splitlines():
        oid, kind, _ = row.split()
        if text.encode() in repo.git("cat-file", kind, oid).stdout:
            found.append(oid)
    return found


def prepared(repo: Logged) -> None:
    repo.log(2)
    repo.ledger().note(operation("propose", details={"task": SECRET}))
    with repo.journal.open("ab") as stream:
        stream.write(f'{{"torn":"{SECRET}"'.encode())
    repo.log(2)
    Store(repo.folder).fold()
    repo.checkpoint()


def test_erased_details_are_in_no_file_and_no_object(repo: Logged) -> None:
    prepared(repo)
    assert "journal" in holders(repo)
    # Compressed in DuckDB's file: asked of DuckDB here, and of the file written anew below.
    assert SECRET.encode() in b"".join(Store(repo.folder).lines() or ())
    seq = next(
        entry.seq for entry in entries(repo) if entry.action == "propose" and entry.phase == "done" and entry.seq > 3
    )
    before, inode = [entry.hash for entry in entries(repo)], Store(repo.folder).path.stat().st_ino
    with Store(repo.folder).path.open("rb"):
        erase(repo.ledger(), seq, "a name")
        assert not Store(repo.folder).path.exists()
        Store(repo.folder).fold()
        assert Store(repo.folder).path.stat().st_ino != inode
    assert holders(repo) == []
    assert SECRET.encode() not in b"".join(Store(repo.folder).lines() or ())
    assert [entry.hash for entry in entries(repo)][: len(before)] == before
    assert [(entry.action, entry.phase, entry.step) for entry in entries(repo)[-2:]] == [
        ("audit-erase", "intent", str(seq)),
        ("audit-erase", "done", str(seq)),
    ]
    report = repo.verify()
    assert (report.exit, report.problems, report.unchecked) == (0, [], [])
    rows = Store(repo.folder).query(f"SELECT details, details_gone FROM entries WHERE seq = {seq}").rows
    assert rows == [[None, True]]
    reason = Store(repo.folder).query("SELECT details->>'$.reason' FROM entries WHERE action = 'audit-erase' LIMIT 1")
    assert reason.rows == [["a name"]]
    repo.log(1)
    assert repo.checkpoint().made
    assert repo.verify().exit == 0


def test_erased_details_are_in_no_pack_no_copy_elsewhere_and_no_leftover_of_duckdb(repo: Logged, world: Path) -> None:
    prepared(repo)
    repo.git("init", "-q", "--bare", world / "server.git")
    repo.git("remote", "add", "origin", world / "server.git")
    repo.git("push", "-q", "origin", "refs/tiny/audit/*:refs/tiny/audit/*")
    repo.git("fetch", "-q", "origin", "refs/tiny/audit/*:refs/remotes/origin/tiny/audit/*")
    # What a killed DuckDB leaves: a log that was not taken in yet, and what did not fit its memory.
    (repo.folder / "audit.duckdb.wal").write_bytes(SECRET.encode())
    (repo.folder / "audit.duckdb.tmp").mkdir()
    (repo.folder / "audit.duckdb.tmp/block").write_bytes(SECRET.encode())
    done = [entry.seq for entry in entries(repo) if (entry.action, entry.phase) == ("propose", "done")]
    seq = next(n for n in done if n > 3)
    erase(repo.ledger(), seq, "a name")
    repo.checkpoint()
    repo.git("push", "-q", "origin", "refs/tiny/audit/*:refs/tiny/audit/*")
    repo.git("gc", "-q", "--prune=now")
    assert holders(repo) == []
    assert holders(Logged(world / "server.git")) == []
    assert repo.verify().exit == 0


def test_what_cannot_be_erased(repo: Logged) -> None:
    repo.log(1)
    ledger = repo.ledger()
    for seq in (-1, 2):
        with pytest.raises(UsageError, match="has no entry"):
            erase(ledger, seq, "why")
    erase(ledger, 0, "why")
    with pytest.raises(Refused, match="gone already"):
        erase(ledger, 0, "why")
    with python(LEAVES_AN_INTENT, repo.common, stdout=subprocess.PIPE) as child:
        child.communicate()
    [intent] = repo.ledger().open_intents()
    with pytest.raises(Refused, match="still needs"):
        erase(ledger, intent.seq, "why")


LEAVES_AN_INTENT = """
import os, sys
from pathlib import Path
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.ledger import Operation
JournalLedger(Path(sys.argv[1]), mode="execute", user="u", actor="a").intend(Operation("apply"))
os._exit(9)
"""

ERASES = """
import sys
from pathlib import Path
from tinycode_git.audit.erase import erase
from tinycode_git.audit.ledger import JournalLedger
erase(JournalLedger(Path(sys.argv[1]), mode="execute", user="u", actor="a"), int(sys.argv[2]), "why")
"""


@pytest.mark.parametrize(
    ("call", "when"), [("rename", 1), ("fdatasync", 2), ("fdatasync", 1), ("unlink", 1), ("unlink", 2), ("fsync", 1)]
)
def test_an_erasure_that_was_killed_is_finished(repo: Logged, world: Path, call: str, when: int) -> None:
    repo.log(1)
    repo.ledger().note(operation("propose", details={"task": SECRET}))
    Store(repo.folder).fold()
    trace: list[str | Path] = [
        "strace",
        "-qq",
        "-f",
        "-o",
        world / "trace",
        "-e",
        f"inject={call}:signal=SIGKILL:when={when}",
    ]
    unprivileged([*trace, sys.executable, "-c", ERASES, repo.common, "2"])
    ledger = repo.ledger()
    finish_erasures(ledger)
    if any(entry.action == "audit-erase" for entry in entries(repo)):
        assert holders(repo) == []
    assert ledger.open_intents() == []
    assert repo.verify().exit == 0
    assert finish_erasures(ledger) == []
    assert Path(repo.journal).exists()
