"""Fixes that rules bring: matches replaced, where the rule is quiet afterwards and no other one speaks up."""

from __future__ import annotations

import re

from tinycode_git.safety.engine import Engine
from tinycode_git.safety.rule import Rule

_VARIABLE = re.compile(r"\$([A-Z_][A-Z0-9_]*)")
_GROUP = re.compile(rb"\\(\d)")


def fixed(engine: Engine, rule: Rule, text: bytes, path: str) -> bytes:
    """``text`` with every match of ``rule`` replaced by its fix; the text itself where it has none or is not UTF-8."""
    try:
        source = text.decode()
    except UnicodeDecodeError:
        return text
    if rule.kind == "ast":
        return _structural(engine, rule, source, path).encode()
    return _pattern(rule, text)


def _pattern(rule: Rule, text: bytes) -> bytes:
    from tinycode_git.safety.regex import confirmer

    parts, at = [], 0
    for found in confirmer(rule.body).finditer(text):
        groups = found.groups(b"")
        parts += [text[at : found.start()], _GROUP.sub(lambda g: groups[int(g[1]) - 1], rule.fix.encode())]  # noqa: B023
        at = found.end()
    return b"".join([*parts, text[at:]])


def _structural(engine: Engine, rule: Rule, source: str, path: str) -> str:
    from tinycode_git.safety.structural import language_of, node_matches

    language = language_of(path, source[:128].encode())
    if language not in rule.languages:
        return source
    for node in reversed(node_matches(source, language, rule)):

        def value(name: re.Match[str]) -> str:
            found = node.get_match(name[1])  # noqa: B023
            return found.text() if found is not None else name[0]

        span = node.range()
        source = source[: span.start.index] + _VARIABLE.sub(value, rule.fix) + source[span.end.index :]
    return source


def apply_fixes(engine: Engine, text: bytes, path: str) -> tuple[bytes, list[str]]:
    """``text`` with the verified fixes of all rules, and the names of those that were applied.

    Verified: the rule is quiet afterwards, no rule says more than before, and Python still parses.
    """
    done: list[str] = []
    for name in dict.fromkeys(match.rule for match in engine.look(text, "content", path).matches):
        rule = engine.rule(name)
        if not rule.fix:
            continue
        after = fixed(engine, rule, text, path)
        if after != text and _better(engine, rule, text, after, path):
            text = after
            done.append(name)
    return text, done


def _better(engine: Engine, rule: Rule, before: bytes, after: bytes, path: str) -> bool:
    left = [match.rule for match in engine.look(after, "content", path).matches]
    had = [match.rule for match in engine.look(before, "content", path).matches]
    if rule.id in left or any(left.count(name) > had.count(name) for name in set(left)):
        return False
    return not path.endswith(".py") or _parses(after) or not _parses(before)


def _parses(source: bytes) -> bool:
    import ast

    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True
