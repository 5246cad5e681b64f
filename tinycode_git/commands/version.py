"""``git tiny version``."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from tinycode_git import __version__
from tinycode_git.commands.app import new_app
from tinycode_git.errors import TinyError
from tinycode_git.git.process import Git
from tinycode_git.render import jsonout

app = new_app()

_LIBRARIES = ("pygit2", "ast-grep-py", "typer", "ruff", "duckdb")


@dataclass(frozen=True, slots=True)
class Versions:
    """What runs: git tiny, the interpreter, git (empty where there is none), the libraries that are installed."""

    version: str
    python: str
    git: str
    libraries: dict[str, str]


@app.command()
def version(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also what git tiny runs on.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the version of git tiny.

    With --verbose or --json also the versions of Python, git and the libraries that git tiny runs on: what a bug
    report needs.

    Examples:

    \b
      git tiny version
      git tiny version --json

    Exit codes:

    \b
      0  done
    """
    if not verbose and not json:
        print(f"git-tiny {__version__}")
        return
    versions = _versions()
    if json:
        jsonout.write(versions)
        return
    print(f"git-tiny {versions.version}")
    print(f"python {versions.python} ({sys.executable}, {platform.system()} {platform.machine()})")
    print(f"git {versions.git or 'not found'}")
    for name, number in versions.libraries.items():
        print(f"{name} {number}")


def _versions() -> Versions:
    return Versions(__version__, platform.python_version(), _git_version(), _installed())


def _git_version() -> str:
    try:
        return Git(Path.cwd(), {}).quiet("version").text.removeprefix("git version ")
    except TinyError:
        return ""


def _installed() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
