"""Where a name occurs in a file that ast-grep parses: in code, or in strings and comments.

Every occurrence is found on the text first and then judged by the smallest node of the syntax tree around it, so that
none is lost: what is no identifier is text. Offsets are characters, as ast-grep counts them.

What counts as code besides identifiers: the bodies of C macros; symbols in Ruby and atoms in Elixir, which name
methods and fields there, and Ruby's instance variables, which ``attr_accessor :name`` ties to them; names inside
Rust's format strings (``"{name}"``). Tags and attributes of HTML elements in JSX are the browser's words, not the
program's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinycode_git.planners.recipes.languages import Language
from tinycode_git.planners.recipes.source import whole_word

if TYPE_CHECKING:
    from ast_grep_py import SgNode

# Kinds of leaf nodes that are identifiers and are not called "...identifier" (node-types.json of each grammar).
_KINDS = {
    "bash": {"variable_name"},
    "go": {"label_name"},
    "javascript": {"shorthand_property_identifier_pattern"},
    "tsx": {"shorthand_property_identifier_pattern"},
    "typescript": {"shorthand_property_identifier_pattern"},
    "haskell": {"variable", "constructor", "name", "module_id"},
    "php": {"name"},
    "ruby": {"constant", "hash_key_symbol", "class_variable", "global_variable"},
    "solidity": {"enum_value"},
}
# Kinds of nodes that hold identifiers as words: the grammar does not look inside.
_HOLDS = {
    "c": {"preproc_arg"},
    "cpp": {"preproc_arg"},
    "elixir": {"alias", "atom", "keyword"},
    "kotlin": {"label"},
    "ruby": {"simple_symbol", "instance_variable"},
    "swift": {"statement_label"},
}
# Rust's lifetimes, loop labels and macro variables have name spaces of their own.
_APART = frozenset({"metavariable", "lifetime", "label"})
# Builtins of bash whose plain arguments are names of variables or functions.
_TAKE_NAMES = frozenset(["read", "mapfile", "readarray", "getopts", "trap", "type"])
_RUST_SPECIAL = re.compile(r"[^\w]")
_MACRO_TEXT = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|/\*.*?\*/|//[^\n]*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """One occurrence: its first character, whether it is code, the kinds of its node and of the node around that."""

    start: int
    code: bool
    kind: str
    parent: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file's occurrences of a name, and how many syntax errors its grammar sees."""

    places: tuple[Place, ...]
    errors: int


def parse(text: str, language: str) -> SgNode:
    """The root of the syntax tree; its offsets are those of ``text``."""
    from ast_grep_py import SgRoot

    return SgRoot(_php_only(text) if language == "php" else text, language).root()


_PHP = re.compile(
    r"""<\?(?:php\b|=)?((?:
        "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | /\*.*?\*/ | (?://|\#)(?:(?!\?>)[^\n])* | (?!\?>).
    )*)(\?>)?""",
    re.DOTALL | re.VERBOSE,
)


def _php_only(text: str) -> str:
    """Blanks in place of what is not PHP: ast-grep's grammar is the one without HTML (``LANGUAGE_PHP_ONLY``).

    ``?>`` ends a statement and a comment, as a newline and a semicolon do.
    """
    parts: list[str] = []
    at = 0
    for block in _PHP.finditer(text):
        code = block.start(1)
        parts += (_blank(text[at:code]), block[1], "\n;" if block[2] else "")
        at = block.end()
    return "".join([*parts, _blank(text[at:])])


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def count_errors(root: SgNode) -> int:
    """How many ERROR nodes a tree holds, and how many tokens the parser had to make up (those are empty)."""
    made_up = (node for node in root.find_all(regex="^$") if node.kind() in _TOKENS)
    return len(root.find_all(kind="ERROR")) + sum(1 for _ in made_up)


_TOKENS = frozenset(
    [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        ";",
        ".",
        "=",
        "=>",
        "end",
        "identifier",
        "type_identifier",
        "field_identifier",
        "string",
    ]
)


def occurrences(text: str, language: Language, name: str) -> Parsed:
    """Every place where ``name`` stands as a whole word, less those where it is part of a longer identifier."""
    starts = [match.start() for match in whole_word(name).finditer(text)]
    if not starts:
        return Parsed((), 0)
    root = parse(text, language.name)
    leaves = innermost(root, name)
    places = (_place(start, text, language, name, leaves.get(start)) for start in starts)
    return Parsed(tuple(place for place in places if place), count_errors(root))


def innermost(root: SgNode, name: str) -> dict[int, SgNode]:
    """For each offset of ``name``: the smallest node around it.

    Parents come before children, so the last one seen is it.
    """
    found: dict[int, SgNode] = {}
    for node in root.find_all(regex=_RUST_SPECIAL.sub(r"\\\g<0>", name)):
        text, begin = node.text(), node.range().start.index
        at = text.find(name)
        while at >= 0:
            found[begin + at] = node
            at = text.find(name, at + 1)
    return found


def _place(start: int, text: str, language: Language, name: str, node: SgNode | None) -> Place | None:
    if node is None:
        return Place(start, False, "", "")
    parent = node.parent()
    kind, around = node.kind(), parent.kind() if parent else ""
    if not language.code:
        return Place(start, False, kind, around)
    if language.name == "rust" and (kind in _APART or around in _APART):
        return None
    if _part_of_longer(node, kind, language.name, name, text[start + len(name) : start + len(name) + 1]):
        return None
    return Place(start, _is_code(node, kind, around, language.name, name, start), kind, around)


def _part_of_longer(node: SgNode, kind: str, language: str, name: str, after: str) -> bool:
    """``name?`` in Ruby, ``name-x`` in Nix, ``name'`` in Haskell, ``$name`` in JavaScript are other names."""
    if kind in _HOLDS.get(language, ()):
        return kind != "preproc_arg" and after in tuple("?!")
    return _is_identifier(kind, language) and node.text() != name


def _is_identifier(kind: str, language: str) -> bool:
    return kind.endswith("identifier") or kind in _KINDS.get(language, ())


def _is_code(node: SgNode, kind: str, around: str, language: str, name: str, start: int) -> bool:
    if kind in _HOLDS.get(language, ()):
        return kind != "preproc_arg" or not _in_macro_text(node, start)
    if language == "bash" and kind == "word":
        return node.text() == name and (around in ("command_name", "function_definition") or _takes_names(node))
    if language in ("javascript", "tsx") and _is_markup(node, kind, around):
        return False
    if language == "rust" and kind == "string_content":
        return _is_format_argument(node, name, start)
    return _is_identifier(kind, language)


def _takes_names(node: SgNode) -> bool:
    command = node.parent()
    called = command.field("name") if command is not None and command.kind() == "command" else None
    return called is not None and called.text() in _TAKE_NAMES


def _in_macro_text(node: SgNode, start: int) -> bool:
    at = start - node.range().start.index
    return any(m.start() <= at < m.end() for m in _MACRO_TEXT.finditer(node.text()))


def _is_markup(node: SgNode, kind: str, around: str) -> bool:
    """``<title>`` and ``<div title=..>``: lower-case elements are HTML's (https://react.dev/learn/writing-markup-
    with-jsx).
    """
    if around in ("jsx_opening_element", "jsx_closing_element", "jsx_self_closing_element"):
        return node.text()[:1].islower() and kind == "identifier"
    if around != "jsx_attribute":
        return False
    element = next(
        (a for a in node.ancestors() if a.kind() in ("jsx_opening_element", "jsx_self_closing_element")), None
    )
    tag = element.field("name") if element else None
    return tag is not None and tag.kind() == "identifier" and tag.text()[:1].islower()


def _is_format_argument(node: SgNode, name: str, start: int) -> bool:
    """``println!("{name:?}")`` captures ``name`` (https://doc.rust-lang.org/std/fmt/#named-parameters)."""
    at = start - node.range().start.index
    text = node.text()
    opened = len(text[:at]) - len(text[:at].rstrip("{"))
    closed = text[at + len(name) : at + len(name) + 1]
    inside = any(ancestor.kind() == "macro_invocation" for ancestor in node.ancestors())
    return inside and opened % 2 == 1 and closed in ("}", ":")


def lines_with_code(text: str, parsed: Parsed) -> Iterator[int]:
    """The numbers of the lines that hold the name in code, from 1, each once."""
    seen = 0
    for place in parsed.places:
        line = text.count("\n", 0, place.start) + 1
        if place.code and line != seen:
            seen = line
            yield line
