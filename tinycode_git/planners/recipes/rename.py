"""One identifier becomes another, in every language that ast-grep parses: in code, not in strings or comments.

It is one step, because half a rename does not run. Python is renamed by scope (see ``pynames`` for what is and what
is not renamed) and checked: the syntax tree of each file must be the old one with the name changed. The other
languages are renamed by token: every identifier spelled OLD, whatever it refers to.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from tinycode_git.errors import Refused, UsageError
from tinycode_git.planners.recipes.arguments import Option, files, folders, parse, plural, where
from tinycode_git.planners.recipes.languages import BY_NAME, LANGUAGES, Language, find_language, language_of
from tinycode_git.planners.recipes.pyscopes import Clash
from tinycode_git.planners.recipes.rename_code import rename_code
from tinycode_git.planners.recipes.rename_python import Tree, rename_python
from tinycode_git.planners.recipes.renaming import Outcome, Rename, some
from tinycode_git.planners.recipes.source import UTF16_MARKS
from tinycode_git.proposal import Proposal, Put, Snapshot, StepDraft, TreeEntry

name = "rename"
summary = "an identifier in code, over every language that is parsed; refuses where the new name is taken"
usage = "rename OLD NEW [--strings] [--lang L] [PATH..]"
examples = ("rename get_cwd current_dir", "rename Colour Color --strings src/ docs/")
sentences = ("rename get_cwd to current_dir", "rename `Colour` to `Color` in src/")
options = (
    Option("--strings", "rename in strings and comments too, and in markup and data (JSON, YAML, Markdown, ..)"),
    Option("--lang", "only in files of this language", "L", tuple(sorted(BY_NAME))),
)

_PYTHON = BY_NAME["python"]
_MOST_CLASHES = 10


def plan(snapshot: Snapshot, args: Sequence[str], here: str = "") -> Proposal:
    """One step. Raises UsageError for names that are none, Refused where NEW is taken (with the places) or OLD is not
    there.

    Files that cannot be decoded or parsed are named in the notes, and so is where OLD stays.
    """
    given = parse(name, usage, options, args, 2)
    old, new, *paths = given.words
    rename = Rename(old, new, "--strings" in given.options)
    _check_names(rename)
    only = find_language(name, given.options.get("--lang", ""))
    under = folders(name, paths, snapshot, here)
    held = _read(snapshot, under, rename, only)

    def read(path: str) -> bytes:
        return snapshot.read(path) or b""

    python = rename_python(rename, Tree(tuple(held.python), tuple(held.all_python), read), held.chosen)
    code = rename_code(rename, held.code, read)
    _refuse_clashes(rename, python, code)
    written = {**python.written, **code.written}
    if not written:
        raise _nothing(rename, under, python, code, held)
    changes = tuple(Put(entry.path, written[entry.path], entry.mode) for entry in held.entries if entry.path in written)
    count = python.count + code.count
    title = f"Rename {old} to {new}"
    body = f"{plural(count, 'name')} in {plural(len(changes), 'file')} of {where(under)}."
    notes = _notes(rename, (python, code), held)
    step = StepDraft(title, changes, body, assisted_by="recipe rename")
    return Proposal(title, name, (step,), tuple(change.path for change in changes), notes)


def _check_names(rename: Rename) -> None:
    for role, word in (("OLD", rename.old), ("NEW", rename.new)):
        if not any(known.code and known.names.match(word) for known in LANGUAGES):
            raise UsageError(f"recipe rename: {role} is no identifier: {word}", "the recipe replace takes any text")
        if unicodedata.normalize("NFKC", word) != word:
            raise UsageError(
                f"recipe rename: {role} is not in Unicode's normal form NFKC, in which Python compares names"
            )
    if not any(known.code and known.takes(rename.new) for known in LANGUAGES):
        raise UsageError(f"recipe rename: {rename.new} is a keyword")
    if rename.old == rename.new:
        raise UsageError("recipe rename: OLD and NEW are the same")


@dataclass(slots=True)
class _Held:
    """The files that hold either name, by kind."""

    entries: list[TreeEntry] = field(default_factory=list)
    chosen: set[str] = field(default_factory=set)
    python: list[str] = field(default_factory=list)
    code: dict[str, Language] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    all_python: list[str] = field(default_factory=list)


def _read(snapshot: Snapshot, under: Sequence[str], rename: Rename, only: Language | None) -> _Held:
    """Every file that holds one of the names: a search for bytes before anything is parsed."""
    held = _Held()
    held.chosen = {entry.path for entry in files(snapshot, under)}
    probe = re.compile(b"|".join(re.escape(word.encode()) for word in (rename.old, rename.new)))
    old = re.compile(rb"(?<![\w])" + re.escape(rename.old.encode()) + rb"(?![\w])")
    for entry in files(snapshot):
        content = snapshot.read(entry.path) or b""
        found = language_of(entry.path, content)
        if found is _PYTHON:
            held.all_python.append(entry.path)
        if not probe.search(content) and content[:2] not in UTF16_MARKS and b"coding" not in content[:200]:
            continue
        chosen = entry.path in held.chosen and only in (None, found)
        if chosen:
            held.entries.append(entry)
        elif old.search(content):
            held.outside.append(entry.path)
        if found is _PYTHON:
            held.python.append(entry.path)
        elif chosen and found:
            held.code[entry.path] = found
        elif chosen and old.search(content):
            held.unknown.append(entry.path)
    held.chosen = {entry.path for entry in held.entries}
    return held


def _refuse_clashes(rename: Rename, python: Outcome, code: Outcome) -> None:
    clashes = _one_a_place([*sorted(set(python.clashes)), *sorted(set(code.clashes))])
    if not clashes:
        return
    ways = [way for way, found in (("by scope in Python", python), ("lexically", code)) if found.clashes]
    first = clashes[0]
    more = f" and {plural(len(clashes) - 1, 'other place')}" if len(clashes) > 1 else ""
    raise Refused(
        f"{rename.new} is taken at {first.path}:{first.line}{more} (checked {' and '.join(ways)}): {first.why}",
        "choose another name, or name the files or folders to rename in",
        detail=_listing(clashes),
    )


def _one_a_place(clashes: Sequence[Clash]) -> list[Clash]:
    """The first clash of each line: a line may stand in the way for more than one reason."""
    places: dict[tuple[str, int], Clash] = {}
    for clash in clashes:
        places.setdefault((clash.path, clash.line), clash)
    return list(places.values())


def _listing(clashes: Sequence[Clash]) -> str:
    lines = [f"{clash.path}:{clash.line}: {clash.why}" for clash in clashes[:_MOST_CLASHES]]
    more = len(clashes) - len(lines)
    return "\n".join([*lines, f"and {more} more"] if more else lines)


def _nothing(rename: Rename, under: Sequence[str], python: Outcome, code: Outcome, held: _Held) -> Refused:
    notes = _notes(rename, (python, code), held)
    message = f"there is no identifier {rename.old} to rename in {where(under)}"
    if python.texts or python.references or code.texts:
        return Refused(
            message, "it occurs in strings or comments only: --strings renames it there", detail="\n".join(notes)
        )
    return Refused(message, "names are compared letter by letter", detail="\n".join(notes))


def _notes(rename: Rename, outcomes: Sequence[Outcome], held: _Held) -> tuple[str, ...]:
    notes = [f"left out: {line}" for outcome in outcomes for line in outcome.left_out]
    kept: dict[str, list[str]] = {}
    for outcome in outcomes:
        for spot, why in outcome.kept:
            kept.setdefault(why, []).append(str(spot))
    notes += [f"{rename.old} stays where it is {why}: {some(spots)}" for why, spots in sorted(kept.items())]
    texts = list(dict.fromkeys(str(spot) for outcome in outcomes for spot in outcome.texts))
    if texts:
        notes.append(f"{rename.old} stays in strings, comments and markup (--strings renames it there): {some(texts)}")
    alone = list(dict.fromkeys(str(spot) for outcome in outcomes for spot in outcome.references))
    if alone:
        notes.append(
            f"{rename.old} is a whole string, which may refer to it (--strings renames it there): {some(alone)}"
        )
    if held.unknown:
        notes.append(f"{rename.old} stays in files of no language that is parsed: {some(held.unknown)}")
    if held.outside:
        notes.append(f"{rename.old} stays in files that were not asked for: {some(held.outside)}")
    return tuple(notes)
