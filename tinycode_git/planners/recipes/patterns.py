"""Patterns of code as ast-grep reads them, and what they are replaced with."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tinycode_git.errors import UsageError
from tinycode_git.planners.recipes.languages import Language
from tinycode_git.planners.recipes.names import parse as parse_code

if TYPE_CHECKING:
    from ast_grep_py import SgNode

Matcher = Callable[["SgNode"], "list[SgNode]"]

# A metavariable: https://ast-grep.github.io/guide/pattern-syntax.html
VARIABLE = re.compile(r"(\$\$\$|\$\$|\$)([A-Z_][A-Z0-9_]*)?")


def hint(language: Language) -> str:
    """What a pattern is, for the line after a refusal."""
    return f"a pattern is a whole expression or statement of {language.name}; the case of letters counts"


def short(text: str) -> str:
    """A pattern on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:37] + "..."


def template(pattern: str, replacement: str) -> tuple[str, ...]:
    """REPLACEMENT in parts, its variables at the odd places. Raises UsageError for one that PATTERN has not."""
    known = {match[0] for match in VARIABLE.finditer(pattern) if match[2] and not match[2].startswith("_")}
    parts: list[str] = []
    at = 0
    for match in VARIABLE.finditer(replacement):
        if match[0] not in known and match[2]:
            listed = ", ".join(sorted(known)) or "no variables"
            raise UsageError(
                f"recipe rewrite: REPLACEMENT has {match[0]}, which PATTERN has not", f"PATTERN has {listed}"
            )
        if match[0] in known:
            parts += (replacement[at : match.start()], match[0])
            at = match.end()
    return (*parts, replacement[at:])


def matcher(pattern: str, language: Language) -> Matcher:
    """What finds the pattern. Raises UsageError for what the language cannot parse, and for a bare variable.

    C, C++ and Go read ``f(x)`` at the top of a file as a type: there the pattern is read inside a function
    (https://ast-grep.github.io/guide/rule-config/atomic-rule.html#pattern-object).
    """
    if VARIABLE.fullmatch(pattern.strip()):
        raise UsageError(f"recipe rewrite: {pattern} alone matches everything", "put the variable into some code")
    if not pattern.isprintable() and any("\ud800" <= c <= "\udfff" for c in pattern):
        raise UsageError("recipe rewrite: PATTERN is not UTF-8 text")
    context = _in_context(pattern, language) if language.name in ("c", "cpp", "go") else None
    rule: dict[str, Any] = {"pattern": context or pattern}
    try:
        parse_code("", language.name).find_all(**rule)
    except RuntimeError as error:
        told = str(error).partition("Stack backtrace")[0].strip().splitlines()[-1]
        reason = told.partition(": ")[2] or told
        raise UsageError(
            f"recipe rewrite: {short(pattern)} is no {language.name} pattern: {reason}", hint(language)
        ) from error
    if not context and not _parses(_plain(pattern), language):
        raise UsageError(f"recipe rewrite: {short(pattern)} is not {language.name}", hint(language))
    return lambda root: root.find_all(**rule)


def _plain(pattern: str) -> str:
    """The pattern with a name in place of each variable."""
    return VARIABLE.sub("X", pattern)


def _parses(code: str, language: Language) -> bool:
    """By itself or where a statement or a member stands: not every grammar takes every piece of code at the top."""
    whole = ["<?php " + code + ";"] if language.name == "php" else [code]
    whole += [around % code for around in _AROUND.get(language.name, ())]
    return any(not parse_code(text, language.name).find_all(kind="ERROR") for text in whole)


def _in_context(pattern: str, language: Language) -> dict[str, str] | None:
    """The pattern inside the first surroundings that it parses in, as ast-grep takes it; None where there are none."""
    plain = _plain(pattern)
    for around in _AROUND[language.name]:
        start = around.index("%s")
        root = parse_code(around % plain, language.name)
        if root.find_all(kind="ERROR"):
            continue
        nodes = [node for node in root.find_all(regex=r"(?s).") if node.is_named()]
        exact = [n for n in nodes if (n.range().start.index, n.range().end.index) == (start, start + len(plain))]
        if exact and root.find_all(kind=exact[-1].kind())[0].range() == exact[-1].range():
            return {"context": around % pattern, "selector": exact[-1].kind()}
    return None


_AROUND = {
    "c": ("void f() { %s; }", "void f() { %s }"),
    "cpp": ("void f() { %s; }", "void f() { %s }", "class A { %s };"),
    "csharp": ("class A { void F() { %s; } }", "class A { %s }"),
    "go": ("package p\nfunc f() { %s }", "package p\nfunc f() { x = %s }"),
    "java": ("class A { void f() { %s; } }", "class A { %s }"),
    "javascript": ("class A { %s }", "x = %s"),
    "kotlin": ("class A { %s }",),
    "php": ("<?php class A { %s }",),
    "rust": ("fn f() { %s; }", "impl A { %s }"),
    "scala": ("class A { %s }",),
    "solidity": ("contract A { function f() public { %s; } }", "contract A { %s }"),
    "tsx": ("class A { %s }", "x = %s"),
    "typescript": ("class A { %s }", "x = %s"),
    "zig": ("fn f() void { %s; }",),
}
