"""Blocks put into files: the ladder, line ends, and that what is not named stays byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycode_git.edits.elision import is_elision
from tinycode_git.edits.fences import clean_path, heading_path, mentioned_path, path_of_info
from tinycode_git.edits.indent import reindent
from tinycode_git.edits.lines import bare, split_lines
from tinycode_git.edits.matching import Block, apply_blocks, exchange, rewrite
from tinycode_git.errors import Refused

LINE = st.sampled_from([b"", b"a", b"b", b"  a", b"\tb", b"c ", b"\x00x".strip(b"\0"), b"\xff"])
ENDS = st.sampled_from([b"\n", b"\n", b"\r\n"])
FILE = st.tuples(st.sampled_from([b"", b"\xef\xbb\xbf"]), st.lists(st.tuples(LINE, ENDS), max_size=12), LINE).map(
    lambda parts: parts[0] + b"".join(text + end for text, end in parts[1]) + parts[2]
)


@given(st.lists(LINE, max_size=12), st.lists(LINE, max_size=12))
def test_an_exchange_says_both_sides(old: list[bytes], new: list[bytes]) -> None:
    block = Block(exchange(old, new), 1)
    assert block.old == old
    assert block.new == new


@given(FILE, st.lists(LINE, min_size=1, max_size=12))
def test_a_rewrite_gives_the_lines_and_keeps_the_rest(content: bytes, lines: list[bytes]) -> None:
    after = rewrite(content, lines)
    assert after.startswith(b"\xef\xbb\xbf") == content.startswith(b"\xef\xbb\xbf")
    got = [bare(line) for line in split_lines(after.removeprefix(b"\xef\xbb\xbf"))]
    # A file without a last line end cannot end in an empty line.
    assert got == lines or (got == lines[:-1] and not lines[-1])
    if b"\r\n" not in content:
        assert b"\r\n" not in after


@given(FILE, st.integers(0, 11), st.integers(1, 4), st.lists(LINE, max_size=3))
def test_what_is_around_stays(content: bytes, start: int, size: int, new: list[bytes]) -> None:
    raw = split_lines(content.removeprefix(b"\xef\xbb\xbf"))
    old = [bare(line) for line in raw[start : start + size]]
    try:
        after = apply_blocks(content, [Block(exchange(old, new), 1)], "f")
    except Refused:
        texts = [bare(line) for line in raw]
        places = [i for i in range(len(texts)) if texts[i : i + len(old)] == old]
        assert len(places) != 1 or not any(line.strip() for line in old)
        return
    head, tail = b"".join(raw[:start]), b"".join(raw[start + size :])
    mark = content[: len(content) - len(b"".join(raw))]
    assert after.startswith(mark + head) or not tail
    assert after.endswith(tail)


@pytest.mark.parametrize(
    ("there", "old", "added", "ways"),
    [
        (["    a", "      b"], ["a", "  b"], ["c", "  d", ""], [["    c", "      d", ""]]),
        (["a", "  b"], ["    a", "      b"], ["    c"], [["c"]]),
        (["a", "  b"], ["    a", "      b"], ["c"], []),
        (["\ta", "\t\tb"], ["    a", "        b"], ["            c"], [["\t\t\tc"]]),
        (["\ta", "\t\tb"], ["  a", "    b"], ["      c"], [["\t\t\tc"]]),
        (["    a", "        b"], ["\ta", "\t\tb"], ["\t\t\tc"], [["            c"]]),
        (["  a", "    b"], ["a", "    b"], ["c"], []),
        (["\ta"], ["    a"], ["    c"], [["\tc"]]),
        (["", "  a"], ["", "a"], ["b"], [["  b"]]),
    ],
)
def test_indentation(there: list[str], old: list[str], added: list[str], ways: list[list[str]]) -> None:
    got = reindent(*([line.encode() for line in lines] for lines in (there, old, added)))
    assert got == [[line.encode() for line in way] for way in ways]


HEADINGS = [
    ("src/app.py", "src/app.py"),
    ("src/app.py:", "src/app.py"),
    ("`src/app.py`", "src/app.py"),
    ("**`src/app.py`**", "src/app.py"),
    ("**src/app.py**:", "src/app.py"),
    ("**`src/app.py`:**", "src/app.py"),
    ("## src/app.py", "src/app.py"),
    ("#### `src/app.py` (new file)", "src/app.py"),
    ("### 1. `src/app.py`", "src/app.py"),
    ("1. `src/app.py`", "src/app.py"),
    ("- src/app.py", "src/app.py"),
    ("// src/app.ts", "src/app.ts"),
    ("# src/app.py", "src/app.py"),
    ("<!-- web/index.html -->", "web/index.html"),
    ("/* web/a.css */", "web/a.css"),
    ("File: src/app.py", "src/app.py"),
    ("**File:** `src/app.py`", "src/app.py"),
    ("File: `docs/read me.md`", "docs/read me.md"),
    ("filename: Makefile", "Makefile"),
    ("Makefile", "Makefile"),
    ("`justfile`", "justfile"),
    ("New file: `a/b.py`", "a/b.py"),
    (".gitignore", ".gitignore"),
    ("./src/app.py", "src/app.py"),
    ("Here is the code:", None),
    ("Update `src/app.py` like this:", None),
    ("See src/app.py for more.", None),
    ("Both `a.py` and `b.py`:", None),
    ("https://example.org/a.py", None),
    ("That is it.", None),
    ("```python", None),
    ("x = f(a.b)", None),
    ("e.g.", None),
    ("", None),
]


@pytest.mark.parametrize(("line", "path"), HEADINGS)
def test_headings(line: str, path: str | None) -> None:
    assert heading_path(line.encode()) == path


@pytest.mark.parametrize(
    ("info", "path"),
    [
        ("python", None),
        ("", None),
        ("python src/a.py", "src/a.py"),
        ("src/a.py", "src/a.py"),
        ("python:src/a.py", "src/a.py"),
        ('js title="src/a.js"', "src/a.js"),
        ("js {file=src/a.js}", "src/a.js"),
        ("12:40:src/a.py", None),
        ("c++", None),
        ("python linenums=1", None),
    ],
)
def test_info_strings(info: str, path: str | None) -> None:
    assert path_of_info(info) == path


def test_mentions() -> None:
    assert mentioned_path(b"In `src/a.py` the call to `f()` must go:") == "src/a.py"
    assert mentioned_path(b"In `src/a.py` and `src/b.py`:") is None
    assert mentioned_path(b"In `src/a.py` and again `src/a.py`:") == "src/a.py"
    assert mentioned_path(b"In src/a.py:") is None


@pytest.mark.parametrize(
    "line",
    [
        "# TODO: the rest",
        "print('...')",
        "x = [1, ...]",
        "def f(*args): ...",
        "# see the existing code in a.py",
        "    ...",
        "# Other options are described below",
        "// keep the connection open",
        "# wait...",
        "* item",
        "-- select the rest",
        "raise ValueError('content omitted')",
        "# Remaining time in seconds",
        "/* same origin */",
        "...args,",
        "}",
    ],
)
def test_what_is_no_elision(line: str) -> None:
    assert not is_elision(line.encode(), python=True)


@given(st.text(max_size=60))
def test_any_text_is_answered(text: str) -> None:
    line = text.encode("utf-8", "surrogatepass")
    heading_path(line)
    mentioned_path(line)
    path_of_info(text)
    clean_path(text)
    is_elision(line)
