"""Prompts are files: a version, what the model is told once, and what it is asked, with places for parts.

A file begins with ``version: N``; a line ``[system]`` and a line ``[user]`` head its two texts. ``{{name}}`` stands for
a part. Text from the repository is fenced as data by ``fenced``: in a fence that is longer than any in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from tinycode_git.dialogue import Message

_PLACE = re.compile(r"\{\{([a-z_]+)\}\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt file."""

    name: str
    version: int
    system: str
    user: str

    def filled(self, parts: Mapping[str, str], earlier: Sequence[Message] = ()) -> tuple[Message, ...]:
        """The turns with every place filled. A line whose only content is a place without a part goes."""
        user = re.sub(r"\n{3,}", "\n\n", _fill(self.user, parts)).strip() + "\n"
        return (Message("system", _fill(self.system, parts).strip()), *earlier, Message("user", user))


def _fill(text: str, parts: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda match: parts[match[1]], text)


@lru_cache
def load(name: str) -> Prompt:
    """The prompt file ``name``. What is wrong with one is a bug, and fails a test."""
    text = (files("tinycode_git.llm") / "prompts" / f"{name}.md").read_text(encoding="utf-8")
    head, _, rest = text.partition("[system]\n")
    system, _, user = rest.partition("[user]\n")
    return Prompt(name, int(head.removeprefix("version:")), system, user)


def names() -> list[str]:
    """Every prompt file there is."""
    folder = files("tinycode_git.llm") / "prompts"
    return sorted(place.name.removesuffix(".md") for place in folder.iterdir() if place.name.endswith(".md"))
