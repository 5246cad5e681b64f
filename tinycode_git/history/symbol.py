"""Where a name is defined in a file: by its syntax tree where the language is known, else by git's own rule."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from tinycode_git.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ast_grep_py import SgNode

_LANGUAGES = {
    "py": "python", "pyi": "python", "c": "c", "h": "c", "cc": "cpp", "cpp": "cpp", "cxx": "cpp", "hpp": "cpp",
    "hh": "cpp", "go": "go", "rs": "rust", "java": "java", "js": "javascript", "jsx": "javascript", "mjs": "javascript",
    "ts": "typescript", "tsx": "tsx", "rb": "ruby", "php": "php", "cs": "csharp", "sh": "bash", "bash": "bash",
}  # fmt: skip
# Nodes that define a name, in tree-sitter's grammars of these languages.
_KINDS = {
    "python": ("function_definition", "class_definition", "assignment"),
    "c": ("function_definition", "struct_specifier", "enum_specifier", "type_definition", "preproc_def",
          "preproc_function_def"),
    "cpp": ("function_definition", "struct_specifier", "class_specifier", "enum_specifier", "preproc_def"),
    "go": ("function_declaration", "method_declaration", "type_spec", "const_spec", "var_spec"),
    "rust": ("function_item", "struct_item", "enum_item", "trait_item", "const_item", "static_item", "mod_item",
             "macro_definition", "type_item"),
    "java": ("method_declaration", "class_declaration", "interface_declaration", "enum_declaration",
             "constructor_declaration"),
    "javascript": ("function_declaration", "class_declaration", "method_definition", "variable_declarator"),
    "ruby": ("method", "singleton_method", "class", "module"),
    "php": ("function_definition", "method_declaration", "class_declaration", "interface_declaration"),
    "csharp": ("method_declaration", "class_declaration", "interface_declaration", "struct_declaration",
               "enum_declaration"),
    "bash": ("function_definition",),
}  # fmt: skip
_KINDS["typescript"] = (*_KINDS["javascript"], "interface_declaration", "type_alias_declaration", "enum_declaration")
_KINDS["tsx"] = _KINDS["typescript"]
_PIECES = re.compile(r"::|\.|#")
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_STARTS = re.compile(r"[A-Za-z_$]")


def symbol_lines(text: str, path: str, symbol: str) -> tuple[int, int]:
    """First and last line (from 1) of what ``symbol`` names; ``Class.method`` narrows it down.

    Raises Refused where the file defines no such name, or several things of that name.
    """
    spans = list(dict.fromkeys(_by_syntax(text, path, symbol))) or list(_by_lines(text, symbol))
    if not spans:
        near = get_close_matches(symbol, sorted(set(_WORD.findall(text))), n=3, cutoff=0.7)
        hint = f"did you mean {' or '.join(near)}?" if near else "name a line instead: PATH:LINE"
        raise Refused(f"{path} defines nothing called {symbol!r}", hint)
    if len(spans) > 1:
        lines = ", ".join(f"{first}-{last}" for first, last in spans[:5])
        hint = f"name the one that is meant: {path}:{spans[0][0]}-{spans[0][1]}, or {path}:Class.method"
        raise Refused(f"{path} defines {symbol!r} {len(spans)} times: lines {lines}", hint)
    return spans[0]


def _by_syntax(text: str, path: str, symbol: str) -> Iterator[tuple[int, int]]:
    language = _LANGUAGES.get(path.rpartition(".")[2].lower(), "")
    if not language:
        return
    from ast_grep_py import SgRoot

    *outer, name = _PIECES.split(symbol)
    clean = text.encode("utf-8", "replace").decode()  # tree-sitter reads no surrogates
    root = SgRoot(clean, language).root()
    for kind in _KINDS[language]:
        for node in root.find_all(kind=kind):
            if _name(node) == name and _within(node, outer) and not _only_named(node):
                span = node.range()
                yield _with_decorators(node, span.start.line) + 1, span.end.line + 1


def _only_named(node: SgNode) -> bool:
    """Whether a C type is only used here (``struct x *p``), not defined."""
    return node.kind() in ("struct_specifier", "enum_specifier", "class_specifier") and node.field("body") is None


def _name(node: SgNode) -> str:
    named = node.field("name") or node.field("left") or node.field("declarator")
    while named is not None:
        inner = named.field("declarator") or named.field("name")
        if inner is None:
            break
        named = inner
    return named.text() if named is not None else ""


def _within(node: SgNode, outer: list[str]) -> bool:
    """Whether the nodes around it carry these names, the innermost last."""
    wanted = list(outer)
    if wanted and node.kind() == "method_declaration" and node.field("receiver") is not None:  # Go
        receiver = node.field("receiver")
        if receiver is not None and wanted[-1] in _WORD.findall(receiver.text()):
            wanted.pop()
    for parent in node.ancestors():
        if not wanted:
            return True
        if _name(parent) == wanted[-1] or _implements(parent, wanted[-1]):
            wanted.pop()
    return not wanted


def _implements(node: SgNode, name: str) -> bool:
    kind = node.field("type") if node.kind() == "impl_item" else None  # Rust
    return kind is not None and name in _WORD.findall(kind.text())


def _with_decorators(node: SgNode, line: int) -> int:
    parent = node.parent()
    return parent.range().start.line if parent is not None and parent.kind() == "decorated_definition" else line


def _by_lines(text: str, symbol: str) -> Iterator[tuple[int, int]]:
    """git's own rule (gitattributes(5), "Defining a custom hunk-header"): a function starts at a line that begins with
    a letter, ``_`` or ``$``, and reaches to the next one."""
    rows = text.split("\n")
    heads = [at for at, row in enumerate(rows) if _STARTS.match(row)]
    pattern = re.compile(rf"(?<![\w$]){re.escape(symbol)}(?![\w$])")
    found = [at for at in heads if pattern.search(rows[at])]
    if len(found) != 1:
        return
    following = [at for at in heads if at > found[0]]
    last = (following[0] if following else len(rows)) - 1
    while last > found[0] and not rows[last].strip():
        last -= 1
    yield found[0] + 1, last + 1
