"""The index of a tree: what each file defines, and which definitions of other files it uses.

Definitions are found by one expression over the bytes (5,000 files take a third of a second; parsing them would take
five), uses are the words of a file that another file defines. What is shown of a file later is parsed (``outline``).
Per blob and kept in ``<git common dir>/tiny/context``, so that a changed tree costs only its changed files.
"""

from __future__ import annotations

import marshal
import os
import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tinycode_git.planners.recipes.languages import language_of
from tinycode_git.proposal import MODE_EXEC, MODE_FILE, Snapshot, TreeEntry

VERSION = 1
LARGEST = 256 * 1024
# What is read at once, and held while definitions are gathered; files beyond it are known by their path.
MOST_BYTES = 64 * 1024 * 1024
_KEPT = 4
# A word that half the files define says nothing about which of them is meant.
_COMMON = 12
# The words that begin a definition, by language. One literal at a time: that is what the matcher is quick at.
_KEYWORDS = {
    "python": ("def", "class"),
    "javascript": ("function", "class"),
    "typescript": ("function", "class", "interface", "type", "enum"),
    "tsx": ("function", "class", "interface", "type", "enum"),
    "go": ("func", "type"),
    "rust": ("fn", "struct", "enum", "trait", "type", "mod"),
    "java": ("class", "interface", "enum", "record"),
    "csharp": ("class", "interface", "struct", "enum", "record"),
    "c": ("struct", "enum", "union"),
    "cpp": ("class", "struct", "enum", "namespace"),
    "kotlin": ("fun", "class", "object", "interface"),
    "scala": ("def", "class", "object", "trait"),
    "swift": ("func", "class", "struct", "protocol", "enum"),
    "ruby": ("def", "class", "module"),
    "php": ("function", "class", "interface", "trait"),
    "lua": ("function",),
    "bash": ("function",),
    "elixir": ("def", "defp", "defmodule"),
    "dart": ("class", "enum", "mixin"),
    "zig": ("fn",),
    "solidity": ("contract", "function", "struct", "event"),
}
_PATTERNS = {
    word: re.compile(word.encode() + rb"[ \t]+(?:\([^)\n]{0,60}\)[ \t]*|self\.)?([A-Za-z_]\w{2,})")
    for word in sorted({word for words in _KEYWORDS.values() for word in words})
}
_C_FUNCTION = re.compile(rb"^[A-Za-z_][\w \t*]{0,80}?\b([A-Za-z_]\w{2,})\([^;{}\n]{0,200}\)?[^;\n]{0,40}$", re.M)
_C_LIKE = ("c", "cpp", "java", "csharp", "dart", "solidity")
_WORDS = bytes(byte if chr(byte).isalnum() or byte == 95 else 32 for byte in range(128)) + b" " * 128


@dataclass(frozen=True, slots=True)
class File:
    """One text file: its path, blob, definitions, and the definitions of others that it uses."""

    path: str
    oid: str
    defines: tuple[str, ...]
    uses: frozenset[str]


@dataclass(frozen=True)
class Index:
    """The files of a tree by path, in git's order."""

    files: dict[str, File] = field(default_factory=dict)

    @cached_property
    def definers(self) -> dict[str, list[str]]:
        """Name to the files that define it."""
        found: dict[str, list[str]] = {}
        for file in self.files.values():
            for name in file.defines:
                found.setdefault(name, []).append(file.path)
        return found

    def users(self, names: AbstractSet[str]) -> dict[str, list[str]]:
        """The files that use each of ``names`` and do not define it."""
        found: dict[str, list[str]] = {}
        for file in self.files.values():
            if not file.uses.isdisjoint(names):
                for name in file.uses & names:
                    found.setdefault(name, []).append(file.path)
        return found


def index_of(snapshot: Snapshot, tree: str, folder: Path | None) -> Index:
    """The index of ``snapshot``, whose tree is ``tree``; read from ``folder`` and kept there where that is given."""
    kept = _load(folder / f"{tree}.index") if folder else None
    if kept is not None:
        return Index({path: File(path, oid, defines, uses) for path, oid, defines, uses in kept})
    older = _older(folder) if folder else {}
    index = _made(snapshot, older)
    if folder:
        _keep(folder, tree, index)
    return index


def _made(snapshot: Snapshot, older: dict[str, tuple[tuple[str, ...], frozenset[str]]]) -> Index:
    entries = list(_code(snapshot))
    contents: dict[str, bytes] = {}
    defined = {oid: defines for oid, (defines, _) in older.items()}
    left = MOST_BYTES
    for entry in entries:
        if entry.oid in defined:
            continue
        content = (snapshot.read(entry.path) or b"") if left > 0 else b""
        if len(content) > LARGEST or b"\0" in content[:1024]:
            content = b""
        left -= len(content)
        contents[entry.oid] = content
        defined[entry.oid] = definitions(entry.path, content)
    telling = _telling([defined[entry.oid] for entry in entries])
    files = {}
    for entry in entries:
        defines = defined[entry.oid]
        if entry.oid in contents:
            words = telling.intersection(contents[entry.oid].translate(_WORDS).split())
            uses = frozenset(name.decode() for name in words) - frozenset(defines)
        else:
            uses = older[entry.oid][1]
        files[entry.path] = File(entry.path, entry.oid, defines, uses)
    return Index(files)


def _telling(defined: Sequence[tuple[str, ...]]) -> set[bytes]:
    """The names that few files define."""
    counts: dict[str, int] = {}
    for names in defined:
        for name in set(names):
            counts[name] = counts.get(name, 0) + 1
    return {name.encode() for name, count in counts.items() if count <= _COMMON}


def _code(snapshot: Snapshot) -> Iterator[TreeEntry]:
    for entry in snapshot.paths():
        if entry.mode in (MODE_FILE, MODE_EXEC):
            yield entry


def definitions(path: str, content: bytes) -> tuple[str, ...]:
    """The names that a file defines, as far as its language is known."""
    language = language_of(path, content)
    if language is None or not language.code:
        return ()
    found: list[bytes] = []
    for word in _KEYWORDS.get(language.name, ()):
        if word.encode() in content:
            found += _PATTERNS[word].findall(content)
    if language.name in _C_LIKE:
        found += _C_FUNCTION.findall(content)
    return tuple(dict.fromkeys(name.decode() for name in found if name.decode() not in language.keywords))


def _load(place: Path) -> list[tuple[str, str, tuple[str, ...], frozenset[str]]] | None:
    try:
        version, rows = marshal.loads(place.read_bytes())  # noqa: S302 - our own file, in the clone's own folder
        return [*rows] if version == VERSION else None
    except (OSError, ValueError, EOFError, TypeError):
        return None


def _older(folder: Path) -> dict[str, tuple[tuple[str, ...], frozenset[str]]]:
    """The rows of the newest index there is, by blob: most files of a tree are those of the tree before."""
    try:
        places = sorted(folder.glob("*.index"), key=lambda place: place.stat().st_mtime_ns)
    except OSError:
        return {}
    rows = _load(places[-1]) if places else None
    return {oid: (defines, uses) for _, oid, defines, uses in rows or ()}


def _keep(folder: Path, tree: str, index: Index) -> None:
    """Keep the index; a folder that cannot be written keeps nothing."""
    rows = [(file.path, file.oid, file.defines, file.uses) for file in index.files.values()]
    beside = folder / f".{tree}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(marshal.dumps((VERSION, rows)))
        beside.replace(folder / f"{tree}.index")
        places = sorted(folder.glob("*.index"), key=lambda place: place.stat().st_mtime_ns)
        for old in places[:-_KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return
