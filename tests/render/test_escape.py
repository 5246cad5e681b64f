"""What acts on a terminal or hides from the eye is shown; ordinary text of any script is left alone."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycode_git.proposal import path_str
from tinycode_git.render.escape import is_visible, visible, visible_block

ACTING = [
    ("escape sequence", "\x1b[2Jgone", r"\x1b[2Jgone"),
    ("osc title", "\x1b]0;x\x07", r"\x1b]0;x\x07"),
    ("eight-bit csi", "a\x9b31m", r"a\x9b31m"),
    ("carriage return", "good\rbad", r"good\rbad"),
    ("backspace", "abc\b\b", r"abc\x08\x08"),
    ("line feed", "one\ntwo", r"one\ntwo"),
    ("nul", "a\0b", r"a\x00b"),
    ("delete", "a\x7f", r"a\x7f"),
    ("right-to-left override", "user\u202etxt.exe", r"user\u202etxt.exe"),
    ("isolate", "\u2066x\u2069", r"\u2066x\u2069"),
    ("arabic letter mark", "a\u061cb", r"a\u061cb"),
    ("zero width space", "pass\u200bword", r"pass\u200bword"),
    ("zero width joiner", "a\u200db", r"a\u200db"),
    ("byte order mark", "\ufeffx", r"\ufeffx"),
    ("soft hyphen", "a\u00adb", r"a\xadb"),
    ("line separator", "a\u2028b", r"a\u2028b"),
    ("hangul filler", "a\u3164b", r"a\u3164b"),
    ("half-width hangul filler", "a\uffa0b", r"a\uffa0b"),
    ("variation selector", "a\ufe0fb", r"a\ufe0fb"),
    ("selector of the supplement", "a\U000e0100b", r"a\U000e0100b"),
    ("tag letters", "a\U000e0041b", r"a\U000e0041b"),
    ("blank braille", "a\u2800b", r"a\u2800b"),
    ("latin-1 byte", path_str(b"caf\xe9.txt"), r"caf\xe9.txt"),
    ("broken UTF-8", path_str(b"\xc3("), r"\xc3("),
    ("lone surrogate", "a\ud800b", r"a\ud800b"),
]

PLAIN = [
    "plain ASCII, with spaces ~ and | marks",
    "Žluťoučký kůň",
    "日本語　テキスト",
    "العربية עברית",
    "한국어",
    "नमस्ते",
    "naïve café",  # combining accents are text
    "🙂 ✓ … → │",
    "a\u00a0b",  # a no-break space shows as a space
    r"back\slash",
]


@pytest.mark.parametrize(("text", "shown"), [case[1:] for case in ACTING], ids=[case[0] for case in ACTING])
def test_what_acts_or_hides_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert not is_visible(text)
    assert is_visible(shown)


@pytest.mark.parametrize("text", PLAIN)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert visible(text) == text
    assert visible_block(text) == text
    assert is_visible(text)


def test_a_block_keeps_its_lines_and_tabs_and_nothing_else() -> None:
    assert visible_block("a\tb\nc\r\n\x1b") == "a\tb\nc\\r\n\\x1b"


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_nothing_that_acts_is_left(text: str) -> None:
    for char in visible(text):
        assert unicodedata.category(char) not in ("Cs", "Zl", "Zp"), ascii(char)
        assert unicodedata.category(char) != "Cc", ascii(char)
        assert unicodedata.bidirectional(char) not in ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")
    assert visible(visible(text)) == visible(text)


def test_every_control_and_format_character_is_shown() -> None:
    """Unicode's own lists: general categories Cc and Cf."""
    left = [
        unicodedata.name(char)
        for char in map(chr, range(0x110000))
        if unicodedata.category(char) in ("Cf", "Cc") and is_visible(char)
    ]
    # What is left has a glyph of its own: signs that stand around a number or a name, and hieroglyph arrangement.
    assert [name for name in left if not name.startswith(("ARABIC", "SYRIAC", "KAITHI", "EGYPTIAN"))] == []
