"""Inclusion proofs as files (C2SP tlog-proof): with the entry in them, without it, and files that are none.

Vectors: the example of c2sp.org/tlog-proof; the tables of transparency-dev/formats (``proof/tlog_proof_test.go``,
``TestMarshal`` and ``TestUnmarshalErrors``) and of filippo.io/torchwood (``tlogproof_test.go``), their checkpoints
replaced by ones that are notes; paths, leaves and roots of transparency-dev/merkle (``testdata/inclusion``).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from tests.audit.logs import Logged
from tests.audit.test_note import CHECKPOINT
from tinycode_git.audit import merkle
from tinycode_git.audit.entry import Altered
from tinycode_git.audit.keys import Signer
from tinycode_git.audit.note import Checkpoint, Note, Verifier, parse_note
from tinycode_git.audit.prove import Proof, log_of, parse_proof, verify_proof
from tinycode_git.errors import Incomplete, Refused

H1, H2 = (b64encode(sha256(text).digest()).decode() for text in (b"hash1", b"hash2"))
HEAD = "c2sp.org/tlog-proof@v1\n"
NOTE = CHECKPOINT.decode()

# transparency-dev/formats, TestMarshal: name, proof, (extra, index, hashes).
MARSHALLED = {
    "proof without extra data": (f"{HEAD}index 5\n{H1}\n{H2}\n\n{NOTE}", (None, 5, (H1, H2))),
    "proof with extra data": (
        f"{HEAD}extra {b64encode(b'extra information').decode()}\nindex 10\n{H1}\n\n{NOTE}",
        (b"extra information", 10, (H1,)),
    ),
    "proof with empty hashes": (f"{HEAD}index 0\n\n{NOTE}", (None, 0, ())),
    "extra data of no bytes": (f"{HEAD}extra \nindex 0\n\n{NOTE}", (b"", 0, ())),
}


def test_proofs_of_other_implementations_are_read_and_written() -> None:
    for name, (text, (extra, index, hashes)) in MARSHALLED.items():
        found = parse_proof(text.encode())
        assert (found.extra, found.index, found.path) == (extra, index, tuple(map(b64decode, hashes))), name
        assert found.note == parse_note(CHECKPOINT)
        assert found.dump().decode() == text
        assert log_of(found) == ""


def test_the_example_of_the_specification_is_read() -> None:
    """Its signatures are abridged there and its extra data is no base64: those two are replaced."""
    rows = [
        "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=",
        "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=",
        "EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=",
        "RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=",
        "AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=",
    ]
    signed = "".join(f"\u2014 {name} c2lnbmF0dXJl\n" for name in ("example.com/fancylog", "witness1.example"))
    text = (
        f"{HEAD}extra YWdl\nindex 73894\n" + "\n".join(rows) + "\n\n"
        f"example.com/fancylog\n109482\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n\n{signed}"
    )
    found = parse_proof(text.encode())
    assert (found.extra, found.index, len(found.path)) == (b"age", 73894, 5)
    assert found.dump().decode() == text


# transparency-dev/formats TestUnmarshalErrors, torchwood TestVerifyProof_*, and what both specifications forbid.
MALFORMED = {
    "missing header": f"index 0\n\n{NOTE}",
    "wrong header": f"wrong-header\nindex 0\n\n{NOTE}",
    "extra data that is not base64": f"{HEAD}extra !!notbase64!!\nindex 0\n\n{NOTE}",
    "extra without a space": f"{HEAD}extra\nindex 0\n\n{NOTE}",
    "extra data after the index": f"{HEAD}index 0\nextra YWdl\n\n{NOTE}",
    "missing index": f"{HEAD}\n\n{NOTE}",
    "missing index, with a path": f"{HEAD}{H1}\n\n{NOTE}",
    "index that is not a number": f"{HEAD}index notanumber\n\n{NOTE}",
    "negative index": f"{HEAD}index -5\n\n{NOTE}",
    "signed index": f"{HEAD}index +1\n\n{NOTE}",
    "index with a leading zero": f"{HEAD}index 007\n\n{NOTE}",
    "index after two spaces": f"{HEAD}index  1\n\n{NOTE}",
    "index above every tree": f"{HEAD}index 18446744073709551616\n\n{NOTE}",
    "hash that is not base64": f"{HEAD}index 0\n!!notbase64!!\n\n{NOTE}",
    "hash of another length": f"{HEAD}index 0\n{b64encode(bytes(64)).decode()}\n\n{NOTE}",
    "hash whose padding is not zero": f"{HEAD}index 0\n{H1[:-2]}{chr(ord(H1[-2]) + 1)}=\n\n{NOTE}",
    "carriage returns": f"{HEAD}index 0\r\n\r\n{NOTE}",
    "no checkpoint": f"{HEAD}index 0\n\n",
    "no empty line": f"{HEAD}index 0\n",
    "a path longer than any tree": f"{HEAD}index 0\n" + f"{H1}\n" * 64 + f"\n{NOTE}",
    "nothing": "",
    "only a header": HEAD,
}


def test_what_is_no_proof() -> None:
    for text in MALFORMED.values():
        with pytest.raises(Altered):
            print(text, parse_proof(text.encode()))


def test_bytes_that_are_no_text() -> None:
    for data in (b"\xff", HEAD.encode() + b"index \xff\n\n", HEAD.encode() + b"index \xd9\xa1\n\n" + CHECKPOINT):
        with pytest.raises(Altered):
            parse_proof(data)


def some_proof(repo: Logged, world: Path, seq: int = 2) -> tuple[Proof, str]:
    repo.log(3)
    key = repo.checkpoint().vkey
    repo.tiny("audit", "prove", str(seq), "-o", world / "proof")
    return parse_proof((world / "proof").read_bytes()), key


def test_a_proof_without_the_entry_is_verified_with_the_entry_from_elsewhere(repo: Logged, world: Path) -> None:
    proof, key = some_proof(repo, world)
    assert proof.extra is not None
    bare = Proof(None, proof.index, proof.path, proof.note)
    known = [Verifier.parse(key)]
    assert verify_proof(bare, known, proof.extra) == verify_proof(proof, known)
    with pytest.raises(Incomplete, match="cannot be told"):
        verify_proof(bare, known)
    with pytest.raises(Refused):
        verify_proof(Proof(b"anything", proof.index, proof.path, proof.note), known, b"anything")


def test_extra_data_is_not_believed(repo: Logged, world: Path) -> None:
    proof, _ = some_proof(repo, world)
    assert proof.extra is not None
    other = Proof(b"something of somebody's", proof.index, proof.path, proof.note)
    with pytest.raises(Refused, match="does not lead to the root"):
        verify_proof(other, [])
    assert verify_proof(other, [], proof.extra).entry.seq == 2


def test_a_checkpoint_that_nobody_known_signed_comes_first(repo: Logged, world: Path) -> None:
    proof, _ = some_proof(repo, world)
    stranger = Signer(proof.note.text.decode().split("\n")[0], b"\3" * 32).verifier()
    with pytest.raises(Refused, match="none of the given keys"):
        verify_proof(Proof(None, proof.index, proof.path, proof.note), [stranger])


def test_a_proof_of_another_program_s_log_is_told_from_one_of_an_audit_entry() -> None:
    """A tree of two leaves that git tiny did not write: included, and no audit entry all the same."""
    leaves = [merkle.leaf_hash(text) for text in (b"one", b"two")]
    body = Checkpoint("example.com/log", 2, merkle.root(leaves)).text()
    signer = Signer("example.com/log", b"\4" * 32)
    proof = Proof(None, 1, (leaves[0],), Note(body, (signer.sign(body),)))
    with pytest.raises(Altered, match="not a canonical audit entry"):
        verify_proof(parse_proof(proof.dump()), [signer.verifier()], b"two")


def test_the_command_takes_the_entry_from_a_file_or_from_the_log_here(repo: Logged, world: Path) -> None:
    proof, key = some_proof(repo, world)
    bare = Proof(None, proof.index, proof.path, proof.note)
    (world / "bare").write_bytes(bare.dump())
    verify = ("audit", "verify", "--proof", world / "bare", "--key", key)
    entry = repo.tiny("audit", "show", "2", "--raw").stdout
    assert entry == (proof.extra or b"") + b"\n"
    (world / "entry").write_bytes(entry)
    elsewhere = Logged(Logged.create(world / "elsewhere").path)
    lost = elsewhere.tiny(*verify, check=False)
    assert (lost.code, "cannot be told" in lost.err, "--entry" in lost.err) == (4, True, True), str(lost)
    assert elsewhere.tiny(*verify, "--entry", world / "entry", "--json").json["entry"]["seq"] == 2
    # Here from the published log, from the journal where nothing is published, and in a clone that only fetched it.
    assert repo.tiny(*verify, "--json").json["entry"]["seq"] == 2
    clone = Logged(repo.clone(world / "clone").path)
    clone.git("fetch", "-q", "origin", "refs/tiny/audit/*:refs/remotes/origin/tiny/audit/*")
    assert clone.tiny(*verify, "--json").json["entry"]["seq"] == 2
    assert log_of(proof) in clone.tiny("audit", "log").err
    ownless = clone.tiny("audit", "prove", "2", check=False)
    assert (ownless.code, f"--log names one that is published here: {log_of(proof)}" in ownless.err) == (1, True)
    repo.git("update-ref", "-d", repo.log_ref())
    assert repo.tiny(*verify, "--json").json["entry"]["seq"] == 2
    (world / "entry").write_bytes(entry.replace(b"propose", b"approve"))
    wrong = repo.tiny(*verify, "--entry", world / "entry", check=False)
    assert (wrong.code, "does not lead to the root" in wrong.err) == (1, True), str(wrong)


@pytest.mark.parametrize(
    "options",
    [
        ["--entry", "x"],
        ["--proof", "-", "--entry", "-"],
        ["--proof", "x", "--remote", "y"],
        ["--proof", "no-such-file"],
    ],
)
def test_options_that_do_not_go_together(repo: Logged, options: list[str]) -> None:
    assert repo.tiny("audit", "verify", *options, check=False).code == 2


def test_raw_shows_entries_and_nothing_else(repo: Logged) -> None:
    repo.log(1)
    assert repo.tiny("audit", "show", "1", "--raw").stdout == repo.lines()[1].partition(b"\t")[0] + b"\n"
    for words in (["HEAD", "--raw"], ["1", "--raw", "--json"], ["99", "--raw"]):
        assert repo.tiny("audit", "show", *words, check=False).code == 2


# testdata/inclusion of transparency-dev/merkle: the eight reference leaves, (index, size, path).
PATHS = [
    (0, 8, ["lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=", "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
            "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ="]),
]  # fmt: skip


def test_a_path_of_the_reference_tree() -> None:
    for index, size, path in PATHS:
        root = b64decode("XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=")
        merkle.verify_inclusion(merkle.leaf_hash(b""), index, size, [b64decode(node) for node in path], root)
