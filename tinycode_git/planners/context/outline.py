"""The definitions of one file as its parser sees them: a line each, with its number and how deep it stands."""

from __future__ import annotations

from dataclasses import dataclass

from tinycode_git.planners.recipes.languages import language_of
from tinycode_git.planners.recipes.names import parse
from tinycode_git.planners.recipes.source import Undecodable, decode

LARGEST = 128 * 1024
_LONGEST = 110
_KINDS = {
    "python": ("function_definition", "class_definition"),
    "javascript": ("function_declaration", "class_declaration", "method_definition", "generator_function_declaration"),
    "typescript": (
        "function_declaration",
        "class_declaration",
        "method_definition",
        "interface_declaration",
        "type_alias_declaration",
        "enum_declaration",
    ),
    "go": ("function_declaration", "method_declaration", "type_declaration"),
    "rust": ("function_item", "struct_item", "enum_item", "trait_item", "impl_item", "mod_item", "type_item"),
    "java": (
        "class_declaration",
        "interface_declaration",
        "enum_declaration",
        "method_declaration",
        "constructor_declaration",
    ),
    "csharp": ("class_declaration", "interface_declaration", "struct_declaration", "method_declaration"),
    "c": ("function_definition", "struct_specifier", "enum_specifier", "type_definition"),
    "cpp": ("function_definition", "class_specifier", "struct_specifier", "namespace_definition"),
    "ruby": ("method", "singleton_method", "class", "module"),
    "php": ("function_definition", "class_declaration", "interface_declaration", "method_declaration"),
    "kotlin": ("function_declaration", "class_declaration", "object_declaration"),
    "scala": ("function_definition", "class_definition", "object_definition", "trait_definition"),
    "swift": ("function_declaration", "class_declaration", "protocol_declaration"),
    "lua": ("function_declaration",),
    "bash": ("function_definition",),
    "elixir": (),
}
_KINDS["tsx"] = _KINDS["typescript"]


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition: its lines from 1, how deep it stands in others, and its first line."""

    first: int
    last: int
    depth: int
    text: str


def outline(path: str, content: bytes) -> list[Definition]:
    """The definitions of a file in order; nothing where its language is not known or it does not decode."""
    language = language_of(path, content)
    kinds = _KINDS.get(language.name, ()) if language else ()
    if language is None or not kinds or len(content) > LARGEST:
        return []
    try:
        text = decode(content, python=language.name == "python").text
    except Undecodable:
        return []
    root = parse(text, language.name)
    lines = text.split("\n")
    found: list[Definition] = []
    open_until: list[int] = []
    for node in root.find_all({"rule": {"any": [{"kind": kind} for kind in kinds]}}):
        spot = node.range()
        first, last = spot.start.line + 1, spot.end.line + 1
        while open_until and open_until[-1] < first:
            open_until.pop()
        shown = lines[first - 1].strip().rstrip("{").rstrip()
        found.append(Definition(first, last, len(open_until), shown[:_LONGEST]))
        open_until.append(last)
    return found
