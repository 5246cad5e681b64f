"""What an expression is looked for by: it must be found wherever the expression is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycode_git.safety.factor import necessary
from tinycode_git.safety.segment import segment


@pytest.mark.parametrize(
    ("pattern", "looked_for"),
    [
        (r"\bfoobar-[a-z]{20}\b", r"foobar\-"),
        (r"(?i)cloudflare[a-z ]{0,20}=", r"(?i:cloudflare)"),
        (r"(?:AKIA|ASIA)[A-Z2-7]{16}", r"(?:AKIA|ASIA)[A-Z2-7]{12}"),
        (r"gh[po]_[A-Za-z0-9]{36}", r"(?:gho_|ghp_)[A-Za-z0-9]{12}"),
        (r"(?:\b|x)(?P<secret>sk-[a-f0-9]{32})", r"sk\-[a-f0-9]{12}"),
        (r"\xF3\xA0[\x80\x81]", r"(?:\xf3\xa0\x80|\xf3\xa0\x81)"),
        ("préfixe=[0-9]{3}", r"pr\xc3\xa9fixe="),
        (r"\w+=\w+", r"\w+=\w+"),
        (r"token=[a-z]+", r"token=[a-z]+"),
        (r"(?:alphabet|x+)y", r"(?:alphabet|x+)y"),
        (r"(unclosed", r"(unclosed"),
    ],
)
def test_the_best_words_are_looked_for(pattern: str, looked_for: str) -> None:
    assert necessary(pattern) == looked_for


WORDS = st.sampled_from(
    ["abcdef", "xyz", "key", "-", "_", "[ab]", "[0-9]{3}", "c?", "(?:ef|gh)", "(?:long|er)?", "d+", r"\."]
)


@given(st.lists(WORDS, min_size=1, max_size=7), st.data())
def test_whatever_the_expression_matches_holds_what_is_looked_for(parts: list[str], data: st.DataObject) -> None:
    pattern = "".join(parts)
    text = data.draw(st.from_regex(re.compile(pattern), fullmatch=True))
    assert re.search(necessary(pattern), text)


LONG = "(?:" + "|".join(f"word{n:02}" for n in range(20)) + ")"


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        (r"\bshort\s+one", r"\bshort\s+one"),
        (rf"(?i)\b{LONG}\s+{LONG}\s+x", rf"(?i)\b{LONG}\s+{LONG}"),
        (rf"^[^#]*?\b{LONG}{LONG}\s*tail", rf"\b{LONG}{LONG}"),
        (rf"{LONG}-keyword{LONG}", rf"{LONG}-keyword"),
        (rf"first|(?:a|b){LONG}{{2}}{LONG}", rf"first|(?:a|b){LONG}{{2}}"),
    ],
)
def test_the_beginning_of_a_long_expression_is_looked_for(pattern: str, part: str) -> None:
    assert segment(pattern) == part


@given(st.lists(WORDS, min_size=1, max_size=40), st.sampled_from(["", r"\b", "^x?"]), st.data())
def test_whatever_a_long_expression_matches_holds_its_segment(parts: list[str], head: str, data: st.DataObject) -> None:
    pattern = head + "".join(parts)
    text = data.draw(st.from_regex(re.compile(pattern), fullmatch=True))
    assert re.search(segment(pattern), text)
