"""Canonical form, held to the ``rfc8785`` package; the examples are those of RFC 8785 sections 3.2.2 and 3.2.3."""

from __future__ import annotations

import hmac
import json
import struct
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from tinycode_git.audit.canonical import canonical
from tinycode_git.audit.details import Details, hmac_hex, pack, unpack
from tinycode_git.audit.entry import DATA, FIELDS, GENESIS, PHASES, Altered, Entry, check, parse, text_back, text_of
from tinycode_git.audit.line import BODY, SALT, entry_in, join, line_pattern, split
from tinycode_git.errors import UsageError

ENTRY = Entry(
    version=1,
    log="9f86d081884c7d65",
    seq=0,
    id="abcdef0123456789abcdef01",
    timestamp="2026-11-23T05:08:03.123456Z",
    action="apply",
    phase="intent",
    mode="execute",
    user="A U Thor <author@example.com>",
    actor="git-tiny",
    risk_level="medium",
    ref="refs/heads/main",
    old="a" * 40,
    new="b" * 40,
    plan="add-retries-1a2b",
    step="",
    details_digest="c" * 64,
    previous_hash=GENESIS,
)


def entry_of(fields: dict[str, Any]) -> Entry:
    return Entry(**fields)


texts: st.SearchStrategy[Any] = st.text(st.characters(exclude_categories=["Cs"]))
hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)
entries = st.fixed_dictionaries(
    dict.fromkeys(FIELDS, texts)
    | {"version": st.just(1), "seq": st.integers(0, 2**53 - 1), "phase": st.sampled_from(PHASES)}
    | {"details_digest": hashes, "previous_hash": hashes}
).map(entry_of)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)


@given(values)
@example({"\ufb33": 1, "\U0001f600": 2, "\u20ac": 3, "\r": 4, "1": 5, "\x80": 6, "\xf6": 7})
@example('\x00\x07\b\t\n\x0b\f\r\x1f\x7f\u2028"\\/')
def test_canonical_json_is_that_of_the_rfc8785_package(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


def test_the_example_of_rfc_8785_section_3_2_2() -> None:
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    assert canonical(value).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


# RFC 8785, appendix B: IEEE 754 bits and the number as it is written.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


def test_the_numbers_of_rfc_8785_appendix_b() -> None:
    found = {bits: canonical(struct.unpack(">d", bytes.fromhex(bits))[0]).decode() for bits in NUMBERS}
    assert found == NUMBERS


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, "\ud800", {"a": object()}, {1: 2}, b"bytes"])
def test_what_has_no_canonical_form(value: Any) -> None:
    with pytest.raises(UsageError):
        canonical(value)


@given(entries)
def test_an_entry_has_the_canonical_form_and_hash_of_its_fields(entry: Entry) -> None:
    data = entry.canonical()
    assert data == rfc8785.dumps(entry.as_dict())
    assert entry.hash == sha256(b"\x00" + data).digest()
    assert parse(data) == entry


def canonical_by_definition(data: bytes) -> bool:
    """What the fast path must agree with: read, check the types, write with the package, compare."""
    try:
        value = json.loads(data)
        if type(value) is not dict or value.keys() != set(FIELDS) or rfc8785.dumps(value) != data:
            return False
    except ValueError:
        return False
    digests = (value["details_digest"], value["previous_hash"])
    return (
        type(value["seq"]) is int
        and value["seq"] >= 0
        and type(value["version"]) is int
        and value["version"] == 1
        and all(type(value[name]) is str for name in FIELDS if name not in ("seq", "version"))
        and value["phase"] in PHASES
        and all(len(digest) == 64 and set(digest) <= set("0123456789abcdef") for digest in digests)
    )


@given(entries, st.data())
def test_the_fast_check_agrees_with_the_definition_on_changed_bytes(entry: Entry, data: st.DataObject) -> None:
    written = bytearray(entry.canonical())
    where = data.draw(st.integers(0, len(written) - 1))
    what = data.draw(
        st.sampled_from([b"", b"\\", b'"', b" ", b"0", b"\\u0041", b"\\/", b"\\u000A", b"\\n", b"\xff", b"\t"])
    )
    length = data.draw(st.integers(0, 3))
    written[where : where + length] = what
    changed = bytes(written)
    if canonical_by_definition(changed):
        check(changed)
    else:
        with pytest.raises(Altered):
            check(changed)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"seq":0', b'"seq":00'),
        (b'"seq":0', b'"seq":0.0'),
        (b'"seq":0', b'"seq":-0'),
        (b'"seq":0', b'"seq":"0"'),
        (b'"seq":0', b'"seq":9007199254740992'),
        (b'"version":1', b'"version":2'),
        (b'"version":1', b'"version":true'),
        (b'"step":""', b'"step":null'),
        (b'"step":""', b'"step":"\\u0041"'),
        (b'"step":""', b'"step":"\\/"'),
        (b'"step":""', b'"step":"\xff"'),
        (b'"step":""', b'"step":"\xed\xa0\x80"'),
        (b'"step":""', b'"step":"\\ud800"'),
        (b'"step":""', b'"step":"\\u000B"'),
        (b'"step":""', b'"step": ""'),
        (b'"step":""', b'"step":"","step":""'),
        (b'"step":"",', b""),
        (b'"intent"', b'"maybe"'),
        (b'{"action"', b' {"action"'),
        (b'"c', b'"C'),
    ],
)
def test_another_spelling_is_not_an_entry(old: bytes, new: bytes) -> None:
    data = ENTRY.canonical()
    assert old in data
    changed = data.replace(old, new, 1)
    assert not canonical_by_definition(changed)
    with pytest.raises(Altered):
        parse(changed)


def test_an_entry_that_no_bundle_could_hold() -> None:
    with pytest.raises(UsageError):
        replace(ENTRY, ref="r" * 70_000).canonical()


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/heads/\udcff\udc80x", "refs/heads/\u00e9\udce9"])
def test_a_ref_that_is_not_utf8_survives(ref: str) -> None:
    assert text_back(json.loads(replace(ENTRY, ref=text_of(ref)).canonical())["ref"]) == ref


surrogates = st.binary(max_size=6).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | surrogates,
    lambda inner: (
        st.lists(inner) | st.dictionaries(surrogates | st.sampled_from(["$int", "$bytes", "$pairs", "$plain"]), inner)
    ),
    max_leaves=12,
)


@given(st.dictionaries(surrogates | st.sampled_from(["$int", "$bytes", "$pairs", "$plain"]), anything, max_size=4))
def test_details_come_back_as_they_were(details: dict[str, Any]) -> None:
    assert unpack(pack(details)) == details


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300))
def test_the_fast_hmac_is_that_of_the_standard_library(salt: bytes, body: bytes) -> None:
    assert hmac_hex(salt, body).decode() == hmac.digest(salt, body, "sha256").hex()


def test_case_2_of_rfc_4231_padded_to_a_whole_salt() -> None:
    # RFC 2104: a shorter key is padded with zeros, so that the 32 bytes of "Jefe" and zeros are the same key.
    found = hmac_hex(b"Jefe".ljust(32, b"\0"), b"what do ya want for nothing?")
    assert found == b"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def changed_line(entry: Entry, data: st.DataObject) -> bytes:
    """A line of the journal with a few bytes of it exchanged."""
    salt, body = data.draw(
        st.sampled_from([(b"\1" * 32, b'{"a":1}'), (b"\xff" * 32, '{"\u00e9":"x"}'.encode()), (b"", b"")])
    )
    line = bytearray(join(entry.canonical(), Details(salt, body)))
    where = data.draw(st.one_of(st.integers(0, len(line) - 1), st.integers(max(0, len(line) - 90), len(line) - 1)))
    what = data.draw(st.sampled_from([b"", b"\t", b"\n", b"A", b"0", b"f", b"\xff", b"\t\t"]))
    line[where : where + data.draw(st.integers(0, 2))] = what
    return bytes(line)


@given(entries, st.data())
def test_the_fast_reading_of_lines_agrees_with_the_slow_one(entry: Entry, data: st.DataObject) -> None:
    line = changed_line(entry, data)
    try:
        cut, details = split(line)
        check(cut)
    except Altered:
        with pytest.raises(Altered):
            entry_in(line)
    else:
        found = line_pattern().fullmatch(line)
        assert found is not None
        assert entry_in(line)[DATA] == found[DATA] == cut
        assert ((found[SALT] or b"").decode(), found[BODY] or b"") == (details.salt.hex(), details.body)


def test_the_salt_hides_the_details() -> None:
    body = pack({"paths": ["a"]})
    assert Details(b"\1" * 32, body).digest() != Details(b"\2" * 32, body).digest()


@pytest.mark.parametrize("details", [{1: "a"}, {"a": {2: 3}}, {"a": "\ud800"}, {"a": object()}, {"a": float("nan")}])
def test_details_that_json_cannot_hold(details: Any) -> None:
    with pytest.raises(UsageError):
        pack(details)
