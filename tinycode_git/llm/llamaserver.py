"""What llama.cpp's server offers beside OpenAI's interface: its tokenizer, and filling in the middle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinycode_git.dialogue import Answer, Question, Schema, Shown
from tinycode_git.errors import Incomplete
from tinycode_git.llm import wire
from tinycode_git.llm.hosts import Host
from tinycode_git.llm.spoken import without_thinking
from tinycode_git.llm.wire import Said

_QUICK = 10.0


def chat_body(model: str, question: Question) -> dict[str, Any]:
    """The body of a conversation in OpenAI's form, streamed, with the form of the answer as a JSON schema."""
    given = question.parameters
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": one.role, "content": one.content} for one in question.messages],
        "max_tokens": given.most,
        "temperature": given.temperature,
        "seed": given.seed,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if question.schema is not None:
        body["response_format"] = _form(question.schema)
    return body


def _form(schema: Schema) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": dict(schema)}}


class Collected:
    """An answer that comes in pieces, in OpenAI's form."""

    def __init__(self, shown: Shown | None) -> None:
        self._shown = shown
        self._pieces: list[str] = []
        self.ended = ""
        self.read = self.wrote = 0
        self.error = ""

    def take(self, chunk: Any) -> None:
        """One piece. What has not the form of one is passed over."""
        if not isinstance(chunk, Mapping):
            return
        if chunk.get("error"):
            error = chunk["error"]
            self.error = str(error.get("message", error) if isinstance(error, Mapping) else error)
            return
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, Mapping):
                self._take(choice)
        usage = chunk.get("usage")
        if isinstance(usage, Mapping):
            self.read, self.wrote = wire.whole(usage.get("prompt_tokens")), wire.whole(usage.get("completion_tokens"))

    def _take(self, choice: Mapping[str, Any]) -> None:
        delta = choice.get("delta")
        text = delta.get("content") if isinstance(delta, Mapping) else None
        if isinstance(text, str) and text:
            self._pieces.append(text)
            if self._shown is not None:
                self._shown(text)
        self.ended = str(choice.get("finish_reason") or self.ended)

    def answer(self, seconds: float) -> Answer:
        """The whole of it."""
        text, remark = without_thinking("".join(self._pieces))
        return Answer(text, self.ended == "length", self.read, self.wrote, seconds, remark)


def tokenize(host: Host, text: str, headers: Mapping[str, str]) -> int:
    """How many tokens ``text`` has. Raises Incomplete where the server has no such interface."""
    found = wire.call(host, "POST", "/tokenize", {"content": text}, headers=headers, timeout=_QUICK)
    if not isinstance(found, dict) or not isinstance(found.get("tokens"), list):
        raise Incomplete("the server does not count tokens")
    return len(found["tokens"])


def infill(
    host: Host, before: str, after: str, question: Question, headers: Mapping[str, str], timeout: float
) -> Answer | None:
    """What belongs between two texts; None where the model or the server cannot say."""
    given = question.parameters
    body = {
        "input_prefix": before,
        "input_suffix": after,
        "n_predict": given.most,
        "temperature": given.temperature,
        "seed": given.seed,
    }
    try:
        found = wire.call(host, "POST", "/infill", body, headers=headers, timeout=timeout)
    except Said:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("content"), str):
        return None
    cut = bool(found.get("stopped_limit")) or found.get("stop_type") == "limit"
    return Answer(
        found["content"], cut, wire.whole(found.get("tokens_evaluated")), wire.whole(found.get("tokens_predicted"))
    )
