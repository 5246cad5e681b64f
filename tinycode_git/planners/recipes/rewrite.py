"""Structural search and replace: a pattern of code, with ``$A`` for one part and ``$$$ARGS`` for any number of them.

Every place that matches is rewritten once, outermost first; what the metavariables caught is then rewritten inside,
so that ``f($A)`` to ``g($A)`` makes ``g(g(1))`` of ``f(f(1))``. Otherwise it is put in as it stands, and where
nothing was caught a comma before it goes too. The result is not searched again: ``log($A)`` to ``log(str($A))`` ends.
A file in which the result would not parse as well as before is left out.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinycode_git.errors import Refused, UsageError
from tinycode_git.planners.recipes.arguments import Option, files, folders, parse, plural, where
from tinycode_git.planners.recipes.languages import BY_NAME, Language, find_language, language_of
from tinycode_git.planners.recipes.names import count_errors
from tinycode_git.planners.recipes.names import parse as parse_code
from tinycode_git.planners.recipes.patterns import VARIABLE, Matcher, hint, matcher, short, template
from tinycode_git.planners.recipes.pymodules import parse_python
from tinycode_git.planners.recipes.source import Edit, Source, Undecodable, apply_edits, decode
from tinycode_git.proposal import Proposal, Put, Snapshot, StepDraft

if TYPE_CHECKING:
    from ast_grep_py import SgNode

name = "rewrite"
summary = "structural search and replace: $A stands for any expression, $$$ARGS for any number of them"
usage = "rewrite PATTERN REPLACEMENT --lang L [PATH..]"
examples = (
    "rewrite 'print($A)' 'log.info($A)' --lang python",
    "rewrite '$A == null' '$A === null' --lang javascript src/",
)
sentences = ("rewrite print($A) to log($A) in python",)
options = (Option("--lang", "the language of the pattern and of the files", "L", tuple(sorted(BY_NAME))),)

_TRAILING_COMMA = re.compile(r",\s*\Z")
_LONGEST_WORD = re.compile(r"[^\W\d]\w+")


def plan(snapshot: Snapshot, args: Sequence[str], here: str = "") -> Proposal:
    """One step.

    Raises UsageError for a pattern that is no code or names unknown variables, Refused where nothing matches.
    """
    given = parse(name, usage, options, args, 2)
    pattern, replacement, *paths = given.words
    language = find_language(name, given.options.get("--lang", ""))
    if language is None:
        raise UsageError("recipe rewrite: --lang is needed", f"usage: {usage}")
    rewriting = _Rewriting(pattern, template(pattern, replacement), language, matcher(pattern, language))
    under = folders(name, paths, snapshot, here)
    found = _search(snapshot, under, rewriting)
    if not found.changes and found.notes:
        raise Refused(f"{short(pattern)} can be rewritten nowhere: {found.notes[0]}", detail="\n".join(found.notes))
    if not found.changes:
        searched = f"{plural(found.searched, f'{language.name} file')} of {where(under)}"
        raise Refused(f"{short(pattern)} matches nothing in {searched}", hint(language))
    title = f"Rewrite {short(pattern)} to {short(replacement)}"
    body = f"{plural(found.count, 'place')} in {plural(len(found.changes), f'{language.name} file')} of {where(under)}."
    step = StepDraft(title, tuple(found.changes), body, assisted_by="recipe rewrite")
    return Proposal(title, name, (step,), tuple(change.path for change in found.changes), tuple(found.notes))


@dataclass(frozen=True, slots=True)
class _Rewriting:
    pattern: str
    template: tuple[str, ...]
    language: Language
    matcher: Matcher


@dataclass(slots=True)
class _Found:
    changes: list[Put]
    notes: list[str]
    count: int = 0
    searched: int = 0


def _search(snapshot: Snapshot, under: Sequence[str], rewriting: _Rewriting) -> _Found:
    words = _LONGEST_WORD.findall(VARIABLE.sub(" ", rewriting.pattern))
    probe = max(words, key=len, default="").encode()
    found = _Found([], [])
    for entry in files(snapshot, under):
        content = snapshot.read(entry.path) or b""
        if not _is_in(entry.path, content, rewriting.language):
            continue
        found.searched += 1
        if probe not in content:
            continue
        try:
            source = decode(content, python=rewriting.language.name == "python")
            text, count = _rewritten(source.text, rewriting)
            if text != source.text:
                encoded = _checked(entry.path, content, source, text, rewriting.language)
                found.changes.append(Put(entry.path, encoded, entry.mode))
                found.count += count
        except Undecodable as error:
            found.notes.append(f"left out: {entry.path}: {error}")
    return found


def _is_in(path: str, content: bytes, language: Language) -> bool:
    """Whether a file is of the language; a header may be C or C++, whichever was asked for."""
    return language_of(path, content) is language or (language.name == "cpp" and path.lower().endswith(".h"))


def _rewritten(text: str, rewriting: _Rewriting) -> tuple[str, int]:
    root = parse_code(text, rewriting.language.name)
    matches = sorted(rewriting.matcher(root), key=lambda match: match.range().start.index)
    starts = [match.range().start.index for match in matches]
    return _apply(text, 0, len(text), _outermost(matches), _Filling(text, rewriting, matches, starts))


@dataclass(frozen=True, slots=True)
class _Filling:
    """What filling in a template needs: the text, the template, every match of the file in order with its offset."""

    text: str
    rewriting: _Rewriting
    matches: Sequence[SgNode]
    starts: Sequence[int]

    def inside(self, start: int, end: int) -> list[SgNode]:
        """The outermost matches between two offsets."""
        near = self.matches[bisect_left(self.starts, start) : bisect_left(self.starts, end)]
        return _outermost([match for match in near if match.range().end.index <= end])


def _outermost(matches: Sequence[SgNode]) -> list[SgNode]:
    """In the order of the text, without those inside another; of two at one place the longer, of equals the first."""
    ordered = sorted(matches, key=lambda m: (m.range().start.index, -m.range().end.index))
    kept: list[SgNode] = []
    end = -1
    for match in ordered:
        if match.range().start.index >= end:
            kept.append(match)
            end = match.range().end.index
    return kept


def _apply(text: str, start: int, end: int, matches: Sequence[SgNode], filling: _Filling) -> tuple[str, int]:
    """The text between two offsets with the matches rewritten, and how many were."""
    edits = []
    count = 0
    for match in matches:
        new, inner = _fill(match, filling)
        edits.append(Edit(match.range().start.index - start, match.range().end.index - start, new))
        count += 1 + inner
    return apply_edits(text[start:end], edits), count


def _fill(match: SgNode, filling: _Filling) -> tuple[str, int]:
    """The replacement of one match: its variables filled in, each rewritten inside; lines keep their indentation."""
    parts: list[str] = []
    count = 0
    base = _indent(filling.text, match.range().start.index)
    newline = "\r\n" if "\r\n" in filling.text else "\n"
    for index, part in enumerate(filling.rewriting.template):
        if index % 2 == 0:
            parts.append(part.replace("\n", newline + base))
            continue
        span = _caught(match, part)
        if span is None:
            parts[-1] = _TRAILING_COMMA.sub("", parts[-1])
        else:
            inner = [m for m in filling.inside(*span) if m.range() != match.range()]
            caught, inner_count = _apply(filling.text, *span, inner, filling)
            parts.append(caught)
            count += inner_count
    return "".join(parts), count


def _indent(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _caught(match: SgNode, variable: str) -> tuple[int, int] | None:
    """From where to where the text is that a variable caught; None where it caught nothing."""
    if variable.startswith("$$$"):
        nodes = match.get_multiple_matches(variable[3:])
    else:
        node = match.get_match(variable.lstrip("$"))
        nodes = [node] if node else []
    return (nodes[0].range().start.index, nodes[-1].range().end.index) if nodes else None


def _checked(path: str, content: bytes, source: Source, text: str, language: Language) -> bytes:
    """The new content. Raises Undecodable where it parses worse than the old."""
    encoded = source.encode(text)
    worse = count_errors(parse_code(text, language.name)) > count_errors(parse_code(source.text, language.name))
    if language.name == "python" and not worse:
        worse = _is_python(content, path) and not _is_python(encoded, path)
    if worse:
        raise Undecodable(f"it would not be {language.name} any more")
    return encoded


def _is_python(content: bytes, path: str) -> bool:
    try:
        parse_python(content, path)
    except Undecodable:
        return False
    return True
