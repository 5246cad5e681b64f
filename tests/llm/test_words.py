"""Short answers: messages of commits, completions, the output of failing programs, places that an answer names."""

from __future__ import annotations

import pytest

from tinycode_git.dialogue import Piece
from tinycode_git.planners.failure import read_failure
from tinycode_git.planners.model_cite import citations, numbered
from tinycode_git.planners.model_plan import BadAnswer
from tinycode_git.planners.model_words import commit_message, completion
from tinycode_git.proposal import MODE_FILE, MemorySnapshot

LONG = "explain " * 30

MESSAGES = [
    ("Add a timeout", "Add a timeout\n"),
    ("Add a timeout.\n\nRequests hung.", "Add a timeout\n\nRequests hung.\n"),
    ('"Add a timeout"', "Add a timeout\n"),
    ("```\nAdd a timeout\n```", "Add a timeout\n"),
    ("Sure! Here is the message:\n```text\nAdd a timeout\n\nWhy not.\n```\nBye", "Add a timeout\n\nWhy not.\n"),
    ("Here is a commit message:\n\nAdd a timeout", "Add a timeout\n"),
    ("Commit message: Add a timeout", "Add a timeout\n"),
    ("**Add a timeout**", "Add a timeout\n"),
    ("Add a timeout\n\nSigned-off-by: Someone <a@b>\nApproved-by: me\nPlan-Id: x", "Add a timeout\n"),
    ("# Add\nAdd a timeout\r\n\r\n# note\r\nbody", "Add a timeout\n\nbody\n"),
    ("Add \x1b[31ma timeout", "Add [31ma timeout\n"),
    ("word " * 30, "word " * 12 + "word...\n"),
]


@pytest.mark.parametrize(("said", "message"), MESSAGES)
def test_messages(said: str, message: str) -> None:
    assert commit_message(said) == message


def test_bodies_are_wrapped() -> None:
    assert max(map(len, commit_message(f"Add\n\n{LONG}").split("\n"))) <= 72


@pytest.mark.parametrize("said", ["", "```\n```", "# only a comment", "Signed-off-by: x"])
def test_no_message(said: str) -> None:
    with pytest.raises(BadAnswer):
        commit_message(said)


COMPLETIONS = [
    ("return 1", "def f():\n    ", "\n", "return 1"),
    ("```python\nreturn 1\n```", "def f():\n    ", "\n", "return 1"),
    ("    total = a + b", "    total = ", "\n    return total\n", "a + b"),
    ("total = a + b", "    total = ", "\n    return total\n", "a + b"),
    ("a + b\n    return total\n", "    total = ", "\n    return total\n", "a + b"),
    ("x<CURSOR>", "", "", "x"),
    ("", "a", "b", ""),
]


@pytest.mark.parametrize(("said", "before", "after", "text"), COMPLETIONS)
def test_completions(said: str, before: str, after: str, text: str) -> None:
    assert completion(said, before, after) == text


KNOWN = {"src/app.py", "tests/test_app.py", "main.go", "src/lib.rs", "web/index.ts", "Makefile"}
FAILURES = [
    (
        'Traceback:\n  File "/w/src/app.py", line 3, in f\n    x()\nValueError: no',
        "ValueError: no",
        [("src/app.py", 3)],
    ),
    ('  File "/tmp/gate-1/checkout/src/app.py", line 9, in f\nKeyError', "KeyError", [("src/app.py", 9)]),
    ("src/app.py:12:5: F821 undefined name 'x'", "src/app.py:12:5: F821 undefined name 'x'", [("src/app.py", 12)]),
    ("./main.go:7:2: undefined: foo", "./main.go:7:2: undefined: foo", [("main.go", 7)]),
    ("error[E0308]: mismatched types\n  --> src/lib.rs:4:9\n", "error[E0308]: mismatched types", [("src/lib.rs", 4)]),
    ("TypeError: x\n    at f (/w/web/index.ts:10:3)\n", "TypeError: x", [("web/index.ts", 10)]),
    ("web/index.ts(3,5): error TS2304: no name", "web/index.ts(3,5): error TS2304: no name", [("web/index.ts", 3)]),
    ("FAILED tests/test_app.py::test_it - assert 1 == 2", "FAILED tests/test_app.py::test_it - assert 1 == 2", []),
    (
        "\x1b[31mE   AssertionError\x1b[0m\ntests/test_app.py:5: AssertionError",
        "tests/test_app.py:5: AssertionError",
        [("tests/test_app.py", 5)],
    ),
    ("/usr/lib/python3/app.py:3: error", "/usr/lib/python3/app.py:3: error", []),
    ("", "the program fails", []),
]


@pytest.mark.parametrize(("output", "title", "places"), FAILURES)
def test_failures(output: str, title: str, places: list[tuple[str, int]]) -> None:
    found = read_failure(output, KNOWN.__contains__, "/w")
    assert found.title == title
    assert list(found.places) == places
    assert "\x1b" not in found.text


def test_a_long_output_keeps_its_beginning_and_more_of_its_end() -> None:
    found = read_failure("first\n" + "noise\n" * 5000 + "last Error", KNOWN.__contains__, most=1000)
    assert found.text.startswith("first") and found.text.endswith("last Error")
    assert len(found.text) < 1100


FILES = MemorySnapshot({"src/app.py": (MODE_FILE, b"one\ntwo\nthree\nfour\n"), "b.py": (MODE_FILE, b"x\n")})
SHOWN = [Piece("src/app.py", "", "two\nthree\n", 2, 3, False, 4)]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("It is here [src/app.py:2].", [("src/app.py", 2, 2, "")]),
        ("See `src/app.py:2-3` and (src/app.py:L3).", [("src/app.py", 2, 3, ""), ("src/app.py", 3, 3, "")]),
        ("[src/app.py:1]", [("src/app.py", 1, 1, "the model was not shown it")]),
        ("[src/app.py:99]", [("src/app.py", 99, 99, "the file has 5 lines")]),
        ("[src/none.py:1]", [("src/none.py", 1, 1, "there is no such file")]),
        (
            "[/etc/passwd:1] [../x.py:1]",
            [("/etc/passwd", 1, 1, "there is no such file"), ("../x.py", 1, 1, "there is no such file")],
        ),
        ("[b.py:1]", [("b.py", 1, 1, "")]),
        ("at 12:30 nothing [note: 3]", []),
        ("[src/app.py:2] [src/app.py:2]", [("src/app.py", 2, 2, "")]),
    ],
)
def test_places_are_checked(answer: str, found: list[tuple[str, int, int, str]]) -> None:
    places = citations(answer, FILES, SHOWN, ["b.py"])
    assert [(one.path, one.line, one.end, one.problem) for one in places] == found


def test_pieces_are_numbered_as_the_file_is() -> None:
    assert numbered(SHOWN[0]) == "    2 two\n    3 three"
