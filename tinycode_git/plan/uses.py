"""What a source file imports, by language: Python, JavaScript and TypeScript, Go, Rust. Text in, names out.

Only what a parser or a line-anchored expression can tell is told; what is quoted in strings and comments is not.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_MOST = 2_000_000
_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Use:
    """One import: its full name as written (``a.b``, ``@scope/name/part``, ``host/path``) and the line (from 1)."""

    name: str
    line: int


def language_of(path: str) -> str:
    """``python``, ``javascript``, ``go``, ``rust`` by the file's name; empty for anything else."""
    return _LANGUAGES.get(path.rpartition(".")[2].lower(), "") if "." in path else ""


def uses(language: str, content: bytes) -> list[Use]:
    """The imports of a file, in order, each name once. Empty for binary and for very large files."""
    if len(content) > _MOST or b"\0" in content[:8000]:
        return []
    text = content.decode("utf-8", "replace")
    found: dict[str, Use] = {}
    for use in _FINDERS[language](text):
        found.setdefault(use.name, use)
    return list(found.values())


def _python(text: str) -> Iterator[Use]:
    try:
        if max(map(len, text.split("\n"))) > _LONGEST:
            raise ValueError  # the parser takes quadratic time for a dotted name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        for match in _PYTHON.finditer(text):
            yield Use(match[1], _line(text, match.start(1)))
        return
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Use(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield Use(f"{node.module}.{alias.name}" if alias.name != "*" else node.module, node.lineno)


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Every statement, outer ones first. Expressions are not entered: ``ast.walk`` takes five times as long."""
    left: deque[Any] = deque((tree,))
    while left:
        node = left.popleft()
        for name in ("body", "handlers", "orelse", "finalbody", "cases"):
            inner = getattr(node, name, ())
            if isinstance(inner, list):  # the body of a conditional expression is an expression, but none is met here
                yield from (one for one in inner if isinstance(one, ast.stmt))
                left.extend(inner)


_PYTHON = re.compile(r"(?m)^[ \t]*(?:import|from)[ \t]+([A-Za-z_][\w.]*)")

# Comments and strings of the other three; one that is not closed ends with its line (a template: with the file).
_COMMENT = r"//[^\n]*|/\*.*?(?:\*/|\Z)"
_SINGLE = r"'(?:\\.|[^'\\\n])*+'?"
_DOUBLE = r"\"(?:\\.|[^\"\\\n])*+\"?"
_TEMPLATE = r"`(?:\\.|[^`\\])*+`?"
_BLANKED = {
    "javascript": re.compile(f"{_COMMENT}|{_DOUBLE}|{_SINGLE}|{_TEMPLATE}", re.DOTALL),
    "go": re.compile(f"{_COMMENT}|{_DOUBLE}|{_SINGLE}|`[^`]*+`?", re.DOTALL),
    "rust": re.compile(_COMMENT + r"|\"(?:\\.|[^\"\\])*+\"?", re.DOTALL),
}


def _without_comments(language: str, text: str, keep: str = "") -> str:
    """The text with comments, and strings by other quotes than those of ``keep``, as blanks; places stay."""

    def blank(match: re.Match[str]) -> str:
        return match[0] if match[0][0] in keep else re.sub(r"[^\n]", " ", match[0])

    return _BLANKED[language].sub(blank, text)


def _javascript(text: str) -> Iterator[Use]:
    code = _without_comments("javascript", text, keep="\"'")
    for match in _STRING.finditer(code):
        before = _BEFORE.search(code, max(0, match.start() - 40), match.start())
        if before is None or not match[1]:
            continue
        if before[1] != "from" or _STATEMENT.search(code, max(0, before.start() - 4000), before.start()):
            yield Use(match[1], _line(text, match.start(1)))


_STRING = re.compile(r"[\"']((?<=\")[^\"\n]*+(?=\")|(?<=')[^'\n]*+(?='))[\"']")
_BEFORE = re.compile(r"(?<![\w$.])(from|import|import\s*\(|require\s*\(|require\.resolve\s*\()\s*\Z")
_STATEMENT = re.compile(r"(?<![\w$.])(?:import|export)\b[\w$*{}\s,]*+\Z")


def _go(text: str) -> Iterator[Use]:
    code = _without_comments("go", text, keep='"')
    for block in _GO.finditer(code):
        for match in re.finditer(r'"([^"\n]+)"', block[0]):
            yield Use(match[1], _line(text, block.start() + match.start(1)))


_GO = re.compile(r'(?m)^import[ \t]*(?:\([^)]*\)|[\w.]*[ \t]*"[^"\n]+")')


def _rust(text: str) -> Iterator[Use]:
    code = re.sub(r"'[a-z_]\w*", lambda match: " " * len(match[0]), text)  # lifetimes look like open quotes
    code = _without_comments("rust", code)
    local = set(re.findall(r"\b(?:mod|fn|struct|enum|trait|type|macro_rules!)\s+(\w+)", code))
    brought: set[str] = set()
    for match in _RUST.finditer(code):
        name, rest = match["name"], match["rest"] or ""
        if name not in local and name not in brought:
            yield Use(name, _line(text, match.start("name")))
        brought.update(re.findall(r"\w+", rest))


_RUST = re.compile(
    r"(?m)^[ \t]*(?:pub(?:\([^)\n]*\))?[ \t]+)?(?:use[ \t]+(?:::)?|extern[ \t]+crate[ \t]+)"
    r"(?P<name>[a-z_]\w*+)(?P<rest>[^;]{0,2000}+);"
)


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


_FINDERS: dict[str, Callable[[str], Iterator[Use]]] = {
    "python": _python,
    "javascript": _javascript,
    "go": _go,
    "rust": _rust,
}
_LANGUAGES = {"py": "python", "pyi": "python", "pyx": "python", "go": "go", "rs": "rust"} | dict.fromkeys(
    ("js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "vue", "svelte"), "javascript"
)
