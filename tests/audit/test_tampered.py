"""What was done to a ref, a bundle or the DuckDB store is named by its entry, wherever the truth is left."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import duckdb
import pytest

from tests.audit.logs import Logged
from tests.audit.test_verify import FORGERIES, Lines, edited, prepared, problems, published, rehashed
from tests.repos import ROOT, run
from tinycode_git.audit.report import Kind
from tinycode_git.audit.store import Store


def only_the_journal(repo: Logged, world: Path, lines: Lines) -> None:
    """What an attacker leaves who knows every place: nothing but a journal of their making."""
    shutil.rmtree(repo.folder)
    repo.folder.mkdir()
    shutil.rmtree(world / "home/.local/state")
    repo.journal.write_bytes(b"".join(lines))


@pytest.mark.parametrize("source", ["the log's ref", "a remote-tracking ref", "a ref of another name"])
@pytest.mark.parametrize("kind", ["cut", "rolled back and grown again", "forked"])
def test_one_ref_alone_shows_what_was_signed(repo: Logged, world: Path, source: str, kind: str) -> None:
    lines = prepared(repo)
    repo.checkpoint()
    ref = repo.log_ref()
    place = {
        "the log's ref": ref,
        "a remote-tracking ref": ref.replace("refs/", "refs/remotes/origin/", 1),
        "a ref of another name": "refs/heads/kept",
    }[source]
    commit = repo.oid(ref)
    repo.git("update-ref", "-d", ref)
    repo.git("update-ref", place, commit)
    shorter = lines[:15]
    if kind == "rolled back and grown again":
        shorter = rehashed(lines[:15] + lines[5:14], 15)
    elif kind == "forked":
        shorter = rehashed(edited(lines, 15, user="Mallory"), 15)
    only_the_journal(repo, world, shorter)
    options = {"remote": place} if source == "a ref of another name" else {}
    report = repo.verify(**options)
    assert report.exit == 1
    assert {"cut": Kind.CUT}.get(kind, Kind.FORKED) in {problem.kind for problem in report.problems}
    assert min(problem.seq for problem in report.problems if problem.seq is not None) == 15
    assert any(place in problem.source for problem in report.problems), report.problems


def test_what_is_done_to_a_bundle_is_named_by_its_entry(repo: Logged, world: Path) -> None:
    """In the clone that wrote the log, in one that only fetched it, and by the script."""
    prepared(repo)
    ref, commit = repo.log_ref(), repo.oid(repo.log_ref())
    seqs = {"an entry edited": 0, "two entries swapped": 5, "an entry removed": 5, "an entry inserted": 6}
    seqs |= {"an entry removed, another twice": 5, "the last entry removed": 10, "a bundle cut": 10}
    for name, seq in seqs.items():
        published(repo, lambda files, name=name: FORGERIES[name](repo, files))  # type: ignore[misc]
        assert min(n for _, n in problems(repo.verify()) if n is not None) == seq, name
        assert {n for _, n in problems(repo.verify()) if n is not None} == {seq}, "the journal itself is whole"
        clone = Logged(repo.clone(world / f"clone{seq}{len(name)}").path)
        clone.git("fetch", "-q", "origin", "refs/tiny/audit/*:refs/tiny/audit/*")
        assert min(n for _, n in problems(clone.verify()) if n is not None) == seq, name
        said = run([sys.executable, "-I", "-S", ROOT / "verify_audit.py", clone.path], cwd=world, check=False)
        assert (said.code, f"entry {seq}" in said.out) == (1, True), str(said)
        repo.git("update-ref", ref, commit)


# What is done to the rows of DuckDB, and the entry that is named.
IN_DUCKDB = {
    "a row removed": ("DELETE FROM log WHERE seq = 7", 7),
    "the last row removed": ("DELETE FROM log WHERE seq = 19", 19),
    "the last rows removed, and their number changed": (
        "DELETE FROM log WHERE seq > 16; UPDATE folded SET size = 17",
        17,
    ),
    "a row twice": ("INSERT INTO log SELECT * FROM log WHERE seq = 7", 8),
    "a row inserted": ("INSERT INTO log SELECT 7, entry, hash, salt, details FROM log WHERE seq = 3", 8),
    "a row added at the end": ("INSERT INTO log SELECT 20, entry, hash, salt, details FROM log WHERE seq = 3", 19),
    "two rows swapped": ("UPDATE log SET seq = 15 - seq WHERE seq IN (7, 8)", 7),
    "a hash edited": ("UPDATE log SET hash = repeat('0', 64) WHERE seq = 7", 7),
    "a salt edited": ("UPDATE log SET salt = repeat('0', 64) WHERE seq = 7", 7),
    "a number lost": ("UPDATE log SET seq = NULL WHERE seq = 7", 7),
    "everything removed": ("DELETE FROM log", 0),
}


def test_what_is_done_to_duckdb_shows_at_its_entry(repo: Logged) -> None:
    prepared(repo)
    Store(repo.folder).fold()
    whole = (repo.folder / "audit.duckdb").read_bytes()
    for name, (sql, seq) in IN_DUCKDB.items():
        (repo.folder / "audit.duckdb").write_bytes(whole)
        with duckdb.connect(str(repo.folder / "audit.duckdb")) as connection:
            for statement in sql.split(";"):
                connection.execute(statement)
        assert problems(repo.verify()) == [(Kind.STORE, seq)], name
        assert len(Store(repo.folder).query("SELECT * FROM entries").rows) == 20
    assert repo.verify().exit == 0
    # A store that is behind the journal is no tampering: the next question takes in the rest.
    repo.log(1)
    assert repo.verify().exit == 0


def test_a_view_in_the_file_shows_nothing_else(repo: Logged) -> None:
    prepared(repo)
    Store(repo.folder).fold()
    with duckdb.connect(str(repo.folder / "audit.duckdb")) as connection:
        connection.execute("CREATE VIEW entries AS SELECT 1 AS seq, 'nothing happened' AS action")
    assert len(Store(repo.folder).query("SELECT DISTINCT seq, action FROM entries").rows) == 20
