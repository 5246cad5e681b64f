"""What a rename touches in Python, and what it leaves alone.

Renamed: variables, parameters, functions, classes, ``global`` and ``nonlocal``, names in patterns and in f-string
expressions, what ``import`` and ``from`` bind; the entries of ``__all__``, ``__slots__`` and ``__match_args__``;
string annotations (``x: "Old"``, but not inside ``Literal`` or ``Annotated``).

Renamed where this repository defines such a thing: attributes (``x.old``), if a class body, a ``self.old = ..`` or any
assignment to an attribute defines it, or if ``x`` is a module of the repository; keyword arguments (``f(old=1)``), if
a function has such a parameter or a class body sets such a name (a dataclass field).

Left alone: attributes and keywords of what the file imports from elsewhere (``requests.get``), the attributes of
literals, the path in ``from old.x import y`` and ``import old as z``. There are no types: ``x.old`` is renamed
whatever ``x`` is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from tinycode_git.planners.recipes.names import innermost, parse
from tinycode_git.planners.recipes.source import whole_word

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_NAME_LISTS = frozenset({"__all__", "__slots__", "__match_args__"})
_LITERALS = frozenset(
    [
        "string",
        "concatenated_string",
        "integer",
        "float",
        "list",
        "dictionary",
        "set",
        "tuple",
        "list_comprehension",
        "dictionary_comprehension",
        "set_comprehension",
        "true",
        "false",
        "none",
    ]
)


_DOTTED = re.compile(r"^(?:\w+[.:])+")


class Role(Enum):
    """What an occurrence is in Python."""

    NAME = "name"
    ATTRIBUTE = "attribute"
    KEYWORD = "keyword argument"
    IMPORTED = "imported name"
    MODULE = "imported module"
    MODULE_PATH = "part of a module's path"
    TEXT = "string or comment"


@dataclass(frozen=True, slots=True)
class Use:
    """One occurrence.

    ``receiver`` is the text before the dot (attributes), of what is called (keywords), or the module (imports), as it
    stands in the source. ``inside`` is where the class around it begins, where the receiver is ``self`` or ``cls``.
    ``literal``: the receiver is a literal; for text: it is a whole string, or the end of a dotted one, that may refer
    to it. ``kept``: an alias keeps the name from being bound.
    """

    start: int
    role: Role
    receiver: str = ""
    inside: int = -1
    literal: bool = False
    kept: bool = False


def uses(text: str, name: str) -> list[Use]:
    """Every occurrence of ``name`` as a whole word, in order."""
    starts = [match.start() for match in whole_word(name).finditer(text)]
    leaves = innermost(parse(text, "python"), name) if starts else {}
    return [_use(start, name, leaves.get(start)) for start in starts]


def _use(start: int, name: str, node: SgNode | None) -> Use:
    parent = node.parent() if node else None
    if node is None or parent is None:
        return Use(start, Role.TEXT)
    if node.kind() == "string_content":
        listed = node.text() == name and _in_name_list(node)
        if listed or _in_annotation(node):
            return Use(start, Role.NAME)
        return Use(start, Role.TEXT, literal=_DOTTED.sub("", node.text()) == name)
    if node.kind() != "identifier":
        return Use(start, Role.TEXT)
    if parent.kind() == "attribute" and _same(parent.field("attribute"), node):
        return _attribute(start, parent, node)
    if parent.kind() == "keyword_argument" and _same(parent.field("name"), node):
        return _keyword(start, parent)
    if parent.kind() == "keyword_pattern" and _same(parent.child(0), node):
        return Use(start, Role.ATTRIBUTE, _first_text(parent.parent()))
    if parent.kind() == "dotted_name":
        return _dotted(start, parent, node)
    return Use(start, Role.NAME)


def _same(one: SgNode | None, other: SgNode) -> bool:
    return one is not None and one.range() == other.range()


def _first_text(node: SgNode | None) -> str:
    first = node.child(0) if node else None
    return first.text() if first else ""


def _attribute(start: int, attribute: SgNode, node: SgNode) -> Use:
    receiver = attribute.field("object")
    assert receiver is not None
    text = receiver.text()
    inside = _class_around(node) if text.split(".")[0] in ("self", "cls") else -1
    return Use(start, Role.ATTRIBUTE, text, inside, literal=receiver.kind() in _LITERALS)


def _class_around(node: SgNode) -> int:
    return next((a.range().start.index for a in node.ancestors() if a.kind() == "class_definition"), -1)


def _keyword(start: int, keyword: SgNode) -> Use:
    arguments = keyword.parent()
    call = arguments.parent() if arguments else None
    called = call.field("function") if call is not None and call.kind() == "call" else None
    return Use(start, Role.KEYWORD, called.text() if called else "")


def _dotted(start: int, dotted: SgNode, node: SgNode) -> Use:
    """A part of a dotted name: in an import, or in a pattern (``case a.b``)."""
    around = dotted.parent()
    kept = around is not None and around.kind() == "aliased_import"
    statement = around.parent() if around and kept else around
    kind = statement.kind() if statement else ""
    if statement is None or kind in ("relative_import", "future_import_statement"):
        return Use(start, Role.MODULE_PATH)
    if kind == "import_statement":
        return Use(start, Role.MODULE, dotted.text(), kept=kept)
    if kind == "import_from_statement":
        module = statement.field("module_name")
        if module is None or _same(module, dotted):
            return Use(start, Role.MODULE_PATH)
        return Use(start, Role.IMPORTED, module.text(), kept=kept)
    before = dotted.text()[: node.range().start.index - dotted.range().start.index].rstrip(" .")
    return Use(start, Role.ATTRIBUTE, before) if before else Use(start, Role.NAME)


def _in_name_list(node: SgNode) -> bool:
    """Whether a string stands in ``__all__ = [..]``, ``__slots__ = (..)`` or ``__all__.extend([..])``."""
    for around in node.ancestors():
        if around.kind() in ("assignment", "augmented_assignment"):
            left = around.field("left")
            return left is not None and left.text() in _NAME_LISTS
        if around.kind() == "call":
            called = around.field("function")
            return called is not None and called.text().startswith("__all__.")
        if around.kind() not in _LIST_PARTS:
            return False
    return False


_LIST_PARTS = frozenset(
    [
        "string",
        "list",
        "tuple",
        "set",
        "expression_list",
        "binary_operator",
        "parenthesized_expression",
        "argument_list",
    ]
)


def _in_annotation(node: SgNode) -> bool:
    for around in node.ancestors():
        if around.kind() in ("generic_type", "subscript") and _first_text(around).split(".")[-1] in (
            "Literal",
            "Annotated",
        ):
            return False
        if around.kind() in ("call", "block", "module"):
            return False
        if around.kind() == "type":
            outer = around.parent()
            if outer is None or outer.kind() != "type_parameter":
                return True
    return False
