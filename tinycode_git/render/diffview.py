"""A diff for a person: escaped, coloured by line, through the pager that git would use."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from tinycode_git.render.console import Console, Style
from tinycode_git.render.escape import visible_block

if TYPE_CHECKING:
    from tinycode_git.git.process import Git

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_SHELL = re.compile(r"[|&;<>()$`\\\"'*?\[#~=%]")  # git, run-command.c: what needs a shell
_HEADERS = (
    *("diff ", "index ", "--- ", "+++ ", "old mode ", "new mode ", "new file mode ", "deleted file mode "),
    *("similarity index ", "dissimilarity index ", "rename ", "copy ", "Binary files ", "GIT binary patch"),
)
_BODY = {"+": Style.ADDED, "-": Style.REMOVED, " ": Style.PLAIN, "\\": Style.PLAIN}


def painted(lines: Iterable[str], console: Console) -> Iterator[str]:
    """The lines of a unified diff (with or without line feeds) made visible and coloured, each ended by a line feed.

    A hunk's header says how many lines belong to it: a removed line ``-- x`` is not mistaken for a file's header.
    """
    old = new = 0
    for raw in lines:
        line = visible_block(raw.removesuffix("\n"))
        if old > 0 or new > 0:
            old -= line[:1] in ("-", " ", "")
            new -= line[:1] in ("+", " ", "")
            yield console.paint(line, _BODY.get(line[:1], Style.PLAIN)) + "\n"
            continue
        hunk = _HUNK.match(line)
        if hunk:
            old, new = (int(count) if count is not None else 1 for count in hunk.groups())
            head, rest = line[: hunk.end()], line[hunk.end() :]
            yield console.paint(head, Style.HUNK) + rest + "\n"
        else:
            yield console.paint(line, Style.META if line.startswith(_HEADERS) else Style.PLAIN) + "\n"


def pager_command(environment: Mapping[str, str], core_pager: Callable[[], str | None]) -> str:
    """The pager as git chooses it (git-var(1), GIT_PAGER); empty where there is to be none.

    ``core_pager`` answers with the user's own setting only: a repository's configuration names no program to run.
    """
    chosen = environment.get("GIT_PAGER")
    if chosen is None:
        chosen = core_pager()
    if chosen is None:
        chosen = environment.get("PAGER", "less")
    return "" if chosen in ("", "cat") else chosen


@contextmanager
def paged(console: Console, git: Git) -> Iterator[IO[str]]:
    """A stream to write a result to: the pager's where a person looks on, stdout otherwise.

    A pager that is left early ends the block without an error; where the program is not there, stdout takes its place.
    """
    command = pager_command(os.environ, lambda: _core_pager(git)) if console.terminal else ""
    if not _runs(command):
        yield sys.stdout
        return
    sys.stdout.flush()
    environment = {"LESS": "FRX", "LV": "-c", **os.environ, "GIT_PAGER_IN_USE": "true"}
    child = subprocess.Popen(
        ["/bin/sh", "-c", command],
        stdin=subprocess.PIPE,
        env=environment,
        encoding="utf-8",
        errors="backslashreplace",
    )
    assert child.stdin is not None
    try:
        yield child.stdin
    except BrokenPipeError:
        pass
    finally:
        _wait_for(child, child.stdin)


def _wait_for(child: subprocess.Popen[str], stdin: IO[str]) -> None:
    """Ctrl-C belongs to the pager as long as it runs; the terminal is its own until it ends."""
    kept = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        stdin.close()
    except BrokenPipeError:
        pass
    finally:
        child.wait()
        signal.signal(signal.SIGINT, kept)


def _runs(command: str) -> bool:
    """Whether there is a program to run; a line for the shell (as git tells one) is left to the shell."""
    words = command.split()
    return bool(words) and (bool(_SHELL.search(command)) or shutil.which(words[0]) is not None)


def _core_pager(git: Git) -> str | None:
    from tinycode_git import config

    # Not a quiet call: that one sets core.pager itself. Reading configuration runs nothing.
    found = git.user("config", "-z", "--show-scope", "--get-regexp", r"^core\.pager$", ok=(0, 1))
    return config.parse(found.out).of_user("core.pager")
