"""Text in place of text, in every text file or below the named paths.

Regular expressions are RE2's: matching takes time linear in the text whatever the pattern is, so that no pattern can
hang a plan, and no time limit has to guess. What that costs is look-around and back-references inside the pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tinycode_git.errors import Refused, UsageError
from tinycode_git.planners.recipes.arguments import Option, files, folders, parse, plural, where
from tinycode_git.planners.recipes.source import UTF16_MARKS, Binary, Edit, Source, Undecodable, apply_edits, decode
from tinycode_git.proposal import Proposal, Put, Snapshot, StepDraft

name = "replace"
summary = "text in place of text, literally or by a regular expression"
usage = "replace OLD NEW [--regex] [PATH..]"
examples = (
    "replace 'http://example.org' 'https://example.org'",
    "replace --regex 'v(\\d+)\\.(\\d+)' 'v$1-$2' docs/",
)
sentences = ("replace 'colour' with 'color'", "replace 'foo' with 'bar' in docs/")
options = (
    Option("--regex", "OLD is a regular expression (RE2); NEW may hold $1, ${name} or \\1, and $$ for a dollar"),
)

# Both spellings of a group, as people know them from sed and from JavaScript: \1 \g<name> $1 ${1} ${name}, \\ and $$.
_REFERENCE = re.compile(r"\\(?:(\d)|g<(\w+)>|(.))|\$(?:(\d+)|\{(\w+)\}|(\$))", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "$": "$"}

Finder = Callable[[str], list[Edit]]


def plan(snapshot: Snapshot, args: Sequence[str], here: str = "") -> Proposal:
    """One step with every occurrence replaced.

    Encodings and line endings stay as they are: in a file whose lines all end with CRLF, ``$`` stands before the CRLF
    and a newline in NEW becomes one. Binary files are left out, and named where OLD occurs in them. Raises UsageError
    for a pattern that is none, Refused where nothing matches.
    """
    given = parse(name, usage, options, args, 2)
    old, new, *paths = given.words
    under = folders(name, paths, snapshot, here)
    regex = "--regex" in given.options
    if not old:
        raise UsageError("recipe replace: OLD is empty", f"usage: {usage}")
    if any("\ud800" <= c <= "\udfff" for c in old + new):
        raise UsageError("recipe replace: OLD or NEW is not UTF-8 text")
    if not regex and old == new:
        raise UsageError("recipe replace: OLD and NEW are the same")
    if regex:
        found = _search(snapshot, under, _by_regex(old, new), b"")
    else:
        found = _search(snapshot, under, _literally(old, new), _probe(old))
    if not found.changes:
        raise Refused(
            f"{_short(old)} {'matches' if regex else 'occurs'} nowhere in {where(under)}",
            "; ".join(found.notes) or _hint(regex),
        )
    title = f"Replace {_short(old)} with {_short(new)}"
    body = f"{plural(found.count, 'place')} in {plural(len(found.changes), 'file')} of {where(under)}, as text."
    step = StepDraft(title, tuple(found.changes), body, assisted_by="recipe replace")
    return Proposal(title, name, (step,), tuple(c.path for c in found.changes), tuple(found.notes))


def _probe(old: str) -> bytes:
    """What the bytes of a file hold where its text holds ``old``, whatever its line endings and its encoding."""
    return max(old.split("\n"), key=len).encode() if old.isascii() else b""


def _hint(regex: bool) -> str:
    return "matching tells upper and lower case apart" + (
        ": begin the pattern with (?i) to change that" if regex else ""
    )


def _short(text: str) -> str:
    shown = text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
    return f"'{shown}'" if len(shown) <= 60 else f"'{shown[:57]}...'"


@dataclass(slots=True)
class _Found:
    changes: list[Put]
    notes: list[str]
    count: int


def _search(snapshot: Snapshot, under: Sequence[str], finder: Finder, probe: bytes) -> _Found:
    """``probe`` is what every UTF-8 file with a match holds; UTF-16 files are always looked into."""
    found = _Found([], [], 0)
    binary: list[str] = []
    for entry in files(snapshot, under):
        content = snapshot.read(entry.path)
        if not content or (probe not in content and content[:2] not in UTF16_MARKS):
            continue
        try:
            source = decode(content)
            text, count = _replaced(source, finder)
            if text != source.text:
                found.changes.append(Put(entry.path, source.encode(text), entry.mode))
                found.count += count
        except Binary:
            binary.append(entry.path)
        except Undecodable as error:
            found.notes.append(f"left out: {entry.path}: {error}")
    if binary and probe:
        found.notes += [f"left out: {path}: it is binary" for path in binary]
    elif binary:
        found.notes.append(
            f"left out: {plural(len(binary), 'binary file')} ({', '.join(binary[:3])}{' ..' * (len(binary) > 3)})"
        )
    return found


def _replaced(source: Source, finder: Finder) -> tuple[str, int]:
    newlines = source.text.count("\n")
    crlf = newlines > 0 and source.text.count("\r\n") == newlines
    text = source.text.replace("\r\n", "\n") if crlf else source.text
    edits = finder(text)
    if source.codec == "latin-1":
        _refuse_half_characters(text, edits)
    result = apply_edits(text, edits)
    return (result.replace("\n", "\r\n") if crlf else result), len(edits)


def _refuse_half_characters(text: str, edits: Sequence[Edit]) -> None:
    """Shift-JIS, GBK and Big5 have ASCII bytes as second halves of characters: a match there would cut one in two."""
    for edit in edits:
        if not (text[max(edit.start - 1, 0) : edit.end] + edit.text).isascii():
            raise Undecodable("it is not UTF-8, and what would be replaced is not plain ASCII text")


def _literally(old: str, new: str) -> Finder:
    pattern = re.compile(re.escape(old))
    return lambda text: [Edit(match.start(), match.end(), new) for match in pattern.finditer(text)]


def _by_regex(old: str, new: str) -> Finder:
    pattern = _compiled(old)
    template = _template(new, pattern)

    def finder(text: str) -> list[Edit]:
        # RE2's finditer gives an empty match twice; a line begins after the last newline only where text follows.
        found = {match.span(): match for match in pattern.finditer(text)}
        if text.endswith("\n"):
            found.pop((len(text), len(text)), None)
        return [Edit(start, end, template(match)) for (start, end), match in found.items()]

    return finder


def _compiled(pattern: str) -> Any:
    import re2

    settings = re2.Options()
    settings.log_errors = False
    try:
        return re2.compile(f"(?m){pattern}", settings)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if error.args else "it is malformed"
        hint = (
            "expressions are RE2's, without look-around and back-references: https://github.com/google/re2/wiki/Syntax"
        )
        raise UsageError(f"recipe replace: {_short(pattern)} is no regular expression: {reason}", hint) from error


def _template(new: str, pattern: Any) -> Callable[[Any], str]:
    """The parts of NEW: plain text, and the groups between. Raises UsageError for a group that the pattern has not."""
    parts: list[str | int] = []
    at = 0
    for ref in _REFERENCE.finditer(new):
        parts.append(new[at : ref.start()])
        at = ref.end()
        number, group = ref[1] or ref[4], ref[2] or ref[5]
        if group and group.isdigit():
            number = group
        if number or group:
            parts.append(_group(number, group, pattern))
        else:
            parts.append(_ESCAPES.get(ref[3] or ref[6], ref[0]))
    parts.append(new[at:])

    def filled(match: Any) -> str:
        return "".join(part if isinstance(part, str) else match.group(part) or "" for part in parts)

    return filled


def _group(number: str | None, group: str | None, pattern: Any) -> int:
    index = int(number) if number else pattern.groupindex.get(group, -1)
    if not 0 <= index <= pattern.groups:
        known = ", ".join(["0", *map(str, range(1, pattern.groups + 1)), *pattern.groupindex])
        raise UsageError(
            f"recipe replace: NEW names the group {number or group}, which the pattern has not",
            f"its groups are {known}; write $$ for a dollar sign",
        )
    return int(index)
