"""Models of an Ollama server: its native interface, by the package ``ollama`` for everything that generates.

What a model is (``/api/show``, ``/api/tags``, ``/api/version``) is asked over ``llm.wire`` at once, while that package,
which costs a quarter of a second to import, loads beside it.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from tinycode_git.dialogue import Answer, Message, Question, Shown
from tinycode_git.errors import Incomplete, Refused
from tinycode_git.llm import wire
from tinycode_git.llm.backend import Card
from tinycode_git.llm.hosts import Host, is_loopback
from tinycode_git.llm.memory import available, gigabytes
from tinycode_git.llm.ollamalist import QUICK, card_of, installed, not_there
from tinycode_git.llm.spoken import without_thinking
from tinycode_git.llm.tokens import was_cut
from tinycode_git.llm.unending import Pieces
from tinycode_git.llm.wire import Gone, Said

if TYPE_CHECKING:
    import ollama

PORT = 11434
# Structured output came with 0.5.0, the parameter ``think`` with 0.9.0 (Ollama's release notes).
_FORMAT_SINCE = (0, 5)
_THINK_SINCE = (0, 9)
_MEMORY = re.compile(r"requires more system memory|out of memory|cudaMalloc failed|unable to allocate|CUDA error", re.I)
# What a model loaded needs beside its weights, roughly: its context and its working space.
_BESIDE_WEIGHTS = 1.2


@dataclass
class Ollama:
    """One model of one server. ``keep_alive`` is how long it stays loaded, ``wait`` the longest silence in seconds."""

    host: Host
    model: str
    keep_alive: str = "10m"
    wait: float = 600.0
    kind: str = "ollama"
    _opened: Any = field(default=None, repr=False)
    _opening: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @cached_property
    def version(self) -> tuple[int, ...]:
        """The server's version as numbers. Raises Incomplete."""
        try:
            text = str(wire.mapping(wire.call(self.host, "GET", "/api/version", timeout=QUICK)).get("version", ""))
        except Gone as gone:
            raise not_there(self.host, gone) from gone
        except Said as other:
            raise Gone(
                f"what answers at {self.host} is not Ollama", "git config tiny.modelHost names the server"
            ) from other
        return tuple(int(part) for part in re.findall(r"\d+", text)[:3])

    @cached_property
    def _card(self) -> Card:
        try:
            found = wire.call(self.host, "POST", "/api/show", {"model": self.model}, timeout=QUICK)
        except Gone as gone:
            raise not_there(self.host, gone) from gone
        except Said as said:
            raise self._unknown(said) from said
        if not isinstance(found, dict):
            raise Gone(f"what answers at {self.host} is not Ollama", "git config tiny.modelHost names the server")
        digest, size = self._digest()
        return card_of(self.model, found, digest, size)

    def card(self) -> Card:
        """See ``Backend.card``."""
        return self._card

    def _digest(self) -> tuple[str, int]:
        wanted = {self.model, f"{self.model}:latest"}
        for one in installed(self.host):
            if one.name in wanted:
                return one.digest, one.size
        return "", 0

    def _unknown(self, said: Said) -> Incomplete:
        if said.status != 404:
            return said
        names = [one.name for one in installed(self.host)]
        near = f"; there are: {', '.join(names[:8])}" if names else ""
        return Incomplete(f"Ollama has no model {self.model}{near}", f"git tiny model pull {self.model}")

    def warm(self, context: int) -> None:
        """See ``Backend.warm``: a request without a prompt loads the model. What goes wrong shows at the question."""
        body = {"model": self.model, "keep_alive": self.keep_alive, "options": {"num_ctx": context}}

        def load() -> None:
            try:
                wire.call(self.host, "POST", "/api/generate", body, timeout=self.wait)
            except Incomplete:
                return

        threading.Thread(target=load, daemon=True).start()
        threading.Thread(target=_preload, daemon=True).start()

    def chat(self, question: Question, shown: Shown | None = None) -> Answer:
        """See ``Backend.chat``."""
        card = self.card()
        if "completion" not in card.abilities:
            raise Refused(f"{self.model} cannot answer: it is a model for embeddings", "git tiny model use another")
        if question.schema is not None and self.version < _FORMAT_SINCE:
            version = ".".join(map(str, self.version))
            raise Incomplete(
                f"Ollama {version} cannot force an answer into a form, which plans need", "install Ollama 0.5 or newer"
            )
        begun = time.monotonic()
        with self._foreign():
            stream = self._client.chat(
                model=self.model,
                messages=[{"role": one.role, "content": one.content} for one in self._turns(question.messages)],
                stream=True,
                format=dict(question.schema) if question.schema is not None else None,
                think=self._think(question),
                options=self._options(question),
                keep_alive=self.keep_alive,
            )
            with closing(cast("Generator[Any]", stream)):  # what ends early ends at the server too
                return self._collected(question, stream, shown, begun)

    def _turns(self, messages: Sequence[Message]) -> Sequence[Message]:
        """A model without a template for turns would lose the system's: it is told everything in one."""
        if ".Messages" in self.card().template or ".System" in self.card().template or not self.card().template:
            return messages
        return (Message("user", "\n\n".join(one.content for one in messages)),)

    def _think(self, question: Question) -> bool | None:
        """Off where that is safe. Together with a form it is left unsaid: ``think: false`` switches the form off."""
        able = "thinking" in self.card().abilities and self.version >= _THINK_SINCE
        return False if able and question.schema is None else None

    def _options(self, question: Question) -> dict[str, Any]:
        given = question.parameters
        return {
            "num_ctx": given.context,
            "num_predict": given.most,
            "temperature": given.temperature,
            "seed": given.seed,
        }

    def _collected(self, question: Question, stream: Iterator[Any], shown: Shown | None, begun: float) -> Answer:
        pieces: list[str] = []
        thought = called = False
        last = None
        endless = Pieces(question.parameters.most)
        for part in self._parts(stream):
            message = part.message
            endless.take(message.content or "")
            thought = thought or bool(message.thinking)
            if message.tool_calls:
                called = True
                pieces.append(_printed(message.tool_calls))
            if message.content:
                pieces.append(message.content)
                if shown is not None:
                    shown(message.content)
            last = part
        if last is None or not last.done:
            raise Gone(
                f"the model server at {self.host} went away in the middle of an answer",
                "ollama serve starts it; its log says why it ended",
            )
        text, remark = without_thinking("".join(pieces))
        remark = remark or ("thinking was taken off" if thought else "") or ("it called a tool" if called else "")
        read, wrote = last.prompt_eval_count or 0, last.eval_count or 0
        asked = "\n".join(one.content for one in question.messages)
        if was_cut(asked, read, 0 if last.done_reason == "length" else wrote, question.parameters.context):
            raise Incomplete(
                f"the server read {read} tokens of the question and left the rest out: its context is too small",
                f"git config tiny.modelContext {question.parameters.context // 2} asks for less at once",
            )
        return Answer(text, last.done_reason == "length", read, wrote, time.monotonic() - begun, remark)

    def _parts(self, stream: Iterator[Any]) -> Iterator[Any]:
        """The pieces of an answer; what has not their form the package stumbles over."""
        try:
            yield from stream
        except (AttributeError, RecursionError) as error:
            raise Gone(f"the model server at {self.host} answered with something that is no answer") from error

    def fill(self, before: str, after: str, question: Question) -> Answer | None:
        """See ``Backend.fill``."""
        # Without a prompt it would only load the model (Ollama's API documentation).
        if "insert" not in self.card().abilities or not before:
            return None
        begun = time.monotonic()
        with self._foreign():
            done = self._client.generate(
                model=self.model,
                prompt=before,
                suffix=after,
                options=self._options(question),
                keep_alive=self.keep_alive,
            )
        return Answer(
            done.response or "",
            done.done_reason == "length",
            done.prompt_eval_count or 0,
            done.eval_count or 0,
            time.monotonic() - begun,
        )

    def parallel(self) -> int:
        """Ollama's interface does not say: what its own variable says here, where the server is on this machine."""
        text = os.environ.get("OLLAMA_NUM_PARALLEL", "")
        return int(text) if text.isascii() and text.isdigit() and is_loopback(self.host.name) else 1

    def count(self, text: str) -> int | None:
        """Ollama offers no tokenizer."""
        return None

    def pull(self) -> Iterator[tuple[str, int, int]]:
        """Have the server fetch the model: what it does, bytes done, bytes in all. Raises Incomplete."""
        with self._foreign():
            for part in self._client.pull(self.model, stream=True):
                yield part.status or "", part.completed or 0, part.total or 0

    def close(self) -> None:
        """Let go of the connection."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    @property
    def _client(self) -> ollama.Client:
        with self._opening:  # several may ask at once
            self._opened = self._opened or self._new_client()
        opened: ollama.Client = self._opened
        return opened

    def _new_client(self) -> ollama.Client:
        import httpx
        import ollama

        from tinycode_git.llm.watched import Watched

        return ollama.Client(
            str(self.host),
            timeout=httpx.Timeout(self.wait, connect=QUICK),
            follow_redirects=False,
            trust_env=False,
            transport=Watched(self.host, self.wait),
        )

    @contextmanager
    def _foreign(self) -> Iterator[None]:
        """Errors of the packages below become ours."""
        import httpx
        import ollama

        try:
            yield
        except ollama.ResponseError as error:
            raise self._said(wire.reason(str(error.error or "")), error.status_code) from error
        except httpx.TimeoutException as error:
            raise Gone(
                f"the model server at {self.host} has said nothing for {self.wait:.0f} s",
                "git config tiny.modelWait SECONDS waits longer",
            ) from error
        except httpx.ConnectError as error:
            raise not_there(self.host, Gone(str(error))) from error
        except (httpx.TransportError, ConnectionError) as error:
            raise Gone(
                f"the model server at {self.host} went away in the middle of an answer",
                "ollama serve starts it; its log says why it ended",
            ) from error
        except (ValueError, TypeError, RecursionError) as error:
            raise Gone(f"the model server at {self.host} answered with something that is no answer") from error

    def _said(self, text: str, status: int) -> Incomplete:
        if _MEMORY.search(text):
            return self._too_large(text)
        if status == 404:
            return self._unknown(Said(text, 404))
        if "does not support" in text:
            return Said(f"{self.model}: {text}", status, "git tiny model test says what this model can do")
        return Said(f"Ollama could not answer: {text or 'no reason given'}", status, "its log says more")

    def _too_large(self, text: str) -> Incomplete:
        free = available()
        fits = [one for one in installed(self.host) if 0 < one.size * _BESIDE_WEIGHTS < free]
        names = ", ".join(one.name for one in sorted(fits, key=lambda one: -one.size)[:3])
        what = f"what would fit: {names}" if names else "none of the installed models would fit"
        return Incomplete(
            f"{self.model} does not fit into memory: {text}",
            f"{gigabytes(free)} are free; {what}; a smaller tiny.modelContext needs less",
        )


def _preload() -> None:
    """Import the package while something else is waited for."""
    import ollama  # noqa: F401


def _printed(calls: Sequence[Any]) -> str:
    """Tool calls that nobody offered, as the text that they would be."""
    import json

    rows = [{"name": one.function.name, "arguments": dict(one.function.arguments)} for one in calls]
    return json.dumps(rows[0] if len(rows) == 1 else rows)
