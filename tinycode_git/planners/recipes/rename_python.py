"""Renaming in Python: which occurrences, which clashes, and the proof that nothing else changed."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass

from tinycode_git.errors import Refused
from tinycode_git.planners.recipes.pymodules import Defined, Modules, definitions, parse_python, related, root_of
from tinycode_git.planners.recipes.pynames import Role, Use, uses
from tinycode_git.planners.recipes.pyscopes import Clash, identifiers, scope_clashes, symbols
from tinycode_git.planners.recipes.renaming import Outcome, Rename, Spot
from tinycode_git.planners.recipes.source import Edit, Source, Undecodable, apply_edits, decode, whole_word


@dataclass(frozen=True, slots=True)
class Tree:
    """The Python files of a tree: the paths of those that hold either name, of all, and how to read one.

    Files are read again rather than kept: syntax trees of thousands of files do not fit into memory.
    """

    holding: tuple[str, ...]
    paths: tuple[str, ...]
    read: Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is kept of every file that holds either name."""

    path: str
    has_old: bool
    defined: Defined


@dataclass(frozen=True, slots=True)
class _File:
    """A file to rename in, open."""

    path: str
    source: Source
    tree: ast.Module
    uses: list[Use]
    imports: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _World:
    """What all files together say about the old name."""

    rename: Rename
    modules: Modules
    member: bool
    keyword: bool


def rename_python(rename: Rename, tree: Tree, chosen: Set[str]) -> Outcome:
    """Rename in the files of ``chosen``; what the old name is, is judged by all files of ``tree``.

    Raises Refused where the result would not be the same program with the name changed.
    """
    outcome = Outcome()
    files = [file for path in tree.holding if (file := _know(path, tree, rename, chosen, outcome))]
    having_old = [file for file in files if file.has_old]
    world = _World(
        rename,
        Modules.of(tree.paths),
        any(rename.old in file.defined.members for file in having_old),
        any(rename.old in file.defined.keywords for file in having_old),
    )
    for file in having_old:
        if file.path in chosen:
            content = tree.read(file.path)
            source = decode(content, python=True)
            found = uses(source.text, rename.old)
            opened = _File(file.path, source, parse_python(content, file.path), found, file.defined.imports)
            _rename_file(opened, world, outcome)
    if outcome.count and world.member:
        outcome.clashes += _member_clashes(files, world, tree)
    return outcome


def _know(path: str, tree: Tree, rename: Rename, chosen: Set[str], outcome: Outcome) -> _Known | None:
    content = tree.read(path)
    try:
        source = decode(content, python=True)
        has_old = bool(whole_word(rename.old).search(source.text))
        if not has_old and not whole_word(rename.new).search(source.text):
            return None
        defined = definitions(parse_python(content, path), {rename.old, rename.new})
        return _Known(path, has_old, defined)
    except Undecodable as error:
        if path in chosen and rename.old.encode() in content:
            outcome.left_out.append(f"{path}: {error}")
        return None


def _rename_file(file: _File, world: _World, outcome: Outcome) -> None:
    rename = world.rename
    renamed: list[Use] = []
    kept = 0
    for use in file.uses:
        spot = Spot(file.path, file.source.line(use.start))
        if use.role is Role.TEXT:
            if rename.strings:
                renamed.append(use)
            else:
                (outcome.references if use.literal else outcome.texts).append(spot)
            continue
        why = _why_kept(use, file, world, spot)
        if why:
            kept += 1
            outcome.kept.append((spot, why))
        else:
            renamed.append(use)
    if not renamed:
        return
    code = [use for use in renamed if use.role is not Role.TEXT]
    if code:
        outcome.clashes += _clashes(file, code, rename)
    if not outcome.clashes:
        edits = [Edit(use.start, use.start + len(rename.old), rename.new) for use in renamed]
        outcome.written[file.path] = _proved(file, edits, rename, kept)
    outcome.count += len(renamed)


def _why_kept(use: Use, file: _File, world: _World, spot: Spot) -> str:
    """Why an occurrence is not to be renamed; "" where it is. Raises Refused for what cannot be renamed at all."""
    old, imports, foreign = world.rename.old, file.imports, world.modules.foreign
    if use.role is Role.MODULE_PATH or (use.kept and use.role is Role.MODULE):
        return "a module's name"
    if use.role is Role.MODULE:
        raise _module_refused(old, spot)
    if use.role is Role.IMPORTED:
        if foreign(use.receiver):
            if use.kept:
                return f"a name of {use.receiver}"
            raise Refused(
                f"{old} is imported from {use.receiver} at {spot}, which is not of this repository",
                "name the files or folders to rename it in, without that one",
            )
        joined = use.receiver if use.receiver.endswith(".") else use.receiver + "."
        if world.modules.is_module(joined + old, file.path):
            raise _module_refused(old, spot)
        return ""
    if use.role not in (Role.ATTRIBUTE, Role.KEYWORD):
        return ""
    if use.literal:
        return "an attribute of a literal"
    source = imports.get(root_of(use.receiver), "")
    if source and foreign(source):
        return f"a name of {source}"
    if use.role is Role.KEYWORD:
        return "" if world.keyword else "a keyword argument, and no function here has such a parameter"
    if world.member or (source and world.modules.is_module(source, file.path)):
        return ""
    return "an attribute, and no class here has such a member"


def _module_refused(old: str, spot: Spot) -> Refused:
    return Refused(
        f"{old} is a module, imported at {spot}: renaming it means moving its file",
        "move the file with git mv, or name the files or folders to rename in, without that one",
    )


def _clashes(file: _File, renamed: list[Use], rename: Rename) -> list[Clash]:
    try:
        table = symbols(file.source.text, file.path)
    except Undecodable as error:
        raise Refused(
            f"{file.path}: {error}", "correct it, or name the files or folders to rename in, without it"
        ) from error
    named = any(use.role not in (Role.ATTRIBUTE, Role.KEYWORD) for use in renamed)
    found = scope_clashes(file.path, table, file.tree, rename.old, rename.new) if named else []
    if not whole_word(rename.new).search(file.source.text):
        return found
    receivers = {(use.receiver, use.inside) for use in renamed if use.role is Role.ATTRIBUTE}
    calls = {use.receiver for use in renamed if use.role is Role.KEYWORD}
    for use in uses(file.source.text, rename.new):
        line = file.source.line(use.start)
        if use.role is Role.ATTRIBUTE and (use.receiver, use.inside) in receivers:
            found.append(Clash(file.path, line, f"{use.receiver} has both {rename.old} and {rename.new}"))
        elif use.role is Role.KEYWORD and use.receiver in calls:
            found.append(Clash(file.path, line, f"{use.receiver}() is called with {rename.old} and with {rename.new}"))
    return found


def _member_clashes(files: list[_Known], world: _World, tree: Tree) -> list[Clash]:
    """Classes, related by inheritance, of which one has the old name as a member and the other the new."""
    old, new = world.rename.old, world.rename.new
    having_old = _classes(files, old, lambda defined: defined.members)
    having_new = _classes(files, new, lambda defined: defined.members) | _classes(files, new, lambda d: d.touched)
    if not having_old or not having_new:
        return []
    found = []
    for one, other in related(set(having_old), set(having_new), map(tree.read, tree.paths)):
        path = having_new[other]
        why = f"class {other} has {new}" + (f" and {old}" if one == other else f", and its relative {one} has {old}")
        found.append(Clash(path, _line_in_class(tree.read(path), path, other, new), why))
    return found


def _classes(
    files: list[_Known], name: str, having: Callable[[Defined], Mapping[str, frozenset[str]]]
) -> dict[str, str]:
    """The classes that have ``name``, each with the first file that says so."""
    found: dict[str, str] = {}
    for file in files:
        for known in having(file.defined).get(name, frozenset()) - {""}:
            found.setdefault(known, file.path)
    return found


def _line_in_class(content: bytes, path: str, owner: str, name: str) -> int:
    """The first line of a class on which it has the name."""
    for node in ast.walk(parse_python(content, path)):
        if isinstance(node, ast.ClassDef) and node.name == owner:
            lines = [int(n.lineno) for n in ast.walk(node) if hasattr(n, "lineno") and name in identifiers(n)]
            if lines:
                return min(lines)
    return 1


def _proved(file: _File, edits: list[Edit], rename: Rename, kept: int) -> bytes:
    """The new content.

    Its syntax tree is that of the old one with the name changed, wherever it was not kept, or: Refused.
    """
    hint = "name the files or folders to rename in, without it"
    try:
        text = apply_edits(file.source.text, edits)
        content = file.source.encode(text)
        tree = parse_python(content, file.path)
        symbols(text, file.path)
    except Undecodable as error:
        raise Refused(f"after the rename {file.path} would be wrong: {error}", hint) from error
    if _left(file.tree, tree, rename) != kept:
        raise Refused(f"{file.path} cannot be renamed in: its syntax tree would change in more than the name", hint)
    return content


def _left(before: ast.AST, after: ast.AST, rename: Rename) -> int:
    """How often the old name is left in the identifiers of ``after``; -1 where the trees differ in anything but the
    name.
    """
    word = whole_word(rename.old)
    left = 0
    todo: list[tuple[object, object]] = [(before, after)]
    while todo:
        one, other = todo.pop()
        if type(one) is not type(other):
            return -1
        if isinstance(one, ast.AST) and isinstance(other, ast.AST):
            todo += [(getattr(one, name, None), getattr(other, name, None)) for name in one._fields]
            if not isinstance(other, ast.Constant):
                left += sum(name == rename.old for name in identifiers(other))
        elif isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return -1
            todo += zip(one, other, strict=True)
        elif one != other and not (
            isinstance(one, str) and word.sub(rename.new, one) == word.sub(rename.new, str(other))
        ):
            return -1
    return left
