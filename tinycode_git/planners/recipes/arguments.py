"""The words after a recipe's name: options and positions, parsed strictly."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from tinycode_git.errors import UsageError
from tinycode_git.proposal import Snapshot, TreeEntry

REGULAR = 0o100000


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a recipe: ``--name``, or ``--name VALUE`` where ``value`` names what follows.

    ``choices`` are the values that shell completion offers; the recipe itself says which it takes.
    """

    name: str
    help: str
    value: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arguments:
    """What was given: the words that are no options, and the options by name (an empty value for a switch)."""

    words: tuple[str, ...]
    options: dict[str, str]


def parse(recipe: str, usage: str, options: Sequence[Option], args: Sequence[str], needed: int) -> Arguments:
    """Options may stand anywhere, ``--`` ends them, at least ``needed`` other words follow. Raises UsageError."""
    known = {option.name: option for option in options}
    words: list[str] = []
    given: dict[str, str] = {}
    rest = iter(args)
    for arg in rest:
        if arg == "--":
            words.extend(rest)
        elif not arg.startswith("-") or arg == "-":
            words.append(arg)
        else:
            name, joined, value = arg.partition("=")
            option = known.get(name)
            if option is None:
                raise _unknown_option(recipe, usage, name, list(known))
            if option.value and not joined:
                value = next(rest, "")
            if bool(option.value) != bool(value) or (joined and not option.value):
                what = f"needs a value ({option.value})" if option.value else "takes no value"
                raise UsageError(f"recipe {recipe}: {name} {what}", f"usage: {usage}")
            given[name] = value
    if len(words) < needed:
        raise UsageError(f"recipe {recipe}: {_count(needed)} needed, {len(words)} given", f"usage: {usage}")
    return Arguments(tuple(words), given)


def _count(needed: int) -> str:
    return f"at least {needed} argument{'s are' if needed > 1 else ' is'}"


def _unknown_option(recipe: str, usage: str, name: str, known: Sequence[str]) -> UsageError:
    near = get_close_matches(name, known, 2, 0.5)
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    else:
        hint = f"usage: {usage} (write -- before a word that begins with a dash)"
    return UsageError(f"recipe {recipe}: there is no option {name}", hint)


def folders(recipe: str, paths: Sequence[str], snapshot: Snapshot, here: str = "") -> tuple[str, ...]:
    """The files and folders that were named, as paths of the tree; () for the whole tree. Raises UsageError.

    ``here`` is the folder of the tree that paths start from (empty: its top). A path that leaves the tree or that the
    tree has not is refused.
    """
    found: list[str] = []
    for path in paths:
        clean = posixpath.normpath(posixpath.join(here, path or "."))
        if path.startswith("/") or clean == ".." or clean.startswith("../"):
            raise UsageError(f"recipe {recipe}: {path} is not a path below the top of the repository")
        if clean == ".":
            return ()
        if snapshot.entry(clean) is None and not snapshot.is_dir(clean):
            raise UsageError(f"recipe {recipe}: there is no {clean} in the tree", _near_path(clean, snapshot))
        found.append(clean)
    return tuple(found)


def _near_path(path: str, snapshot: Snapshot) -> str:
    name = path.rsplit("/", 1)[-1]
    known: set[str] = set()
    for entry in snapshot.paths():
        known.add(entry.path)
        parts = entry.path.split("/")[:-1]
        known.update("/".join(parts[: n + 1]) for n in range(len(parts)))
    same_name = sorted(p for p in known if p.rsplit("/", 1)[-1] == name)[:3]
    near = same_name or get_close_matches(path, sorted(known)[:20_000], 3, 0.6)
    return f"did you mean {' or '.join(near)}?" if near else "git ls-files lists what there is"


def files(snapshot: Snapshot, under: Sequence[str] = ()) -> list[TreeEntry]:
    """The regular files below the named paths, in git's order; links and submodules are no text of ours."""
    return [entry for entry in snapshot.paths(under) if entry.mode & 0o170000 == REGULAR]


def where(under: Sequence[str]) -> str:
    """The searched paths in words."""
    return ", ".join(under) if under else "the whole tree"


def plural(count: int, word: str) -> str:
    """``1 file``, ``3 files``."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"
