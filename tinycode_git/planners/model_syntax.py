"""Whether text still parses after an edit, in the languages that are known."""

from __future__ import annotations

from tinycode_git.planners.recipes.languages import language_of
from tinycode_git.planners.recipes.names import parse
from tinycode_git.planners.recipes.source import Undecodable, decode

_UNTESTED = ("markdown", "html", "css", "yaml")


def broken(path: str, before: bytes | None, after: bytes) -> str:
    """Why ``after`` does not parse where ``before`` did (None: a new file); empty where all is well or not known."""
    language = language_of(path, after)
    if language is None or language.name in _UNTESTED:
        return ""
    try:
        text = decode(after, python=language.name == "python").text
    except Undecodable as error:
        return f"the new content of {path} is no text: {error}"
    if language.name == "python":
        why = _python(text)
        return f"{path} is not valid Python any more: {why}" if why and not _was_broken(before) else ""
    line = _error_line(text, language.name)
    if not line or (before is not None and _error_line(before.decode("utf-8", "replace"), language.name)):
        return ""
    return f"{path} does not parse as {language.name} any more, near line {line}: {_line(text, line)}"


def _was_broken(before: bytes | None) -> bool:
    return before is not None and bool(_python(before.decode("utf-8", "replace")))


def _python(text: str) -> str:
    """What Python's own parser says against ``text``."""
    import ast
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text.removeprefix("\ufeff"))
    except SyntaxError as error:
        return f"{error.msg} (line {error.lineno}: {_line(text, error.lineno or 0)})"
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error) or "it is nested too deeply"
    return ""


def _error_line(text: str, language: str) -> int:
    found = parse(text, language).find(kind="ERROR")
    return found.range().start.line + 1 if found is not None else 0


def _line(text: str, number: int) -> str:
    lines = text.split("\n")
    return lines[number - 1].strip()[:80] if 0 < number <= len(lines) else ""
