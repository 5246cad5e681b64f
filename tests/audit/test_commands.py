"""``git tiny audit`` as people and scripts run it: output, exit codes, JSON."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import duckdb
import pytest

from tests.audit.logs import Logged, operation, read_only, unprivileged
from tests.audit.test_erase import ERASES
from tests.repos import TINY
from tinycode_git.ledger import Operation


@pytest.fixture
def logged(repo: Logged) -> Logged:
    """A proposal, an approval and a refusal, a day apart."""
    repo.log(1)
    repo.merge()
    repo.ledger().note(
        operation("hook", details={"outcome": "refused", "why": "\x1b[31mred\u202e"}, ref="refs/heads/e\x1b[2J")
    )
    return repo


def test_log_as_a_table(logged: Logged) -> None:
    rows = logged.tiny("audit", "log").out.splitlines()
    assert rows[0].split() == ["SEQ", "TIME", "(UTC)", "ACTION", "PHASE", "RISK", "PLAN", "REF", "OR", "COMMIT", "USER"]
    assert [row.split()[0] for row in rows[1:]] == [str(n) for n in range(6, -1, -1)]
    assert rows[-1].split() == [
        "0",
        "2026-01-02",
        "12:00:00",
        "propose",
        "intent",
        "low",
        "add-retries-1a2b",
        "main",
        "Ada",
        "Example",
    ]
    assert "\x1b" not in "".join(rows)
    assert "e\\x1b[2J" in rows[1]


def test_log_as_json(logged: Logged) -> None:
    found = logged.tiny("audit", "log", "--json", "--limit", "2").json
    assert [entry["seq"] for entry in found["entries"]] == [6, 5]
    entry = found["entries"][0]
    assert (entry["action"], entry["phase"], entry["details"]["why"]) == ("hook", "failed", "\x1b[31mred\u202e")
    assert len(entry["hash"]) == 64


@pytest.mark.parametrize(
    ("options", "seqs"),
    [
        (["--action", "apply"], [5, 2]),
        (["--action", "nothing"], []),
        (["--plan", "add-"], [6, 5, 4, 3, 2, 1, 0]),
        (["--plan", "other"], []),
        (["--user", "ADA"], [6, 5, 4, 3, 2, 1, 0]),
        (["--risk", "medium"], []),
        (["--risk", "low", "-n", "1"], [6]),
        (["--since", "2026-01-02 12:00:01 +0000", "--action", "propose"], [1]),
        (["--since", "2027-01-01"], []),
    ],
)
def test_log_filters(logged: Logged, options: list[str], seqs: list[int]) -> None:
    found = logged.tiny("audit", "log", "--json", *options).json
    assert [entry["seq"] for entry in found["entries"]] == seqs


def test_log_timeline(logged: Logged) -> None:
    rows = logged.tiny("audit", "log", "--timeline").out.splitlines()
    assert rows[0] == "2026-01-02"
    assert rows[1].strip().startswith("12:00:00  propose add-retries-1a2b main: done after 1.0 s")
    assert len(rows) == 5


def test_a_long_log_is_cut_and_that_is_said(repo: Logged) -> None:
    repo.append(1001)
    assert len(repo.tiny("audit", "log", "-n", "0").out.splitlines()) == 1002
    cut = repo.tiny("audit", "log")
    assert len(cut.out.splitlines()) == 1001
    assert "the newest 1000 only" in cut.err
    assert len(json.loads(repo.tiny("audit", "log", "--json").out)["entries"]) == 1001
    assert repo.tiny("audit", "log", "-n", "5").err == ""


@pytest.mark.parametrize("options", ["--risk huge", "--since nonsense", "--since \x01", "--limit -1"])
def test_filters_that_are_none(logged: Logged, options: str) -> None:
    assert logged.tiny("audit", "log", *options.split(" "), check=False).code == 2


def test_reading_where_nothing_was_written_creates_nothing(repo: Logged) -> None:
    before = sorted(repo.common.rglob("*"))
    assert repo.tiny("audit", "log").out == ""
    assert repo.tiny("audit", "log", "--json").json == {"entries": []}
    assert repo.tiny("audit", "verify").text == "no audit log here yet"
    assert repo.tiny("audit", "query", "SELECT count(*) AS n FROM entries", "--json").json == {
        "columns": ["n"],
        "rows": [[0]],
    }
    assert repo.tiny("audit", "show", "0", check=False).code == 2
    assert repo.tiny("audit", "checkpoint", check=False).code == 1
    assert sorted(repo.common.rglob("*")) == before


def test_show_an_entry(logged: Logged) -> None:
    shown = logged.tiny("audit", "show", "6").out
    assert "action          hook" in shown
    assert "\\u001b[31mred\\u202e" in shown
    assert logged.tiny("audit", "show", "99", check=False).code == 2


def test_show_a_commit(logged: Logged) -> None:
    found = logged.tiny("audit", "show", "HEAD", "--json").json
    assert found["commit"] == logged.oid()
    assert [(entry["action"], entry["phase"]) for entry in found["entries"]] == [
        ("land", "intent"),
        ("land", "done"),
        ("apply", "done"),
    ]
    assert found["anchors"][0].split("/")[1] == "3"
    logged.commit("mine")
    nothing = logged.tiny("audit", "show", "HEAD", check=False)
    assert (nothing.code, "says nothing" in nothing.err) == (1, True)
    assert logged.tiny("audit", "show", "no-such", check=False).code == 2


def test_checkpoint_verify_prove(logged: Logged, world: Path) -> None:
    made = logged.tiny("audit", "checkpoint", "--json").json
    assert (made["made"], made["size"], made["commit"]) == (True, 8, logged.oid(made["ref"]))
    found = logged.tiny("audit", "verify", "--key", made["key"], "--json").json
    assert (found["result"], found["problems"], found["unchecked"]) == ("verified", [], [])
    assert found["logs"][0]["pinned"] is True
    logged.tiny("audit", "prove", "HEAD", "-o", world / "proof")
    done = logged.tiny("audit", "verify", "--proof", world / "proof", "--key", made["key"], "--json").json
    assert (done["entry"]["action"], done["entry"]["new"], len(done["signers"])) == ("apply", logged.oid(), 1)
    assert logged.tiny("audit", "prove", "5").stdout == (world / "proof").read_bytes()
    (world / "proof").write_bytes((world / "proof").read_bytes().replace(b"index 5", b"index 4"))
    assert logged.tiny("audit", "verify", "--proof", world / "proof", check=False).code == 1
    assert logged.tiny("audit", "verify", "--proof", world / "none", check=False).code == 2
    logged.log(1)
    late = logged.tiny("audit", "prove", "9", check=False)
    assert (late.code, "checkpoint" in late.err) == (1, True)


def test_verify_says_what_to_do_where_only_the_store_was_changed(logged: Logged) -> None:
    logged.tiny("audit", "log")
    with duckdb.connect(str(logged.folder / "audit.duckdb")) as connection:
        connection.execute("UPDATE log SET entry = replace(entry, 'Ada', 'Eve') WHERE seq = 1")
    done = logged.tiny("audit", "verify", check=False)
    assert (done.code, "TAMPERED (store)" in done.out, "audit.duckdb" in done.err) == (1, True, True)
    (logged.folder / "audit.duckdb").unlink()
    assert logged.tiny("audit", "verify").code == 0


def test_verify_says_what_was_tampered_with(logged: Logged) -> None:
    lines = logged.lines()
    logged.journal.write_bytes(b"".join([*lines[:2], lines[2].replace(b"Ada", b"Eve"), *lines[3:]]))
    done = logged.tiny("audit", "verify", check=False)
    assert (done.code, "TAMPERED (altered): entry 2" in done.out) == (1, True)
    found = logged.tiny("audit", "verify", "--json", check=False).json
    assert (found["result"], found["problems"][0]["seq"]) == ("tampered", 2)
    refused = logged.tiny("audit", "log", check=False)
    assert (refused.code, "git tiny audit verify" in refused.err) == (1, True)


def test_verify_in_a_read_only_repository(logged: Logged) -> None:
    logged.tiny("audit", "checkpoint")
    logged.log(1)
    with read_only(logged.path):
        done = unprivileged([*TINY, "audit", "verify"], cwd=logged.path)
        log = unprivileged([*TINY, "audit", "log", "-n", "1"], cwd=logged.path)
        refused = unprivileged([*TINY, "audit", "erase", "0", "--reason", "x"], cwd=logged.path)
        unpublished = unprivileged([*TINY, "audit", "checkpoint"], cwd=logged.path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (log.returncode, len(log.stdout.splitlines())) == (0, 2), log.stderr
    assert (refused.returncode, b"cannot be written" in refused.stderr) == (4, True), refused.stderr
    assert (unpublished.returncode, b"hint: is the repository read-only" in unpublished.stderr) == (4, True)


def test_push_and_fetch_and_verify_against_the_remote(logged: Logged, world: Path) -> None:
    bare = Logged(Logged.create(world / "bare.git", bare=True).path)
    logged.git("remote", "add", "origin", bare.path)
    pushed = logged.tiny("audit", "push", "--json").json
    log = pushed["checkpoint"]["log"]
    assert bare.oid(f"refs/tiny/audit/{log}") == pushed["checkpoint"]["commit"]
    logged.git("fetch", "-q", "origin", "refs/tiny/audit/*:refs/remotes/origin/tiny/audit/*")
    assert logged.tiny("audit", "verify", "--remote", f"refs/remotes/origin/tiny/audit/{log}").code == 0
    other = bare.git("commit-tree", "-m", "x", f"refs/tiny/audit/{log}^{{tree}}").text
    bare.git("update-ref", f"refs/tiny/audit/{log}", other)
    logged.log(1)
    refused = logged.tiny("audit", "push", check=False)
    assert (refused.code, "did not take the audit log" in refused.err) == (1, True), str(refused)
    assert logged.tiny("audit", "verify", "--remote", "no-such", check=False).code == 2


def test_query(logged: Logged) -> None:
    sql = "SELECT action, count(*) AS n FROM operations GROUP BY 1 ORDER BY 1"
    assert logged.tiny("audit", "query", sql, "--json").json == {
        "columns": ["action", "n"],
        "rows": [["apply", 1], ["hook", 1], ["land", 1], ["propose", 1]],
    }
    assert logged.tiny("audit", "query", sql).out.splitlines()[:2] == ["action   n", "apply    1"]
    refused = logged.tiny("audit", "query", "SELECT * FROM read_text('/etc/hostname')", check=False)
    assert (refused.code, "disabled" in refused.err) == (2, True)
    escaped = logged.tiny("audit", "query", "SELECT chr(27) || '[2J' AS x").out
    assert "\x1b" not in escaped


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_export(logged: Logged, world: Path, kind: str) -> None:
    out = logged.tiny("audit", "export", "--format", kind).stdout
    logged.tiny("audit", "export", "--format", kind, "-o", world / "out")
    assert (world / "out").read_bytes() == out
    if kind == "jsonl":
        assert [json.loads(line)["seq"] for line in out.splitlines()] == list(range(7))
    assert logged.tiny("audit", "export", "-o", world / "no/such/file", check=False).code == 2


def test_erase(logged: Logged) -> None:
    assert logged.tiny("audit", "erase", "0", check=False).code == 2
    assert logged.tiny("audit", "erase", "0", "--reason", " ", check=False).code == 2
    assert logged.tiny("audit", "erase", "0", "--reason", "a name").text == "the details of entry 0 are erased"
    assert "details         (gone)" in logged.tiny("audit", "show", "0").out
    assert logged.tiny("audit", "erase", "0", "--reason", "a name", check=False).code == 1
    assert logged.tiny("audit", "verify").code == 0


def test_writing_needs_mode_propose(logged: Logged) -> None:
    env = {"TINY_MODE": "chat"}
    for words in (["checkpoint"], ["push"], ["erase", "0", "--reason", "x"], ["restore"]):
        refused = logged.tiny("audit", *words, env=env, check=False)
        assert (refused.code, "mode propose" in refused.err) == (1, True)
    assert logged.tiny("audit", "log", env=env).code == 0
    assert logged.tiny("audit", "verify", env=env).code == 0


def test_restore_from_duckdb(logged: Logged) -> None:
    logged.tiny("audit", "log")
    logged.journal.unlink()
    said = logged.tiny("audit", "log")
    assert "the audit journal is gone" in said.err
    assert logged.tiny("audit", "verify", check=False).code == 1
    done = logged.tiny("audit", "restore", "--json").json
    assert (done["entries"], done["source"], done["details_lost"]) == (7, "DuckDB", 0)
    assert logged.tiny("audit", "verify").code == 0
    assert logged.tiny("audit", "restore", check=False).code == 1


def test_restore_from_the_last_checkpoint_says_what_is_lost(logged: Logged) -> None:
    logged.tiny("audit", "checkpoint")
    shutil.rmtree(logged.folder)
    gone = logged.tiny("audit", "verify", check=False)
    assert (gone.code, "git tiny audit restore" in gone.out) == (4, True)
    done = logged.tiny("audit", "restore")
    assert "the details of 8 of them are lost" in done.out
    verified = logged.tiny("audit", "verify")
    assert "note: the details of 8 entries were lost when the journal was restored" in verified.out
    logged.log(1)
    assert logged.tiny("audit", "checkpoint", "--json").json["size"] == 11
    assert logged.tiny("audit", "verify").code == 0


def test_restore_of_an_altered_journal_keeps_the_whole_part_and_what_was_there(logged: Logged) -> None:
    lines = logged.lines()
    altered = b"".join([*lines[:4], lines[4].replace(b"Ada", b"Eve"), *lines[5:]])
    logged.journal.write_bytes(altered)
    (logged.folder / "tail").unlink()
    assert logged.tiny("audit", "checkpoint", check=False).code == 1
    done = logged.tiny("audit", "restore", "--json").json
    assert (done["entries"], done["source"]) == (5, "the journal")
    assert (logged.folder / done["aside"]).read_bytes() == altered


def test_an_interrupted_erasure_is_finished_by_the_next_command(logged: Logged, world: Path) -> None:
    trace: list[str | Path] = [
        "strace",
        "-qq",
        "-f",
        "-o",
        world / "trace",
        "-e",
        "inject=rename:signal=SIGKILL:when=1",
    ]
    unprivileged([*trace, sys.executable, "-c", ERASES, logged.common, "0"])
    assert logged.tiny("audit", "verify", check=False).code == 4
    done = logged.tiny("audit", "checkpoint")
    assert "the erasure of entry 0, which was interrupted, is finished" in done.err
    assert logged.tiny("audit", "verify").code == 0


def test_help_names_every_command(repo: Logged) -> None:
    text = repo.tiny("audit", "--help").out
    for name in ("log", "show", "verify", "checkpoint", "push", "prove", "query", "export", "erase", "restore"):
        assert f"  {name} " in text
        assert "Exit codes:" in repo.tiny("audit", name, "--help").out


def test_an_action_that_there_is_not_is_said(logged: Logged) -> None:
    done = logged.tiny("audit", "log", "--action", "aply")
    assert (done.out, "'aply'" in done.err, "apply, " in done.err) == ("", True, True)


def test_a_commit_stands_where_an_entry_has_no_ref(repo: Logged) -> None:
    repo.ledger().note(Operation("hook-passed", new="c" * 40))
    assert "cccccccccccc" in repo.tiny("audit", "log").out
    assert "hook-passed cccccccccccc: done" in repo.tiny("audit", "log", "--timeline").out


@pytest.mark.parametrize("sql", ["", " ", "/* nothing */"])
def test_a_query_of_nothing_is_a_wrong_use(logged: Logged, sql: str) -> None:
    done = logged.tiny("audit", "query", sql, check=False)
    assert (done.code, "no statement" in done.err) == (2, True)


def test_files_that_cannot_be_written_are_a_wrong_use(logged: Logged, world: Path) -> None:
    logged.tiny("audit", "checkpoint")
    for words in (["export"], ["prove", "1"]):
        for place in (world, world / "none/x"):
            done = logged.tiny("audit", *words, "-o", place, check=False)
            assert (done.code, "a bug" in done.err) == (2, False), str(done)


def test_restore_where_there_was_never_a_log(repo: Logged) -> None:
    done = repo.tiny("audit", "restore", check=False)
    assert (done.code, "there is no audit log" in done.err) == (1, True)
