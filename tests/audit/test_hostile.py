"""Clones that were made to deceive or to stop whoever verifies them, with the script and with git tiny itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.audit.logs import Logged, unprivileged
from tests.audit.test_clone import SCRIPT, check, cloned
from tests.audit.test_verify import prepared, published
from tests.repos import Result
from tinycode_git.audit.keys import Signer
from tinycode_git.audit.note import Verifier, origin
from tinycode_git.audit.published import ref_of
from tinycode_git.ledger import Operation


def hash_object(repo: Logged, kind: str, data: bytes) -> str:
    return repo.git("hash-object", "-w", "-t", kind, "--literally", "--stdin", input=data).text


def checkpoint_of(repo: Logged, tree: str) -> None:
    """Put a commit with this tree on the log's ref; of the objects that it needs nothing is checked by git."""
    who = "A <a@example.com> 1 +0000"
    data = f"tree {tree}\nauthor {who}\ncommitter {who}\n\nx\n".encode()
    repo.git("update-ref", repo.log_ref(), hash_object(repo, "commit", data))


def quickly(clone: Path, *args: str | Path) -> Result:
    """Verified in a second or two, or the script was led to do endless work."""
    begun = time.monotonic()
    done = check(clone, *args)
    assert time.monotonic() - begun < 60
    assert "Traceback" not in done.err
    return done


def test_a_key_that_was_endorsed_elsewhere_does_not_follow_from_the_pinned_one(repo: Logged, world: Path) -> None:
    """The forger names the pinned key and goes back to one that a key of their own had endorsed before."""
    repo.log(1)
    repo.checkpoint()
    mine = repo.checkpoint(key="rotate").vkey
    log = repo.ledger().anchor().log
    pinned = Signer(origin(log), b"\7" * 32).verifier()
    for vkey in (str(pinned), mine):
        repo.ledger().note(Operation("audit-key", ref=ref_of(log), new=vkey))
    repo.log(1)
    assert repo.checkpoint().vkey == mine
    done = check(cloned(repo, world).path, "--key", str(pinned))
    assert (done.code, "did not endorse" in done.out) == (1, True), str(done)
    report = repo.verify(pinned=pinned)
    assert [problem.message.partition(" went on")[2] != "" for problem in report.problems] == [True]
    assert not report.logs[0].pinned


def test_a_key_of_small_order_is_no_key(repo: Logged, world: Path) -> None:
    repo.log(1)
    name = repo.checkpoint().vkey.partition("+")[0]
    for public in (b"\1" + bytes(31), bytes(32), b"\xec" + b"\xff" * 30 + b"\x7f", bytes(31) + b"\x80"):
        key = str(Verifier(name, public))
        assert check(repo.path, "--key", key).code == 2
        assert repo.tiny("audit", "verify", "--key", key, check=False).code == 2


def test_a_tree_of_ten_thousand_million_files(repo: Logged, world: Path) -> None:
    prepared(repo)
    made = repo.git("rev-parse", f"{repo.log_ref()}:tile").text
    width = len(made) // 2
    inner = hash_object(repo, "blob", b"x")
    for level in range(10):
        mode = b"100644" if level == 0 else b"40000"
        inner = hash_object(repo, "tree", b"".join(b"%b f%d\0%b" % (mode, n, bytes.fromhex(inner)) for n in range(10)))
    files = repo.git("cat-file", "tree", f"{repo.log_ref()}^{{tree}}").stdout
    files = files.replace(b"40000 tile\0", b"40000 a\0" + bytes.fromhex(inner) + b"40000 tile\0")
    assert len(files) % width >= 0
    checkpoint_of(repo, hash_object(repo, "tree", files))
    assert quickly(repo.path).code == 0


def _two_names(files: bytes) -> bytes:
    at = files.index(b"100644 checkpoint\0")
    return files[: at + 18 + 20] + files[at:]


TREES: dict[str, Callable[[bytes], bytes]] = {
    "two files of one name": _two_names,
    "a checkpoint that is a link": lambda files: files.replace(b"100644 checkpoint", b"120000 checkpoint"),
    "a checkpoint that is a submodule": lambda files: files.replace(b"100644 checkpoint", b"160000 checkpoint"),
    "a folder in the checkpoint's place": lambda files: files.replace(b"100644 checkpoint", b"40000 checkpoint"),
    "a tree that is cut": lambda files: files[:-30],
    "a name that is not UTF-8": lambda files: files.replace(b" checkpoint\0", b" check\xffpoint\0"),
    "no tiles": lambda files: files[: files.index(b"40000 tile\0")],
}


@pytest.mark.parametrize("name", TREES)
def test_a_tree_that_is_not_as_git_writes_it(repo: Logged, name: str) -> None:
    prepared(repo)
    files = repo.git("cat-file", "tree", f"{repo.log_ref()}^{{tree}}").stdout
    assert TREES[name](files) != files
    checkpoint_of(repo, hash_object(repo, "tree", TREES[name](files)))
    done = quickly(repo.path)
    assert (done.code, "TAMPERED" in done.out) == (1, True), str(done)


ENTRIES = {
    "nested without end": b"[" * 60_000,
    "not UTF-8": b"\xff\xfe",
    "another JSON": b"[]",
    "a number": b"1e999",
    "a lone surrogate": b'"\\ud800"',
    "UTF-16": "{}".encode("utf-16"),
}


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_that_is_none(repo: Logged, name: str) -> None:
    prepared(repo)
    path, data = "tile/entries/000.p/11", ENTRIES[name]

    def replaced(files: dict[str, bytes]) -> None:
        first = int.from_bytes(files[path][:2], "big")
        files[path] = len(data).to_bytes(2, "big") + data + files[path][2 + first :]

    published(repo, replaced)
    done = quickly(repo.path)
    assert (done.code, "entry 0" in done.out) == (1, True), str(done)
    assert repo.verify().exit == 1


NOTES: dict[str, Callable[[bytes], bytes]] = {
    "a thousand signatures": lambda note: note + note.rpartition(b"\n\n")[2] * 1000,
    "a negative size": lambda note: note.replace(b"\n11\n", b"\n-11\n"),
    "a size of many digits": lambda note: note.replace(b"\n11\n", b"\n" + b"1" * 5000 + b"\n"),
    "another spelling of the size": lambda note: note.replace(b"\n11\n", "\n\u0661\u0661\n".encode()),
    "a control character": lambda note: note.replace(b"\n11\n", b"\n11\n\x07\n"),
    "no last newline": lambda note: note[:-1],
    "an empty line in it": lambda note: note.replace(b"\n11\n", b"\n\n11\n"),
}


@pytest.mark.parametrize("name", NOTES)
def test_a_note_that_is_none(repo: Logged, name: str) -> None:
    prepared(repo)
    published(repo, lambda files: files.update(checkpoint=NOTES[name](files["checkpoint"])))
    assert quickly(repo.path).code == 1
    assert repo.verify().exit == 1


def test_commits_that_are_not_as_git_writes_them(repo: Logged) -> None:
    repo.merge()
    repo.checkpoint()
    tree = repo.git("rev-parse", "HEAD^{tree}").text
    for n, parent in enumerate(("HEAD~1", ":/x", "../../../etc/passwd", "\xff")):
        data = f"tree {tree}\nparent {parent}\n\nx\n".encode("latin-1")
        (repo.common / f"refs/heads/odd{n}").write_text(hash_object(repo, "commit", data) + "\n")
    done = quickly(repo.path)
    assert (done.code, "no object's name" in done.out, "TAMPERED" in done.out) == (4, True, False), str(done)
    assert repo.verify().exit in (0, 4)


def test_a_ref_to_something_huge_is_no_work(repo: Logged, world: Path) -> None:
    repo.merge()
    repo.checkpoint()
    big = world / "big"
    with big.open("wb") as stream:
        stream.truncate(200_000_000)
    oid = repo.git("-c", "core.bigFileThreshold=1m", "hash-object", "-w", big).text
    repo.git("update-ref", "refs/heads-of/blob", oid)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_DATA, (150_000_000,) * 2)\n"
    code = (
        limit
        + f"import runpy, sys; sys.argv = ['x', sys.argv[1]]; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    )
    done = unprivileged(["python3", "-I", "-S", "-c", code, repo.path])
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_among_the_refs_that_are_none(repo: Logged) -> None:
    repo.merge()
    repo.checkpoint()
    os.mkfifo(repo.common / "refs/heads/pipe")
    (repo.common / "refs/heads/zero").symlink_to("/dev/zero")
    (repo.common / "refs/heads/long").write_bytes(b"a" * 10_000_000)
    (repo.common / "refs/heads/loop").symlink_to(repo.common / "refs/heads/loop")
    (repo.common / "refs/heads/up").symlink_to(repo.common / "refs")
    assert quickly(repo.path).code == 0


def test_refs_that_may_not_be_read_are_not_called_clean(repo: Logged) -> None:
    repo.merge()
    repo.checkpoint()
    folder = repo.common / "refs/heads/team"
    folder.mkdir()
    (folder / "x").write_text(repo.oid())
    folder.chmod(0)
    done = unprivileged(["python3", "-I", "-S", SCRIPT, repo.path])
    folder.chmod(0o755)
    assert done.returncode == 4, done.stdout


def test_a_clone_at_a_path_that_needs_quoting(repo: Logged, world: Path) -> None:
    repo.merge()
    repo.checkpoint()
    place = world / 'a "quoted"\nand\\broken #path'
    repo.path.rename(place)
    assert quickly(place).code == 0


def test_objects_borrowed_from_elsewhere(repo: Logged, world: Path) -> None:
    """Alternates are followed, as git does, and what comes from there is checked all the same."""
    repo.merge()
    repo.checkpoint()
    repo.git("clone", "-q", "--shared", "--mirror", repo.path, world / "shared.git")
    assert quickly(world / "shared.git").code == 0
    (world / "shared.git/objects/info/alternates").write_text("/nowhere\n")
    assert quickly(world / "shared.git").code == 4


def test_git_itself_may_be_confused_but_nothing_is_verified(repo: Logged) -> None:
    repo.merge()
    repo.checkpoint()
    common = repo.common
    (common / "objects/pack").mkdir(exist_ok=True)
    (common / "objects/pack/multi-pack-index").write_bytes(b"MIDX" + b"\xff" * 64)
    (common / "objects/info/commit-graph").write_bytes(b"CGPH" + b"\xff" * 64)
    (common / "shallow").write_text("not an oid\n")
    (common / "config").write_bytes(b"[core\n\xff")
    (common / "packed-refs").write_bytes(b"# pack-refs with: \xff\nnot a line\n\n^\n")
    assert quickly(repo.path).code == 0
