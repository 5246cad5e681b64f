"""A conversation with one model (``dialogue.Talk``): prompts are filled, sizes kept, calls recorded in the audit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar

from tinycode_git.dialogue import Answer, Call, Message, Parameters, Question, Schema, Shown
from tinycode_git.errors import Refused, TinyError
from tinycode_git.ledger import Operation
from tinycode_git.llm.backend import Backend
from tinycode_git.llm.prompting import load
from tinycode_git.llm.remember import Remembered
from tinycode_git.llm.together import Turns
from tinycode_git.llm.tokens import estimate, size_for

USUAL_CONTEXT = 8192
# Repetitions are drawn a little: the same question would get the same answer.
_AGAIN_TEMPERATURE = 0.4
# Roles and their signs, and the fences and titles of what is put in.
_AROUND = 120

Noted = Callable[[Operation], object]
T = TypeVar("T")


@dataclass(slots=True)
class Session:
    """See ``dialogue.Talk``. ``note`` writes to the audit; ``seed`` is where seeds start.

    ``width`` is how many questions the backend answers at once; ``turns`` is there while several are asked.
    """

    backend: Backend
    context: int
    note: Noted
    seed: int = 0
    temperature: float = 0.0
    remembered: Remembered | None = None
    calls: list[Call] = field(default_factory=list)
    width: int = 1
    turns: Turns | None = None

    @classmethod
    def begin(cls, backend: Backend, note: Noted, *, context: int = 0, **more: Any) -> Session:
        """A session whose context is a fixed size: ``context`` where given, at most what the model offers."""
        size = size_for(context or USUAL_CONTEXT, backend.card().context)
        return cls(backend, size, note, **more)

    @property
    def model(self) -> str:
        """Name and beginning of the digest."""
        card = self.backend.card()
        # A model file names itself, and the name becomes a trailer: one line, and not a long one.
        name = "".join(char for char in card.name if char.isprintable())[:80].strip() or self.backend.kind
        return f"{name}@{card.digest[:12]}" if card.digest else name

    @property
    def room(self) -> int:
        """Tokens of question and answer together."""
        return self.context

    def count(self, text: str) -> int:
        """See ``Talk.count``."""
        counted = self.backend.count(text)
        return estimate(text) if counted is None else counted

    def frame(self, prompt: str) -> int:
        """See ``Talk.frame``."""
        source = load(prompt)
        return self.count(source.system) + self.count(source.user) + _AROUND

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
        """See ``Talk.ask``."""
        source = load(prompt)
        turns = source.filled(parts, earlier)
        drawn = max(self.temperature, _AGAIN_TEMPERATURE) if again else self.temperature
        parameters = Parameters(self.context, most, drawn, self.seed + again)
        self._check_size(turns, most)
        question = Question(turns, parameters, schema)
        key = question_key(self.backend.card().digest or self.backend.card().name, question)
        answer = self.remembered.get(key) if self.remembered else None
        if answer is None:
            answer = self._asked(question, shown, source.name, source.version, key)
            if self.remembered:
                self.remembered.put(key, answer)
        else:
            self._record(source.name, source.version, key, question, answer, "remembered")
        self.calls.append(
            Call(
                prompt=source.name,
                version=source.version,
                question=key,
                answer=sha256(answer.text.encode("utf-8", "surrogatepass")).hexdigest(),
                seed=parameters.seed,
                most=most,
                read=answer.read,
                wrote=answer.wrote,
                remembered=answer.remembered,
            )
        )
        return answer

    def fill(self, before: str, after: str, *, most: int) -> Answer | None:
        """What belongs between two texts; None where the model was not made for it. Raises Incomplete."""
        question = Question(
            (Message("before", before), Message("after", after)),
            Parameters(self.context, most, self.temperature, self.seed),
        )
        answer = self.backend.fill(before, after, question)
        if answer is not None:
            key = question_key(self.backend.card().digest or self.backend.card().name, question)
            self._record("fill", 1, key, question, answer, "done")
        return answer

    def together(self, jobs: Sequence[Callable[[Session], T]]) -> list[T]:
        """See ``Talk.together``. Each job has a session of its own, so that seeds and records are its own too."""
        turns = self.turns or (Turns(self.width) if self.width > 1 and len(jobs) > 1 else None)
        own = [replace(self, calls=[], turns=turns) for _ in jobs]
        try:
            if turns is None or len(jobs) == 1:
                return [job(session) for job, session in zip(jobs, own, strict=True)]
            bound = [partial(job, session) for job, session in zip(jobs, own, strict=True)]
            return turns.run(bound, inside=self.turns is not None)
        finally:
            self.calls += [call for session in own for call in session.calls]

    def _check_size(self, turns: Sequence[Message], most: int) -> None:
        # A fixed part of the estimate covers what the model's template adds around each turn.
        needed = sum(self.count(one.content) + 8 for one in turns)
        if needed + most > self.context:
            raise Refused(
                f"the question needs {needed} tokens and {most} for its answer, and the model has {self.context}",
                "name fewer or smaller files, or raise tiny.modelContext where the model and the memory allow it",
            )

    def _asked(self, question: Question, shown: Shown | None, name: str, version: int, key: str) -> Answer:
        try:
            if self.turns is None:
                answer = self.backend.chat(question, shown)
            else:
                answer = self.turns.ask(partial(self.backend.chat, question), shown)
        except TinyError as error:
            self._record(name, version, key, question, None, "failed", error.message)
            raise
        except KeyboardInterrupt:
            self._record(name, version, key, question, None, "interrupted")
            raise
        self._record(name, version, key, question, answer, "done")
        return answer

    def _record(
        self, name: str, version: int, key: str, question: Question, answer: Answer | None, outcome: str, why: str = ""
    ) -> None:
        given = question.parameters
        details: dict[str, Any] = {
            "outcome": outcome,
            "model": self.backend.card().name,
            "digest": self.backend.card().digest,
            "backend": self.backend.kind,
            "prompt": f"{name}/{version}",
            "question": key,
            "context": given.context,
            "most": given.most,
            "temperature": f"{given.temperature:.2f}",
            "seed": given.seed,
            "form": question.schema is not None,
        }
        if answer is not None:
            details |= {"read": answer.read, "wrote": answer.wrote, "cut": answer.cut}
        if why:
            details["reason"] = why
        self.note(Operation("model", details=details))


def question_key(model: str, question: Question) -> str:
    """What identifies a question: model digest, turns, form and parameters."""
    given = question.parameters
    whole = [
        model,
        [[one.role, one.content] for one in question.messages],
        question.schema,
        [given.context, given.most, given.temperature, given.seed],
    ]
    return sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
