"""Every kind of change to a log shows, and is said to be where it is."""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest

from tests.audit.logs import Logged, operation, read_only
from tests.repos import run
from tinycode_git.audit.details import GONE
from tinycode_git.audit.entry import parse
from tinycode_git.audit.journal import Journal
from tinycode_git.audit.keys import LogState, Signer
from tinycode_git.audit.line import join, split
from tinycode_git.audit.merkle import leaf_hash, root
from tinycode_git.audit.note import Checkpoint, Note, Verifier, origin
from tinycode_git.audit.report import Kind, Report
from tinycode_git.audit.store import Store
from tinycode_git.audit.tiles import bundle, unbundle
from tinycode_git.render.jsonout import dumps

Lines = list[bytes]


def rehashed(lines: Lines, start: int) -> Lines:
    """The same lines as a chain that fits together, as somebody would make who knows how it is made."""
    made = lines[:start]
    for line in lines[start:]:
        data, details = split(line)
        previous = leaf_hash(split(made[-1])[0]).hex() if made else "0" * 64
        entry = replace(parse(data), seq=len(made), previous_hash=previous)
        made.append(join(entry.canonical(), details))
    return made


def edited(lines: Lines, seq: int, **fields: str) -> Lines:
    data, details = split(lines[seq])
    return [*lines[:seq], join(replace(parse(data), **cast(Any, fields)).canonical(), details), *lines[seq + 1 :]]


def swapped(lines: Lines, seq: int) -> Lines:
    return [*lines[:seq], lines[seq + 1], lines[seq], *lines[seq + 2 :]]


# What is done to the lines of the journal (of twenty, a checkpoint at eleven), the kind of problem, the entry it is at.
TAMPERING: dict[str, tuple[Callable[[Lines], Lines], set[Kind], int]] = {
    "a field edited": (lambda lines: edited(lines, 5, user="Mallory"), {Kind.ALTERED}, 5),
    "a field of the last entry edited": (lambda lines: edited(lines, 19, user="Mallory"), {Kind.FORKED}, 19),
    "a field after the checkpoint edited": (lambda lines: edited(lines, 15, user="Mallory"), {Kind.ALTERED}, 15),
    "an entry edited and all after it hashed anew": (
        lambda lines: rehashed(edited(lines, 5, user="Mallory"), 5),
        {Kind.ALTERED, Kind.FORKED},
        5,
    ),
    "the first entry edited and all hashed anew": (
        lambda lines: rehashed(edited(lines, 0, user="Mallory"), 0),
        {Kind.ALTERED, Kind.FORKED},
        0,
    ),
    "an entry removed": (lambda lines: lines[:5] + lines[6:], {Kind.MISSING}, 5),
    "an entry removed and all after it hashed anew": (
        lambda lines: rehashed(lines[:5] + lines[6:], 5),
        {Kind.ALTERED, Kind.FORKED, Kind.CUT},
        5,
    ),
    "the first entry removed": (lambda lines: lines[1:], {Kind.MISSING}, 0),
    "an entry twice": (lambda lines: lines[:6] + lines[5:], {Kind.INSERTED}, 6),
    "an entry inserted and all after it hashed anew": (
        lambda lines: rehashed(lines[:6] + lines[2:3] + lines[6:], 6),
        {Kind.ALTERED, Kind.FORKED},
        6,
    ),
    "two entries swapped": (lambda lines: swapped(lines, 5), {Kind.MISSING}, 5),
    "two entries swapped and all hashed anew": (
        lambda lines: rehashed(swapped(lines, 5), 5),
        {Kind.ALTERED, Kind.FORKED},
        5,
    ),
    "the end cut off, after the checkpoint": (lambda lines: lines[:15], {Kind.CUT}, 15),
    "the end cut off, before the checkpoint": (lambda lines: lines[:5], {Kind.CUT}, 5),
    "everything cut off": (lambda lines: [], {Kind.CUT}, 0),
    "details edited": (
        lambda lines: [*lines[:6], lines[6].replace(b"details of", b"retails of"), *lines[7:]],
        {Kind.DETAILS},
        6,
    ),
    "details removed": (lambda lines: [*lines[:6], join(split(lines[6])[0], GONE), *lines[7:]], {Kind.DETAILS}, 6),
    "details of another entry": (
        lambda lines: [*lines[:6], join(split(lines[6])[0], split(lines[4])[1]), *lines[7:]],
        {Kind.DETAILS},
        6,
    ),
    "another spelling": (
        lambda lines: [*lines[:5], lines[5].replace(b'"step":', b'"step": '), *lines[6:]],
        {Kind.ALTERED},
        5,
    ),
    "a line of nonsense": (lambda lines: [*lines[:5], b"nonsense\n", *lines[5:]], {Kind.ALTERED}, 5),
    "an empty line": (lambda lines: [*lines[:5], b"\n", *lines[5:]], {Kind.ALTERED}, 5),
}


def problems(report: Report) -> list[tuple[Kind, int | None]]:
    return [(problem.kind, problem.seq) for problem in report.problems]


def prepared(repo: Logged) -> Lines:
    """Twenty entries: a checkpoint of eleven (its key's entry is the eleventh), and a store of them all."""
    repo.log(5)
    repo.checkpoint()
    repo.log(4)
    repo.ledger().note(operation("propose"))
    assert len(list(repo.lines())) == 20
    return repo.lines()


@pytest.mark.parametrize("name", TAMPERING)
def test_a_change_to_the_journal_shows_at_its_entry(repo: Logged, name: str) -> None:
    tamper, kinds, seq = TAMPERING[name]
    lines = prepared(repo)
    assert repo.verify().exit == 0
    repo.journal.write_bytes(b"".join(tamper(lines)))
    report = repo.verify()
    assert report.exit == 1
    assert kinds <= {problem.kind for problem in report.problems}
    assert min(problem.seq for problem in report.problems if problem.seq is not None) == seq


@pytest.mark.parametrize("name", TAMPERING)
def test_it_shows_without_what_lies_beside_the_journal(repo: Logged, name: str) -> None:
    """The attacker removes the tail, the caches and the DuckDB file; what is published and the witness remain."""
    tamper, _, _ = TAMPERING[name]
    lines = prepared(repo)
    repo.checkpoint()
    for other in repo.folder.iterdir():
        if other.is_file() and other.name != "journal":
            other.unlink()
    repo.journal.write_bytes(b"".join(tamper(lines)))
    assert repo.verify().exit == 1


def test_the_witness_file_alone_shows_a_log_begun_anew(repo: Logged) -> None:
    repo.log(3)
    repo.checkpoint()
    repo.git("update-ref", "-d", repo.log_ref())
    shutil.rmtree(repo.folder)
    repo.log(1)
    report = repo.verify()
    assert [(problem.kind, problem.source) for problem in report.problems] == [(Kind.CUT, "the witness file")]


def test_a_repository_that_was_cloned_anew_is_not_called_tampered_with(repo: Logged, world: Path) -> None:
    """Nor is it called whole: that its git directory was replaced to be rid of the log looks the same."""
    repo.clone(world / "elsewhere", "--bare")
    repo.log(3)
    repo.checkpoint()
    log = repo.ledger().anchor().log
    repo.git("push", "-q", world / "elsewhere", f"{repo.log_ref()}:{repo.log_ref()}")
    shutil.rmtree(repo.path)
    run(["git", "clone", "-q", world / "elsewhere", repo.path], cwd=world)
    for begun in (False, True):
        if begun:
            repo.log(1)
        report = repo.verify()
        (said,) = report.unchecked
        assert (report.exit, report.problems) == (4, [])
        assert f"log {log}" in said.what
        assert "7 entries, 0 are here" in said.what
        assert "cloned anew" in said.reason
        assert "replaced" in said.reason
        assert str(LogState(log).folder / "clone") in said.reason
    repo.git("fetch", "-q", "origin", "refs/tiny/audit/*:refs/tiny/audit/*")
    assert repo.verify().exit == 0, repo.verify()
    repo.git("update-ref", "-d", f"refs/tiny/audit/{log}")
    (LogState(log).folder / "clone").unlink()
    assert repo.verify().exit == 0


@pytest.mark.parametrize("kept", ["HEAD", "objects/info", "refs/tags"])
def test_a_git_directory_that_was_there_before_its_log_is_the_same(repo: Logged, kept: str) -> None:
    """Whatever was done to the rest: one file that is older than the log shows that the log was here."""
    repo.log(3)
    repo.checkpoint()
    repo.git("update-ref", "-d", repo.log_ref())
    shutil.rmtree(repo.folder)
    for path in repo.common.rglob("*"):
        if path != repo.common / kept:
            path.chmod(path.stat().st_mode)
    assert [problem.kind for problem in repo.verify().problems] == [Kind.CUT]
    (repo.common / kept).chmod((repo.common / kept).stat().st_mode)
    report = repo.verify()
    assert (report.exit, "replaced" in report.unchecked[0].reason) == (4, True)


def test_the_trailer_of_a_commit_alone_shows_a_cut(repo: Logged, world: Path) -> None:
    repo.log(3)
    merge = repo.merge()
    repo.log(1)
    repo.checkpoint()
    lines = repo.lines()
    repo.git("update-ref", "-d", repo.log_ref())
    shutil.rmtree(world / "home/.local/state")
    for other in repo.folder.iterdir():
        if other.is_file():
            other.unlink()
    repo.journal.write_bytes(b"".join(lines[:5]))
    report = repo.verify()
    assert report.exit == 1
    assert [problem.source for problem in report.problems if problem.kind is Kind.CUT] == [f"commit {merge[:12]}"]


def test_a_merge_without_an_entry_shows(repo: Logged) -> None:
    repo.merge()
    anchor = repo.ledger().anchor()
    repo.commit(f"Merge plan forged\n\nPlan-Id: forged\nTiny-Audit: {anchor}")
    report = repo.verify()
    assert problems(report) == [(Kind.UNRECORDED, None)]
    assert repo.oid()[:12] in report.problems[0].message


def test_a_rebased_merge_is_called_a_copy_and_no_tampering(repo: Logged) -> None:
    base = repo.oid()
    merge = repo.merge()
    repo.git("checkout", "-q", "-b", "other", base)
    repo.commit("elsewhere", {"other": "x\n"})
    repo.git("cherry-pick", "--allow-empty", merge)
    report = repo.verify()
    assert (report.exit, report.problems) == (0, [])
    assert report.notes == [
        f"commit {repo.oid()[:12]} is a copy (rebased, cherry-picked or amended) of {merge[:12]}, which entry 3"
        " records: the log vouches for that commit, not for the copy"
    ]


@pytest.mark.parametrize("plan", ["add-retries-1a2b", "forged-1a2b"])
def test_a_copied_trailer_of_another_moment_or_plan_is_no_copy(repo: Logged, plan: str) -> None:
    repo.merge()
    anchor = repo.ledger().anchor()
    repo.merge()
    named = repo.git("log", "-1", "--format=%(trailers:key=Tiny-Audit,valueonly)").text
    repo.commit(f"Merge plan\n\nPlan-Id: {plan}\nTiny-Audit: {anchor if plan.startswith('add') else named}")
    assert problems(repo.verify()) == [(Kind.UNRECORDED, None)]


def test_a_renamed_branch_is_no_tampering(repo: Logged) -> None:
    repo.merge()
    repo.git("branch", "-m", "main", "trunk")
    assert repo.verify().exit == 0


def test_a_rollback_that_nobody_recorded_to_a_recorded_commit_shows(repo: Logged) -> None:
    first = repo.merge()
    repo.merge("other-2b3c")
    repo.git("branch", "-m", "main", "trunk")
    repo.git("update-ref", "-m", "tiny: rollback other-2b3c", "refs/heads/trunk", first)
    assert problems(repo.verify()) == [(Kind.UNRECORDED, None)]


def test_a_move_of_a_branch_without_an_entry_shows(repo: Logged) -> None:
    repo.merge()
    repo.git("update-ref", "-m", "tiny: rollback add-retries-1a2b", "refs/heads/main", "HEAD~1")
    report = repo.verify()
    assert problems(report) == [(Kind.UNRECORDED, None)]
    assert "refs/heads/main" in report.problems[0].message


def test_the_users_own_moves_need_no_entry(repo: Logged) -> None:
    repo.merge()
    repo.commit("mine", {"file": "more\n"})
    repo.git("reset", "-q", "--hard", "HEAD~1")
    assert repo.verify().exit == 0


def published(repo: Logged, change: Callable[[dict[str, bytes]], None]) -> None:
    """Replace the checkpoint on the ref by one with other files, its note signed anew where told."""
    ref = repo.log_ref()
    found = {path: repo.show(ref, path) for path in repo.tree(ref)}
    change(found)
    rows = []
    for path, data in found.items():
        oid = repo.git("hash-object", "-w", "--stdin", input=data).text
        rows.append(f"100644 {oid}\t{path}\n")
    env = {"GIT_INDEX_FILE": str(repo.path / "other-index")}
    repo.git("update-index", "--add", "--index-info", input="".join(rows), env=env)
    tree = repo.git("write-tree", env=env).text
    (repo.path / "other-index").unlink()
    above = repo.git("rev-parse", f"{ref}^", check=False)
    parents = ["-p", above.text] if above.code == 0 else []
    repo.git("update-ref", ref, repo.git("commit-tree", *parents, "-m", "forged", tree).text)


def resigned(repo: Logged, size: int, head: bytes, signer: Signer | None = None) -> bytes:
    log = repo.ledger().anchor().log
    body = Checkpoint(origin(log), size, head).text()
    by = signer or LogState(log).signer()
    assert by is not None
    return Note(body, (by.sign(body),)).dump()


def bundled(files: dict[str, bytes], change: Callable[[Lines], Lines]) -> None:
    path = "tile/entries/000.p/11"
    files[path] = bundle(change(unbundle(files[path])))


FORGERIES: dict[str, Callable[[Logged, dict[str, bytes]], None]] = {
    "a signature over another text": lambda repo, files: files.update(
        checkpoint=files["checkpoint"].replace(b"\n11\n", b"\n12\n")
    ),
    "another root": lambda repo, files: files.update(checkpoint=resigned(repo, 11, b"\1" * 32)),
    "a size beyond the log": lambda repo, files: files.update(checkpoint=resigned(repo, 99, b"\1" * 32)),
    "a key that the log does not name": lambda repo, files: files.update(
        checkpoint=resigned(
            repo, 11, bytes.fromhex(root_at(repo, 11)), Signer(origin(repo.ledger().anchor().log), b"\5" * 32)
        )
    ),
    "another log's name": lambda repo, files: files.update(
        checkpoint=files["checkpoint"].replace(b"tiny-audit/", b"tiny-audit/0")
    ),
    "no signature": lambda repo, files: files.update(checkpoint=files["checkpoint"].partition(b"\n\n")[0] + b"\n\n"),
    "an entry edited": lambda repo, files: files.update(
        {"tile/entries/000.p/11": files["tile/entries/000.p/11"].replace(b"Ada", b"Eve", 1)}
    ),
    "two entries swapped": lambda repo, files: bundled(files, lambda found: swapped(found, 5)),
    "an entry removed": lambda repo, files: bundled(files, lambda found: found[:5] + found[6:]),
    "an entry removed, another twice": lambda repo, files: bundled(
        files, lambda found: found[:5] + found[6:] + found[-1:]
    ),
    "an entry inserted": lambda repo, files: bundled(files, lambda found: found[:6] + found[5:]),
    "the last entry removed": lambda repo, files: bundled(files, lambda found: found[:-1]),
    "a bundle cut": lambda repo, files: files.update({"tile/entries/000.p/11": files["tile/entries/000.p/11"][:-9]}),
    "a tile edited": lambda repo, files: files.update({"tile/0/000.p/11": b"\0" * 352}),
}


def root_at(repo: Logged, size: int) -> str:
    return root([leaf_hash(split(line)[0]) for line in repo.lines()[:size]]).hex()


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_checkpoint_shows(repo: Logged, name: str) -> None:
    prepared(repo)
    published(repo, lambda files: FORGERIES[name](repo, files))
    report = repo.verify()
    assert report.exit == 1, report
    assert all(problem.source for problem in report.problems)


def test_a_forged_checkpoint_fetched_from_elsewhere_shows(repo: Logged, world: Path) -> None:
    prepared(repo)
    other = Logged(repo.clone(world / "other").path)
    other.git("fetch", "-q", "origin", "refs/tiny/audit/*:refs/tiny/audit/*")
    log = repo.ledger().anchor().log
    forged = repo.git("commit-tree", "-m", "x", f"refs/tiny/audit/{log}^{{tree}}").text
    repo.git("update-ref", f"refs/remotes/evil/tiny/audit/{log}", forged)
    assert repo.verify().exit == 0
    edited_tree = {"checkpoint": resigned(repo, 11, b"\2" * 32)}
    oid = repo.git("hash-object", "-w", "--stdin", input=edited_tree["checkpoint"]).text
    tree = repo.git("mktree", input=f"100644 blob {oid}\tcheckpoint\n").text
    evil = repo.git("commit-tree", "-m", "x", tree).text
    repo.git("update-ref", f"refs/remotes/evil/tiny/audit/{log}", evil)
    report = repo.verify()
    assert Kind.FORKED in {problem.kind for problem in report.problems}
    repo.git("update-ref", "-d", f"refs/remotes/evil/tiny/audit/{log}")
    assert repo.verify().exit == 0
    assert repo.verify(remote=evil).exit == 1


def test_an_edit_in_duckdb_shows_at_its_entry(repo: Logged) -> None:
    prepared(repo)
    Store(repo.folder).fold()
    with duckdb.connect(str(repo.folder / "audit.duckdb")) as connection:
        connection.execute("UPDATE log SET entry = replace(entry, 'Ada', 'Eve') WHERE seq = 7")
    assert problems(repo.verify()) == [(Kind.STORE, 7)]


def test_an_edit_of_details_in_duckdb_shows(repo: Logged) -> None:
    prepared(repo)
    Store(repo.folder).fold()
    with duckdb.connect(str(repo.folder / "audit.duckdb")) as connection:
        connection.execute("UPDATE log SET details = '{}' WHERE seq = 6")
    assert problems(repo.verify()) == [(Kind.STORE, 6)]


def test_a_torn_last_line_is_no_tampering(repo: Logged) -> None:
    repo.log(2)
    with repo.journal.open("ab") as stream:
        stream.write(b'{"action":"ap')
    report = repo.verify()
    assert report.exit == 0
    assert report.notes == ["the journal ends in a line that was cut short (13 bytes)"]


def test_a_journal_that_is_gone_shows(repo: Logged) -> None:
    repo.log(2)
    repo.checkpoint()
    repo.journal.unlink()
    assert problems(repo.verify()) == [(Kind.CUT, 0)]


def test_nothing_here_is_nothing_wrong(repo: Logged) -> None:
    report = repo.verify()
    assert (report.exit, report.logs) == (0, [])
    assert not repo.folder.exists()


def test_verifying_writes_nothing_and_works_where_nothing_may_be_written(repo: Logged) -> None:
    prepared(repo)
    before = {path: path.stat().st_mtime_ns for path in repo.common.rglob("*")}
    with read_only(repo.common):
        assert repo.verify().exit == 0
    assert {path: path.stat().st_mtime_ns for path in repo.common.rglob("*")} == before


def test_a_clone_without_the_logs_says_what_it_lacks(repo: Logged, world: Path) -> None:
    repo.merge()
    repo.checkpoint()
    clone = Logged(repo.clone(world / "clone").path)
    report = clone.verify()
    assert report.exit == 4
    assert "git fetch" in report.unchecked[0].reason


def test_a_shallow_clone_says_what_it_lacks(repo: Logged, world: Path) -> None:
    repo.merge()
    repo.merge("other-2b3c")
    repo.checkpoint()
    clone = Logged(world / "clone")
    repo.git("clone", "-q", "--depth=1", f"file://{repo.path}", clone.path)
    clone.git("fetch", "-q", "--depth=1", "origin", "refs/tiny/audit/*:refs/tiny/audit/*")
    report = clone.verify()
    assert report.exit == 4
    assert {"commits before the end of this shallow clone"} <= {unchecked.what for unchecked in report.unchecked}
    assert report.logs[0].size == 9


def test_a_partial_clone_says_what_it_lacks_and_fetches_nothing(repo: Logged, world: Path) -> None:
    repo.config("uploadpack.allowFilter", "true")
    repo.merge()
    repo.checkpoint()
    clone = Logged(world / "clone")
    repo.git("clone", "-q", "--filter=blob:none", f"file://{repo.path}", clone.path)
    clone.git("fetch", "-q", "--filter=blob:none", "origin", "refs/tiny/audit/*:refs/tiny/audit/*")
    report = clone.verify()
    assert report.exit == 4
    assert any("not in this clone" in unchecked.reason for unchecked in report.unchecked)


def test_a_pinned_key_of_another_log_is_not_passed_over(repo: Logged) -> None:
    repo.log(1)
    made = repo.checkpoint()
    assert repo.verify(pinned=Verifier.parse(made.vkey)).logs[0].pinned
    other = Signer(origin(made.anchor.log), b"\3" * 32).verifier()
    assert repo.verify(pinned=other).exit == 1
    elsewhere = Signer(origin("0123456789abcdef"), b"\3" * 32).verifier()
    assert repo.verify(pinned=elsewhere).exit == 1


def test_replace_refs_and_grafts_change_nothing(repo: Logged) -> None:
    prepared(repo)
    first = repo.git("rev-parse", repo.log_ref()).text
    repo.log(1)
    last = repo.checkpoint().commit
    repo.git("replace", last, first)
    (repo.common / "info").mkdir(exist_ok=True)
    (repo.common / "info/grafts").write_text(f"{last}\n")
    report = repo.verify()
    assert (report.exit, report.logs[0].checkpoints) == (0, 2)


def test_an_object_that_is_not_what_its_name_says_shows(repo: Logged) -> None:
    prepared(repo)
    oid = repo.tree(repo.log_ref())["tile/entries/000.p/11"][1]
    path = repo.common / "objects" / oid[:2] / oid[2:]
    data = zlib.decompress(path.read_bytes())
    path.chmod(0o644)
    path.write_bytes(zlib.compress(data.replace(b"Ada", b"Eve", 1)))
    assert repo.verify().exit == 1


def test_the_report_is_plain_data(repo: Logged) -> None:
    prepared(repo)
    repo.journal.write_bytes(b"".join(repo.lines()[:5]))
    report = repo.verify()
    found = json.loads(dumps({"problems": report.problems, "logs": report.logs}))
    assert found["problems"][0]["kind"] == "cut"
    assert Journal(repo.folder).path.exists()
