"""Mailed patches: what ``git am`` makes of the same bytes is what is wanted, but for what is said in mail.py."""

from __future__ import annotations

import base64
import quopri
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.edits.judge import Files, Judge, result, sealed
from tinycode_git.edits.headertext import clean_subject, decode_words, parse_author, parse_date
from tinycode_git.edits.mail import Mail, is_from_line, is_mail, read_mail, split_mbox
from tinycode_git.errors import UsageError
from tinycode_git.planners.patch import plan_patch
from tinycode_git.proposal import MODE_FILE, Identity, MemorySnapshot

DIFF = b"""diff --git a/a.txt b/a.txt
index 5626abf..f719efd 100644
--- a/a.txt
+++ b/a.txt
@@ -1 +1 @@
-one
+two
"""
BASE: Files = {"a.txt": (MODE_FILE, b"one\n")}
HEAD = b"From: Ada Example <ada@example.org>\nDate: Tue, 14 Nov 2023 23:13:20 +0100\nSubject: [PATCH] Change it\n"


def mail(body: bytes, *, head: bytes = HEAD, more: bytes = b"") -> bytes:
    """A message."""
    return head + more + b"\n" + body


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    return Judge.create(tmp_path_factory.mktemp("mail") / "judge")


def info(judge: Judge, raw: bytes) -> tuple[str, str, str, str]:
    """Name, address, subject and message as ``git mailinfo`` finds them."""
    done = judge.run("mailinfo", "msg", "patch", data=raw)
    assert done.returncode == 0, done.stderr
    fields = dict(line.split(": ", 1) for line in done.stdout.decode().splitlines() if ": " in line)
    text = (judge.path / "msg").read_bytes()
    whole = fields.get("Subject", "").encode() + b"\n\n" + text
    message = judge.git("stripspace", data=whole).decode()
    return fields.get("Author", ""), fields.get("Email", ""), fields.get("Subject", ""), message.strip("\n")


MESSAGES = [
    ("plain", mail(b"Why.\n\nMore.\n---\n a.txt | 2 +-\n\n" + DIFF + b"-- \n2.39.5\n")),
    ("no body", mail(b"---\n" + DIFF)),
    ("no separator", mail(b"Why.\n\n" + DIFF)),
    ("a separator with space", mail(b"Why.\n---  \nnot this\n" + DIFF)),
    ("a rule is no separator", mail(b"Title\n-----\n\nWhy.\n---\n" + DIFF)),
    ("a diff line in the text", mail(b"--- a/file\n" + DIFF)),
    ("index line of CVS", mail(b"Why.\nIndex: a.txt\n" + DIFF)),
    ("from in the body", mail(b"From: Bob B. <bob@b.example>\n\nWhy.\n---\n" + DIFF)),
    ("all headers in the body",
     mail(b"From: B <b@b.c>\nSubject: [x] Other\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\nY\n---\n" + DIFF)),
    ("a folded header in the body", mail(b"Subject: Other\n and more\n\nWhy.\n---\n" + DIFF)),
    ("a from line later on is text", mail(b"Why.\n\nFrom: B <b@b.c>\n---\n" + DIFF)),
    ("blank lines first", mail(b"\n\nWhy.\n---\n" + DIFF)),
    ("an escaped separator",
     mail(b">From " + b"a" * 40 + b" Mon Sep 17 00:00:00 2001\nFrom: B <b@b.c>\n\nWhy.\n---\n" + DIFF)),
    ("quoted from", mail(b"Why.\n>From here on it is text.\n---\n" + DIFF)),
    ("patch in the body", mail(b"[PATCH] Better subject\n\nWhy.\n---\n" + DIFF)),
    ("trailing space and blank lines", mail(b"Why.   \n\n\n\nMore.\t\n\n\n---\n" + DIFF)),
    ("latin-1", mail("Größe\n---\n".encode("latin-1") + DIFF, more=b"Content-Type: text/plain; charset=ISO-8859-1\n")),
    ("utf-8",
     mail("Größe ✓\n---\n".encode() + DIFF, more=b"Content-Type: text/plain; charset=UTF-8\n"
     b"Content-Transfer-Encoding: 8bit\n")),
    ("base64",
     mail(base64.encodebytes("Größe\n---\n".encode() + DIFF),
     more=b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n")),
    ("quoted-printable",
     mail(quopri.encodestring("Größe = 1\n---\n".encode() + DIFF),
     more=b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n")),
    ("folded subject",
     mail(b"---\n" + DIFF, head=b"From: A <a@b.c>\nSubject: [PATCH 2/3] A long subject\n that goes on\n"
     b"\tand on\n")),
    ("encoded subject",
     mail(b"---\n" + DIFF, head=b"From: A <a@b.c>\nSubject: =?UTF-8?q?=5BPATCH=5D=20Gr=C3=B6=C3=9Fe?=\n"
     b" =?UTF-8?q?=20und=20mehr?=\n")),
    ("encoded in base64",
     mail(b"---\n" + DIFF, head=b"From: =?utf-8?B?R3LDtsOfZQ==?= <a@b.c>\n"
     b"Subject: =?utf-8?b?R3LDtsOfZQ==?= plain\n")),
    ("encoded in latin-1", mail(b"---\n" + DIFF, head=b"From: =?iso-8859-1?q?Andr=E9_X?= <a@b.c>\nSubject: S\n")),
    ("multipart",
     mail(b"--xx\nContent-Type: text/plain; charset=UTF-8\n\nWhy.\n---\n\n--xx\n"
     b"Content-Type: text/x-patch; name=\"x.patch\"\n\n" + DIFF + b"--xx--\n", more=b"MIME-Version: 1.0\n"
     b"Content-Type: multipart/mixed; boundary=\"xx\"\n")),
    ("a name in quotes", mail(b"---\n" + DIFF, head=b'From: "Example, Ada \\"X\\"" <ada@x.y>\nSubject: S\n')),
    ("the address first", mail(b"---\n" + DIFF, head=b"From: ada@x.y (Ada Example)\nSubject: S\n")),
    ("only an address", mail(b"---\n" + DIFF, head=b"From: ada@x.y\nSubject: S\n")),
    ("a comment", mail(b"---\n" + DIFF, head=b"From: Ada (the first) Example <ada@x.y>\nSubject: S\n")),
    ("no at sign", mail(b"---\n" + DIFF, head=b"From: Ada Example <ada>\nSubject: S\n")),
    ("header names in capitals", mail(b"---\n" + DIFF, head=b"FROM: A B <a@b.c>\nSUBJECT: [patch] S\n")),
    ("carriage returns all over", mail(b"Why.\n---\n" + DIFF).replace(b"\n", b"\r\n")),
]  # fmt: skip


@pytest.mark.parametrize("raw", [raw for _, raw in MESSAGES], ids=[name for name, _ in MESSAGES])
def test_a_message_is_read_as_git_reads_it(judge: Judge, raw: bytes) -> None:
    ours = read_mail(raw)
    mailbox = raw.replace(b"\r\n", b"\n")
    assert (ours.name, ours.email, ours.subject, ours.message) == info(judge, mailbox)
    assert result(BASE, plan_patch(MemorySnapshot(dict(BASE)), raw, now=0)) == {"a.txt": (MODE_FILE, b"two\n")}


SUBJECTS = st.lists(
    st.sampled_from(["[PATCH]", "[PATCH 1/2]", "[x]", "Re:", "re: ", " ", ":", "fix", "[", "]", "a: b", "\t", "RFC"]),
    max_size=6,
).map("".join)


@settings(max_examples=80, deadline=None)
@given(SUBJECTS)
def test_subjects_are_cleaned_as_git_cleans_them(judge: Judge, subject: str) -> None:
    raw = mail(b"---\n" + DIFF, head=f"From: A <a@b.c>\nSubject: {subject}\n".encode())
    assert clean_subject(subject) == info(judge, raw)[2]


LINES = st.sampled_from(
    b"||text|---|--- |--- x|----|From: B <b@b.c>|Subject: Q|Date: now|> q|diff -|Index: x|  indented|trailing  | |"
    b"[PATCH] Sub|>From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001".split(b"|")
)


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, max_size=9))
def test_bodies_are_read_as_git_reads_them(judge: Judge, lines: list[bytes]) -> None:
    raw = mail(b"\n".join([*lines, b"---", DIFF]))
    ours = read_mail(raw)
    assert (ours.name, ours.email, ours.subject, ours.message) == info(judge, raw)
    assert ours.patch == (judge.path / "patch").read_bytes()


def test_a_mailbox_is_split_as_git_splits_it(judge: Judge, tmp_path: Path) -> None:
    start = b"From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
    body = mail(b"From here on this is text.\nFrom me at 10:00 in 1950\n---\n" + DIFF)
    mailbox = b"\n" + start + body + b"\n" + start + body + start + body
    (tmp_path / "out").mkdir()
    (tmp_path / "box").write_bytes(mailbox.lstrip())
    judge.git("mailsplit", "--keep-cr", f"-o{tmp_path / 'out'}", str(tmp_path / "box"))
    expected = [path.read_bytes().split(b"\n", 1)[1] for path in sorted((tmp_path / "out").iterdir())]
    assert [raw for raw, _ in split_mbox(mailbox)] == expected
    lines = mailbox.split(b"\n")
    for raw, number in split_mbox(mailbox):
        assert lines[number - 1] == raw.split(b"\n", 1)[0]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"From 0123 Mon Sep 17 00:00:00 2001\n", True),
        (b"From a@b.c Thu Jan  1 1:02:03 1998\n", True),
        (b"From me to you, with love\n", False),
        (b"From x 10:00\n", False),
        (b"From: Ada <a@b.c> 10:00:00 2001\n", False),
        (b"From a@b.c Thu Jan  1 10:02:03 89\n", False),
    ],
)
def test_from_lines(line: bytes, expected: bool) -> None:
    assert is_from_line(line) is expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (mail(b""), True),
        (b"\n\n" + mail(b""), True),
        (b"From 0123 Mon Sep 17 00:00:00 2001\n" + mail(b""), True),
        (b"X-Mailer: y\nSubject: x\n\n", True),
        (DIFF, False),
        (b"commit 123\nAuthor: A <a@b.c>\nDate:   x\n\n    text\n\n" + DIFF, False),
        (b"", False),
        (b"Note: this is prose\nwith more of it\n" + DIFF, False),
    ],
)
def test_what_is_a_mail(data: bytes, expected: bool) -> None:
    assert is_mail(data) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Tue, 14 Nov 2023 23:13:20 +0100", (1700000000, 60)),
        ("14 Nov 2023 22:13:20 +0000", (1700000000, 0)),
        ("Tue, 14 Nov 2023 16:43:20 -0530", (1700000000, -330)),
        ("Tue, 14 Nov 2023 22:13:20 GMT", (1700000000, 0)),
        ("Tue, 14 Nov 2023 22:13 +0000", (1699999980, 0)),
        ("Thu, 1 Jan 1970 00:00:00 +0000", (0, 0)),
        ("Wed, 31 Dec 1969 23:00:00 +0000", (-3600, 0)),
        ("Tue, 14 Nov 23 22:13:20 +0000", (1700000000, 0)),
        ("yesterday", (None, 0)),
        ("Tue, 41 Nov 2023 22:13:20 +0000", (None, 0)),
        ("", (None, 0)),
    ],
)
def test_dates(value: str, expected: tuple[int | None, int]) -> None:
    assert parse_date(value) == expected


@settings(max_examples=60, deadline=None)
@given(st.integers(86400, 4_000_000_000), st.integers(-12 * 60, 14 * 60))
def test_the_dates_that_git_writes(judge: Judge, when: int, offset: int) -> None:
    zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}{abs(offset) % 60:02}"
    tree = judge.git("mktree").decode().strip()
    oid = judge.git("commit-tree", "-m", "x", tree, GIT_AUTHOR_DATE=f"@{when} {zone}").decode().strip()
    assert parse_date(judge.git("log", "-1", "--format=%aD", oid).decode().strip()) == (when, offset)


def test_names_that_git_would_drop_are_kept() -> None:
    name = "Ürsula " * 9
    assert parse_author(f"{name}<u@x.y>") == (name.strip(), "u@x.y")


@given(st.binary(max_size=300))
def test_any_header_is_answered(value: bytes) -> None:
    text = decode_words(value)
    parse_author(text)
    parse_date(text)
    clean_subject(text)


PIECES = [b"From: A <a@b.c>\n", b"Subject: x\n", b"\n", b"Content-Type: multipart/mixed; boundary=x\n", b"--x\n"]
PIECES += [b"--x--\n", b"Content-Transfer-Encoding: base64\n", b"YQ==\n", b"a", b"\xff\n", b"=?utf-8?b?x?=\n", DIFF]
PIECES += [b"From x@y Mon Sep 17 00:00:00 2001\n", b"Content-Transfer-Encoding: quoted-printable\n", b"=\n", b"=zz\n"]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join))
def test_any_message_is_answered(data: bytes) -> None:
    for raw, line in split_mbox(data):
        try:
            assert isinstance(read_mail(raw, line), Mail)
        except UsageError as error:
            assert "\n" not in error.message


MORE = "Zweite Änderung\n\nMit Text.\n\n  eingerückt\n"


def commits(judge: Judge, worlds: list[Files], messages: list[str]) -> list[str]:
    """A line of commits with the given trees and messages."""
    oids: list[str] = []
    for n, (tree, message) in enumerate(zip(judge.trees(*worlds), messages, strict=True)):
        parent = ["-p", oids[-1]] if oids else []
        env = {"GIT_AUTHOR_NAME": f"Aüthor {n}", "GIT_AUTHOR_DATE": f"{1700000000 + n} -0{n}30"}
        oids.append(judge.git("commit-tree", *parent, "-F", "-", tree, data=message.encode(), **env).decode().strip())
    return oids


@pytest.mark.parametrize(
    "option", ["--binary", "--attach", "--inline", "--no-signature", "--cover-letter", "--no-prefix", "-U1"]
)
def test_a_series_of_git_format_patch(judge: Judge, option: str) -> None:
    worlds: list[Files] = [
        {"a": (MODE_FILE, b"1\n2\n3\n"), "dos": (MODE_FILE, b"a\r\nb\r\n"), "bin": (MODE_FILE, b"\0\1\2")},
        {"a": (MODE_FILE, b"1\n2x\n3\n"), "dos": (MODE_FILE, b"a\r\nB\r\nc"), "bin": (MODE_FILE, b"\0\1\3")},
        {"b": (0o100755, b"1\n2x\n3\n"), "dos": (MODE_FILE, b"a\nB\nc"), "new dir/ü": (0o120000, b"../b")},
        {"b": (MODE_FILE, b"1\n2x\n3\n4"), "dos": (MODE_FILE, b"")},
    ]
    oids = commits(judge, worlds, ["Base\n", "First change\n\nFrom me.\n", MORE, "Third: a [bracket] later\n"])
    options = ["--stdout", "--binary", "--full-index", "--cover-from-description=auto", option]
    mailbox = judge.git("format-patch", *options, f"{oids[0]}..{oids[-1]}", HOME=str(judge.path))
    proposal = plan_patch(MemorySnapshot(dict(worlds[0])), mailbox)
    snapshot = MemorySnapshot(dict(worlds[0]))
    for step, world in zip(proposal.steps, worlds[1:], strict=True):
        snapshot = snapshot.after(step.changes)
        assert snapshot.files == world
    assert [step.title for step in proposal.steps] == ["First change", "Zweite Änderung", "Third: a [bracket] later"]
    assert proposal.steps[1].body == "Mit Text.\n\n  eingerückt"
    assert [step.author for step in proposal.steps] == [
        Identity(f"Aüthor {n}", "ada@example.org", 1700000000 + n, -60 * n - 30) for n in (1, 2, 3)
    ]
    assert ("cover letter" in " ".join(proposal.notes)) == (option == "--cover-letter")


def test_the_sealed_world_has_no_configuration(judge: Judge) -> None:
    assert judge.run("config", "user.name").returncode == 1
    assert sealed(judge.path)["GIT_CONFIG_NOSYSTEM"] == "1"
