"""Servers that never come to an end: given up by both backends, whatever they send."""

from __future__ import annotations

import pytest

from tests.llm.server import Say, Script
from tests.llm.test_ollama import backend, closed, question
from tests.llm.test_openai import backend as openai_backend
from tinycode_git.errors import Incomplete
from tinycode_git.llm.backend import Backend
from tinycode_git.llm.unending import Endless, Pieces

_ = closed
PIECE = b'{"model": "coder:7b", "message": {"role": "assistant", "content": "%s"}, "done": false}\n'
EVENT = b'data: {"choices": [{"index": 0, "delta": {"content": "%s"}}]}\n\n'
GIVEN_UP = "has said nothing for 0 s"


@pytest.mark.parametrize(
    ("endless", "pause", "match"),
    [
        (PIECE.replace(b"%s", b"again "), 0.0, "beyond the 100 tokens"),
        (PIECE.replace(b"%s", b""), 0.0, "beyond the 100 tokens"),
        (PIECE.replace(b"%s", b"x" * 1_000_000), 0.0, "goes on beyond"),
        (EVENT.replace(b"%s", b"again "), 0.0, "beyond the 100 tokens"),
        (b"x" * 100_000, 0.0, "does not end"),
        (b" ", 0.01, GIVEN_UP),
    ],
)
def test_an_answer_without_end_is_given_up(server: Script, endless: bytes, pause: float, match: str) -> None:
    server.fallback = Say(endless=endless, pause=pause)
    asked: list[Backend] = []
    if not endless.startswith(b"data:"):
        asked.append(backend(server, wait=0.4))
    if not endless.startswith(b"{"):
        asked.append(openai_backend(server, wait=0.4))
    for one in asked:
        with pytest.raises(Incomplete, match=match):
            one.chat(question(most=100))


def test_what_llama_server_fills_in_comes_to_an_end_too(server: Script) -> None:
    server.props = {"total_slots": 1}
    server.fallback = Say(endless=b" ", pause=0.01)
    with pytest.raises(Incomplete, match="has not answered for 0 s"):
        openai_backend(server, wait=0.4).fill("a", "b", question())


def test_pieces_are_as_many_as_tokens() -> None:
    pieces = Pieces(10)
    for _ in range(1040):
        pieces.take("word ")
    with pytest.raises(Endless, match="10 tokens"):
        pieces.take("")
