"""prepare-commit-msg: a model's message where the user has written nothing, and nobody else has either.

Installed only where it is asked for by name. It never stops a commit: what goes wrong is said, and the editor opens as
it would without.
"""

from __future__ import annotations

import os
import sys

from tinycode_git.errors import TinyError, UsageError
from tinycode_git.git.process import Git
from tinycode_git.render.escape import visible
from tinycode_hooks.commit_msg import written


def run(args: list[str]) -> int:
    """Put a message in front of what git wrote into the file (githooks(5): FILE, SOURCE, COMMIT)."""
    if not 1 <= len(args) <= 3:
        raise UsageError("usage: git-tiny-hook prepare-commit-msg FILE [SOURCE [COMMIT]]")
    # With a source the message is somebody's: -m, -F, a template, a merge, a squash, an amended commit.
    if len(args) > 1 and args[1]:
        return 0
    try:
        with open(args[0], "rb") as stream:
            there = stream.read()
        if not _is_empty(there) or not _wanted():
            return 0
        message = _message()
        if message:
            with open(args[0], "wb") as stream:
                stream.write(message.encode() + there)
    except (TinyError, OSError) as failed:
        why = failed.message if isinstance(failed, TinyError) else failed.strerror
        sys.stderr.write(f"git tiny: no message was written: {visible(str(why))}\n")
    except KeyboardInterrupt:
        sys.stderr.write("git tiny: no message was written\n")
    return 0


def _is_empty(message: bytes) -> bool:
    """Whether the user has written nothing: only comments and blank lines stand there."""
    comment = _comment()
    return not any(line.strip() and not line.startswith(comment) for line in written(message).split(b"\n"))


def _comment() -> bytes:
    for key in ("core.commentString", "core.commentChar"):
        found = _git().quiet("config", "--get", key, ok=(0, 1)).text
        if found and found != "auto":
            return found.encode("utf-8", "surrogateescape")
    return b"#"


def _git() -> Git:
    from tinycode_hooks.repository import repository

    return repository()


def _wanted() -> bool:
    """Whether a model is set up, and git will open an editor for a person to look at what was written."""
    return bool(_git().quiet("config", "--get", "tiny.model", ok=(0, 1)).text) and os.environ.get("GIT_EDITOR") != ":"


def _message() -> str:
    from pathlib import Path

    from tinycode_git.commands.messaging import message_for_staged
    from tinycode_git.commands.talking import reading_ledger, talking
    from tinycode_git.git.read import ReadRepo

    index = os.environ.get("GIT_INDEX_FILE")
    found = ReadRepo.discover(Path.cwd())
    repo = ReadRepo(found.git.setting(GIT_INDEX_FILE=str(Path(index).absolute())), found.place) if index else found
    sys.stderr.write("git tiny: writing a message from what is staged ...\n")
    with talking(repo, reading_ledger(repo), "the message") as talk:
        return message_for_staged(repo, talk)
