"""Trailers of commit messages (git interpret-trailers): the last paragraph, ``Key: value`` a line."""

from __future__ import annotations

import re
from collections.abc import Sequence

_TRAILER = re.compile(r"^[A-Za-z0-9][A-Za-z0-9-]*:\s?\S")
OURS = ("Plan-Id", "Plan-Step", "Plan-Risk", "Assisted-by", "Plan-Tip", "Approved-by", "Tiny-Audit")


def with_trailers(message: str, trailers: Sequence[tuple[str, str]]) -> str:
    """The message with trailers at its end, joined to the block that is there; ends in a newline."""
    text = message.strip("\n")
    if not trailers:
        return text + "\n"
    block = "\n".join(f"{key}: {one_line(value)}" for key, value in trailers)
    return f"{text}{_joint(text)}{block}\n"


def _joint(text: str) -> str:
    paragraphs = re.split(r"\n[ \t]*\n", text)
    last = paragraphs[-1].split("\n")
    is_block = len(paragraphs) > 1 and all(_TRAILER.match(row) or row[:1] in " \t" for row in last)
    return "\n" if is_block and _TRAILER.match(last[0]) else "\n\n"


def one_line(value: str) -> str:
    """A value that cannot start a trailer of its own: control characters and line ends become spaces."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f\u0085\u2028\u2029]", " ", value).split())


def trailers(message: str) -> list[tuple[str, str]]:
    """The trailers of a message, in order."""
    paragraphs = re.split(r"\n[ \t]*\n", message.strip("\n"))
    if len(paragraphs) < 2:
        return []
    rows: list[tuple[str, str]] = []
    for row in paragraphs[-1].split("\n"):
        if row[:1] in " \t" and rows:
            rows[-1] = (rows[-1][0], f"{rows[-1][1]} {row.strip()}")
        elif _TRAILER.match(row):
            key, _, value = row.partition(":")
            rows.append((key, value.strip()))
        else:
            return []
    return rows


def without_ours(message: str) -> str:
    """The message without git tiny's own trailers, so that a step made from a step does not carry them twice."""
    text = message.strip("\n")
    if not trailers(text):
        return text + "\n"
    head, _, block = text.rpartition("\n\n")
    kept = [row for row in block.split("\n") if row.partition(":")[0] not in OURS]
    return "\n\n".join(part for part in (head, "\n".join(kept)) if part) + "\n"
