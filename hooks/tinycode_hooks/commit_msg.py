"""commit-msg: the message, before it is a commit's."""

from __future__ import annotations

from tinycode_git.errors import Incomplete, UsageError
from tinycode_git.safety.flow import session
from tinycode_git.safety.scan import scan_message
from tinycode_hooks.answer import answer
from tinycode_hooks.repository import repository

_SCISSORS = b" ------------------------ >8 ------------------------\n"


def run(args: list[str]) -> int:
    """Look at the message in the file that git names."""
    if len(args) != 1:
        raise UsageError("usage: git-tiny-hook commit-msg FILE")
    try:
        with open(args[0], "rb") as stream:
            message = written(stream.read())
    except OSError as failed:
        raise Incomplete(f"the message cannot be read: {failed.strerror}") from failed
    git = repository()
    outcome = session(git).run(lambda scanner: scan_message(scanner.engine, message))
    return answer(git, "commit-msg", outcome)


def written(message: bytes) -> bytes:
    """The message without what ``git commit -v`` shows below its scissors (git-commit(1), ``--cleanup``)."""
    at = message.find(_SCISSORS)
    if at < 0:
        return message
    return message[: message.rfind(b"\n", 0, at) + 1]
