# ruff: noqa: E501 (one row a case)
from __future__ import annotations

import ast
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.planners.recipes.recipe_trees import after, changed, planned, tree
from tinycode_git.errors import Refused

RENAMED = [
    ("variable", "old = 1\nprint(old)\n", "new = 1\nprint(new)\n"),
    ("function", "def old(): ...\nold()\n", "def new(): ...\nnew()\n"),
    ("class", "class old: ...\nx: old = old()\n", "class new: ...\nx: new = new()\n"),
    ("parameter", "def f(old, *, k=1): return old\nf(old=2)\n", "def f(new, *, k=1): return new\nf(new=2)\n"),
    ("star", "def f(*old, **k): return old\n", "def f(*new, **k): return new\n"),
    ("lambda", "g = lambda old: old + 1\n", "g = lambda new: new + 1\n"),
    ("global", "old = 1\ndef f():\n global old\n old = 2\n", "new = 1\ndef f():\n global new\n new = 2\n"),
    ("method", "class A:\n def old(self): self.old()\nA().old()\n", "class A:\n def new(self): self.new()\nA().new()\n"),
    ("self", "class A:\n def f(self): self.old = 1\na.b().old\n", "class A:\n def f(self): self.new = 1\na.b().new\n"),
    ("field", "class A:\n old: int = 1\nA(old=2)\n", "class A:\n new: int = 1\nA(new=2)\n"),
    ("f-string", "old = 1\nf'{old!r:>{old}} old {{old}}'\n", "new = 1\nf'{new!r:>{new}} old {{old}}'\n"),
    ("handler", "try: ...\nexcept E as old: raise old\n", "try: ...\nexcept E as new: raise new\n"),
    ("walrus", "if (old := f()): print(old)\n", "if (new := f()): print(new)\n"),
    ("match", "match x:\n case [*old]: old\n case {'old': old, **k}: old\n", "match x:\n case [*new]: new\n case {'old': new, **k}: new\n"),
    ("pattern", "class A: old = 1\nmatch x:\n case A(old=1): ...\n", "class A: new = 1\nmatch x:\n case A(new=1): ...\n"),
    ("comprehension", "[old for old in y if old]\n", "[new for new in y if new]\n"),
    ("decorator", "def old(f): return f\n@old\ndef g(): ...\n", "def new(f): return f\n@new\ndef g(): ...\n"),
    ("__all__", "def old(): ...\n__all__ = ['old', 'x']\n__all__ += ['old']\n", "def new(): ...\n__all__ = ['new', 'x']\n__all__ += ['new']\n"),
    ("__slots__", "class A:\n __slots__ = ('old',)\n def f(self): return self.old\n", "class A:\n __slots__ = ('new',)\n def f(self): return self.new\n"),
    ("annotation", "class old: ...\ndef f(x: 'old') -> 'list[old]': ...\n", "class new: ...\ndef f(x: 'new') -> 'list[new]': ...\n"),
    ("literal", "old = 1\ndef f(x: Literal['old']): return old\n", "new = 1\ndef f(x: Literal['old']): return new\n"),
    ("text", "old = 'old'  # old\n\"\"\"old\"\"\"\n", "new = 'old'  # old\n\"\"\"old\"\"\"\n"),
    ("longer names", "old = older = _old = old2 = 1\n", "new = older = _old = old2 = 1\n"),
    ("private", "class A:\n def __old(self): self.__old()\n", None),
    ("keyword of nobody", "old = 1\nf(old=old)\n", "new = 1\nf(old=new)\n"),
    ("attribute of nobody", "def old(): ...\nold()\nx.old()\n", "def new(): ...\nnew()\nx.old()\n"),
    ("foreign attribute", "import os\nclass A:\n def old(self): os.old(); self.old()\n", "import os\nclass A:\n def new(self): os.old(); self.new()\n"),
    ("foreign keyword", "import os\ndef f(old): os.f(old=old); g(old=old)\n", "import os\ndef f(new): os.f(old=new); g(new=new)\n"),
    ("literal attribute", "class A:\n def old(self): ''.old(); x.old()\n", "class A:\n def new(self): ''.old(); x.new()\n"),
    ("foreign alias", "from os import old as o\nold = o\n", "from os import old as o\nnew = o\n"),
    ("bound by alias", "import os as old\nold.path\n", "import os as new\nnew.path\n"),
    ("astral", "s = '𝒳🙂é'; old = s + '🙂'; old\n", "s = '𝒳🙂é'; new = s + '🙂'; new\n"),
    ("form feed", "\x0cold = 1\r\n\x0c\r\nold\r", "\x0cnew = 1\r\n\x0c\r\nnew\r"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"), [row[1:] for row in RENAMED if row[2]], ids=[r[0] for r in RENAMED if r[2]]
)
def test_renames(text: str, expected: str) -> None:
    assert after(tree({"a.py": text}), "rename", "old", "new") == {"a.py": expected.encode()}


def test_private_names_keep_their_meaning() -> None:
    source = "class A:\n def __old(self): self.__old()\n __new = 1\n"
    assert "def __fresh(self): self.__fresh()" in changed({"a.py": source}, "rename", "__old", "__fresh")["a.py"]
    with pytest.raises(Refused, match=r"a.py:3"):
        planned(tree({"a.py": source}), "rename", "__old", "__new")


CLASHES = [
    ("same scope", "old = 1\nnew = 2\n", 2),
    ("read only", "def f():\n old = 1\n return new\n", 3),
    ("parameter", "def f(old, new): ...\n", 1),
    ("shadowing", "old = 1\ndef f(new):\n return old\n", 2),
    ("captured", "new = 1\ndef f(old):\n def g():\n  return new\n", 4),
    ("class body", "class A:\n def old(self): ...\n def new(self): ...\n", 3),
    ("inherited", "class B:\n def new(self): ...\nclass C(B): ...\nclass A(C):\n def old(self): ...\n", 2),
    ("inherited attribute", "class A:\n def f(self): self.old = 1\nclass B(A):\n def f(self): self.new = 1\n", 4),
    ("same receiver", "class A:\n old = 1\nx.old\nx.new\n", 4),
    ("used on self", "class A(Thread):\n def old(self): self.new()\n", 2),
    ("same call", "def f(old): ...\nf(old=1)\nf(new=2)\n", 3),
    ("import", "from .m import old\nfrom .n import new\n", 2),
    ("star", "def f():\n import new\n old = 1\n", 2),
    ("built-in read", "def old(): ...\ndef f(): return print\n", None),
]


@pytest.mark.parametrize(("text", "line"), [row[1:] for row in CLASHES], ids=[row[0] for row in CLASHES])
def test_refuses_a_clash_and_says_where(text: str, line: int | None) -> None:
    new = "new" if line else "print"
    with pytest.raises(Refused) as refusal:
        planned(tree({"m.py": "", "n.py": "", "a.py": text}), "rename", "old", new)
    assert f"{new} is taken at a.py:{line or 2}" in refusal.value.message
    assert "by scope in Python" in refusal.value.message


@pytest.mark.parametrize(("lines", "more"), [(9, ""), (10, "and 1 more"), (40, "and 31 more")])
def test_a_refusal_lists_each_place_once_and_ten_at_most(lines: int, more: str) -> None:
    text = "old = 1\n" + "new = new + new\n" * (lines + 1)
    with pytest.raises(Refused, match=rf"a.py:2 and {lines} other places") as refusal:
        planned(tree({"a.py": text}), "rename", "old", "new")
    listed = refusal.value.detail.splitlines()
    assert [line.split(": ")[0] for line in listed[:10]] == [f"a.py:{n}" for n in range(2, 12)][: lines + 1]
    assert listed[10:] == [more] * bool(more)


NO_CLASH = [
    ("other function", "def f():\n old = 1\ndef g():\n new = 2\n"),
    ("other class", "class A:\n def old(self): ...\nclass B:\n def new(self): ...\n"),
    ("other receiver", "class A:\n old = 1\nx.old\ny.new\n"),
    ("text", "old = 'new'  # new\n"),
    ("class scope is not seen", "old = 1\nclass A:\n new = 2\n def f(self): return old\n"),
    ("module path", "from .new import x\nold = x\n"),
    ("self of two classes", "class A:\n def f(self): self.old = 1\nclass B:\n def f(self): self.new = 1\n"),
]


@pytest.mark.parametrize("text", [row[1] for row in NO_CLASH], ids=[row[0] for row in NO_CLASH])
def test_renames_where_the_names_never_meet(text: str) -> None:
    assert "old" not in changed({"a.py": text}, "rename", "old", "new")["a.py"]


REFUSED = [
    ("module", {"a.py": "import old\n"}, "old is a module, imported at a.py:1"),
    ("submodule", {"p/__init__.py": "", "p/old.py": "", "a.py": "from p import old\n"}, "imported at a.py:1"),
    ("foreign", {"a.py": "x = 1\nfrom os import old\n"}, "imported from os at a.py:2"),
    ("absent", {"a.py": "x = 1\n"}, "no identifier old"),
    ("text only", {"a.py": "x = 'old'\n"}, "no identifier old"),
]


@pytest.mark.parametrize(("files", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refuses(files: dict[str, str | bytes], message: str) -> None:
    with pytest.raises(Refused, match=re.escape(message)):
        planned(tree(files), "rename", "old", "new")


def test_refuses_a_built_in() -> None:
    with pytest.raises(Refused, match="Python's built-in"):
        planned(tree({"a.py": "class A:\n def open(self): return open('x')\n"}), "rename", "open", "unlock")


def test_follows_imports_between_modules() -> None:
    files = {
        "pkg/__init__.py": "from .tools import old as old\n",
        "pkg/tools.py": "def old(): ...\n",
        "tests/test_it.py": "import pkg\nfrom pkg import tools\nfrom pkg.tools import old\nold(), pkg.old(), tools.old(), d.old()\n",
    }  # fmt: skip
    assert changed(files, "rename", "old", "new") == {
        "pkg/__init__.py": "from .tools import new as new\n",
        "pkg/tools.py": "def new(): ...\n",
        "tests/test_it.py": "import pkg\nfrom pkg import tools\nfrom pkg.tools import new\nnew(), pkg.new(), tools.new(), d.old()\n",
    }  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    [
        "# -*- coding: latin-1 -*-\nold = 'é'\n".encode("latin-1"),
        "#!/usr/bin/python\n# vim: set fileencoding=cp1251 :\nold = 'Ж'\n".encode("cp1251"),
        b"\xef\xbb\xbfold = '\xc3\xa9'\r\n",
        b"# coding: shift_jis\nold = '\x83\x5c'\n",
    ],
    ids=["latin-1", "cp1251", "bom", "shift_jis"],
)
def test_encodings_stay(raw: bytes) -> None:
    assert after(tree({"a.py": raw}), "rename", "old", "new") == {"a.py": raw.replace(b"old", b"new")}


LEFT_OUT = [
    ("syntax", b"print old\n", "a.py: line 1 is no Python"),
    ("cookie", b"# coding: nonsense\nold = 1\n", "a.py: unknown encoding"),
    ("bytes", b"old = '\xff'\n", "a.py: invalid or missing encoding"),
    ("binary", b"old = 1\0\n", "a.py: it is binary"),
    ("deep", b"x = " + b" + ".join([b"old"] * 900), "a.py: it is nested too deeply"),
]


@pytest.mark.parametrize(("raw", "note"), [row[1:] for row in LEFT_OUT], ids=[row[0] for row in LEFT_OUT])
def test_files_left_out_are_named(raw: bytes, note: str) -> None:
    proposal = planned(tree({"a.py": raw, "b.py": "old = 1\n"}), "rename", "old", "new")
    assert [change.path for change in proposal.steps[0].changes] == ["b.py"]
    assert any(line.startswith(f"left out: {note}") for line in proposal.notes)


def test_strings_takes_part_when_asked() -> None:
    text = "old = 'old, older'  # old\n"
    assert changed({"a.py": text}, "rename", "old", "new", "--strings") == {"a.py": "new = 'new, older'  # new\n"}


NAMES = st.sampled_from(["old", "a", "b", "len"])
EXPRESSIONS = st.recursive(
    NAMES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: f"{pair[0]} + {pair[1]}"),
        inner.map(lambda e: f"f'{{{e}}} old {{{{old}}}}'" if "'" not in e else e),
        st.tuples(NAMES, inner).map(lambda pair: f"f({pair[1]}, {pair[0]}={pair[1]})"),
        st.tuples(inner, NAMES).map(lambda pair: f"({pair[0]}).{pair[1]}"),
        st.tuples(NAMES, inner).map(lambda pair: f"(lambda {pair[0]}: {pair[1]})"),
        st.tuples(NAMES, inner).map(lambda pair: f"[{pair[1]} for {pair[0]} in a]"),
    ),
    max_leaves=6,
)
STATEMENTS = st.one_of(
    st.tuples(NAMES, EXPRESSIONS).map(lambda s: f"{s[0]} = {s[1]}  # old 🙂"),
    st.tuples(NAMES, NAMES, EXPRESSIONS).map(lambda s: f"def {s[0]}({s[1]}):\n    return {s[2]}"),
    st.tuples(NAMES, NAMES, EXPRESSIONS).map(lambda s: f"class {s[0]}:\n    def {s[1]}(self): self.old = {s[2]}"),
    st.tuples(NAMES, NAMES).map(lambda s: f"from .m import {s[0]} as {s[1]}"),
)


class _Renamer(ast.NodeTransformer):
    """The oracle: the name in every identifier of a tree, attributes and keywords by the rules that hold for this file."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for name, value in ast.iter_fields(node):
            if value == "old" and not isinstance(node, ast.Constant):
                setattr(node, name, "new")
        return super().generic_visit(node)


@settings(max_examples=150)
@given(st.lists(STATEMENTS, min_size=1, max_size=5), st.sampled_from(["\n", "\r\n"]))
def test_only_names_change(statements: list[str], newline: str) -> None:
    """With a class that has the member and a function that has the parameter, every ``old`` in code is renamed."""
    lines = ["class Has:", "    old = 1", "def f(x, old=0): ...", *"\n".join(statements).split("\n"), ""]
    source = newline.join(lines)
    result = after(tree({"p/a.py": source, "p/m.py": ""}), "rename", "old", "new")["p/a.py"].decode()
    expected = ast.dump(_Renamer().visit(ast.parse(source)))
    assert ast.dump(ast.parse(result)) == expected
    assert result.replace("new", "old") == source
    assert after(tree({"p/a.py": result, "p/m.py": ""}), "rename", "new", "old")["p/a.py"].decode() == source


def test_strings_that_may_refer_to_it_are_named_apart() -> None:
    text = "old = 1\ngetattr(x, 'old')\npatch('pkg.mod.old')\nload('pkg:old')\nprint('an old one', 'old.x')\n"
    assert planned(tree({"a.py": text}), "rename", "old", "new").notes == (
        "old stays in strings, comments and markup (--strings renames it there): a.py:5",
        "old is a whole string, which may refer to it (--strings renames it there): a.py:2, a.py:3, a.py:4",
    )
