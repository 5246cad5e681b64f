"""Checkpoints: incremental, durable, signed, and never of a log that does not extend the last one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.audit.logs import USER, Logged, operation, python
from tests.audit.test_journal import entries
from tinycode_git.audit.entry import Altered
from tinycode_git.audit.keys import LogState, known_logs
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.audit.merkle import root
from tinycode_git.audit.note import Verifier, parse_checkpoint, parse_note
from tinycode_git.audit.publish import checkpoint
from tinycode_git.audit.published import objects
from tinycode_git.audit.tiles import unbundle
from tinycode_git.errors import Incomplete, Refused


@pytest.fixture(params=["sha1", "sha256"])
def either(request: pytest.FixtureRequest, world: Path) -> Logged:
    """A repository of each object format."""
    made = Logged(Logged.create(world / "either", object_format=request.param).path)
    made.commit("first", {"file": "content\n"})
    return made


def files(repo: Logged, commit: str) -> dict[str, bytes]:
    return {path: repo.show(commit, path) for path in repo.tree(commit)}


def test_a_checkpoint_holds_everything_that_a_clone_needs(either: Logged) -> None:
    either.log(3)
    made = either.checkpoint()
    found = files(either, made.commit)
    hashes = [entry.hash for entry in entries(either)]
    assert made.made
    assert made.anchor.size == len(hashes) == 7
    assert found["tile/0/000.p/7"] == b"".join(hashes)
    assert unbundle(found["tile/entries/000.p/7"]) == [entry.canonical() for entry in entries(either)]
    note = parse_note(found["checkpoint"])
    assert parse_checkpoint(note.text).root == root(hashes)
    assert note.signers([Verifier.parse(made.vkey)])
    assert set(found) == {"checkpoint", "tile/0/000.p/7", "tile/entries/000.p/7"}
    assert b"details of" not in b"".join(found.values())
    either.fsck()


@pytest.mark.parametrize("steps", [(1, 1), (100, 28, 1), (127, 1, 1, 130), (300, 256), (600,)])
def test_a_checkpoint_after_others_is_as_one_alone(repo: Logged, world: Path, steps: tuple[int, ...]) -> None:
    for step in steps:
        repo.log(step)
        last = repo.checkpoint()
    alone = Logged(Logged.create(world / "alone").path)
    shutil.copytree(repo.folder, alone.folder)
    (alone.folder / "checkpointed").unlink()
    again = alone.checkpoint()
    mine, theirs = files(repo, last.commit), files(alone, again.commit)
    assert mine == theirs
    assert len(repo.git("rev-list", repo.log_ref()).out.split()) == len(steps)
    assert repo.verify().problems == []


def test_what_a_lost_cache_costs_is_only_time(repo: Logged) -> None:
    repo.log(5)
    repo.checkpoint()
    (repo.folder / "checkpointed").unlink()
    repo.log(5)
    assert repo.checkpoint().anchor.size == 21
    assert repo.verify().exit == 0


def test_nothing_new_makes_no_commit(repo: Logged) -> None:
    repo.log(1)
    first = repo.checkpoint()
    second = repo.checkpoint()
    assert (second.commit, second.made) == (first.commit, False)


def test_an_empty_log_has_no_checkpoint(repo: Logged) -> None:
    with pytest.raises(Refused, match="empty"):
        repo.checkpoint()
    assert not repo.folder.exists()


def test_checkpoints_name_merges(repo: Logged) -> None:
    merge = repo.merge()
    made = repo.checkpoint()
    assert f"Tiny-Merge: {merge}" in repo.git("log", "-1", "--format=%B", made.commit).out


def test_a_checkpoint_is_signed_with_the_users_key_where_one_is_set(repo: Logged, world: Path) -> None:
    signers = git_key(repo, world)
    repo.log(1)
    made = repo.checkpoint()
    assert "cannot tell by whom" in repo.verify().notes[0]
    repo.config("gpg.ssh.allowedSignersFile", str(signers))
    assert repo.git("verify-commit", made.commit).code == 0
    report = repo.verify()
    assert (report.exit, report.notes) == (0, [f"checkpoint commit {made.commit[:12]} is signed by ada@example.com"])
    repo.log(1)
    unsigned = repo.checkpoint(sign=False)
    assert repo.git("verify-commit", unsigned.commit, check=False).code != 0


def test_a_bad_git_signature_shows(repo: Logged, world: Path) -> None:
    repo.config("gpg.ssh.allowedSignersFile", str(git_key(repo, world)))
    repo.log(1)
    made = repo.checkpoint()
    raw = repo.git("cat-file", "commit", made.commit).stdout.replace(b"Audit checkpoint", b"Audit Checkpoint")
    forged = repo.git("hash-object", "-t", "commit", "-w", "--stdin", input=raw).text
    repo.git("update-ref", repo.log_ref(), forged)
    report = repo.verify()
    assert [problem.message for problem in report.problems] == [
        f"the git signature of checkpoint commit {forged[:12]} is bad"
    ]


def git_key(repo: Logged, world: Path) -> Path:
    """Sign with an SSH key of the test's own; the file that allows it."""
    key = world / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f", key], check=True)
    repo.config("gpg.format", "ssh")
    repo.config("user.signingkey", str(key))
    repo.config("commit.gpgSign", "true")
    signers = world / "signers"
    signers.write_text(f"ada@example.com {(world / 'id.pub').read_text()}")
    return signers


def test_a_key_that_cannot_sign_refuses_with_what_to_do(repo: Logged) -> None:
    repo.config("commit.gpgSign", "true")
    repo.config("gpg.program", "false")
    repo.log(1)
    with pytest.raises(Refused, match="could not be signed") as refused:
        repo.checkpoint()
    assert "--no-sign" in refused.value.hint
    assert repo.git("for-each-ref", "refs/tiny").out == ""


def test_the_commit_needs_no_identity(repo: Logged, world: Path) -> None:
    repo.log(1)
    (world / "home/.gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")
    made = repo.checkpoint()
    assert repo.git("log", "-1", "--format=%an <%ae>", made.commit).text == USER
    for user in ("", "u", "a < b> <c>", "a\nb <c@d>"):
        ledger = JournalLedger(repo.common, mode="execute", user=user, actor="git-tiny")
        ledger.note(operation())
        made = checkpoint(repo.handle, ledger)
        assert repo.git("log", "-1", "--format=%an <%ae>", made.commit).text == "git tiny <git-tiny@localhost>"
    repo.fsck()


def test_a_rolled_back_journal_is_not_signed(repo: Logged) -> None:
    repo.log(2)
    kept = repo.journal.read_bytes(), (repo.folder / "tail").read_bytes()
    repo.log(2)
    repo.checkpoint()
    ref = repo.log_ref()
    repo.git("update-ref", "-d", ref)
    repo.journal.write_bytes(kept[0])
    (repo.folder / "tail").write_bytes(kept[1])
    (repo.folder / "checkpointed").unlink()
    with pytest.raises(Altered, match="signed"):
        repo.checkpoint()
    assert repo.git("for-each-ref", "refs/tiny").out == ""


def test_a_forked_journal_is_not_signed(repo: Logged) -> None:
    repo.log(2)
    kept = repo.journal.read_bytes(), (repo.folder / "tail").read_bytes()
    repo.log(2)
    first = repo.checkpoint()
    repo.journal.write_bytes(kept[0])
    (repo.folder / "tail").write_bytes(kept[1])
    (repo.folder / "checkpointed").unlink()
    repo.log(9)
    with pytest.raises(Altered):
        repo.checkpoint()
    assert repo.git("rev-parse", repo.log_ref()).text == first.commit


def test_a_state_directory_that_cannot_be_written(repo: Logged, world: Path) -> None:
    repo.log(1)
    state = world / "home/.local/state"
    shutil.rmtree(state)
    state.write_text("in the way")
    with pytest.raises(Incomplete, match="key"):
        repo.checkpoint()


def test_the_key_and_the_witness_are_kept_outside_the_repository(repo: Logged, world: Path) -> None:
    repo.log(1)
    made = repo.checkpoint()
    [state] = known_logs()
    assert state == LogState(made.anchor.log)
    assert state.folder.is_relative_to(world / "home/.local/state")
    assert (state.folder / "key").stat().st_mode & 0o077 == 0
    witness = state.witness()
    assert witness is not None
    assert parse_checkpoint(witness.text).size == made.anchor.size
    assert state.clone() == repo.common


def test_a_rotated_key_is_endorsed_by_the_old_one(repo: Logged) -> None:
    repo.log(1)
    first = repo.checkpoint()
    second = repo.checkpoint(key="rotate")
    repo.log(1)
    third = repo.checkpoint()
    assert first.vkey != second.vkey == third.vkey
    note = parse_note(repo.show(second.commit, "checkpoint"))
    assert len(note.signers([Verifier.parse(first.vkey), Verifier.parse(second.vkey)])) == 2
    assert repo.verify(pinned=Verifier.parse(first.vkey)).exit == 0
    assert repo.verify(pinned=Verifier.parse(second.vkey)).exit == 0


def test_a_revoked_key_is_not_asked_and_must_be_pinned_anew(repo: Logged) -> None:
    repo.log(1)
    first = repo.checkpoint()
    second = repo.checkpoint(key="revoke")
    assert repo.verify().exit == 0
    assert repo.verify(pinned=Verifier.parse(second.vkey)).exit == 0
    assert repo.verify(pinned=Verifier.parse(first.vkey)).exit == 1


def test_a_lost_key_is_replaced_and_said(repo: Logged) -> None:
    repo.log(1)
    first = repo.checkpoint()
    shutil.rmtree(LogState(first.anchor.log).folder)
    repo.log(1)
    repo.checkpoint()
    report = repo.verify()
    assert report.exit == 0
    assert any("replaces the log's key" in note for note in report.notes)
    assert repo.verify(pinned=Verifier.parse(first.vkey)).exit == 1


def test_two_clones_name_each_others_checkpoints(repo: Logged, world: Path) -> None:
    repo.log(2)
    mine = repo.checkpoint()
    other = Logged(repo.clone(world / "other").path)
    other.log(1)
    other.git("fetch", "-q", "origin", "refs/tiny/audit/*:refs/tiny/audit/*")
    theirs = other.checkpoint()
    repo.git("fetch", "-q", str(other.path), "refs/tiny/audit/*:refs/tiny/audit/*")
    repo.checkpoint()
    named = [
        (entry.action, entry.ref, entry.new, entry.step) for entry in entries(other) if entry.action == "audit-peer"
    ]
    assert named == [("audit-peer", f"refs/tiny/audit/{mine.anchor.log}", mine.commit, str(mine.anchor))]
    assert [entry.step for entry in entries(repo) if entry.action == "audit-peer"] == [str(theirs.anchor)]
    assert [len(one.verify().logs) for one in (repo, other)] == [2, 2]
    assert other.verify().exit == 4, "the witness file knows a later checkpoint of the other log"
    other.git("fetch", "-q", "origin", "refs/tiny/audit/*:refs/tiny/audit/*")
    assert [one.verify().exit for one in (repo, other)] == [0, 0]


PUBLISH = """
import sys
from pathlib import Path
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.audit.publish import checkpoint
from tinycode_git.git.process import Git
from tinycode_git.ledger import Operation
ledger = JournalLedger(Path(sys.argv[2]), mode="execute", user="u", actor="a")
for _ in range(4):
    ledger.note(Operation("apply"))
    checkpoint(Git(Path(sys.argv[1]), {}), ledger)
"""


def test_several_processes_make_checkpoints_at_once(repo: Logged) -> None:
    workers = [python(PUBLISH, repo.path, repo.common) for _ in range(4)]
    assert [worker.wait() for worker in workers] == [0] * 4
    with objects(repo.handle) as store:
        oids = repo.git("rev-list", repo.log_ref()).out.split()
        sizes = [store.head(oid, "").checkpoint.size for oid in oids]
    assert sizes == sorted(set(sizes), reverse=True)
    assert repo.verify().exit == 0


def test_gc_keeps_everything(repo: Logged) -> None:
    repo.log(200)
    repo.checkpoint()
    repo.log(100)
    repo.checkpoint()
    repo.git("gc", "-q", "--prune=now")
    repo.fsck()
    assert repo.verify().exit == 0
    repo.log(1)
    assert repo.checkpoint().made


def test_it_works_in_a_bare_repository_and_a_linked_worktree(repo: Logged, world: Path) -> None:
    linked = Logged(repo.worktree_add(world / "linked", "-b", "side").path)
    linked.log(1)
    made = linked.checkpoint()
    assert repo.checkpoint().commit == made.commit
    bare = Logged(Logged.create(world / "bare.git", bare=True).path)
    bare.ledger().note(operation())
    assert bare.checkpoint().made
    assert bare.verify().exit == 0
