"""What every verb's module is built with, and how it is loaded and run.

A module exposes ``app = new_app()``. A command returns its exit code (``None`` is 0) or raises a ``TinyError``. Its
docstring is its help: paragraphs are wrapped, one that starts with a line holding only ``\\b`` is kept as it stands;
the sections ``Examples:`` and ``Exit codes:`` come last. Completion follows the metavar (``PLAN``, ``REF``, ``FILE``,
...: see ``completing``), the values of an enum, or what typer's ``autocompletion`` gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, TypeAlias, cast

import typer
from typer.core import TyperCommand, TyperGroup

from tinycode_git.errors import Refused, TinyError, UsageError
from tinycode_git.verbs import Verb

Command: TypeAlias = TyperCommand | TyperGroup

# The base of every refusal of arguments. typer exports no name for it in all the versions that we allow.
_WRONG_USE: type[Exception] = typer.BadParameter.__bases__[0]


class Param(Protocol):
    """What help and completion read of an argument or option; click documents these attributes."""

    opts: list[str]
    secondary_opts: list[str]
    metavar: str | None

    @property
    def name(self) -> str | None:
        """The name of the function's parameter."""

    @property
    def param_type_name(self) -> str:
        """``argument`` or ``option``."""


def new_app(summary: str = "") -> typer.Typer:
    """An empty Typer application with the settings that all verbs share; ``summary`` heads the help of a group."""
    return typer.Typer(
        help=summary or None,
        add_completion=False,
        no_args_is_help=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def load(verb: Verb) -> Command:
    """Import the module of ``verb`` and build its command; its help needs no Rich."""
    app = import_module(verb.module).app
    assert isinstance(app, typer.Typer)
    command = typer.main.get_command(app)
    assert isinstance(command, (TyperCommand, TyperGroup))
    return command


def invoke(command: Command, name: str, args: Sequence[str]) -> int:
    """Parse ``args`` and run ``command``; its exit code. Raises UsageError where typer refuses the arguments."""
    try:
        with command.make_context(name, list(args)) as context:
            result = command.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    except TinyError as refusal:
        from tinycode_git.commands import onrecord

        onrecord.refused(refusal)
        raise
    except typer.Abort as aborted:
        raise Refused("no answer was given", "nothing was changed") from aborted
    except _WRONG_USE as refused:
        raise _usage(refused, name) from refused
    return result if isinstance(result, int) else 0


def _usage(refused: Exception, name: str) -> UsageError:
    """What was wrong with the arguments; where a group misses its command, the commands that there are."""
    words = " ".join(cast("typer.BadParameter", refused).format_message().split()).rstrip(".")
    words = words.removesuffix(" (Possible options: --help)")
    where = _where(refused, name)
    context = getattr(refused, "ctx", None)
    group = context.command if context is not None else None
    if isinstance(group, TyperGroup) and words.startswith(("Missing command", "No such command")):
        return UsageError(words, f"{where} takes one of: {', '.join(group.commands)}; see {where} --help")
    return UsageError(words, f"see {where} --help")


def _where(refused: Exception, name: str) -> str:
    """The command whose arguments were refused: of a group, the command inside."""
    context = getattr(refused, "ctx", None)
    return context.command_path if context is not None else name
