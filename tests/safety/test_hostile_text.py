"""Texts made to be slow: every builtin, check and text rule gets through them (the run's time limit is the judge)."""

from __future__ import annotations

import pytest

from tinycode_git.safety.builtin import MODULES, Subject, find
from tinycode_git.safety.checks import _CHECKS, _MEASURES, holds
from tinycode_git.safety.engine import Engine

MANY = 40_000
TEXTS = {
    "blank lines": b"\n" * MANY + b"x",
    "blanks": b" " * MANY + b"x",
    "open braces": b"${{ " * (MANY // 4),
    "one word": b"a" * MANY + b"!",
    "words": b"ab-" * MANY + b"!",
    "digits": b"0123456789abcdef" * (MANY // 16),
    "quotes": b"'\"" * MANY,
    "concatenated": b"'a' + " * (MANY // 6),
    "updates": b"update a set b = c " * (MANY // 19),
    "base64": b"aWdub3Jl" * (MANY // 8),
    "assignments": b"password = 'aaaaaaaaaa\n" * (MANY // 22),
    "brackets": b"(" * MANY + b")" * MANY,
    "look-alikes": ("pаypal " * (MANY // 20)).encode(),
    "invisible": "a\u200b".encode() * (MANY // 8),
    "orders": b"ignore all previous " * (MANY // 20),
    "removals": b"rm -rf -- " * (MANY // 10),
    "downloads": b"curl x | sudo " * (MANY // 14),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_made_to_be_slow_ends(engine: Engine, text: bytes) -> None:
    for path in ("x.py", "x.sh", ".github/workflows/x.yml", "package-lock.json", "x.md"):
        engine.look(text, "content", path)
    for name in MODULES:
        for where in ("content", "path", "symlink"):
            list(find(name)(Subject(where, "x.yml", 0o100644, text)))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_value_made_to_be_slow_ends(text: bytes) -> None:
    holds("not-label", b"x")  # registers the rest
    for name in sorted(_CHECKS):
        holds(name, text[:4000])
    for name in sorted(_MEASURES):
        holds(f"{name}>=1", text)
