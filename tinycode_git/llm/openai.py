"""Models behind a server that speaks OpenAI's protocol: llama-server, LM Studio, vLLM and others."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tinycode_git.dialogue import Answer, Question, Shown
from tinycode_git.errors import Incomplete, TinyError
from tinycode_git.llm import wire
from tinycode_git.llm.backend import Card
from tinycode_git.llm.hosts import Host
from tinycode_git.llm.llamaserver import Collected, chat_body, infill, tokenize
from tinycode_git.llm.tokens import was_cut
from tinycode_git.llm.unending import Pieces
from tinycode_git.llm.wire import Gone, Said

_QUICK = 10.0
_BATCHED = 4


@dataclass
class OpenAI:
    """One model of one server; ``key`` is sent where there is one, ``wait`` the longest silence in seconds."""

    host: Host
    model: str
    key: str = ""
    wait: float = 600.0
    kind: str = "openai"
    _counts: bool = True
    _batches: bool = False

    @cached_property
    def _base(self) -> Host:
        return based(self.host)

    @property
    def _headers(self) -> dict[str, str]:
        return bearer(self.key)

    @cached_property
    def _card(self) -> Card:
        rows = _models(self._base, self._headers)
        mine = [row for row in rows if row.get("id") == self.model]
        self._batches = any(row.get("owned_by") == "vllm" for row in mine)
        if not mine:
            names = ", ".join(str(row.get("id")) for row in rows[:8])
            raise Incomplete(f"the server at {self.host} has no model {self.model}; there are: {names or 'none'}")
        meta = wire.mapping(mine[0].get("meta"))
        context = wire.whole(mine[0].get("max_model_len")) or self._room() or wire.whole(meta.get("n_ctx_train"))
        return Card(self.model, "", context, wire.whole(meta.get("size")))

    @cached_property
    def _props(self) -> Mapping[str, Any]:
        """What llama-server says of itself; empty where another program answers."""
        try:
            return wire.mapping(wire.call(self._base, "GET", "/props", headers=self._headers, timeout=_QUICK))
        except TinyError:
            return {}

    def _room(self) -> int:
        """What one conversation may have."""
        return wire.whole(wire.mapping(self._props.get("default_generation_settings")).get("n_ctx"))

    def card(self) -> Card:
        """See ``Backend.card``. Such a server names no digest."""
        return self._card

    def warm(self, context: int) -> None:
        """Nothing can be done beforehand."""

    def chat(self, question: Question, shown: Shown | None = None) -> Answer:
        """See ``Backend.chat``."""
        begun = time.monotonic()
        collected = Collected(shown)
        pieces = Pieces(question.parameters.most)
        body = chat_body(self.model, question)
        finished = False
        with wire.opened(
            self._base, "POST", "/v1/chat/completions", body, headers=self._headers, timeout=self.wait
        ) as response:
            for line in wire.lines(response, self.host, self.wait):
                if not line.startswith(b"data:"):
                    continue
                text = line[5:].strip()
                if text == b"[DONE]":
                    finished = True
                    break
                pieces.take(text.decode("latin-1"))
                collected.take(_json(text, self.host))
        if collected.error:
            raise Said(f"the model server at {self.host} could not answer: {collected.error}", 0)
        if not finished and not collected.ended:
            raise Gone(f"the model server at {self.host} went away in the middle of an answer")
        answer = collected.answer(time.monotonic() - begun)
        asked = "\n".join(one.content for one in question.messages)
        if was_cut(asked, answer.read, 0, question.parameters.context):
            raise Incomplete(
                f"the server read {answer.read} tokens of the question and left the rest out: its context is too small",
                "start it with a larger context, or git config tiny.modelContext N asks for less at once",
            )
        return answer

    def parallel(self) -> int:
        """llama-server's slots; vLLM puts together whatever comes, of which a few are taken."""
        self.card()
        return _BATCHED if self._batches else max(1, wire.whole(self._props.get("total_slots")))

    def count(self, text: str) -> int | None:
        """By llama-server's own tokenizer where it is one."""
        if not self._counts:
            return None
        try:
            return tokenize(self._base, text, self._headers)
        except TinyError:
            self._counts = False
            return None

    def fill(self, before: str, after: str, question: Question) -> Answer | None:
        """See ``Backend.fill``."""
        return infill(self._base, before, after, question, self._headers, self.wait)

    def close(self) -> None:
        """Nothing is kept open."""


def _json(text: bytes, host: Host) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Gone(f"the model server at {host} answered with something that is no answer") from error


def _models(host: Host, headers: dict[str, str], timeout: float = _QUICK) -> list[dict[str, Any]]:
    found = wire.call(host, "GET", "/v1/models", headers=headers, timeout=timeout)
    rows = found.get("data") if isinstance(found, dict) else None
    if not isinstance(rows, list):
        raise Gone(f"what answers at {host} is not an OpenAI-compatible server")
    return [row for row in rows if isinstance(row, dict)]


def offered(host: Host, timeout: float = _QUICK) -> list[str]:
    """The names of a server's models. Raises Incomplete."""
    return [str(row.get("id")) for row in _models(based(host), bearer(key_of_user()), timeout)]


def based(host: Host) -> Host:
    """Where the interface begins: ``/v1`` may stand in the configuration or not."""
    return Host(host.scheme, host.name, host.port, host.path.removesuffix("/v1"))


def key_of_user() -> str:
    """The key that a server may want, from the environment: a secret has no place in a configuration."""
    return os.environ.get("TINY_MODEL_KEY", "")


def bearer(key: str) -> dict[str, str]:
    """The header that carries a key."""
    return {"Authorization": f"Bearer {key}"} if key else {}
