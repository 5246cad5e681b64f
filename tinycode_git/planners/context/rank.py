"""Which files matter for a task. ``rank`` is the one function that a better search takes the place of."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tinycode_git.planners.context.index import Index

_WORD = re.compile(r"[A-Za-z_][\w]*")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PATH = re.compile(r"[\w./@+-]*\w\.\w{1,8}|[\w@+-]+(?:/[\w.@+-]+)+")
_TEST = re.compile(r"(?:^|/)(?:tests?|specs?|__tests__)/|(?:^|/)test_|[._-](?:test|spec)s?\.", re.I)
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
    for name in dict.fromkeys(_WORD.findall(task)):
        _by_name(index, name, add)
    _by_words(index, task, add)
    for path, weight in list(weights.items()):
        if weight >= 3.0:
            _spread(index, path, weight, add)
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


def _by_name(index: Index, name: str, add: _Add) -> None:
    """A word of the task that is a definition's very name."""
    if len(name) < 3 or name.lower() in _IDLE:
        return
    for path in index.definers.get(name, ())[:20]:
        add(path, 10.0, f"defines {name}")
    for path in index.users.get(name, ())[:40]:
        add(path, 4.0, f"uses {name}")


def _by_words(index: Index, task: str, add: _Add) -> None:
    words = {word for word in _parts(task) if len(word) > 2 and word not in _IDLE}
    if not words:
        return
    hits: dict[str, list[str]] = {}
    shares: dict[str, int] = {}
    for name in index.definers:
        if (shared := words.intersection(_parts(name))) and len(index.definers[name]) <= 20:
            hits[name] = sorted(shared)
            for word in hits[name]:
                shares[word] = shares.get(word, 0) + 1
    for name, held in hits.items():
        # A word that hundreds of names hold weighs little.
        weight = sum(3.0 / (1 + shares[word] / 8) for word in held)
        for path in index.definers[name]:
            add(path, weight, f"defines {name}")
    for path in index.files:
        lower = path.lower()
        if shared_path := [word for word in words if word in lower]:
            add(path, 2.0 * len(shared_path), f"its path holds {shared_path[0]}")


def _spread(index: Index, path: str, weight: float, add: _Add) -> None:
    """A part of a file's weight for what it uses, for what uses it, for its tests and its neighbours."""
    file = index.files[path]
    share = min(weight, 20.0)
    for name in sorted(file.uses)[:200]:
        definers = index.definers.get(name, ())
        for other in definers[:3]:
            add(other, share * 0.04 / len(definers), f"{path} uses its {name}")
    for name in file.defines[:100]:
        users = index.users.get(name, ())
        for other in users[:10]:
            add(other, share * (0.12 if is_test(other) else 0.05) / max(1, len(users) / 4), f"uses {name} of {path}")


def is_test(path: str) -> bool:
    """Whether a path is that of a test, by the habits of most languages."""
    return bool(_TEST.search(path))


def _parts(text: str) -> set[str]:
    """The words in a text or a name, in lower case: camelCase and snake_case are taken apart."""
    found = {part.lower() for part in _PART.findall(text)}
    return found | {part[:-1] for part in found if len(part) > 4 and part.endswith("s")}
