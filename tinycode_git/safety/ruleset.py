"""A rule set compiled for matching, and the file that keeps it: one Hyperscan database for all text rules.

Hyperscan says in one pass which expressions match a text at all (single match, no start, bytes); everything else works
on the few texts that do. The compiled set is stored in the user's cache directory under a key of the rule files, the
versions and the platform; a file that is missing, old or damaged is made again, one that cannot be written is done
without.
"""

from __future__ import annotations

import marshal
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from tinycode_git import __version__
from tinycode_git.safety import fold, places
from tinycode_git.safety.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hyperscan import Database

_FORMAT = 1
SHIPPED = os.path.join(os.path.dirname(__file__), "rules")

# What an expression of the database stands for, beside rules: texts that need folding.
HIDDEN, SPLIT = -1, -2


class RuleSet(NamedTuple):
    """Rules and their database. ``meaning[i]`` is the rule (an index) that expression ``i`` stands for, or HIDDEN,
    SPLIT.

    ``groups`` maps each family to the digest of its rules, ``digest`` covers them all; both go into what is cached
    about texts. ``origin`` says in words where the rules come from.
    """

    rules: tuple[Rule, ...]
    meaning: tuple[int, ...]
    database: Database
    groups: dict[str, str]
    digest: str
    origin: str


def shipped() -> RuleSet:
    """The rules that come with git tiny and the user's own (``rules/*.toml`` in the configuration directory).

    Raises BrokenRule for a file of the user's that cannot be used.
    """
    files = [*_toml(SHIPPED), *_toml(os.path.join(places.config(), "rules"))]
    key = repr((_FORMAT, __version__, sys.version, sys.platform, os.uname().machine, [_stamp(file) for file in files]))
    stored = os.path.join(places.cache(), "rules.bin")
    known = _load(stored, key)
    if known is not None:
        return known

    def rules() -> tuple[Rule, ...]:
        from pathlib import Path

        from tinycode_git.safety.rulefile import load_files

        return load_files([Path(file) for file in files])

    return _make(rules, stored, key)


def compile_rules(rules: Sequence[Rule], origin: str = "rules") -> RuleSet:
    """A rule set from rules already read, not stored. Raises BrokenRule where Hyperscan refuses an expression."""
    from tinycode_git.safety.compile import compiled

    lean, meaning, stored, groups, digest = compiled(rules)
    return RuleSet(lean, meaning, _database(stored), groups, digest, origin)


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


def _load(file: str, key: str) -> RuleSet | None:
    try:
        with open(file, "rb") as stream:
            raw = stream.read()
        head, rules, meaning, groups, digest, stored = marshal.loads(raw)  # noqa: S302 - our own file, plain values
        if head != key:
            return None
        lean = tuple(Rule(*row) for row in rules)
        return RuleSet(lean, tuple(meaning), _database(stored), groups, digest, "shipped")
    except (OSError, EOFError, ValueError, TypeError, _hyperscan_error()):
        return None


def _hyperscan_error() -> type[Exception]:
    import hyperscan

    return hyperscan.HyperscanError


def _make(rules: Callable[[], tuple[Rule, ...]], file: str, key: str) -> RuleSet:
    from tinycode_git.safety.compile import compiled

    lean, meaning, stored, groups, digest = compiled(rules())
    raw = marshal.dumps((key, [tuple(rule) for rule in lean], list(meaning), groups, digest, stored))
    beside = f"{file}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(beside, "wb") as stream:
            stream.write(raw)
        os.replace(beside, file)
    except OSError:  # no space, no permission: this process has its database all the same
        try:
            os.unlink(beside)
        except OSError:
            pass
    return RuleSet(lean, meaning, _database(stored), groups, digest, "shipped")


def _database(stored: bytes) -> Database:
    import hyperscan

    database = hyperscan.loadb(stored, mode=hyperscan.HS_MODE_BLOCK)
    database.scratch = hyperscan.Scratch(database)
    return database


EXTRA = ((HIDDEN, fold.HIDDEN), (SPLIT, fold.SPLIT))
