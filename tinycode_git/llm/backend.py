"""What every backend offers, and how a model is described."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tinycode_git.dialogue import Answer, Question, Shown


@dataclass(frozen=True, slots=True)
class Card:
    """A model as its server describes it. ``digest`` identifies the weights; ``context`` is what it was trained for.

    ``abilities`` are Ollama's words: completion, insert, thinking, tools. ``size`` is in bytes; 0: not known.
    """

    name: str
    digest: str
    context: int
    size: int = 0
    family: str = ""
    parameters: str = ""
    quantization: str = ""
    template: str = ""
    abilities: frozenset[str] = frozenset(("completion",))
    remote: str = ""


class Backend(Protocol):
    """One model behind one way to reach it."""

    kind: str

    def card(self) -> Card:
        """What the model is. Raises Incomplete where the server or the model is not there."""

    def warm(self, context: int) -> None:
        """Have the model loaded with a context of this size, where that can go on beside other work."""

    def chat(self, question: Question, shown: Shown | None = None) -> Answer:
        """Ask; ``shown`` gets the answer as it comes. Raises Incomplete; Ctrl-C ends the answer at the server too."""

    def parallel(self) -> int:
        """How many questions are answered at once, as far as the backend says; 1 where it does not."""

    def count(self, text: str) -> int | None:
        """Tokens by the model's own tokenizer; None where the backend offers none."""

    def fill(self, before: str, after: str, question: Question) -> Answer | None:
        """What belongs between two texts; None where the model was not made for it."""

    def close(self) -> None:
        """Let go of connections and memory."""
