"""Short texts of a model: the message of a commit, the completion of a line; taken out of what it said around them."""

from __future__ import annotations

import re

from tinycode_git.planners.model_plan import BadAnswer

_FENCE = re.compile(r"\A.*?^(`{3,}|~{3,})[^\n]*\n(.*?)^\1[ \t]*$", re.S | re.M)
_LABEL = re.compile(r"\A(?:commit message|message|subject|title)\s*:\s*", re.I)
_CHATTER = re.compile(r"(?i)\A(?:sure|certainly|here(?:'s| is)|this commit message|of course)\b[^\n]*:?\n+")
_TRAILER = re.compile(
    r"(?i)^(?:signed-off-by|co-authored-by|approved-by|plan-[a-z]+|tiny-[a-z]+|assisted-by|reviewed-by):"
)
_SUBJECT, _WIDTH = 72, 72


def commit_message(said: str) -> str:
    """The message in an answer: a subject, perhaps a body; trailers that nobody gave are dropped. Raises BadAnswer."""
    text = said.replace("\r\n", "\n").strip()
    if (fence := _FENCE.match(text + "\n")) is not None:
        text = fence[2].strip()
    text = _LABEL.sub("", _CHATTER.sub("", text)).strip().strip('"“”').strip()
    lines = ["".join(char for char in line if char.isprintable()).rstrip() for line in text.split("\n")]
    # A line that begins with # would be a comment to git.
    lines = [line for line in lines if not _TRAILER.match(line) and not line.startswith("#")]
    while lines and not lines[0]:
        lines.pop(0)
    if not lines:
        raise BadAnswer("the answer holds no message")
    subject = lines[0].strip("*` ").rstrip(".")
    if len(subject) > _SUBJECT:
        subject = subject[: _SUBJECT - 3].rsplit(" ", 1)[0] + "..."
    body = "\n".join(_wrapped(line) for line in lines[1:]).strip()
    return f"{subject}\n\n{body}\n" if body else f"{subject}\n"


def _wrapped(line: str) -> str:
    from textwrap import fill

    return fill(line, _WIDTH, break_long_words=False, break_on_hyphens=False) if len(line) > _WIDTH else line


def completion(said: str, before: str, after: str) -> str:
    """The text between ``before`` and ``after``: without a fence, and without what of the two it repeats."""
    text = said.replace("\r\n", "\n")
    if (fence := _FENCE.match(text.strip() + "\n")) is not None:
        text = fence[2].removesuffix("\n")
    last = before.rpartition("\n")[2]
    if last.strip() and text.startswith(last):
        text = text[len(last) :]
    elif last.strip() and text.startswith(last.lstrip()):
        text = text[len(last.lstrip()) :]
    following = next((line for line in after.split("\n") if line.strip()), "")
    if following.strip() and len(following.strip()) > 2:
        at = text.find(following.strip())
        if at >= 0 and (at == 0 or "\n" in text[:at]):
            text = text[:at].rstrip(" \t")
            text = text if after.startswith("\n") is False or not text.endswith("\n") else text[:-1]
    return text.replace("<CURSOR>", "")
