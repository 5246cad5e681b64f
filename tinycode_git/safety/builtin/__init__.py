"""Checks that no expression can say: functions of one subject that yield spans, found by name.

A module of this package registers its functions with ``@builtin("name")``; ``MODULES`` says which module holds which
names, so that only what a rule needs is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module

from tinycode_git.rows import NamedTuple


class Span(NamedTuple):
    """Half-open range of bytes in the subject's text; ``note`` may add what was seen to the rule's message."""

    start: int
    end: int
    note: str = ""


class Subject(NamedTuple):
    """What a check looks at.

    ``where`` is ``content``, ``path``, ``message``, ``identity`` or ``symlink``; ``text`` is the bytes that it concerns
    (for ``path`` the path itself, for ``symlink`` the target); ``path`` and ``mode`` are those of the file, empty and 0
    for messages.
    """

    where: str
    path: str
    mode: int
    text: bytes


Builtin = Callable[[Subject], Iterable[Span]]

MODULES = {
    "binary-content": "texts",
    "dot-git": "paths",
    "encoded-instructions": "texts",
    "gradle-hosts": "hosts",
    "lock-hosts": "hosts",
    "mixed-script-identifier": "texts",
    "sql-update-without-where": "texts",
    "symlink-target": "paths",
    "workflow-expression": "workflows",
    "workflow-self-hosted": "workflows",
    "workflow-target-checkout": "workflows",
}
_REGISTERED: dict[str, Builtin] = {}


def builtin(name: str) -> Callable[[Builtin], Builtin]:
    """Register a check under the name that rules use."""

    def register(function: Builtin) -> Builtin:
        _REGISTERED[name] = function
        return function

    return register


def find(name: str) -> Builtin:
    """The check called ``name``; its module is imported when it is first asked for. Raises KeyError."""
    if name not in _REGISTERED:
        import_module(f"{__name__}.{MODULES[name]}")
    return _REGISTERED[name]
