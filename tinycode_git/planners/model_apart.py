"""Which files of a step can be edited without one seeing what became of another.

It goes by the files alone, never by how many questions a model answers at once: the same step asks the same questions
everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from tinycode_git.planners.context.index import definitions
from tinycode_git.proposal import Snapshot

# A longer file is taken to have to do with everything.
_LARGEST = 256 * 1024
_WORD = re.compile(rb"[A-Za-z_]\w{2,}")
# Names that stand in most files and say nothing of which is meant.
_EVERYWHERE = frozenset(("__init__", "__main__", "index", "main", "mod", "lib", "README", "package", "setup", "init"))


@dataclass(frozen=True, slots=True)
class _File:
    names: frozenset[bytes]
    words: frozenset[bytes]


def apart(snapshot: Snapshot, change: Sequence[str], create: Sequence[str]) -> list[tuple[str, ...]]:
    """The paths in their order, put together while none of them names another or what another defines.

    What does not exist yet may be about anything: it is asked for alone, after the files that do.
    """
    groups: list[tuple[str, ...]] = []
    known: list[_File] = []
    for path in change:
        file = _file(path, snapshot.read(path) or b"")
        if file is not None and known and not any(_linked(file, other) for other in known):
            groups[-1] = (*groups[-1], path)
            known.append(file)
        else:
            groups.append((path,))
            known = [file] if file is not None else []
    return [*groups, *((path,) for path in create)]


def _file(path: str, content: bytes) -> _File | None:
    if len(content) > _LARGEST:
        return None
    defined = (*definitions(path, content), PurePosixPath(path).stem)
    names = frozenset(name.encode() for name in defined if name not in _EVERYWHERE)
    return _File(names, frozenset(_WORD.findall(content)))


def _linked(one: _File, other: _File) -> bool:
    return not (one.names.isdisjoint(other.words | other.names) and other.names.isdisjoint(one.words))
