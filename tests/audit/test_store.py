"""The DuckDB store: folded, rebuilt, shut to the outside, and never the reason why a command fails."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from tests.audit.logs import Logged, operation, python, read_only, unprivileged
from tinycode_git.audit.entry import Altered
from tinycode_git.audit.store import Store
from tinycode_git.audit.views import VIEWS
from tinycode_git.errors import UsageError

COUNT = "SELECT count(*) FROM entries"


def store(repo: Logged) -> Store:
    return Store(repo.folder)


def test_it_holds_the_journal_line_by_line(repo: Logged) -> None:
    repo.log(2)
    repo.ledger().note(
        operation("propose", details={"text": 'tab\t quote" back\\ line\n nul\x00 \u2028', "p": "a\udcff"})
    )
    store(repo).fold()
    repo.log(1)
    store(repo).fold()
    lines = store(repo).lines()
    assert lines is not None
    assert list(lines) == [*repo.lines(), b"end %d\n" % repo.journal.stat().st_size]


def test_a_query_sees_what_was_written_just_now(repo: Logged) -> None:
    for count in (2, 4, 6):
        repo.log(1)
        assert store(repo).query(COUNT).rows == [[count]]


def test_fifty_megabytes_of_details_fold(repo: Logged) -> None:
    repo.ledger().note(operation("propose", details={"text": "x" * 50_000_000}))
    repo.log(1)
    assert store(repo).query("SELECT length(details->>'$.text') FROM entries WHERE seq = 0").rows == [[50_000_000]]


def test_every_view_answers(repo: Logged) -> None:
    ledger = repo.ledger()
    ledger.done(ledger.intend(operation("propose")), details={"steps": 3})
    ledger.done(ledger.intend(operation("apply", new="")), new="c" * 40)
    ledger.done(ledger.intend(operation("rollback")))
    ledger.intend(operation("apply", plan="other-2b3c"))
    ledger.note(operation("model", details={"model": "m", "digest": "d", "prompt": "fix/3", "question": "h"}))
    one = store(repo)
    assert one.query("SELECT action, outcome, new FROM operations ORDER BY seq").rows == [
        ["propose", "done", "b" * 40],
        ["apply", "done", "c" * 40],
        ["rollback", "done", "b" * 40],
        ["apply", "open", "b" * 40],
        ["model", "done", "b" * 40],
    ]
    assert one.query("SELECT plan, merge, rolled_back_later FROM approvals").rows == [
        ["add-retries-1a2b", "c" * 40, True]
    ]
    assert one.query("SELECT plan, approved_by, lived FROM plans WHERE applied IS NOT NULL").rows == [
        ["add-retries-1a2b", "Ada Example <ada@example.com>", "0:00:07"]
    ]
    assert one.query("SELECT model, digest, prompt, prompt_hash FROM models").rows == [["m", "d", "fix/3", "h"]]
    for view in VIEWS:
        assert one.query(f"SELECT * FROM {view}").columns


@pytest.mark.parametrize("moment", ["2106-02-08", "9999-12-31", "1969-01-01"])
def test_any_year(repo: Logged, moment: str) -> None:
    from datetime import datetime

    repo.ledger(clock=lambda: datetime.fromisoformat(f"{moment}T00:00:00+00:00")).note(operation())
    assert store(repo).query("SELECT timestamp FROM entries").rows == [[f"{moment}T00:00:00"]]


FORBIDDEN = [
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM '{file}'",
    "SELECT * FROM read_text('{file}')",
    "SELECT * FROM glob('{folder}/*')",
    "COPY (SELECT 1) TO '{folder}/out.csv'",
    "COPY entries TO '{folder}/out.parquet' (FORMAT parquet)",
    "ATTACH '{folder}/other.db'",
    "EXPORT DATABASE '{folder}/out'",
    "INSERT INTO log SELECT * FROM log",
    "UPDATE log SET entry = ''",
    "DELETE FROM log",
    "CREATE TABLE other (n INTEGER)",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET temp_directory = '{folder}/out'",
    "PRAGMA enable_profiling = 'json'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SELECT * FROM nothing",
    "nonsense",
]


def test_no_way_around_by_several_statements_or_by_name(repo: Logged, world: Path) -> None:
    repo.log(1)
    (world / "file").write_text("a,b\n1,2\n")
    one = store(repo)
    for sql in (
        "SELECT 1; COPY (SELECT 1) TO '{folder}/out'",
        "PREPARE p AS COPY (SELECT 1) TO '{folder}/out'; EXECUTE p",
        "SELECT * FROM query_table('{file}')",
        "SELECT * FROM read_blob('{file}')",
        "RESET lock_configuration; SET enable_external_access = true",
        "CALL enable_logging('QueryLog', storage = 'file', storage_path = '{folder}/out')",
        "CREATE PERSISTENT SECRET s (TYPE s3)",
    ):
        with pytest.raises(UsageError, match="refused the query"):
            one.query(sql.format(file=world / "file", folder=world))
        assert not (world / "out").exists()


CHANGES = (
    "DELETE FROM log",
    "INSERT INTO log SELECT * FROM log",
    "EXPLAIN ANALYZE DELETE FROM log",
    "CREATE TEMP TABLE other (n INTEGER)",
    "CREATE OR REPLACE TEMP VIEW entries AS SELECT 1",
    "DROP VIEW entries",
    "ATTACH ':memory:' AS other",
    "COMMIT",
    "PREPARE p AS DELETE FROM log",
    "SELECT 1; DELETE FROM log",
    "COMMIT; DELETE FROM log; BEGIN",
)


QUESTIONS = (
    "FROM entries",
    "WITH a AS (SELECT 1) FROM a;",
    "SHOW TABLES",
    "DESCRIBE entries",
    "EXPLAIN SELECT 1",
    "PRAGMA table_info('log')",
    "PIVOT (SELECT action, phase FROM entries) ON phase USING count(*) GROUP BY action",
)


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_sql_reads_and_writes_no_file_and_changes_nothing(repo: Logged, world: Path, sql: str) -> None:
    repo.log(1)
    (world / "file").write_text("a,b\n1,2\n")
    one = store(repo)
    one.fold()
    before = sorted(world.rglob("*"))
    with pytest.raises(UsageError, match="refused the query"):
        one.query(sql.format(file=world / "file", folder=world))
    assert sorted(path for path in world.rglob("*") if "audit.duckdb" not in path.name) == [
        path for path in before if "audit.duckdb" not in path.name
    ]
    assert repo.verify().exit == 0


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwritten(path: Path) -> None:
    path.write_bytes(b"\0" * path.stat().st_size)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def older(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("DELETE FROM log WHERE seq >= 2")


def foreign(path: Path) -> None:
    path.unlink()
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE log (n INTEGER)")


DAMAGE: dict[str, Callable[[Path], None]] = {
    "truncated": truncated,
    "overwritten": overwritten,
    "emptied": emptied,
    "rows gone": older,
    "another database": foreign,
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_file_is_built_anew_and_that_is_said(repo: Logged, name: str) -> None:
    repo.log(2)
    one = store(repo)
    one.fold()
    DAMAGE[name](one.path)
    again = store(repo)
    assert again.query(COUNT).rows == [[4]]
    assert "built anew" in again.said[0]
    assert repo.verify().exit == 0


def test_a_deleted_file_is_built_anew(repo: Logged) -> None:
    repo.log(2)
    one = store(repo)
    one.fold()
    one.path.unlink()
    assert one.query(COUNT).rows == [[4]]
    assert one.said == []


CRASHES = """
import os, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("PRAGMA disable_checkpoint_on_shutdown")
connection.execute("BEGIN")
connection.execute("INSERT INTO log SELECT 4, entry, hash, salt, details FROM log WHERE seq = 0")
connection.execute("UPDATE folded SET size = 5")
connection.execute("COMMIT")
os._exit(9)
"""


@pytest.mark.parametrize("cut", [0, 40, 300, None])
def test_a_wal_that_was_cut_or_removed(repo: Logged, cut: int | None) -> None:
    repo.log(2)
    one = store(repo)
    one.fold()
    python(CRASHES, one.path).wait()
    wal = one.path.with_name("audit.duckdb.wal")
    assert wal.exists()
    if cut is None:
        wal.unlink()
    elif cut:
        wal.write_bytes(wal.read_bytes()[:-cut])
    repo.log(1)
    assert one.query(COUNT).rows == [[6]]
    lines = one.lines()
    assert lines is not None
    assert list(lines) == [*repo.lines(), b"end %d\n" % repo.journal.stat().st_size]


HOLDS = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def opened_elsewhere(one: Store) -> Iterator[None]:
    """Another program has the file open, and locked."""
    one.fold()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, one.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        yield
        holder.communicate(b"")


def test_a_file_that_another_program_has_open(repo: Logged) -> None:
    repo.log(2)
    one = store(repo)
    with opened_elsewhere(one):
        assert one.query(COUNT).rows == [[4]]
        assert "another program" in one.said[0]
        assert repo.verify().exit in (0, 4)
    assert store(repo).query(COUNT).rows == [[4]]


def test_no_sql_changes_what_is_in_memory_either(repo: Logged) -> None:
    repo.log(1)
    one = store(repo)
    with opened_elsewhere(one):
        for sql in CHANGES:
            with pytest.raises(UsageError, match="refused the query"):
                one.query(sql)
    assert one.said


def test_every_form_of_a_question_is_answered(repo: Logged) -> None:
    repo.log(1)
    one = store(repo)
    for sql in QUESTIONS:
        assert one.query(sql).rows, sql


def test_a_crash_of_duckdb_ends_no_command(repo: Logged, world: Path) -> None:
    """A DuckDB that dies at import: the journal goes on, and the command says what it could not do."""
    repo.log(1)
    broken = world / "broken"
    broken.mkdir()
    (broken / "duckdb.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    done = repo.tiny("audit", "query", COUNT, env={"PYTHONPATH": f"{broken}:{Path(__file__).parents[2]}"}, check=False)
    assert done.code == 4, str(done)
    assert "signal 11" in done.err
    assert "Traceback" not in done.err
    repo.log(1)
    assert store(repo).query(COUNT).rows == [[4]]


def test_where_the_disk_is_full_it_answers_from_the_journal(repo: Logged) -> None:
    """DuckDB finds the disk full when it makes the file, writes its log or commits; /dev/full takes its place here."""
    repo.log(2)
    one = store(repo)
    (repo.folder / "audit.duckdb.wal").symlink_to("/dev/full")
    assert one.query(COUNT).rows == [[4]]
    assert any("disk full" in said for said in one.said), one.said
    (repo.folder / "audit.duckdb.wal").unlink()
    assert store(repo).query(COUNT).rows == [[4]]


def test_where_nothing_may_be_written_it_answers_from_the_journal(repo: Logged) -> None:
    repo.log(2)
    code = (
        "import sys; from pathlib import Path; from tinycode_git.audit.store import Store;"
        f"print(Store(Path(sys.argv[1])).query({COUNT!r}).rows)"
    )
    with read_only(repo.common):
        done = unprivileged([sys.executable, "-B", "-c", code, repo.folder])
    assert (done.stdout, done.returncode) == (b"[[4]]\n", 0), done.stderr
    assert not (repo.folder / "audit.duckdb").exists()


def test_an_altered_journal_is_not_taken_in(repo: Logged) -> None:
    repo.log(3)
    repo.journal.write_bytes(repo.journal.read_bytes().replace(b'"seq":2', b'"seq":9'))
    with pytest.raises(Altered, match="altered"):
        store(repo).query(COUNT)


def test_a_file_of_another_journal_is_put_aside(repo: Logged) -> None:
    repo.log(4)
    store(repo).fold()
    shorter = b"".join(repo.lines()[:4])
    repo.journal.write_bytes(shorter)
    with pytest.raises(Altered):
        store(repo).query(COUNT)
    (repo.folder / "tail").unlink()
    one = store(repo)
    assert one.query(COUNT).rows == [[4]]
    assert "put aside" in one.said[0]
    assert [path.suffix for path in (repo.folder / "quarantine").iterdir()] == [".duckdb"]


def test_a_torn_line_is_left_where_it_is(repo: Logged) -> None:
    repo.log(1)
    with repo.journal.open("ab") as stream:
        stream.write(b'{"action"')
    assert store(repo).query(COUNT).rows == [[2]]


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_exports_hold_every_entry_in_order(repo: Logged, world: Path, kind: str) -> None:
    repo.log(3)
    target = world / "it's an export"
    store(repo).export(kind, target)
    reader = {"jsonl": "read_json", "csv": "read_csv", "parquet": "read_parquet"}[kind]
    path = str(target).replace("'", "''")
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT seq, hash FROM {reader}('{path}')").fetchall()
    assert [row[0] for row in found] == list(range(6))
    with pytest.raises(UsageError, match="could not be written"):
        store(repo).export(kind, world / "no/such/folder")


def test_several_processes_ask_at_once(repo: Logged) -> None:
    repo.log(3)
    code = (
        "import sys; from pathlib import Path; from tinycode_git.audit.store import Store;"
        f"print(Store(Path(sys.argv[1])).query({COUNT!r}).rows)"
    )
    askers = [python(code, repo.folder, stdout=subprocess.PIPE) for _ in range(4)]
    assert [asker.communicate()[0] for asker in askers] == [b"[[6]]\n"] * 4
