"""``git tiny complete``: what belongs at a place in a file, by a model; for editors."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.errors import Incomplete, UsageError

app = new_app()
_PLACE = re.compile(r"(.+):(\d+):(\d+)\Z", re.S)
_LARGEST = 2 * 1024 * 1024


@app.command()
def complete(
    place: Annotated[str, typer.Argument(metavar="PATH:LINE:COL", help="Line and column from 1, as editors count.")],
    stdin: Annotated[bool, typer.Option("--stdin", help="The file's text comes on standard input, unsaved.")] = False,
    most: Annotated[int, typer.Option("--max-tokens", metavar="N", min=1, max=2000, help="The longest answer.")] = 128,
    model: Annotated[str, typer.Option("--model", metavar="MODEL", help="Another model than tiny.model.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print what a model would write at a place in a file. Nothing is changed.

    A model that was made for it fills in the middle; another one is asked in words.

    Examples:

    \b
      git tiny complete src/net.py:40:17
      git tiny complete src/net.py:40:17 --stdin < buffer

    Exit codes:

    \b
      0  done (also where nothing belongs there)
      2  no such place
      4  no model is set up, or the file cannot be read
    """
    match = _PLACE.match(place)
    if match is None:
        raise UsageError(f"{place!r} is no place", "write it as PATH:LINE:COL, counted from 1")
    from tinycode_git.commands.completing_code import complete_at
    from tinycode_git.commands.opening import reading
    from tinycode_git.commands.talking import reading_ledger, talking

    repo = reading()
    text = _text(match[1], stdin)
    with talking(repo, reading_ledger(repo), "complete", model) as talk:
        found = complete_at(talk, match[1], text, int(match[2]), int(match[3]), most)
    if json:
        from tinycode_git.render import jsonout

        jsonout.write(found)
    else:
        from tinycode_git.render.escape import visible_block

        # To an editor exactly what belongs there; a person's prompt begins on a line of its own.
        sys.stdout.write(visible_block(found.text) + ("\n" if sys.stdout.isatty() else ""))


def _text(path: str, stdin: bool) -> str:
    try:
        if stdin:
            data = sys.stdin.buffer.read(_LARGEST)
        else:
            with Path(path).open("rb") as stream:
                data = stream.read(_LARGEST)
    except OSError as failed:
        raise Incomplete(
            f"{path} cannot be read: {failed.strerror}", "--stdin takes its text from elsewhere"
        ) from failed
    return data.decode("utf-8", "replace")
