"""Which files matter for a task. ``rank`` is the one function that a better search takes the place of."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from tinycode_git.planners.context.index import Index

_WORD = re.compile(r"[A-Za-z_][\w]*")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PATH = re.compile(r"[\w./@+-]*\w\.\w{1,8}|[\w@+-]+(?:/[\w.@+-]+)+")
_TEST = re.compile(r"(?:^|/)(?:tests?|specs?|__tests__)/|(?:^|/)test_|[._-](?:test|spec)s?\.", re.I)
_HEAVY = 3.0
_SPREADING = 60
_HELD = 500
_Add = Callable[[str, float, str], None]
_IDLE = frozenset(
    _WORD.findall("""
the and for with from that this into not are all any use uses used using add adds make makes new get set file files
function functions class classes method methods code change every each when where which should must have has can will
its their there them then than only also instead please remove rename fix error test tests line call calls def return
value values name names type types
""")
)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A file, its weight, and why it has it."""

    path: str
    weight: float
    why: str


def rank(index: Index, task: str, named: Sequence[str] = ()) -> list[Ranked]:
    """The files that matter for ``task``, the weightiest first; ``named`` (files or folders) come before all others.

    Weight comes from the task's words in paths and definitions, and spreads once along references in both directions.
    """
    weights: dict[str, float] = {}
    reasons: dict[str, str] = {}

    def add(path: str, weight: float, why: str) -> None:
        weights[path] = weights.get(path, 0.0) + weight
        if weight >= 1 or path not in reasons:
            reasons.setdefault(path, why)

    for path in _named(index, task, named):
        add(path, 100.0, "named")
    _by_name(index, dict.fromkeys(_WORD.findall(task)), add)
    _by_words(index, task, add)
    heavy = sorted((path for path, weight in weights.items() if weight >= _HEAVY), key=lambda path: -weights[path])
    _spread(index, {path: weights[path] for path in heavy[:_SPREADING]}, add)
    ranked = [Ranked(path, weight, reasons[path]) for path, weight in weights.items()]
    return sorted(ranked, key=lambda one: (-one.weight, one.path))


def _named(index: Index, task: str, named: Sequence[str]) -> list[str]:
    found = []
    for wanted in named:
        clean = wanted.rstrip("/")
        found += [path for path in index.files if path == clean or path.startswith(f"{clean}/") or clean in ("", ".")]
    for text in _PATH.findall(task):
        clean = text.removeprefix("./")
        found += [path for path in index.files if path == clean or path.endswith(f"/{clean}")]
    return list(dict.fromkeys(found))


def _by_name(index: Index, words: Iterable[str], add: _Add) -> None:
    """Words of the task that are definitions' very names."""
    names = {word for word in words if len(word) > 2 and word.lower() not in _IDLE and word in index.definers}
    for name in sorted(names):
        for path in index.definers[name][:20]:
            add(path, 10.0, f"defines {name}")
    for name, users in sorted(index.users(names).items()):
        for path in users[:40]:
            add(path, 4.0, f"uses {name}")


def _by_words(index: Index, task: str, add: _Add) -> None:
    """Words of the task that are parts of definitions' names, or of paths."""
    words = sorted(word for word in _parts(task) if len(word) > 2 and word not in _IDLE)
    names = list(index.definers)
    joined = "\n".join(names).lower()
    starts = [0, *accumulate(len(name) + 1 for name in names)]
    for word in words:
        held = [name for name in _holding(word, joined, starts, names) if word in _parts(name)]
        # A word that hundreds of names hold weighs little.
        weight = 3.0 / (1 + len(held) / 8)
        for name in held:
            for path in index.definers[name][:20]:
                add(path, weight, f"defines {name}")
    for path in index.files:
        lower = path.lower()
        if shared := [word for word in words if word in lower]:
            add(path, 2.0 * len(shared), f"its path holds {shared[0]}")


def _holding(word: str, joined: str, starts: Sequence[int], names: Sequence[str]) -> list[str]:
    """The names that have ``word`` somewhere, at most ``_HELD`` of them."""
    found: list[str] = []
    at = joined.find(word)
    while at >= 0 and len(found) < _HELD:
        number = bisect_right(starts, at) - 1
        found.append(names[number])
        at = joined.find(word, starts[number + 1])
    return found


def _spread(index: Index, heavy: Mapping[str, float], add: _Add) -> None:
    """A part of each file's weight for what it uses and for what uses it: its tests, its callers."""
    wanted = {name for path in heavy for name in index.files[path].defines[:100]}
    users = index.users(wanted)
    for path, weight in heavy.items():
        file = index.files[path]
        share = min(weight, 20.0)
        for name in sorted(file.uses)[:200]:
            definers = index.definers.get(name, ())
            for other in definers[:3]:
                add(other, share * 0.04 / len(definers), f"{path} uses its {name}")
        for name in file.defines[:100]:
            using = users.get(name, ())
            for other in using[:10]:
                part = 0.12 if is_test(other) else 0.05
                add(other, share * part / max(1.0, len(using) / 4), f"uses {name} of {path}")


def is_test(path: str) -> bool:
    """Whether a path is that of a test, by the habits of most languages."""
    return bool(_TEST.search(path))


def _parts(text: str) -> set[str]:
    """The words in a text or a name, in lower case: camelCase and snake_case are taken apart."""
    found = {part.lower() for part in _PART.findall(text)}
    return found | {part[:-1] for part in found if len(part) > 4 and part.endswith("s")}
