from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planners.recipes.recipe_trees import after, changed, planned, tree
from tinycode_git.errors import Refused, UsageError

REPLACED = [
    (["foo", "bar"], "foo food Foo\n", "bar bard Foo\n"),
    (["a.c", "x"], "abc a.c\n", "abc x\n"),
    (["aa", "b"], "aaa\n", "ba\n"),
    (["é🙂", "ë"], "aé🙂b\n", "aëb\n"),
    (["x", "$1\\1"], "x\n", "$1\\1\n"),
    (["--", "--x", "--y"], "--x\n", "--y\n"),
    (["a\nb", "c"], "a\r\nb\r\n", "c\r\n"),
    (["a", "b\nc"], "a\r\nx\r\n", "b\r\nc\r\nx\r\n"),
    (["a", "b\nc"], "a\r\nx\n", "b\nc\r\nx\n"),
    (["--regex", r"(\w+)@(\w+)", r"$2 at \1"], "me@home\n", "home at me\n"),
    (["--regex", r"(?P<n>\d)(x)?", "<${n}$2>"], "1x2\n", "<1x><2>\n"),
    (["--regex", r"(\d)", r"\g<1>0$$ $0"], "1\n", "10$ 1\n"),
    (["--regex", "^", "# "], "a\nb\n", "# a\n# b\n"),
    (["--regex", "x*", "-"], "axb", "-a--b-"),
    (["--regex", "b$", "c"], "ab\r\nb\r\n", "ac\r\nc\r\n"),
    (["--regex", "(?i)foo", "bar"], "Foo FOO\n", "bar bar\n"),
    (["--regex", "é+", "e"], "🙂éé\n", "🙂e\n"),
    (["--regex", "a", r"\n\t\\"], "a\n", "\n\t\\\n"),
]


@pytest.mark.parametrize(("args", "text", "expected"), REPLACED)
def test_replaces(args: list[str], text: str, expected: str) -> None:
    assert changed({"f.txt": text}, "replace", *args) == {"f.txt": expected}


MALFORMED = [
    (["foo"], "at least 2 arguments"),
    (["", "x"], "OLD is empty"),
    (["x", "x"], "the same"),
    (["--regex", "(a", "x"], "'(a' is no regular expression: missing )"),
    (["--regex", "a)|(b", "x"], "is no regular expression"),
    (["--regex", "(?=a)", "x"], "is no regular expression: invalid perl operator"),
    (["--regex", r"(a)\1", "x"], "is no regular expression: invalid escape sequence"),
    (["--regex", "(a)", "$2"], "NEW names the group 2, which the pattern has not"),
    (["--regex", "(a)", "${name}"], "NEW names the group name"),
    (["--regexp", "a", "b"], "no option --regexp"),
    (["\udcff", "b"], "not UTF-8"),
]


@pytest.mark.parametrize(("args", "message"), MALFORMED)
def test_malformed(args: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as refusal:
        planned(tree({"f.txt": "a\n"}), "replace", *args)
    assert "\n" not in refusal.value.message


def test_nothing_to_replace_is_refused() -> None:
    with pytest.raises(Refused, match="'foo' occurs nowhere in src"):
        planned(tree({"src/f": "x\n", "f": "foo\n"}), "replace", "foo", "bar", "src")


def test_no_pattern_hangs() -> None:
    snapshot = tree({"f.txt": "a" * 200_000 + "b"})
    with pytest.raises(Refused, match="matches nowhere"):
        planned(snapshot, "replace", "--regex", "(a+)+$", "x")


LEFT_OUT: list[tuple[list[str], bytes, str | None]] = [
    (["foo", "bar"], b"foo\0\n", "left out: x: it is binary"),
    (["foo", "bar"], b"\0\n", None),
    (["--regex", "fo*", "bar"], b"foo\0\n", "left out: 1 binary file (x)"),
    (["\\", "/"], b"\x83\x5c\\\n", "left out: x: it is not UTF-8, and what would be replaced is not plain ASCII text"),
    (["foo", "bär"], b"\xe9 foo\n", "left out: x: it is not UTF-8, and what would be replaced is not plain ASCII text"),
]


@pytest.mark.parametrize(("args", "raw", "note"), LEFT_OUT)
def test_files_left_out_are_named(args: list[str], raw: bytes, note: str | None) -> None:
    proposal = planned(tree({"x": raw, "y": "foo \\ foo\n"}), "replace", *args)
    assert [change.path for change in proposal.steps[0].changes] == ["y"]
    assert proposal.notes == ((note,) if note else ())


@pytest.mark.parametrize("args", [["foo", "bar"], ["--regex", "fo+", "bar"]])
def test_other_encodings_stay(args: list[str]) -> None:
    latin = b"\xe9 foo \xff\r\nfoo\n"
    utf16 = "﻿foo é\n".encode("utf-16-be")
    assert after(tree({"a": latin, "b": utf16}), "replace", *args) == {
        "a": latin.replace(b"foo", b"bar"),
        "b": "﻿bar é\n".encode("utf-16-be"),
    }


@given(
    st.text(st.sampled_from("ab\r\n🙂é"), max_size=40),
    st.text(st.sampled_from("ab🙂"), min_size=1, max_size=3),
    st.text(st.sampled_from("xé$\\1"), max_size=3),
)
def test_literal_is_what_python_replaces(text: str, old: str, new: str) -> None:
    snapshot = tree({"f": text})
    if old not in text or old == new:
        with pytest.raises((Refused, UsageError)):
            planned(snapshot, "replace", old, new)
    else:
        assert after(snapshot, "replace", "--", old, new) == {"f": text.replace(old, new).encode()}
