"""``git-tiny``: global options, then a verb, whose module alone is imported."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from tinycode_git import __version__
from tinycode_git.boundary import guarded
from tinycode_git.errors import Exit, UsageError

_COMPLETE = "__complete"
# Loading modules makes many objects and no garbage: at Python's own 700 a tenth of the loading is looking for some.
_ALLOCATIONS = 20_000


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``git-tiny``: ``argv`` without the program's name; the exit code."""
    gc.set_threshold(_ALLOCATIONS)
    args = list(sys.argv[1:] if argv is None else argv)
    options = args[: args.index("--")] if "--" in args else args
    return guarded(lambda: _run(args), json="--json" in options)


def _run(args: list[str]) -> int:
    rest = _global_options(args)
    if not rest:
        sys.stderr.write(_help())
        return Exit.USAGE
    verb, rest = rest[0], rest[1:]
    if verb == "help":
        verb, rest = (rest[0], ["--help"]) if rest else ("--help", [])
    if verb in ("--help", "-h"):
        sys.stdout.write(_help())
        return Exit.DONE
    if verb == "--version" or (verb == "version" and not rest):
        sys.stdout.write(f"git-tiny {__version__}\n")
        return Exit.DONE
    if verb == _COMPLETE:
        from tinycode_git.commands.completing import complete

        return complete(rest)
    return _dispatch(verb, rest)


def _global_options(args: list[str]) -> list[str]:
    """Carry out what stands before the verb; the verb and what follows. ``--help`` and ``--version`` count as verbs."""
    rest = list(args)
    while rest:
        match rest:
            case ["-C", folder, *rest]:
                _change_to(folder)
            case ["-C"]:
                raise UsageError("-C needs a folder", "git tiny -C DIR VERB")
            case ["--no-color", *rest]:
                os.environ["NO_COLOR"] = "1"
                os.environ.pop("CLICOLOR_FORCE", None)
            case [option, *_] if option.startswith("-") and option not in ("--help", "-h", "--version"):
                raise UsageError(f"unknown option before the verb: {option}", "a verb's options follow it")
            case _:
                break
    return rest


def _change_to(folder: str) -> None:
    if not folder:  # as git: an empty -C leaves the folder as it is
        return
    try:
        os.chdir(folder)
    except OSError as failure:
        raise UsageError(f"cannot change to {folder}: {failure.strerror}") from failure


def _help() -> str:
    from tinycode_git.render.helptext import root_help

    return root_help()


def _dispatch(name: str, args: list[str]) -> int:
    """Import the verb's module and run it; typer's own errors become ours here."""
    from tinycode_git.verbs import VERBS, nearest

    if name not in VERBS:
        near = nearest(name)
        hint = f"did you mean: {', '.join(near)}" if near else "git tiny -h lists the verbs"
        raise UsageError(f"git tiny has no verb '{name}'", hint)
    from tinycode_git.commands.app import invoke, load

    return invoke(load(VERBS[name]), f"git tiny {name}", args)


if __name__ == "__main__":
    sys.exit(main())
