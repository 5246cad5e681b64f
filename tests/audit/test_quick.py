"""The short way of a hook's entry: the same as the ledger's, in fewer imports; where anything is odd, not taken."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.audit.logs import USER, Logged, python, read_only, unprivileged
from tests.audit.test_journal import entries
from tests.repos import ROOT
from tinycode_git.audit.details import hmac_hex, pack
from tinycode_git.audit.entry import parse
from tinycode_git.audit.journal import Journal
from tinycode_git.audit.line import split
from tinycode_git.audit.quick import Said, _hmac, _object, note
from tinycode_git.audit.standard import quoted, sha256
from tinycode_git.audit.tail import load
from tinycode_git.ledger import Operation

FIELDS = {"action": "hook-passed", "risk_level": "none", "mode": "execute", "user": USER, "actor": "git-tiny-hook"}
SAID: Said = {"hook": "post-commit", "outcome": "passed", "not_looked_at": 0, "tips": ["b" * 40, 'quote " and \t tab']}


@pytest.mark.parametrize("before", [1, 2, 3, 5])
def test_it_is_what_the_ledger_writes(repo: Logged, before: int) -> None:
    repo.log(before)
    assert note(str(repo.folder), {**FIELDS, "new": "b" * 40}, SAID)
    quick = entries(repo)[-1]
    ledger = repo.ledger()
    ledger._who["actor"] = "git-tiny-hook"
    ledger.note(Operation("hook-passed", new="b" * 40, details=SAID))
    slow = entries(repo)[-1]
    same = set(quick.as_dict()) - {"id", "seq", "timestamp", "details_digest", "previous_hash"}
    assert {name: getattr(quick, name) for name in same} == {name: getattr(slow, name) for name in same}
    assert (len(quick.id), len(quick.timestamp)) == (len(slow.id), len(slow.timestamp))
    assert split(repo.lines()[-2])[1].value() == split(repo.lines()[-1])[1].value() == SAID
    repo.checkpoint()
    assert (repo.verify().problems, repo.verify().unchecked) == ([], [])


def test_the_tail_that_it_leaves_is_the_one_that_the_journal_gives(repo: Logged) -> None:
    ledger = repo.ledger()
    ledger.intend(Operation("apply"))  # stays open
    for _ in range(9):
        assert note(str(repo.folder), FIELDS, SAID)
        left = load(repo.folder / "tail")
        (repo.folder / "tail").unlink()
        assert Journal(repo.folder).tail() == left
        (repo.folder / "tail").write_bytes(left.dump() if left else b"")
    assert len(left.open if left else ()) == 1


@pytest.mark.parametrize("what", ["no journal", "torn", "altered", "no tail", "a tail that is half"])
def test_what_is_odd_is_left_to_the_ledger(repo: Logged, what: str) -> None:
    if what != "no journal":
        repo.log(2)
    data = repo.journal.read_bytes() if repo.journal.exists() else b""
    tail = repo.folder / "tail"
    if what == "torn":
        repo.journal.write_bytes(data + b'{"acti')
    elif what == "altered":
        repo.journal.write_bytes(data.replace(b'"action":"propose"', b'"action":"approve"'))
    elif what == "no tail":
        tail.unlink()
    elif what == "a tail that is half":
        tail.write_bytes(tail.read_bytes()[:60])
    whole = repo.journal.read_bytes() if repo.journal.exists() else b""
    assert not note(str(repo.folder), FIELDS, SAID)
    assert (repo.journal.read_bytes() if repo.journal.exists() else b"") == whole


def test_text_that_is_not_utf8_or_too_long_is_left_to_the_ledger(repo: Logged) -> None:
    repo.log(1)
    whole = repo.journal.read_bytes()
    assert not note(str(repo.folder), {**FIELDS, "user": "\udcff <a@b>"}, SAID)
    assert not note(str(repo.folder), {**FIELDS, "user": "u" * 70_000}, SAID)
    assert not note(str(repo.folder), FIELDS, {"tips": ["\udcff"]})
    assert repo.journal.read_bytes() == whole


def test_where_nothing_may_be_written_it_says_so(repo: Logged) -> None:
    repo.log(1)
    code = f"import sys; from tinycode_git.audit.quick import note; print(note(sys.argv[1], {FIELDS!r}, {SAID!r}))"
    with read_only(repo.folder):
        assert unprivileged([sys.executable, "-c", code, repo.folder]).stdout == b"False\n"


@pytest.mark.parametrize("call", ["write", "fdatasync"])
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_an_error_at_a_system_call_adds_nothing(repo: Logged, world: Path, call: str, error: str) -> None:
    repo.log(2)
    whole = repo.journal.read_bytes()
    code = f"import sys; from tinycode_git.audit.quick import note; print(note(sys.argv[1], {FIELDS!r}, {SAID!r}))"
    inject = ["-P", str(repo.journal), "-e", f"trace={call}", "-e", f"inject={call}:error={error}"]
    done = unprivileged(
        ["strace", "-f", "-qq", "-o", world / "trace", *inject, sys.executable, "-c", code, repo.folder]
    )
    assert done.stdout == b"False\n"
    assert repo.journal.read_bytes() == whole
    repo.log(1)
    assert repo.verify().problems == []


def test_the_short_and_the_long_way_at_once_are_one_chain(repo: Logged) -> None:
    repo.log(1)
    quick = (
        "import sys; from tinycode_git.audit.quick import note\n"
        f"for n in range(40): assert note(sys.argv[1], {FIELDS!r}, {SAID!r})"
    )
    slow = (
        "import sys; from pathlib import Path; from tinycode_git.audit.ledger import JournalLedger\n"
        "from tinycode_git.ledger import Operation\n"
        "ledger = JournalLedger(Path(sys.argv[1]).parent, mode='execute', user='u', actor='a')\n"
        "for n in range(40): ledger.note(Operation('propose'))"
    )
    running = [python(code, repo.folder) for code in (quick, slow, quick, slow)]
    assert [one.wait() for one in running] == [0] * 4
    assert [entry.seq for entry in entries(repo)] == list(range(162))
    assert repo.verify().problems == []


def test_it_imports_nothing_heavy(repo: Logged) -> None:
    repo.log(1)
    heavy = ["duckdb", "dataclasses", "inspect", "hashlib", "json", "datetime", "pathlib", "pygit2", "rfc8785"]
    code = (
        f"import sys; from tinycode_git.audit.quick import note; note(sys.argv[1], {FIELDS!r}, {SAID!r})\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-S", "-c", code, repo.folder], capture_output=True, check=True, env=env)
    assert done.stdout == b"[]\n"
    assert parse(split(repo.lines()[-1])[0]).action == "hook-passed"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@settings(max_examples=200)
@given(st.dictionaries(st.text("abcdef_", min_size=1), st.one_of(TEXTS, st.integers(0, 2**53 - 1), st.lists(TEXTS))))
def test_its_details_are_canonical(details: dict[str, str | int | list[str]]) -> None:
    assert _object(details).encode() == pack(details)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300))
def test_its_hmac_is_the_same(salt: bytes, body: bytes) -> None:
    assert _hmac(salt, body) == hmac_hex(salt, body)


def test_what_it_takes_of_the_standard_library_is_there() -> None:
    import hashlib
    import json

    assert sha256(b"abc").hexdigest() == hashlib.sha256(b"abc").hexdigest()
    assert quoted('\x00\x1f\x7f"\\é\u2028') == json.dumps('\x00\x1f\x7f"\\é\u2028', ensure_ascii=False)
