# ruff: noqa: E501 (one row a case)
from __future__ import annotations

import re

import pytest

from tests.planners.recipes.recipe_trees import after, changed, planned, tree
from tinycode_git.errors import Refused, UsageError

REWRITTEN = [
    ("python", "a.py", "f($A)", "g($A)", "f(f(1), f(f(2)))\n", "f(g(1), g(g(2)))\n"),
    ("python", "a.py", "f($$$A)", "g($$$A)", "f(f(1), f(f(2)))\nf()\n", "g(g(1), g(g(2)))\ng()\n"),
    ("python", "a.py", "log($A)", "log(str($A))", "log(log(1))\n", "log(str(log(str(1))))\n"),
    ("python", "a.py", "f($$$A)", "f(x, $$$A)", "f( 1,\n  f(2))\nf()\n", "f(x, 1,\n  f(x, 2))\nf(x)\n"),
    ("python", "a.py", "not not $A", "$A", "not not not not x\n", "x\n"),
    ("python", "a.py", "$A == $A", "True", "a == a\na == b\n", "True\na == b\n"),
    ("python", "a.py", "p($A, $B)", "p($B, $A)", "p(a, '🙂')\np('𝒳é', b)\n", "p('🙂', a)\np(b, '𝒳é')\n"),
    ("python", "a.py", "assert $A", "if not $A:\n    raise E", "if a:\n    assert b\n", "if a:\n    if not b:\n        raise E\n"),
    ("python", "a.py", "print($A)", "x = $A\ny()", "print(1)\r\n", "x = 1\r\ny()\r\n"),
    ("python", "a.py", "f($A)", "g($A)", "'f(1)'  # f(1)\nf(1)\n", "'f(1)'  # f(1)\ng(1)\n"),
    ("python", "a.py", "f($_)", "g()", "f(1)\nf(1, 2)\n", "g()\nf(1, 2)\n"),
    ("python", "a.py", "f($A)", "'$5 $a $'", "f(1)\n", "'$5 $a $'\n"),
    ("js", "a.js", "$A == null", "$A === null", "x = a == null; f(b == null)\n", "x = a === null; f(b === null)\n"),
    ("c", "a.c", "foo($A)", "bar($A)", "int f() { foo(1); x = foo(2) + 1; }\n", "int f() { bar(1); x = bar(2) + 1; }\n"),
    ("cpp", "a.h", "foo($A)", "bar($A)", "int f() { return foo(1); }\n", "int f() { return bar(1); }\n"),
    ("go", "a.go", "fmt.Println($$$A)", "log.Print($$$A)", "package m\nfunc f() { fmt.Println(a, b) }\n", "package m\nfunc f() { log.Print(a, b) }\n"),
    ("go", "a.go", "if err != nil { return err }", "check(err)", "package m\nfunc f() { if err != nil { return err } }\n", "package m\nfunc f() { check(err) }\n"),
    ("java", "A.java", "foo($A)", "bar($A)", "class A { void f() { foo(1); } }\n", "class A { void f() { bar(1); } }\n"),
    ("rust", "a.rs", "$A.unwrap()", "$A?", "fn f() { a.b().unwrap(); }\n", "fn f() { a.b()?; }\n"),
    ("php", "a.php", "foo($A)", "bar($A)", "foo(1) <?php foo($x); ?>foo(1)\n", "foo(1) <?php bar($x); ?>foo(1)\n"),
    ("ruby", "a.rb", "foo($A)", "bar($A)", "foo(1)\n", "bar(1)\n"),
    ("yaml", "a.yml", "a: $X", "c: $X", "a: 1\nb:\n  a: 2\n", "c: 1\nb:\n  c: 2\n"),
]  # fmt: skip


@pytest.mark.parametrize(("lang", "path", "pattern", "replacement", "text", "expected"), REWRITTEN)
def test_rewrites(lang: str, path: str, pattern: str, replacement: str, text: str, expected: str) -> None:
    assert changed({path: text}, "rewrite", pattern, replacement, "--lang", lang) == {path: expected}


MALFORMED = [
    (["f($A)"], "at least 2 arguments"),
    (["f($A)", "g($A)"], "--lang is needed"),
    (["f($A)", "g($A)", "--lang", "cobol"], "no language cobol"),
    (["f($A)", "g($B)", "--lang", "py"], "REPLACEMENT has $B, which PATTERN has not"),
    (["f($_A)", "g($_A)", "--lang", "py"], "REPLACEMENT has $_A"),
    (["f($$$A)", "g($A)", "--lang", "py"], "REPLACEMENT has $A"),
    (["f(", "g", "--lang", "py"], "f( is not python"),
    (["a b c", "g", "--lang", "py"], "a b c is no python pattern: Multiple AST nodes"),
    (["", "g", "--lang", "py"], "is no python pattern: No AST root"),
    (["\udcff", "g", "--lang", "py"], "PATTERN is not UTF-8"),
    (["$A", "g", "--lang", "py"], "$A alone matches everything"),
    (["f($A)", "g", "--lang", "py", "lib"], "there is no lib in the tree"),
]


@pytest.mark.parametrize(("args", "message"), MALFORMED)
def test_malformed(args: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as refusal:
        planned(tree({"a.py": "f(1)\n"}), "rewrite", *args)
    assert "\n" not in refusal.value.message


def test_no_match_says_what_was_searched() -> None:
    with pytest.raises(Refused, match=re.escape("h($A) matches nothing in 1 python file of src")):
        planned(
            tree({"src/a.py": "f(1)\n", "src/a.js": "h(1)\n", "a.py": "h(1)\n"}),
            "rewrite",
            "h($A)",
            "g($A)",
            "--lang",
            "py",
            "src",
        )


def test_a_result_that_does_not_parse_is_left_out() -> None:
    files: dict[str, str | bytes] = {"a.py": "f(1)\n", "b.py": "x = f(2)\n"}
    proposal = planned(tree(files), "rewrite", "f($A)", "assert $A", "--lang", "py")
    assert [change.path for change in proposal.steps[0].changes] == ["a.py"]
    assert proposal.notes == ("left out: b.py: it would not be python any more",)
    with pytest.raises(Refused, match=r"can be rewritten nowhere: left out: b\.py"):
        planned(tree(files), "rewrite", "f($A)", "assert $A", "--lang", "py", "b.py")


def test_other_bytes_stay() -> None:
    raw = b"# coding: latin-1\r\nf('\xe9')\x0c\r\n"
    assert after(tree({"a.py": raw}), "rewrite", "f($A)", "g($A)", "--lang", "py") == {
        "a.py": raw.replace(b"f(", b"g(")
    }
