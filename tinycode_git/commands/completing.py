"""What a shell offers at the cursor: ``git-tiny __complete WORD.. CURRENT`` prints it, one candidate a line.

A line is ``value<TAB>what it is``. A line ``:files`` or ``:folders`` asks the shell to complete names of its own there.
The words are those after ``git tiny``; the last is the one at the cursor. Nothing here may fail loudly: a shell shows
whatever is printed in the middle of the user's line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tinycode_git.errors import TinyError
from tinycode_git.render.escape import is_visible
from tinycode_git.verbs import GLOBAL_OPTIONS, VERBS

if TYPE_CHECKING:
    from tinycode_git.commands.app import Command

FILES, FOLDERS = ":files", ":folders"


class Candidate(NamedTuple):
    """One line of the answer."""

    value: str
    summary: str = ""


# Plans whose newest event says that a verb has nothing to do with them; it begins a candidate's summary.
_OVER = ("applied", "redone", "rejected", "purged", "superseded")
_NOT_FOR = {"apply": _OVER, "restack": _OVER, "reject": _OVER}


def complete(words: Sequence[str]) -> int:
    """Print the candidates for the last of ``words``; always 0."""
    *before, current = words or [""]
    try:
        found = candidates(before, current)
    except TinyError:
        found = []
    for value, summary in found:
        if is_visible(value):
            print(f"{value}\t{summary}" if summary else value)
    return 0


def candidates(before: Sequence[str], current: str) -> list[Candidate]:
    """What may stand at the cursor, after the words ``before``; raises TinyError where the folder is not there."""
    rest = list(before)
    while rest and rest[0] in ("-C", "--no-color"):
        if rest[0] == "-C":
            if len(rest) == 1:
                return [Candidate(FOLDERS)]
            _enter(rest[1])
        del rest[: 2 if rest[0] == "-C" else 1]
    if not rest:
        return _starting(current, _verbs_and_options(current))
    if rest[0] == "help":
        return _starting(current, _verbs()) if len(rest) == 1 else []
    if rest[0] not in VERBS:
        return []
    from tinycode_git.commands.app import load

    found = _of_command(load(VERBS[rest[0]]), rest[1:], current)
    if rest[0] == "propose" and current.startswith("-"):
        found = [*_recipe_options(rest[1:], current), *found]
    return [item for item in found if item.summary.partition(" ")[0] not in _NOT_FOR.get(rest[0], ())]


def _recipe_options(before: Sequence[str], current: str) -> list[Candidate]:
    """The options of the recipe that the line names, which come before those of ``propose``."""
    from tinycode_git.planners.recipes.registry import RECIPES

    named = [word.removeprefix("--recipe=") for word in before if word.startswith("--recipe=")]
    named += [word for last, word in pairwise(before) if last == "--recipe"]
    recipe = RECIPES.get(named[-1]) if named else None
    return _starting(current, (Candidate(one.name, one.help) for one in recipe.options)) if recipe else []


def _enter(folder: str) -> None:
    try:
        os.chdir(Path(folder).expanduser())
    except (OSError, RuntimeError):
        return


def _verbs() -> list[Candidate]:
    return [Candidate(name, verb.summary) for name, verb in VERBS.items()]


def _verbs_and_options(current: str) -> list[Candidate]:
    if current.startswith("-"):
        return [Candidate(name.split()[0], summary) for name, summary in GLOBAL_OPTIONS.items()]
    return [*_verbs(), Candidate("help", "Explain a verb")]


def _starting(prefix: str, found: Iterable[Candidate]) -> list[Candidate]:
    return [item for item in found if item.value.startswith(prefix) or item.value in (FILES, FOLDERS)]


class _Slot(NamedTuple):
    """A place for a value: its metavar, its values where they are a closed set, whether more may follow it."""

    metavar: str
    choices: tuple[str, ...]
    repeats: bool


class _Shape(NamedTuple):
    """A command as completion sees it: options with their slot (``None`` for a flag), arguments, commands inside."""

    options: dict[str, tuple[str, _Slot | None]]
    arguments: list[_Slot]
    inside: dict[str, Command]


def _shape(command: Command) -> _Shape:
    """Read the command's parameters, all of it through attributes that click documents."""
    options: dict[str, tuple[str, _Slot | None]] = {}
    arguments: list[_Slot] = []
    with command.make_context("", [], resilient_parsing=True) as context:
        for param in command.get_params(context):
            choices = tuple(str(item.value) for item in param.shell_complete(context, "") if item.type == "plain")
            metavar = (param.metavar or param.name or "").strip("[].").upper()
            slot = _Slot(metavar, choices, param.multiple or param.nargs == -1)
            if param.param_type_name == "argument":
                arguments.append(slot)
                continue
            takes_value = not (getattr(param, "is_flag", False) or getattr(param, "count", False))
            if not getattr(param, "hidden", False):
                summary = (getattr(param, "help", "") or "").split("\n")[0]
                for name in sorted([*param.opts, *param.secondary_opts], key=len, reverse=True):
                    options[name] = (summary, slot if takes_value else None)
    return _Shape(options, arguments, dict(getattr(command, "commands", {})))


def _of_command(command: Command, before: Sequence[str], current: str) -> list[Candidate]:
    """Follow the words through options, values and commands inside, to what may stand at the cursor."""
    shape = _shape(command)
    usual = shape.inside.get(getattr(command, "usual", ""))
    if usual is not None and not (before and before[0] in shape.inside):
        named = [Candidate(name, inner.get_short_help_str(70)) for name, inner in shape.inside.items()]
        return [*([] if before else _starting(current, named)), *_of_command(usual, before, current)]
    filled = 0
    only_arguments = False
    rest = list(before)
    while rest:
        word = rest.pop(0)
        if word == "--" and not only_arguments:
            only_arguments = True
        elif word.startswith("-") and len(word) > 1 and not only_arguments:
            slot = shape.options.get(word, ("", None))[1]
            if slot is not None:
                if not rest:
                    return _values(slot, current)
                rest.pop(0)
                rest[:1] = [] if rest[:1] == ["="] else rest[:1]
        elif word in shape.inside:
            return _of_command(shape.inside[word], rest, current)
        else:
            filled += 1
    if current.startswith("-") and not only_arguments:
        return _options(shape, current)
    found = [Candidate(name, inner.get_short_help_str(70)) for name, inner in shape.inside.items()]
    return [*_starting(current, found), *_argument(shape.arguments, filled, current)]


def _argument(slots: Sequence[_Slot], filled: int, current: str) -> list[Candidate]:
    if filled < len(slots):
        return _values(slots[filled], current)
    return _values(slots[-1], current) if slots and slots[-1].repeats else []


def _options(shape: _Shape, current: str) -> list[Candidate]:
    """Names of options; after ``--name=`` the values of that option, each with the name in front."""
    name, equals, value = current.partition("=")
    if equals:
        slot = shape.options.get(name, ("", None))[1]
        found = _values(slot, value) if slot else []
        return [item if item.value in (FILES, FOLDERS) else _behind(f"{name}=", item) for item in found]
    return _starting(current, (Candidate(option, summary) for option, (summary, _) in shape.options.items()))


def _values(slot: _Slot, current: str) -> list[Candidate]:
    if slot.choices:
        return _starting(current, (Candidate(choice) for choice in slot.choices))
    if slot.metavar == "MODEL":
        from tinycode_git.commands.completing_models import models

        return _starting(current, (Candidate(name, what) for name, what in models(current)))
    source = _SOURCES.get("PATH" if slot.metavar.startswith("PATH") else slot.metavar)  # PATH:LINE, PATH.. HOW
    if source is None:
        return []
    before, dots, after = current.rpartition("..") if slot.metavar == "REF" else ("", "", current)
    return [_behind(before + dots, item) for item in _starting(after, source())]


def _behind(prefix: str, item: Candidate) -> Candidate:
    return Candidate(prefix + item.value, item.summary) if prefix else item


def _plans() -> list[Candidate]:
    """Plan ids, newest record first, each with the subject of its newest event."""
    return _refs("refs/tiny/plans/", strip=3)


def _branches() -> list[Candidate]:
    return [*_refs("refs/heads/"), *_refs("refs/tags/"), *_refs("refs/remotes/")]


def _refs(*under: str, strip: int = 2) -> list[Candidate]:
    from tinycode_git.git.process import Git

    form = f"%(refname:lstrip={strip})%09%(contents:subject)"
    out = Git(Path.cwd(), {}).quiet("for-each-ref", "--sort=-committerdate", f"--format={form}", *under).text
    return [Candidate(*line.split("\t", 1)) for line in out.splitlines()]


def _recipes() -> list[Candidate]:
    from tinycode_git.planners.recipes.registry import RECIPES

    return [Candidate(name, recipe.summary) for name, recipe in RECIPES.items()]


def _states() -> list[Candidate]:
    from tinycode_git.plan.record import State

    return [Candidate(state.value) for state in State]


def _modes() -> list[Candidate]:
    from tinycode_git.modes import MEANING

    return [Candidate(mode.word, meaning) for mode, meaning in MEANING.items()]


def _remotes() -> list[Candidate]:
    from tinycode_git.git.process import Git

    return [Candidate(name) for name in Git(Path.cwd(), {}).quiet("remote").text.splitlines()]


def _files() -> list[Candidate]:
    return [Candidate(FILES)]


def _folders() -> list[Candidate]:
    return [Candidate(FOLDERS)]


_SOURCES: dict[str, Callable[[], list[Candidate]]] = {
    "PLAN": _plans,
    "REF": _branches,
    "REMOTE": _remotes,
    "RECIPE": _recipes,
    "STATE": _states,
    "MODE": _modes,
    "VERB": _verbs,
    "WHAT": _files,
    "TASK": _files,  # a recipe's arguments end in paths
    "FILE": _files,
    "PATH": _files,
    "DIR": _folders,
}
