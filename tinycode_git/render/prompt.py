"""Questions to a person at a terminal; where there is none, nothing is asked and nothing is assumed."""

from __future__ import annotations

import sys
from enum import Enum

from tinycode_git.errors import Refused


class Answer(Enum):
    """What a person may say to a proposal."""

    YES = "yes"
    NO = "no"
    SHOW = "show again"


def at_terminal() -> bool:
    """Whether a person can be asked: they see stderr and type on stdin."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, *, hint: str) -> Answer:
    """Ask yes, no or show again. Raises Refused, with ``hint``, where there is no terminal.

    ``question`` is safe to print already. Only a typed ``y`` or ``yes`` means yes; the end of input means no.
    """
    return _ask(question, "[y]es, [n]o, [s]how again", hint, {"s": Answer.SHOW, "show": Answer.SHOW})


def confirm(question: str, *, hint: str) -> bool:
    """Ask yes or no, as ``ask`` does."""
    return _ask(question, "[y]es, [n]o", hint, {}) is Answer.YES


def _ask(question: str, choices: str, hint: str, more: dict[str, Answer]) -> Answer:
    if not at_terminal():
        raise Refused("this needs an answer from a person, and there is no terminal to ask at", hint)
    answers = {"y": Answer.YES, "yes": Answer.YES, "n": Answer.NO, "no": Answer.NO, **more}
    _forget_typed()
    while True:
        sys.stdout.flush()
        sys.stderr.write(f"{question} ({choices}) ")
        sys.stderr.flush()
        typed = sys.stdin.readline()
        if not typed:
            sys.stderr.write("\n")
            return Answer.NO
        answer = answers.get(typed.strip().lower())
        if answer is not None:
            return answer


def _forget_typed() -> None:
    """Drop what was typed before the question could be seen: a key pressed too often approves nothing."""
    import termios

    try:
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    except termios.error:
        pass
