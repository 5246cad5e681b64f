"""The examples of C2SP signed-note and tlog-checkpoint, and notes that are none."""

from __future__ import annotations

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
