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


GO = {"add_test.go": "calc/add_test.go"}
KNOWN = {
    *("src/app.c", "include/lib.h", "calc/add_test.go", "web/a.mjs", "web/b.mjs", "web/s.js", "web/t.mjs"),
    *("src/app.py", "tests/test_app.py", "main.go", "src/lib.rs", "web/index.ts", "Makefile"),
}
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
    (
        "/w/src/app.c: In function 'f':\n/w/src/app.c:2:15: error: expected '=' before '{' token\n"
        "    2 | int main(void)\n"
        "make: *** [Makefile:2: app] Error 1\n",
        "/w/src/app.c:2:15: error: expected '=' before '{' token",
        [("src/app.c", 2)],
    ),
    (
        "In file included from ../src/app.c:1:\n../include/lib.h:3:1: error: unknown type name 'x'\n"
        "collect2: error: ld returned 1 exit status\n",
        "../include/lib.h:3:1: error: unknown type name 'x'",
        [("src/app.c", 1), ("include/lib.h", 3)],
    ),
    (
        "    def test_f():\n>       assert f() == 1\n\ntests/test_app.py:4: \n_ _ _\n"
        "src/app.py:2: in f\n    return g()\n"
        "E       KeyError: 'x'\n\nsrc/app.py:5: KeyError\n"
        "FAILED tests/test_app.py::test_f - KeyError: 'x'\n1 failed in 0.18s\n",
        "FAILED tests/test_app.py::test_f - KeyError: 'x'",
        [("tests/test_app.py", 4), ("src/app.py", 2), ("src/app.py", 5)],
    ),
    (
        "thread 'tests::t' (7126) panicked at src/lib.rs:5:14:\nassertion `left == right` failed\n"
        "  left: 1\n right: 2\n"
        "   0: rust_begin_unwind\n             at /rustc/5980/library/std/src/panicking.rs:689:5\n"
        "error: test failed, to rerun pass `--lib`\n",
        "assertion `left == right` failed",
        [("src/lib.rs", 5)],
    ),
    (
        "error[E0308]: mismatched types\n --> src/lib.rs:1:21\n  |\n\n"
        "error: could not compile `cr` (lib) due to 1 previous error",
        "error[E0308]: mismatched types",
        [("src/lib.rs", 1)],
    ),
    (
        "--- FAIL: TestAdd (0.00s)\n    add_test.go:12: got 1, want 2\nFAIL\nFAIL\texample.com/m/calc\t0.003s\n",
        "--- FAIL: TestAdd (0.00s)",
        [("calc/add_test.go", 12)],
    ),
    (
        "panic: runtime error: index out of range\n\ngoroutine 1 [running]:\nmain.main()\n"
        "\t/w/main.go:7 +0x1d\nexit status 2\n",
        "panic: runtime error: index out of range",
        [("main.go", 7)],
    ),
    (
        "web/index.ts:3:5 - error TS2322: Type 'string' is not assignable to type 'number'.\n\n3   let a\n\n"
        "Found 1 error in web/index.ts:3\n",
        "web/index.ts:3:5 - error TS2322: Type 'string' is not assignable to type 'number'.",
        [("web/index.ts", 3)],
    ),
    (
        "file:///w/web/b.mjs:1\nexport function f(){ return x.y; }\n\nReferenceError: x is not defined\n"
        "    at f (file:///w/web/b.mjs:1:22)\n    at file:///w/web/a.mjs:2:1\n"
        "    at ModuleJob.run (node:internal/modules/esm/module_job:325:25)\n\nNode.js v20.20.2\n",
        "ReferenceError: x is not defined",
        [("web/b.mjs", 1), ("web/a.mjs", 2)],
    ),
    (
        "/w/web/s.js:1\nlet = ;\n\nSyntaxError: Unexpected token ';'\n"
        "    at wrapSafe (node:internal/modules/cjs/loader:1464:18)",
        "SyntaxError: Unexpected token ';'",
        [("web/s.js", 1)],
    ),
    (
        "  location: '/w/web/t.mjs:2:1'\n  error: '2 == 3'\n  code: 'ERR_ASSERTION'\n  name: 'AssertionError'\n",
        "error: '2 == 3'",
        [("web/t.mjs", 2)],
    ),
]


@pytest.mark.parametrize(("output", "title", "places"), FAILURES)
def test_failures(output: str, title: str, places: list[tuple[str, int]]) -> None:
    found = read_failure(output, KNOWN.__contains__, "/w", called=lambda name: GO.get(name, ""))
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
