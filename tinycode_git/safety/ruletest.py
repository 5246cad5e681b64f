"""A rule against its own examples and near misses."""

from __future__ import annotations

from tinycode_git.safety.engine import Engine
from tinycode_git.safety.rule import Rule
from tinycode_git.safety.rulefile import plain

_SUFFIX = {
    "bash": "sh", "c": "c", "cpp": "cpp", "csharp": "cs", "go": "go", "java": "java", "javascript": "js", "php": "php",
    "python": "py", "ruby": "rb", "rust": "rs", "typescript": "ts", "tsx": "tsx",
}  # fmt: skip


def problems(engine: Engine, rule: Rule) -> list[str]:
    """What is wrong, one line each: an example that is not found, a near miss that is, a fix that does not help."""
    wrong = [f"not found: {example!r}" for example in rule.examples if not found(engine, rule, example)]
    wrong += [f"found: {example!r}" for example in rule.near_misses if found(engine, rule, example)]
    if rule.fix:
        from tinycode_git.safety.fix import fixed

        for example in rule.examples:
            text = plain(example).encode("utf-8", "surrogateescape")
            after = fixed(engine, rule, text, example_path(rule))
            if after == text or found(engine, rule, after.decode("utf-8", "surrogateescape")):
                wrong.append(f"the fix does not help: {example!r}")
    return wrong


def found(engine: Engine, rule: Rule, example: str) -> bool:
    """Whether the rule finds the example, where and at the path that it is taken to be at."""
    text = plain(example)
    where = rule.where[0]
    path = text if where == "path" else example_path(rule)
    raw = text.encode("utf-8", "surrogateescape")
    matches = engine.look(raw, where, path).matches
    return any(match.rule == rule.id and engine.concerns(match, path) for match in matches)


def example_path(rule: Rule) -> str:
    """The path that a rule's examples are taken to be at."""
    if rule.example_path:
        return rule.example_path
    if rule.paths:
        made = rule.paths[0].replace("**/", "").replace("**", "x").replace("*", "x").replace("?", "x")
        return made.rstrip("/")
    return f"example.{_SUFFIX[rule.languages[0]]}" if rule.languages else "example.txt"
