"""``git tiny completion``: the script that teaches a shell."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app

app = new_app()

_SCRIPTS = Path(__file__).parent.parent / "completions"


class Shell(StrEnum):
    """The shells there is a script for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


_FILES = {Shell.BASH: "git-tiny.bash", Shell.ZSH: "_git-tiny", Shell.FISH: "git-tiny.fish"}


@app.command()
def completion(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print the script with which a shell completes git tiny.

    It completes both "git tiny" and "git-tiny": verbs, options, plan ids, branches and tags, recipes, files. In bash it
    works with git's own completion loaded before it, after it, or not at all.

    Examples:

    \b
      eval "$(git tiny completion bash)"                     in ~/.bashrc
      eval "$(git tiny completion zsh)"                      in ~/.zshrc, after compinit
      git tiny completion zsh > ~/.zfunc/_git-tiny           or in a folder of $fpath
      git tiny completion fish | source                      in config.fish

    Exit codes:

    \b
      0  done
      2  there is no script for that shell
    """
    print((_SCRIPTS / _FILES[shell]).read_text(encoding="utf-8"), end="")
