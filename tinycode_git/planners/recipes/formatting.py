"""``ruff format`` with the project's own settings, as they stand in the tree."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tinycode_git.errors import Refused
from tinycode_git.planners.recipes.arguments import Option, folders, parse, plural, where
from tinycode_git.planners.recipes.ruff import checkout, failure
from tinycode_git.proposal import Proposal, Put, Snapshot, StepDraft

name = "format"
summary = "ruff format on the Python files, with the project's own settings"
usage = "format [PATH..]"
examples = ("format", "format src/ tests/")
sentences = ("format the code", "format src/")
options: tuple[Option, ...] = ()

_UNPARSED = re.compile(r"(?:error|warning): Failed to (?:parse|format|read) ([^\n]+)")


def plan(snapshot: Snapshot, args: Sequence[str], here: str = "") -> Proposal:
    """One step.

    Raises Refused where nothing would change or ruff fails; files that ruff cannot parse are in the notes.
    """
    given = parse(name, usage, options, args, 0)
    under = folders(name, given.words, snapshot, here)
    with checkout(snapshot) as folder:
        ran = folder.run("format", "--no-cache", "--force-exclude", "--", *(under or (".",)))
        notes = list(folder.notes)
        notes += [f"left out: {folder.relative(path)}" for path in _UNPARSED.findall(ran.err)]
        if ran.code not in (0, 1) and not _UNPARSED.search(ran.err):
            raise failure(ran)
        changes = []
        for path, mode in folder.modes.items():
            content = folder.read(path)
            if content != snapshot.read(path):
                changes.append(Put(path, content, mode))
    if not changes:
        raise Refused(f"{where(under)} is formatted already", "; ".join(notes))
    notes += _other_formatter(snapshot)
    title = "Format" + (f" {where(under)}" if under else " the code") + " with ruff"
    body = f"{plural(len(changes), 'file')}, by the settings of the project."
    step = StepDraft(title, tuple(changes), body, assisted_by="recipe format")
    return Proposal(title, name, (step,), tuple(change.path for change in changes), tuple(notes))


def _other_formatter(snapshot: Snapshot) -> list[str]:
    content = snapshot.read("pyproject.toml") or b""
    if b"[tool.black]" in content and b"[tool.ruff" not in content:
        return ["pyproject.toml configures black, whose settings ruff does not read: its own defaults were used"]
    return []
