# ruff: noqa: E501 (one row a case)
from __future__ import annotations

import re

import pytest

from tests.planners.recipes.recipe_trees import after, changed, planned, tree
from tinycode_git.errors import Refused, UsageError
from tinycode_git.planners.recipes.languages import LANGUAGES, language_of
from tinycode_git.planners.recipes.names import parse

# One row a language: what it is written in, a text whose names stay (``KEPT``) and are renamed (``old``).
LANGUAGE_ROWS = [
    ("a.sh", 'old() { local old=1; echo "$old ${old}" KEPT; }\nold KEPT\nread old\n'),
    ("a.c", '#include "KEPT.h"\n#define M(old) (old + f("KEPT"))\nstruct old { int old; };\nint f(struct old *old) { return old->old; } /* KEPT */\n'),
    ("a.h", "namespace old { class old : public x { old(); ~old(); int old; }; }\n// KEPT\n"),
    ("a.cc", 'template <typename old> old f(old a) { this->old(); return "KEPT"; }\n'),
    ("a.cs", 'class old : x { int old; void f(old old) { g(old: 1); x.old(); var s = $"KEPT {old}"; } }\n'),
    ("a.dart", "class old extends x { old y; f({old old}) { g(old: 1); x.old(); '${old} KEPT'; } }\n"),
    ("a.ex", 'defmodule A do\n  def old(old), do: x.old\n  @old [old: :old]\n  "#{old} KEPT" # KEPT\nend\n'),
    ("a.go", 'package p\ntype old struct{ old int }\nfunc (o *old) f() { o.old = "KEPT" } // KEPT\n'),
    ("a.hs", "module A where\nold :: Int -> Int\nold x = g x `old` h x -- KEPT\n"),
    ("a.tf", 'resource "KEPT" "KEPT" {\n  old = local.old\n}\n'),
    ("A.java", 'class old<T> { old old; old() {} int f(old old) { x.old(); return this.old; } String s = "KEPT"; }\n'),
    ("a.js", 'import {old} from "KEPT";\nconst {old: x, y} = {old, z: x.old, "KEPT": `KEPT ${old}`};\nf(({old}) => old, /KEPT/);\n'),
    ("a.jsx", "const a = <KEPT KEPT={old} b=\"KEPT\">KEPT</KEPT>; const c = <x.old old={1}/>;\n"),
    ("a.ts", 'interface old { old: old; f(old: old): typeof old }\nlet a: "KEPT";\n'),
    ("a.tsx", "type old = old[]; const a = <KEPT>{old}</KEPT>\n"),
    ("a.kt", 'class old<T>(val old: old) { fun old() { x.old; "$old ${old} KEPT" } }\n'),
    ("a.lua", 'local old = {old = 1, ["KEPT"] = x.old}\nfunction x:old() end\n'),
    ("a.nix", '{ old, x ? old }: { a = old; b = x.old; "KEPT" = "${old}"; }\n'),
    ("a.php", '<?php class old { public old $old; function old() { $this->old(); old::old(); return "KEPT $old"; } } // KEPT\'s ?>KEPT <?= $old ?> KEPT\n'),
    ("a.rb", 'class X; attr_reader :old; def old(old:) = @old; def g = x.old(old: 1); "#{old} KEPT"; end\n'),
    ("a.rs", 'struct old { old: u8 }\nfn f(old: old) { m!(old); println!("{old} {old:?} KEPT {{KEPT}}"); }\n'),
    ("a.scala", 'class old(val old: old) { def f(old: Int) = x.old; val s = s"$old KEPT" }\n'),
    ("a.sol", 'contract old { uint old; function f(old x) public { x.old; emit old(1); string s = "KEPT"; } }\n'),
    ("a.swift", 'class old { var old: old; func old(old x: old) { self.old = "KEPT \\(old)" } }\n'),
    ("a.zig", 'const old = @import("KEPT"); fn f(x: old) void { x.old(); } // KEPT\n'),
]  # fmt: skip


@pytest.mark.parametrize(("path", "pattern"), LANGUAGE_ROWS, ids=[row[0] for row in LANGUAGE_ROWS])
def test_renames_code_and_not_text(path: str, pattern: str) -> None:
    source = pattern.replace("KEPT", "old")
    expected = pattern.replace("old", "fresh").replace("KEPT", "old")
    assert changed({path: source}, "rename", "old", "fresh") == {path: expected}
    assert changed({path: source}, "rename", "old", "fresh", "--strings") == {path: source.replace("old", "fresh")}


def test_every_language_of_code_has_a_row() -> None:
    rows = {found.name for path, text in LANGUAGE_ROWS if (found := language_of(path))}
    assert rows == {language.name for language in LANGUAGES if language.code} - {"python"}


@pytest.mark.parametrize("language", LANGUAGES, ids=[language.name for language in LANGUAGES])
def test_ast_grep_parses_every_language(language: object) -> None:
    assert parse("", language.name).kind()  # type: ignore[attr-defined]


KNOWN = [
    ("a/B.PY", b"", "python"),
    ("run", b"#!/usr/bin/env python3\n", "python"),
    ("run", b"#!/usr/bin/env -S python3 -u\n", "python"),
    ("run", b"#! /bin/sh -e\n", "bash"),
    ("run", b"#!/usr/local/bin/node\n", "javascript"),
    ("Rakefile", b"", "ruby"),
    (".bashrc", b"", "bash"),
    ("run.txt", b"#!/bin/sh\n", None),
    ("run", b"", None),
    (".py", b"", None),
    ("a.toml", b"", None),
]


@pytest.mark.parametrize(("path", "content", "name"), KNOWN)
def test_language_of_a_file(path: str, content: bytes, name: str | None) -> None:
    found = language_of(path, content)
    assert (found.name if found else None) == name


REFUSED = [
    (
        "lexical clash",
        {"a.go": "var old = 1\n", "b.go": "package p\nvar fresh = 1\n"},
        "fresh is taken at b.go:2 (checked lexically)",
    ),
    ("family", {"a.c": "int old;\n", "b.h": "int fresh;\n"}, "fresh is taken at b.h:1 (checked lexically)"),
    ("keyword", {"a.go": "package p\nvar old = 1\n"}, "func cannot be a name in go, where old stands at a.go:2"),
    ("shape", {"a.rb": "old = 1\n"}, "a.rb would parse differently with Fresh"),
    ("nowhere", {"a.go": "var x = 1\n"}, "there is no identifier old to rename in the whole tree"),
]


@pytest.mark.parametrize(("files", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refuses(files: dict[str, str | bytes], message: str) -> None:
    fresh = next(word for word in ("func", "Fresh", "fresh") if word in message or word == "fresh")
    with pytest.raises(Refused, match=re.escape(message)):
        planned(tree(files), "rename", "old", fresh)


def test_other_languages_and_text_do_not_clash() -> None:
    files = {"a.go": "var old = 1 // fresh\n", "b.js": "let fresh_ = 'fresh'\n", "c.py": "fresh = 1\n"}
    assert set(changed(files, "rename", "old", "fresh")) == {"a.go"}


MALFORMED = [
    (["old"], "at least 2 arguments are needed, 1 given"),
    (["old", "new-name!"], "NEW is no identifier"),
    (["a b", "fresh"], "OLD is no identifier"),
    (["old", "old"], "OLD and NEW are the same"),
    (["old", "fresh", "--string"], "no option --string"),
    (["old", "fresh", "--lang", "pyton"], "no language pyton"),
    (["old", "fresh", "--lang"], "--lang needs a value"),
    (["old", "fresh", "--strings=yes"], "--strings takes no value"),
    (["old", "fresh", "src"], "there is no src in the tree"),
    (["old", "fresh", "../x"], "not a path below the top"),
    (["old", "fresh", "/etc"], "not a path below the top"),
]


@pytest.mark.parametrize(("args", "message"), MALFORMED)
def test_malformed(args: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as refusal:
        planned(tree({"a.py": "old = 1\n", "sub/src.py": ""}), "rename", *args)
    assert "\n" not in refusal.value.message


def test_nearest_names_are_offered() -> None:
    snapshot = tree({"lib/src/a.py": "old = 1\n"})
    for args, hint in (
        (["old", "fresh", "src"], "lib/src"),
        (["old", "fresh", "--lang=pyton"], "python"),
        (["o", "n", "--string"], "--strings"),
    ):
        with pytest.raises(UsageError) as refusal:
            planned(snapshot, "rename", *args)
        assert f"did you mean {hint}" in refusal.value.hint


def test_paths_and_languages_limit_what_changes() -> None:
    files = {"src/a.py": "old = 1\n", "src/b.js": "old = 1\n", "tests/a.py": "old = 1\n"}
    assert set(changed(files, "rename", "old", "fresh", "./src/")) == {"src/a.py", "src/b.js"}
    assert set(changed(files, "rename", "old", "fresh", "src", "--lang", "py")) == {"src/a.py"}
    notes = planned(tree(dict(files)), "rename", "old", "fresh", "src/a.py").notes
    assert notes == ("old stays in files that were not asked for: src/b.js, tests/a.py",)


def test_notes_say_where_the_name_stays() -> None:
    files: dict[str, str | bytes] = {
        "a.py": "old = 1  # old\n",
        "README.rst": "old\n",
        "b.md": "# old\n",
        "c.c": b"int old;\0",
    }
    assert planned(tree(files), "rename", "old", "fresh").notes == (
        "left out: c.c: it is binary",
        "old stays in strings, comments and markup (--strings renames it there): a.py:1, b.md:1",
        "old stays in files of no language that is parsed: README.rst",
    )


def test_bytes_that_are_not_utf8_stay() -> None:
    raw = b'int old; /* \xe9\xff */ char *s = "\xe9 old";\r\n'
    assert after(tree({"a.c": raw}), "rename", "old", "fresh") == {"a.c": raw.replace(b"int old", b"int fresh")}
    utf16 = "﻿class old {}".encode("utf-16-le")
    assert after(tree({"a.cs": utf16}), "rename", "old", "fresh") == {"a.cs": "﻿class fresh {}".encode("utf-16-le")}


def test_one_step_that_keeps_modes_and_leaves_links() -> None:
    snapshot = tree({"run": "#!/bin/sh\nold() { :; }\n", "link.py": "old"}, {"run": 0o100755, "link.py": 0o120000})
    proposal = planned(snapshot, "rename", "old", "fresh")
    assert [(s.title, [(c.path, getattr(c, "mode", 0)) for c in s.changes]) for s in proposal.steps] == [
        ("Rename old to fresh", [("run", 0o100755)])
    ]
