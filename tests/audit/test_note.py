"""The examples of C2SP signed-note and tlog-checkpoint, those of Go's note package, and notes that are none."""

from __future__ import annotations

from base64 import b64decode

import pytest

from tinycode_git.audit.entry import Altered
from tinycode_git.audit.keys import Signer
from tinycode_git.audit.note import Checkpoint, Note, Verifier, parse_checkpoint, parse_note
from tinycode_git.errors import UsageError

# c2sp.org/signed-note, section "Example".
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n\u2014 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
# c2sp.org/tlog-checkpoint, the example at its head.
CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
).encode()


def test_the_example_of_the_specification_verifies() -> None:
    key = Verifier.parse(EXAMPLE_KEY)
    assert str(key) == EXAMPLE_KEY
    assert parse_note(EXAMPLE).signers([key]) == [key]
    assert parse_note(EXAMPLE).dump() == EXAMPLE


def test_the_example_with_another_text_is_forged() -> None:
    with pytest.raises(Altered):
        parse_note(EXAMPLE.replace(b"message", b"massage")).signers([Verifier.parse(EXAMPLE_KEY)])


def test_signatures_of_unknown_keys_are_passed_over() -> None:
    other = Verifier("example.com/foo", b"\1" * 32)
    assert parse_note(EXAMPLE).signers([other]) == []


def test_the_example_checkpoint_is_read() -> None:
    found = parse_checkpoint(parse_note(CHECKPOINT).text)
    assert (found.origin, found.size) == ("example.com/behind-the-sofa", 20852163)
    assert found.text() == parse_note(CHECKPOINT).text
    assert found.log == ""


def test_extension_lines_are_passed_over() -> None:
    text = parse_note(CHECKPOINT).text + b"an extension\n"
    assert parse_checkpoint(text).size == 20852163


@pytest.mark.parametrize(
    "text",
    [
        b"origin\n1\n",
        b"origin\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        b"origin\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        b"origin\nx\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        b"origin\n1\nCsUYapGGPo4dkMgIAUqom\n",
        b"origin\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
        b"origin\n1\n\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        b"\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    ],
)
def test_no_checkpoint(text: bytes) -> None:
    with pytest.raises(Altered):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\n- name AAAAAAAA\n",
        "text\n\n\u2014 name AAAA\n".encode(),
        "text\n\n\u2014 na+me AAAAAAAAAA==\n".encode(),
        "text\n\n\u2014 name !!!!AAAAAA==\n".encode(),
        "te\0xt\n\n\u2014 name AAAAAAAAAA==\n".encode(),
        "text\n\n\u2014 name AAAAAAAAAA==".encode(),
        b"te\xffxt\n\n\xe2\x80\x94 name AAAAAAAAAA==\n",
        ("text\n\n" + "\u2014 name AAAAAAAAAA==\n" * 65).encode(),
    ],
)
def test_no_note(data: bytes) -> None:
    with pytest.raises(Altered):
        parse_note(data)


@pytest.mark.parametrize(
    "text",
    ["", "name", "name+00000000+AAAA", EXAMPLE_KEY.replace("530d", "530e"), EXAMPLE_KEY[:-4], "a b" + EXAMPLE_KEY[15:]],
)
def test_no_key(text: str) -> None:
    with pytest.raises(UsageError):
        Verifier.parse(text)


def test_what_is_signed_is_verified_by_the_public_half() -> None:
    signer = Signer("tiny-audit/0123456789abcdef", b"\7" * 32)
    body = Checkpoint(signer.name, 3, b"\2" * 32).text()
    note = parse_note(Note(body, (signer.sign(body),)).dump())
    key = Verifier.parse(str(signer.verifier()))
    assert note.signers([key]) == [key]
    assert signer.dump().startswith(f"PRIVATE+KEY+{signer.name}+{key.id.hex()}+")


def test_rfc_8032_test_1_gives_the_published_key_and_signature() -> None:
    signer = Signer("t", bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    assert signer.verifier().public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert signer.sign(b"").data.hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )


# golang.org/x/mod/sumdb/note, note_test.go.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
BY_PETER = (
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
BY_ENOCH = (
    "\u2014 EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)


def test_the_notes_of_the_go_library_verify() -> None:
    peter, enoch = Verifier.parse(PETER), Verifier.parse(ENOCH)
    both = parse_note(f"{TEXT}\n{BY_PETER}{BY_ENOCH}".encode())
    assert both.text == TEXT.encode()
    assert both.signers([peter, enoch]) == [peter, enoch]
    assert both.signers([peter]) == [peter]
    assert both.signers([]) == []
    wrong = BY_PETER[:60] + "ABCD" + BY_PETER[60:]
    with pytest.raises(Altered):
        parse_note(f"{TEXT}\n{wrong}".encode()).signers([peter])
    assert parse_note(f"{TEXT}\n{BY_PETER}{BY_PETER}{BY_ENOCH}{BY_ENOCH}".encode()).signers([enoch]) == [enoch]


def test_a_note_is_signed_as_the_go_library_does() -> None:
    name, _, secret = PETER_SECRET.removeprefix("PRIVATE+KEY+").split("+", 2)
    signer = Signer(name, b64decode(secret)[1:])
    assert (str(signer.verifier()), signer.dump()) == (PETER, PETER_SECRET)
    text = TEXT.encode()
    assert Note(text, (signer.sign(text),)).dump().decode() == f"{TEXT}\n{BY_PETER}"


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT + "\n",
        f"{TEXT}\n{BY_PETER[:-1]}",
        f"\x01{TEXT}\n{BY_PETER}",
        f"{TEXT}\n\u2014 Bad Name {BY_PETER.split()[2]}",
        f"{TEXT}\n{BY_PETER}Unexpected line.\n",
        f"{TEXT}\n{BY_PETER * 101}",
    ],
)
def test_no_note_of_the_go_library(text: str) -> None:
    with pytest.raises(Altered):
        parse_note(text.encode())


def test_manglings_of_a_key_are_no_keys() -> None:
    for start in range(len(PETER)):
        for end in range(start + 1, len(PETER) + 1):
            if (start, end) != (0, len(PETER)):
                with pytest.raises(UsageError):
                    Verifier.parse(PETER[start:end])
    for at in range(len(PETER)):
        with pytest.raises(UsageError):
            Verifier.parse(PETER[:at] + chr(ord(PETER[at]) + 1) + PETER[at + 1 :])
    for other in (
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ):
        with pytest.raises(UsageError):
            Verifier.parse(other)
