"""Rule files: TOML in, rules out, and an error that names file, line and field (the format: docs/rules.md)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tinycode_git.errors import UsageError
from tinycode_git.safety.rule import CONFIDENCES, FAMILIES, LANGUAGES, PLACES, SEVERITIES, Rule

SHIPPED = Path(__file__).parent / "rules"
MARKER = "{~}"

_KINDS = ("pattern", "path", "ast", "builtin")
_TEXTS = (
    "id",
    "family",
    "severity",
    "confidence",
    "message",
    "advice",
    "reference",
    "issuer",
    "near",
    "fix",
    "example_path",
)
_LISTS = ("paths", "not_paths", "keywords", "literals", "checks", "examples", "near_misses")
_FLAGS = ("removed", "approval")
_NEEDED = ("id", "family", "severity", "confidence", "message", "advice", "reference", "examples", "near_misses")
_KNOWN = frozenset((*_KINDS, *_TEXTS, *_LISTS, *_FLAGS, "where"))
_CHOICES = {"family": FAMILIES, "severity": SEVERITIES, "confidence": CONFIDENCES}
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_AST_KEYS = frozenset(("languages", "rule", "constraints", "utils"))
_HEADER = re.compile(r"[ \t]*\[\[[ \t]*rule[ \t]*\]\]")


class BrokenRule(UsageError):
    """A rule file that cannot be used: ``source`` and ``line`` say where."""

    def __init__(self, source: str, line: int, text: str) -> None:
        super().__init__(f"{source}:{line}: {text}", "docs/rules.md has the format; git tiny rules test FILE checks it")
        self.source = source
        self.line = line


def load_shipped() -> tuple[Rule, ...]:
    """Every rule that comes with git tiny, in the order of file names. Raises BrokenRule."""
    return load_files(sorted(SHIPPED.glob("*.toml")))


def load_files(files: Iterable[Path]) -> tuple[Rule, ...]:
    """The rules of several files. Raises BrokenRule, also for an id that occurs twice."""
    rules: list[Rule] = []
    for file in files:
        try:
            text = file.read_bytes().decode("utf-8")
        except UnicodeDecodeError as bad:
            raise BrokenRule(str(file), 1, f"not UTF-8 at byte {bad.start}") from bad
        except OSError as bad:
            raise BrokenRule(str(file), 0, f"cannot be read: {bad.strerror}") from bad
        ours = file.parent == SHIPPED
        rules += parse_rules(text, file.name if ours else str(file), patterns=not ours)
    return unique(rules)


def unique(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules, once it is known that no id occurs twice. Raises BrokenRule at the second one."""
    seen: dict[str, Rule] = {}
    for rule in rules:
        if rule.id in seen:
            first = seen[rule.id]
            raise BrokenRule(rule.source, rule.line, f"rule {rule.id} is in {first.source}:{first.line} already")
        seen[rule.id] = rule
    return tuple(seen.values())


def parse_rules(text: str, source: str, *, patterns: bool = True) -> tuple[Rule, ...]:
    """The ``[[rule]]`` tables of a TOML text; other tables are left to others. Raises BrokenRule.

    ``patterns``: compile each expression to see that it can be; tests have done that for those that ship.
    """
    tables = parse_toml(text, source).get("rule", [])
    if not isinstance(tables, list):
        raise BrokenRule(source, 1, "rules are written as [[rule]] tables")
    lines = text.split("\n")
    starts = [n for n, line in enumerate(lines, 1) if _HEADER.match(line)]
    if len(starts) != len(tables):  # a multi-line string holds such a line, or the tables are written inline
        starts = [1] * len(tables)
    ends = [*starts[1:], len(lines) + 1]
    return tuple(
        _Table(table, source, lines, start, end).rule(patterns=patterns)
        for table, start, end in zip(tables, starts, ends, strict=False)
    )


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """A TOML text as a dict. Raises BrokenRule with the line that TOML's own parser names."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as bad:
        place = re.search(r"\(at (?:line (\d+), column \d+|end of document)\)", str(bad))
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        raise BrokenRule(source, line, re.sub(r" \(at .*\)", "", str(bad))) from bad


class _Table:
    """One ``[[rule]]`` table while it is checked."""

    def __init__(self, table: object, source: str, lines: list[str], start: int, end: int) -> None:
        self.source, self.lines, self.start, self.end = source, lines, start, end
        if not isinstance(table, dict):
            raise BrokenRule(source, start, "a rule is a table")
        self.table: Mapping[str, Any] = table

    def broken(self, field: str, text: str) -> BrokenRule:
        """The error, at the line of ``field`` where the table has one."""
        at = re.compile(rf"\s*(\[rule\.)?\"?{re.escape(field)}\"?\s*(=|\])")
        inside = range(self.start, min(self.end, len(self.lines) + 1))
        line = next((n for n in inside if at.match(self.lines[n - 1])), self.start)
        name = self.table.get("id", "without id")
        return BrokenRule(self.source, line, f"rule {name}: {field}: {text}")

    def rule(self, *, patterns: bool) -> Rule:
        """The rule, all fields checked. Raises BrokenRule."""
        self._check_fields()
        kind = self._kind()
        languages, config = self._ast() if kind == "ast" else ((), None)
        body = "" if kind == "ast" else self._text(kind)
        values: dict[str, Any] = {name: self._text(name) for name in _TEXTS if name in self.table}
        values |= {name: self._list(name) for name in _LISTS if name in self.table}
        values |= {name: self._flag(name) for name in _FLAGS if name in self.table}
        values["where"] = self._where(kind)
        if kind in ("pattern", "path") and patterns:
            self._check_pattern(kind, body)
        if "near" in self.table and patterns:
            self._check_pattern("near", self._text("near"))
        self._check_examples(values)
        return Rule(
            kind=kind,
            body=body,
            languages=languages,
            config=config,
            source=self.source,
            line=self.start,
            **values,
        )

    def _check_fields(self) -> None:
        for name in self.table:
            if name not in _KNOWN:
                raise self.broken(name, "there is no such field")
        for name in _NEEDED:
            if not self.table.get(name):
                raise self.broken(name, "is missing or empty")
        for name, words in _CHOICES.items():
            if self.table[name] not in words:
                raise self.broken(name, f"{self.table[name]!r} is not one of {', '.join(words)}")
        if not _ID.match(self._text("id")):
            raise self.broken("id", "lower-case words joined by -")
        if self.table["family"] == "secret" and not self.table.get("issuer"):
            raise self.broken("issuer", "a secret names who issues it")
        for name in ("message", "advice"):
            if "\n" in self._text(name):
                raise self.broken(name, "is one line")

    def _kind(self) -> str:
        kinds = [kind for kind in _KINDS if kind in self.table]
        if len(kinds) != 1:
            raise self.broken(
                kinds[1] if kinds else "id", "exactly one of pattern, path, ast, builtin says how it is found"
            )
        return kinds[0]

    def _text(self, field: str) -> str:
        value = self.table.get(field, "")
        if not isinstance(value, str):
            raise self.broken(field, "is text")
        return value

    def _flag(self, field: str) -> bool:
        value = self.table[field]
        if not isinstance(value, bool):
            raise self.broken(field, "is true or false")
        return value

    def _list(self, field: str) -> tuple[str, ...]:
        value = self.table[field]
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise self.broken(field, "is a list of texts")
        return tuple(value)

    def _where(self, kind: str) -> tuple[str, ...]:
        usual = "path" if kind == "path" else "all" if self.table["family"] == "secret" else "content"
        value = self.table.get("where", usual)
        words = [value] if isinstance(value, str) else value
        if not isinstance(words, list) or not words:
            raise self.broken("where", "is a word or a list of words")
        if words == ["all"]:
            return PLACES
        for word in words:
            if word not in PLACES:
                raise self.broken("where", f"{word!r} is not one of {', '.join(PLACES)}, all")
        return tuple(words)

    def _ast(self) -> tuple[tuple[str, ...], dict[str, Any]]:
        ast = self.table["ast"]
        if not isinstance(ast, dict) or not isinstance(ast.get("rule"), dict):
            raise self.broken("ast", "is a table with languages and rule")
        if unknown := sorted(set(ast) - _AST_KEYS):
            raise self.broken("ast", f"there is no field {unknown[0]}")
        languages = ast.get("languages")
        if not isinstance(languages, list) or not languages:
            raise self.broken("languages", "is a list of languages")
        for language in languages:
            if language not in LANGUAGES:
                raise self.broken("languages", f"{language!r} is not one of {', '.join(LANGUAGES)}")
        if not self.table.get("literals") and not self.table.get("near"):
            raise self.broken(
                "literals", "an ast rule names literals of which one must be in the file, or what is near"
            )
        return tuple(languages), {name: value for name, value in ast.items() if name != "languages"}

    def _check_pattern(self, kind: str, body: str) -> None:
        if not body:
            raise self.broken(kind, "is empty")
        if reason := pattern_error(body):
            raise self.broken(kind, reason)

    def _check_examples(self, values: Mapping[str, Any]) -> None:
        from tinycode_git.safety.checks import unknown_check

        for spec in values.get("checks", ()):
            if reason := unknown_check(spec):
                raise self.broken("checks", reason)
        for glob in (*values.get("paths", ()), *values.get("not_paths", ())):
            if glob.startswith("/"):
                raise self.broken("paths", f"{glob!r}: paths are relative to the top of the tree")


_CLASS = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*\]", re.S)


def pattern_error(body: str) -> str:
    """Why ``body`` cannot be a pattern, in words; empty where it can."""
    from tinycode_git.safety.regex import RegexError, finds_something

    for found in _CLASS.finditer(body):
        if not found[0].isascii():
            return "characters beyond ASCII cannot be in a class: write (?:a|b)"
    if re.search(r"\\[pP]|\\x\{[0-9A-Fa-f]{3,}", body):
        return "patterns are on bytes: no \\p, no \\x{..} beyond FF"
    try:
        finds_something(body)
    except RegexError as bad:
        return str(bad)
    return ""


def plain(example: str) -> str:
    """An example as it is matched: without the marker that keeps this project's own files clean."""
    return example.replace(MARKER, "")
