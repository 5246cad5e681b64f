"""The verifier that needs the standard library and git alone, on honest clones and on hostile ones."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import verify_audit
from tests.audit.ed25519_vectors import WYCHEPROOF
from tests.audit.logs import Logged
from tests.audit.test_checkpoint import git_key
from tests.audit.test_verify import FORGERIES, prepared, published
from tests.repos import ROOT, Result, run
from tinycode_git.audit import merkle
from tinycode_git.audit.keys import Signer
from tinycode_git.audit.note import Verifier

SCRIPT = ROOT / "verify_audit.py"
LOGS = "refs/tiny/audit/*:refs/tiny/audit/*"

# RFC 8032 section 7.1: secret key, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
        "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032(secret: str, public: str, message: str, signature: str) -> None:
    key, text, made = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert Signer("x", bytes.fromhex(secret)).verifier().public == key
    assert verify_audit.ed25519_verify(key, text, made)
    for at in range(0, 64, 7):
        assert not verify_audit.ed25519_verify(key, text, made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :])
    assert not verify_audit.ed25519_verify(key, text + b"x", made)
    assert not verify_audit.ed25519_verify(key, text, made[:63])
    order = 2**252 + 27742317777372353535851937790883648493
    larger = (int.from_bytes(made[32:], "little") + order).to_bytes(32, "little")
    assert not verify_audit.ed25519_verify(key, text, made[:32] + larger), "S must be below the order (section 5.1.7)"


def test_the_vectors_of_wycheproof() -> None:
    """With the script and with the library alike: neither takes a signature in two spellings."""
    for public, rows in WYCHEPROOF.items():
        key = bytes.fromhex(public)
        for number, valid, text, signature in rows:
            message, made = bytes.fromhex(text), b64decode(signature)
            assert verify_audit.ed25519_verify(key, message, made) is valid, number
            assert Verifier("x", key).verify(made, message) is valid, number


@pytest.mark.parametrize("public", [b"\xff" * 32, b"\xed" + b"\xff" * 30 + b"\x7f", b"\x02" + b"\0" * 31, b"\1" * 31])
def test_bytes_that_are_no_key(public: bytes) -> None:
    assert not verify_audit.ed25519_verify(public, b"", b"\0" * 64)


@settings(max_examples=10)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=40))
def test_it_agrees_with_the_library_on_signatures(seed: bytes, text: bytes) -> None:
    signer = Signer("x", seed)
    assert verify_audit.ed25519_verify(signer.verifier().public, text, signer.sign(text).data)


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=40))
def test_its_tree_is_the_same(hashes: list[bytes]) -> None:
    assert verify_audit.tree_root(hashes) == merkle.root(hashes)


def test_it_imports_the_standard_library_alone() -> None:
    tree = ast.parse(SCRIPT.read_text())
    names = {
        (alias.name if isinstance(node, ast.Import) else node.module or "").partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert names <= set(sys.stdlib_module_names)


def check(clone: Path, *args: str | Path) -> Result:
    """Run the script as anybody would, isolated from this environment's packages."""
    return run([sys.executable, "-I", "-S", SCRIPT, clone, *args], cwd=clone.parent, check=False)


def cloned(repo: Logged, world: Path) -> Logged:
    clone = Logged(repo.clone(world / "clone").path)
    clone.git("fetch", "-q", "origin", LOGS)
    return clone


@pytest.fixture(params=["sha1", "sha256"])
def merged(request: pytest.FixtureRequest, world: Path) -> Logged:
    """A repository of each object format with merges and two checkpoints."""
    made = Logged(Logged.create(world / "merged", object_format=request.param).path)
    made.commit("first", {"file": "content\n"})
    made.merge()
    made.checkpoint()
    made.log(130)
    made.merge("other-2b3c")
    made.checkpoint()
    return made


def test_an_honest_clone_is_verified(merged: Logged, world: Path) -> None:
    clone = cloned(merged, world)
    done = check(clone.path)
    assert (done.code, done.err) == (0, "")
    assert "269 entries, 2 checkpoints" in done.out
    assert "consistency, not origin" in done.out
    key = merged.checkpoint().vkey
    pinned = check(clone.path, "--key", key)
    assert pinned.code == 0
    assert "the pinned key signed them" in pinned.out


def test_a_key_that_did_not_sign_is_refused(merged: Logged, world: Path) -> None:
    clone = cloned(merged, world)
    log = merged.ledger().anchor().log
    assert check(clone.path, "--key", str(Signer(f"tiny-audit/{log}", b"\5" * 32).verifier())).code == 1
    assert check(clone.path, "--key", str(Signer("tiny-audit/0123456789abcdef", b"\5" * 32).verifier())).code == 1
    assert check(clone.path, "--key", "nonsense").code == 2


def test_a_state_from_elsewhere_is_held_against_it(merged: Logged, world: Path) -> None:
    clone = cloned(merged, world)
    anchor = merged.ledger().anchor()
    assert check(clone.path, "--anchor", str(anchor)).code == 0
    assert check(clone.path, "--anchor", f"{anchor.log}/{anchor.size}/{'0' * 64}").code == 1
    assert check(clone.path, "--anchor", f"{anchor.log}/{anchor.size + 1}/{'0' * 64}").code == 4


def test_a_clone_without_the_logs_is_not_called_clean(merged: Logged, world: Path) -> None:
    done = check(merged.clone(world / "plain").path)
    assert done.code == 4
    assert "git fetch" in done.out


def test_it_reads_bare_repositories_worktrees_and_mirrors(merged: Logged, world: Path) -> None:
    merged.git("clone", "-q", "--mirror", merged.path, world / "mirror.git")
    assert check(world / "mirror.git").code == 0
    linked = merged.worktree_add(world / "linked", "-b", "side")
    assert check(linked.path).code == 0
    merged.git("clone", "-q", "--shared", "--mirror", merged.path, world / 'sha"red.git')
    assert check(world / 'sha"red.git').code == 0


def test_refs_in_a_reftable_are_read_without_the_clones_configuration(merged: Logged, world: Path) -> None:
    """By a git that knows them; an older one says what it needs, and nothing is called clean."""
    made = run(["git", "clone", "-q", "--ref-format=reftable", merged.path, world / "clone"], cwd=world, check=False)
    if made.code:
        clone = cloned(merged, world)
        (clone.path / ".git/reftable").mkdir()
        done = check(clone.path)
        assert (done.code, "git 2.45 or newer" in done.out) == (4, True), str(done)
        return
    clone = Logged(world / "clone")
    clone.git("fetch", "-q", "origin", LOGS)
    assert check(clone.path).code == 0
    clone.git("checkout", "-q", "--detach")
    other = f"{'1' * 16}/9/{'1' * 64}"
    clone.git("commit", "-q", "--allow-empty", "-m", f"x\n\nTiny-Audit: {other}")
    clone.git("config", "extensions.refStorage", "files")
    done = check(clone.path)
    assert (done.code, "2 checkpoints" in done.out, f"names log {'1' * 16}" in done.out) == (4, True, True), str(done)


def test_it_is_no_repository(world: Path) -> None:
    assert check(world).code == 4


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_checkpoint_shows_in_a_clone(repo: Logged, world: Path, name: str) -> None:
    prepared(repo)
    published(repo, lambda files: FORGERIES[name](repo, files))
    done = check(cloned(repo, world).path)
    assert done.code == 1, str(done)
    assert "TAMPERED" in done.out


def test_a_ref_that_leads_to_no_checkpoint_is_no_missing_one(repo: Logged, world: Path) -> None:
    repo.merge()
    repo.checkpoint()
    clone = cloned(repo, world)
    clone.git("update-ref", repo.log_ref(), "HEAD")
    for done in (check(clone.path), clone.tiny("audit", "verify", check=False)):
        assert (done.code, "TAMPERED" in done.out) == (1, True), str(done)


def test_signers_that_cannot_be_read_are_a_wrong_use(repo: Logged, world: Path) -> None:
    repo.merge()
    repo.checkpoint()
    done = check(cloned(repo, world).path, "--allowed-signers", world / "none")
    assert (done.code, "cannot be read" in done.err, done.out) == (2, True, ""), str(done)


def test_a_rolled_back_ref_shows_by_a_merge_that_names_more(repo: Logged, world: Path) -> None:
    repo.log(2)
    first = repo.checkpoint()
    merge = repo.merge()
    repo.checkpoint()
    repo.git("update-ref", repo.log_ref(), first.commit)
    done = check(cloned(repo, world).path)
    assert done.code == 4
    assert f"commit {merge[:12]} names 6 entries" in done.out


def test_a_rewritten_log_shows_by_a_merge_that_names_the_old_one(repo: Logged, world: Path) -> None:
    repo.merge()
    log = repo.ledger().anchor().log
    for path in repo.folder.iterdir():
        if path.is_file():
            path.unlink()
    repo.log(9)
    text = repo.journal.read_bytes().replace(repo.ledger().anchor().log.encode(), log.encode())
    from tests.audit.test_verify import rehashed

    repo.journal.write_bytes(b"".join(rehashed(text.splitlines(keepends=True), 0)))
    (repo.folder / "tail").unlink()
    repo.checkpoint()
    done = check(cloned(repo, world).path)
    assert done.code == 1
    assert "are not those that commit" in done.out


def test_a_merge_that_the_log_does_not_know_shows(repo: Logged, world: Path) -> None:
    repo.merge()
    anchor = repo.ledger().anchor()
    repo.merge()
    repo.checkpoint()
    forged = repo.commit(f"Merge plan\n\nPlan-Id: add-retries-1a2b\nTiny-Audit: {anchor}")
    done = check(cloned(repo, world).path)
    assert done.code == 1
    assert f"commit {forged[:12]} carries a trailer" in done.out


def test_a_rebased_merge_is_called_a_copy(repo: Logged, world: Path) -> None:
    base = repo.oid()
    merge = repo.merge()
    repo.checkpoint()
    repo.git("checkout", "-q", "-b", "other", base)
    repo.commit("elsewhere", {"other": "x\n"})
    repo.git("cherry-pick", "--allow-empty", merge)
    done = check(cloned(repo, world).path)
    assert done.code == 0, str(done)
    assert f"note: commit {repo.oid()[:12]} is a copy" in done.out


def test_a_merge_whose_entry_is_not_published_yet_is_not_called_clean(repo: Logged, world: Path) -> None:
    repo.log(1)
    repo.checkpoint()
    repo.merge()
    done = check(cloned(repo, world).path)
    assert done.code == 4
    assert "TAMPERED" not in done.out


def test_nothing_of_the_clone_is_believed(merged: Logged, world: Path) -> None:
    clone = cloned(merged, world)
    ref = clone.git("for-each-ref", "--format=%(refname)", "refs/tiny").text
    last, first = clone.git("rev-list", ref).out.split()
    clone.git("replace", last, first)
    (clone.common / "info").mkdir(exist_ok=True)
    (clone.common / "info/grafts").write_text(f"{last}\n")
    clone.git("commit-graph", "write", "--reachable", check=False)
    marker = world / "executed"
    program = world / "program"
    program.write_text(f"#!/bin/sh\ntouch {marker}\nexit 1\n")
    program.chmod(0o755)
    for key in ("core.fsmonitor", "core.sshCommand", "core.gitProxy", "core.pager", "core.askPass", "gpg.program"):
        clone.config(key, str(program))
    clone.config("core.alternateRefsCommand", str(program))
    clone.config("remote.origin.promisor", "true")
    clone.config("remote.origin.url", f"ext::{program}")
    clone.config("include.path", str(program))
    environment = {"GIT_DIR": "/nowhere", "GIT_OBJECT_DIRECTORY": "/nowhere", "GIT_INDEX_FILE": "/nowhere"}
    done = run([sys.executable, SCRIPT, clone.path], cwd=world, env=environment, check=False)
    assert not marker.exists()
    assert (done.code, "269 entries, 2 checkpoints" in done.out) == (0, True), str(done)


def test_loose_packed_and_tagged_refs_are_found(repo: Logged, world: Path) -> None:
    repo.merge()
    repo.git("tag", "-a", "-m", "a tag", "v1")
    repo.git("checkout", "-q", "--detach")
    repo.git("branch", "-q", "-D", "main")
    repo.checkpoint()
    assert "2 named states" in check(repo.path).out
    repo.git("pack-refs", "--all")
    assert "2 named states" in check(repo.path).out
    repo.git("checkout", "-q", "--orphan", "empty")
    assert "2 named states" in check(repo.path).out, "the tag alone leads to the merge"


def test_objects_are_checked_against_their_names(repo: Logged, world: Path) -> None:
    import zlib

    prepared(repo)
    clone = cloned(repo, world)
    oid = clone.tree(repo.log_ref())["tile/entries/000.p/11"][1]
    clone.git("unpack-objects", "-q", input=clone.git("pack-objects", "--stdout", input=oid + "\n").stdout, check=False)
    path = clone.common / "objects" / oid[:2] / oid[2:]
    if not path.exists():
        pytest.fail("the object is not loose")
    data = zlib.decompress(path.read_bytes())
    path.chmod(0o644)
    path.write_bytes(zlib.compress(data.replace(b"Ada", b"Eve", 1)))
    done = check(clone.path)
    assert done.code == 1
    assert oid in done.out


def test_a_missing_object_is_not_called_clean(repo: Logged, world: Path) -> None:
    prepared(repo)
    clone = cloned(repo, world)
    oid = clone.tree(repo.log_ref())["tile/entries/000.p/11"][1]
    path = clone.common / "objects" / oid[:2] / oid[2:]
    path.unlink()
    assert check(clone.path).code == 4


def test_a_shallow_clone_is_not_called_clean(repo: Logged, world: Path) -> None:
    repo.merge()
    repo.merge("other-2b3c")
    repo.checkpoint()
    clone = Logged(world / "shallow")
    repo.git("clone", "-q", "--depth=1", f"file://{repo.path}", clone.path)
    clone.git("fetch", "-q", "origin", LOGS)
    done = check(clone.path)
    assert done.code == 4
    assert "shallow" in done.out


def test_a_partial_clone_is_not_called_clean_and_fetches_nothing(repo: Logged, world: Path) -> None:
    repo.merge()
    repo.checkpoint()
    repo.config("uploadpack.allowFilter", "true")
    clone = world / "partial"
    repo.git("clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{repo.path}", clone)
    Logged(clone).git("fetch", "-q", "--filter=blob:none", "origin", LOGS)
    before = sorted((clone / ".git/objects").rglob("*"))
    done = check(clone)
    assert (done.code, "TAMPERED" in done.out, "is not in the clone" in done.out) == (4, False, True), str(done)
    assert sorted((clone / ".git/objects").rglob("*")) == before
    Logged(clone).git("fetch", "-q", "--refetch", "--no-filter", "origin", LOGS)
    assert check(clone).code == 0


def test_rotated_and_revoked_keys(repo: Logged, world: Path) -> None:
    repo.log(1)
    first = repo.checkpoint().vkey
    second = repo.checkpoint(key="rotate").vkey
    clone = cloned(repo, world)
    assert [check(clone.path, "--key", key).code for key in (first, second)] == [0, 0]
    third = repo.checkpoint(key="revoke").vkey
    clone.git("fetch", "-q", "origin", LOGS)
    assert [check(clone.path, "--key", key).code for key in (first, second, third)] == [1, 1, 0]


def test_allowed_signers(repo: Logged, world: Path) -> None:
    repo.log(1)
    unsigned = repo.checkpoint()
    signers = git_key(repo, world)
    assert check(cloned(repo, world).path, "--allowed-signers", signers).code == 1
    repo.log(1)
    assert repo.checkpoint().commit != unsigned.commit
    shutil.rmtree(world / "clone")
    clone = cloned(repo, world)
    done = check(clone.path, "--allowed-signers", signers)
    assert done.code == 0, str(done)
    assert "are signed for by ada@example.com" in done.out
    repo.log(1)
    repo.checkpoint(sign=False)
    clone.git("fetch", "-q", "origin", LOGS)
    later = check(clone.path, "--allowed-signers", signers)
    assert (later.code, "no allowed signer has signed for entries 5 to 6" in later.out) == (4, True), str(later)
    nobody = world / "nobody"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", world / "eve"], check=True)
    nobody.write_text(f"eve@example.com {(world / 'eve.pub').read_text()}")
    assert check(clone.path, "--allowed-signers", nobody).code == 1


def test_an_empty_path_and_an_old_python_are_no_excuse() -> None:
    """The script keeps to what Python 3.8 knows: it is what people have where they verify."""
    ast.parse(SCRIPT.read_text(), feature_version=(3, 8))
    assert os.access(SCRIPT, os.R_OK)
