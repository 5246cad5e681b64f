"""Structural rules: ast-grep on files of a known language, so that a call is a call and a comment is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tinycode_git.safety.rule import Rule

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_BY_SUFFIX = {
    "bash": "bash", "sh": "bash", "zsh": "bash", "ksh": "bash", "bats": "bash",
    "c": "c", "h": "c",
    "cc": "cpp", "cpp": "cpp", "cxx": "cpp", "hh": "cpp", "hpp": "cpp", "hxx": "cpp", "cu": "cpp", "ino": "cpp",
    "cs": "csharp",
    "go": "go",
    "java": "java",
    "js": "javascript", "mjs": "javascript", "cjs": "javascript", "jsx": "javascript",
    "php": "php", "phtml": "php",
    "py": "python", "pyi": "python", "pyw": "python", "bzl": "python",
    "rb": "ruby", "rake": "ruby", "gemspec": "ruby",
    "rs": "rust",
    "ts": "typescript", "mts": "typescript", "cts": "typescript",
    "tsx": "tsx",
}  # fmt: skip
_BY_NAME = {"Rakefile": "ruby", "Gemfile": "ruby", ".bashrc": "bash", ".profile": "bash", "SConstruct": "python"}
_BY_PROGRAM = {
    "bash": "bash", "sh": "bash", "dash": "bash", "zsh": "bash", "ksh": "bash",
    "python": "python", "ruby": "ruby", "node": "javascript", "php": "php",
}  # fmt: skip


def language_of(path: str, head: bytes) -> str:
    """The language of a file by its name, else by its ``#!`` line; empty where it is none that rules know."""
    name = path.rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    if dot and stem and suffix.lower() in _BY_SUFFIX:
        return _BY_SUFFIX[suffix.lower()]
    if name in _BY_NAME:
        return _BY_NAME[name]
    if not head.startswith(b"#!"):
        return ""
    words = head[2:].split(b"\n", 1)[0].decode("latin-1").split()
    names = [word.rpartition("/")[2] for word in words if not word.startswith("-")]
    program = names[1] if names[:1] == ["env"] and len(names) > 1 else names[0] if names else ""
    return _BY_PROGRAM.get(program.rstrip("0123456789."), "")


def structural_spans(text: bytes, language: str, rules: Sequence[tuple[int, Rule]]) -> Iterator[tuple[int, int, int]]:
    """(number, start, end) in bytes of ``text`` for every node that one of the numbered rules holds for."""
    from ast_grep_py import SgRoot

    source = text.decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode()  # a byte for a character
    root = SgRoot(source, language).root()
    ascii_only = source.isascii()
    for number, rule in rules:
        if language not in rule.languages:
            continue
        for node in root.find_all(_config(rule)):
            span = (node.get_match("SECRET") or node).range()
            start, end = span.start.index, span.end.index
            if not ascii_only:
                start, end = len(source[:start].encode()), len(source[:end].encode())
            yield number, start, end


def _config(rule: Rule) -> Any:
    assert rule.config is not None
    return rule.config


def node_matches(source: str, language: str, rule: Rule) -> list[SgNode]:
    """The nodes of ``source`` that a structural rule holds for."""
    from ast_grep_py import SgRoot

    return SgRoot(source, language).root().find_all(_config(rule))
