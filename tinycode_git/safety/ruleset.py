"""A rule set compiled for matching, and the file that keeps it: a few Hyperscan databases for all text rules.

Hyperscan says in one pass which expressions match a text at all (single match, no start, bytes); everything else works
on the few texts that do. The compiled set is stored in the user's cache directory under a key of the rule files, the
versions and the platform; a file that is missing, old or damaged is made again, one that cannot be written is done
without.
"""

from __future__ import annotations

import marshal
import os
import sys
from typing import TYPE_CHECKING

from tinycode_git import __version__
from tinycode_git.rows import NamedTuple
from tinycode_git.safety import places
from tinycode_git.safety.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hyperscan import Database

_FORMAT = 7
_HERE = os.path.dirname(__file__)
SHIPPED = os.path.join(_HERE, "rules")
# What rules are compiled by: other code makes other databases of the same rules.
_COMPILER = [
    os.path.join(_HERE, f"{name}.py")
    for name in ("compile", "factor", "segment", "fold", "rule", "rulefile", "ruleset", "workers")
]

# What an expression of the database stands for, beside rules: texts that need folding.
HIDDEN, SPLIT = -1, -2
# What the rules of a database are about: any text; texts as a change has them, which sweeps do not ask; paths alone.
TEXT, LATE, PATH = "text", "late", "path"


class Expressions(NamedTuple):
    """A database. ``meaning[i]`` are the rules (indices) that expression ``i`` stands for, or HIDDEN, SPLIT.

    ``use`` is TEXT, PATH, or LATE: structural rules, and those about what a change took away.
    """

    use: str
    meaning: tuple[tuple[int, ...], ...]
    database: Database


class RuleSet(NamedTuple):
    """Rules and their databases.

    ``reach[i]`` is how far before and behind what is looked for rule ``i`` can hold (0: anywhere). ``groups`` maps each
    family to the digest of its rules, ``digest`` covers them all; both go into what is cached about texts.
    """

    rules: tuple[Rule, ...]
    reach: tuple[int, ...]
    databases: tuple[Expressions, ...]
    groups: dict[str, str]
    digest: str


def shipped() -> RuleSet:
    """The rules that come with git tiny and the user's own (``rules/*.toml`` in the configuration directory).

    Raises BrokenRule for a file of the user's that cannot be used.
    """
    files = [*_toml(SHIPPED), *_toml(os.path.join(places.config(), "rules"))]
    stamps = [_stamp(file) for file in (*files, *_COMPILER)]
    key = repr((_FORMAT, __version__, sys.version, sys.platform, os.uname().machine, stamps))
    file = os.path.join(places.cache(), "rules.bin")
    known = load_compiled(file, key)
    if known is not None:
        return known
    from pathlib import Path

    from tinycode_git.safety.rulefile import load_files

    raw = pack(load_files([Path(file) for file in files]))
    store(file, key, raw)
    return restore(raw)


def compile_rules(rules: Sequence[Rule]) -> RuleSet:
    """A rule set from rules already read, not stored. Raises BrokenRule."""
    return restore(pack(rules))


def _toml(folder: str) -> list[str]:
    try:
        return sorted(entry.path for entry in os.scandir(folder) if entry.name.endswith(".toml"))
    except OSError:
        return []


def _stamp(file: str) -> tuple[str, int, int]:
    try:
        found = os.stat(file)
    except OSError:
        return (file, -1, 0)
    return (file, found.st_size, found.st_mtime_ns)


def load_compiled(file: str, key: str) -> RuleSet | None:
    """The compiled set that ``store`` wrote under ``key``; None where there is none, or it is damaged."""
    try:
        with open(file, "rb") as stream:
            held = stream.read()
        head = _head(key)
        return restore(memoryview(held)[len(head) :]) if held.startswith(head) else None
    except (OSError, EOFError, ValueError, TypeError, _hyperscan_error()):
        return None


def _head(key: str) -> bytes:
    """How a file of that key begins: the set follows as it is, so that it is read without a copy of it being made."""
    return key.encode("utf-8", "surrogateescape") + b"\n"


def restore(raw: bytes | memoryview) -> RuleSet:
    """A compiled set from what ``pack`` gave."""
    rules, reach, databases, groups, digest = marshal.loads(raw)  # noqa: S302
    lean = tuple(Rule(*row) for row in rules)
    held = tuple(Expressions(use, tuple(meaning), _database(stored)) for use, meaning, stored in databases)
    return RuleSet(lean, tuple(reach), held, groups, digest)


def store(file: str, key: str, raw: bytes) -> None:
    """Write a compiled set; where that does not work (no space, no permission) nothing is kept, and nothing is said."""
    beside = f"{file}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
        with open(beside, "wb") as stream:
            stream.write(_head(key) + raw)
        os.replace(beside, file)
    except OSError:
        try:
            os.unlink(beside)
        except OSError:
            pass


def pack(rules: Sequence[Rule]) -> bytes:
    """Rules compiled, as one string of bytes. Raises BrokenRule where Hyperscan refuses an expression."""
    from tinycode_git.safety.compile import compiled

    made = compiled(rules)
    rows = [tuple(rule) for rule in made.rules]
    return marshal.dumps((rows, made.reach, made.databases, made.groups, made.digest))


def _hyperscan_error() -> type[Exception]:
    import hyperscan

    return hyperscan.HyperscanError


def _database(stored: bytes) -> Database:
    import hyperscan

    database = hyperscan.loadb(stored, mode=hyperscan.HS_MODE_BLOCK)
    database.scratch = hyperscan.Scratch(database)
    return database
