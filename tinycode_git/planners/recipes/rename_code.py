"""Renaming in every other language that ast-grep parses: by token, and refused where the new name is there already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tinycode_git.errors import Refused
from tinycode_git.planners.recipes.languages import BY_NAME, Language
from tinycode_git.planners.recipes.names import Parsed, lines_with_code, occurrences
from tinycode_git.planners.recipes.pyscopes import Clash
from tinycode_git.planners.recipes.renaming import Outcome, Rename, Spot
from tinycode_git.planners.recipes.source import Edit, Source, Undecodable, apply_edits, decode, whole_word


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    language: Language
    source: Source
    parsed: Parsed


def rename_code(rename: Rename, holding: Mapping[str, Language], read: Callable[[str], bytes]) -> Outcome:
    """Rename in the files given (those that hold either name), each with its language.

    Raises Refused where the new name cannot be one in a language, or where the result would not parse as before.
    """
    outcome = Outcome()
    families: set[str] = set()
    taken: list[tuple[str, Clash]] = []
    for path, language in holding.items():
        file = _load(path, language, read(path), rename, outcome)
        if file is None:
            continue
        if not rename.strings:
            outcome.texts += [Spot(path, file.source.line(p.start)) for p in file.parsed.places if not p.code]
        clashes = _taken(file, rename.new)
        taken += [(_family(file.language), clash) for clash in clashes]
        if any(place.code for place in file.parsed.places):
            families.add(_family(file.language))
        if any(place.code or rename.strings for place in file.parsed.places):
            _rename_file(file, rename, outcome, clashing=bool(clashes))
    outcome.clashes += [clash for family, clash in taken if family in families]
    return outcome


def _family(language: Language) -> str:
    return language.family or language.name


def _load(path: str, language: Language, content: bytes, rename: Rename, outcome: Outcome) -> _File | None:
    try:
        source = decode(content)
        if source.codec == "latin-1" and not (rename.old + rename.new).isascii():
            raise Undecodable("it is not UTF-8")
    except Undecodable as error:
        if rename.old.encode() in content:
            outcome.left_out.append(f"{path}: {error}")
        return None
    parsed = occurrences(source.text, language, rename.old)
    if path.lower().endswith(".h") and parsed.errors:
        other = occurrences(source.text, BY_NAME["cpp"], rename.old)
        if other.errors < parsed.errors:
            parsed, language = other, BY_NAME["cpp"]
    return _File(path, language, source, parsed)


def _taken(file: _File, new: str) -> list[Clash]:
    """Every line of code that has the new name already."""
    if not file.language.code or not whole_word(new).search(file.source.text):
        return []
    lines = lines_with_code(file.source.text, occurrences(file.source.text, file.language, new))
    return [Clash(file.path, line, f"{new} occurs in {file.language.name}") for line in lines]


def _rename_file(file: _File, rename: Rename, outcome: Outcome, *, clashing: bool) -> None:
    places = [place for place in file.parsed.places if place.code or rename.strings]
    outcome.count += len(places)
    code = [place for place in places if place.code]
    if code and not file.language.takes(rename.new):
        spot = Spot(file.path, file.source.line(code[0].start))
        raise Refused(
            f"{rename.new} cannot be a name in {file.language.name}, where {rename.old} stands at {spot}",
            "choose another name, or name the files or folders to rename in",
        )
    if code and clashing:
        return
    text = apply_edits(file.source.text, [Edit(p.start, p.start + len(rename.old), rename.new) for p in places])
    after = occurrences(text, file.language, rename.new)
    kinds = [(place.kind, place.parent) for place in after.places if place.code]
    if after.errors > file.parsed.errors or kinds != [(place.kind, place.parent) for place in code]:
        raise Refused(
            f"{file.path} would parse differently with {rename.new} in place of {rename.old}",
            f"{file.language.name} tells such names apart by their spelling: choose a name of the same shape",
        )
    try:
        outcome.written[file.path] = file.source.encode(text)
    except Undecodable as error:
        outcome.left_out.append(f"{file.path}: {error}")
