"""What is said to a model and what it answers: the records that planners, commands and model backends exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Shown = Callable[[str], object]
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: ``role`` is ``system``, ``user`` or ``assistant``."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Parameters:
    """How an answer is made. ``most`` bounds its tokens, ``context`` the tokens of question and answer together."""

    context: int
    most: int
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """What a backend is asked: turns, the form that the answer must have (a JSON schema), parameters."""

    messages: tuple[Message, ...]
    parameters: Parameters
    schema: Schema | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said. ``cut``: it ran into the limit of tokens. ``read`` and ``wrote`` are tokens (0: not known).

    ``remark`` says what was found around the answer and taken off: thinking, a tool call printed as text.
    """

    text: str
    cut: bool = False
    read: int = 0
    wrote: int = 0
    seconds: float = 0.0
    remark: str = ""
    remembered: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One question as the record of a plan keeps it: hashes and figures, never the text."""

    prompt: str
    version: int
    question: str
    answer: str
    seed: int
    most: int
    read: int
    wrote: int
    remembered: bool = False


class Talk(Protocol):
    """A conversation with one model, as planners hold it."""

    @property
    def model(self) -> str:
        """The model and its digest, as the ``Assisted-by`` trailer names it."""

    @property
    def room(self) -> int:
        """How many tokens question and answer may have together."""

    @property
    def calls(self) -> Sequence[Call]:
        """What was asked so far."""

    def frame(self, prompt: str) -> int:
        """The tokens of the prompt file ``prompt`` with nothing in it, and of what stands around its parts."""

    def count(self, text: str) -> int:
        """The tokens of ``text``: by the model's own tokenizer where it is at hand, else an upper estimate."""

    def ask(
        self,
        prompt: str,
        parts: Mapping[str, str],
        *,
        most: int,
        schema: Schema | None = None,
        shown: Shown | None = None,
        again: int = 0,
        earlier: Sequence[Message] = (),
    ) -> Answer:
        """Fill the prompt file ``prompt`` with ``parts`` and ask. ``again`` counts repetitions: each has its own seed.

        Raises Incomplete where the model cannot be reached or stops in the middle, Refused where the question does not
        fit.
        """

    def together(self, jobs: Sequence[Callable[[Talk], T]]) -> list[T]:
        """Run jobs whose questions do not depend on each other, each with a conversation of its own.

        As many at once as the backend answers at once. What they return comes in their order; what the first of them
        raised is raised.
        """


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the repository that goes into a question: lines ``first`` to ``last`` of a file, and why."""

    path: str
    why: str
    text: str
    first: int
    last: int
    whole: bool
    tokens: int


@dataclass(frozen=True, slots=True)
class Context:
    """What a model gets to see: ``paths`` in order of weight (at most 200), the map of definitions, pieces of files.

    ``left_out`` says what did not fit.
    """

    paths: tuple[str, ...]
    outline: str
    pieces: tuple[Piece, ...] = ()
    commits: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
