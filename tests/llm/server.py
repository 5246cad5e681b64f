"""A model server that speaks Ollama's and OpenAI's protocols over real HTTP and answers from a script.

What it is asked is kept. Where several ask at once, ``choose`` says by the question what each is told. An answer may be
slow, cut, an error, a truncation, a connection that ends.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from typing import Any

TEMPLATE = "{{ range .Messages }}<|{{ .Role }}|>{{ .Content }}{{ end }}"
DIGEST = "a1b2c3d4e5f60718" * 4


@dataclass(frozen=True, slots=True)
class Say:
    """One answer. ``gone``: the connection ends after so many pieces; ``read`` what the server says it read;
    ``endless`` is sent again and again, until who asked goes away."""

    text: str = ""
    thinking: str = ""
    calls: tuple[dict[str, Any], ...] = ()
    status: int = 200
    error: str = ""
    wait: float = 0.0
    pause: float = 0.0
    reason: str = "stop"
    read: int | None = None
    gone: int | None = None
    raw: bytes | None = None
    endless: bytes | None = None
    middle_error: str = ""


@dataclass
class Script:
    """What a server knows and says, and what it was asked: (path, body) in order."""

    port: int = 0
    version: str = "0.12.3"
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: deque[Say] = field(default_factory=deque)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    fallback: Say | None = None
    redirect: str = ""
    props: dict[str, Any] = field(default_factory=dict)
    owner: str = ""
    slow: float = 0.0
    keys: list[str] = field(default_factory=list)
    all: bytes = b""
    choose: Callable[[Any], Say | None] | None = None
    meet: threading.Barrier | None = None
    busy: int = 0
    most: int = 0

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def say(self, *answers: str | Say) -> None:
        """Answer these next, in order."""
        self.answers += [Say(one) if isinstance(one, str) else one for one in answers]

    def chats(self) -> list[dict[str, Any]]:
        """The bodies of the conversations asked for."""
        return [body for path, body in self.asked if path in ("/api/chat", "/v1/chat/completions")]

    def questions(self) -> list[str]:
        """The last turn of each conversation."""
        return [str(body["messages"][-1]["content"]) for body in self.chats()]

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count who is answered at once; where they are to ``meet``, nobody is before all of them have come."""
        self.busy += 1
        self.most = max(self.most, self.busy)
        try:
            if self.meet is not None:
                self.meet.wait(timeout=30)
            yield
        finally:
            self.busy -= 1

    def add(self, name: str, **more: Any) -> None:
        """Another model: what ``/api/show`` says of it, over the usual."""
        self.models[name] = {"size": 4_000_000, "digest": DIGEST, "context": 32768, **more}


def tokens(text: str) -> int:
    """As many as a tokenizer would count, roughly."""
    return max(1, len(text) // 4, len(text.split()))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Script

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._route(None)

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        self._route(json.loads(self.rfile.read(size) or b"null"))

    def _route(self, body: Any) -> None:
        script = self.script
        script.asked.append((self.path, body))
        script.keys.append(self.headers.get("Authorization") or "")
        time.sleep(script.slow)
        if script.all:
            self._sent(script.all)
            return
        if script.redirect:
            self.send_response(302)
            self.send_header("Location", script.redirect + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        routes: dict[str, Callable[[], None]] = {
            "/api/version": lambda: self._json({"version": script.version}),
            "/api/tags": self._tags,
            "/api/show": lambda: self._show(body),
            "/api/chat": lambda: self._chat(body),
            "/api/generate": lambda: self._generate(body),
            "/api/pull": lambda: self._pull(body),
            "/v1/models": lambda: self._json(
                {"data": [{"id": name, "owned_by": script.owner} for name in script.models]}
            ),
            "/v1/chat/completions": lambda: self._openai(body),
        }
        if script.props:
            routes["/props"] = lambda: self._json(script.props)
            routes["/infill"] = lambda: self._infill(body)
        handler = routes.get(self.path)
        if handler is None:
            self._json({"error": "404 page not found"}, 404)
        else:
            handler()

    def _json(self, value: Any, status: int = 200) -> None:
        self._sent(json.dumps(value).encode(), status)

    def _sent(self, data: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _tags(self) -> None:
        rows = [
            {
                "name": name if ":" in name else f"{name}:latest",
                "digest": model["digest"],
                "size": model["size"],
                "details": {"parameter_size": "7.6B", "quantization_level": "Q4_K_M"},
                **({"remote_host": model["remote_host"]} if "remote_host" in model else {}),
            }
            for name, model in self.script.models.items()
        ]
        self._json({"models": rows})

    def _show(self, body: Any) -> None:
        model = self._known(body)
        if model is None:
            return
        found = {
            "template": model.get("template", TEMPLATE),
            "details": {"family": "qwen2", "parameter_size": "7.6B", "quantization_level": "Q4_K_M"},
            "model_info": {"general.architecture": "qwen2", "qwen2.context_length": model["context"]},
            "capabilities": model.get("capabilities", ["completion"]),
        }
        if "remote_host" in model:
            found["remote_host"] = model["remote_host"]
        if model.get("capabilities", True) is None:
            del found["capabilities"]
        self._json(found)

    def _known(self, body: Any) -> dict[str, Any] | None:
        name = str(body["model"])
        model = self.script.models.get(name) or self.script.models.get(name.removesuffix(":latest"))
        if model is None:
            self._json({"error": f"model '{name}' not found"}, 404)
        return model

    def _next(self, body: Any) -> Say:
        chosen = self.script.choose(body) if self.script.choose else None
        if chosen is not None:
            return chosen
        if self.script.answers:
            return self.script.answers.popleft()
        assert self.script.fallback is not None, "the script is at its end"
        return self.script.fallback

    def _chat(self, body: Any) -> None:
        if self._known(body) is not None:
            with self.script.answering():
                self._answered(body)

    def _answered(self, body: Any) -> None:
        said = self._next(body)
        time.sleep(said.wait)
        if said.status != 200:
            self._json({"error": said.error}, said.status)
            return
        if said.raw is not None:
            self._stream([said.raw], said)
            return
        if said.endless is not None:
            self._stream(repeat(said.endless), said)
            return
        asked = "".join(str(one["content"]) for one in body["messages"])
        self._stream(self._parts(body, said, said.read if said.read is not None else tokens(asked)), said)

    def _parts(self, body: Any, said: Say, read: int) -> Iterator[bytes]:
        if said.thinking:
            yield _line(body, {"role": "assistant", "content": "", "thinking": said.thinking})
        for piece in _pieces(said.text):
            yield _line(body, {"role": "assistant", "content": piece})
        if said.calls:
            calls = [{"function": one} for one in said.calls]
            yield _line(body, {"role": "assistant", "content": "", "tool_calls": calls})
        if said.middle_error:
            yield json.dumps({"error": said.middle_error}).encode() + b"\n"
            return
        end = {"done_reason": said.reason, "prompt_eval_count": read, "eval_count": tokens(said.text)}
        yield _line(body, {"role": "assistant", "content": ""}, done=True, more=end)

    def _stream(self, parts: Iterable[bytes], said: Say) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, part in enumerate(parts):
            if number == said.gone:
                self.close_connection = True
                self.connection.close()
                return
            try:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                self.wfile.flush()
            except OSError:  # who asked has gone away
                self.close_connection = True
                return
            time.sleep(said.pause)
        self.wfile.write(b"0\r\n\r\n")

    def _generate(self, body: Any) -> None:
        if self._known(body) is None:
            return
        if not body.get("prompt"):  # which only loads the model
            self._json({"model": body["model"], "response": "", "done": True, "done_reason": "load"})
            return
        said = self._next(body)
        self._json(
            {
                "model": body["model"],
                "response": said.text,
                "done": True,
                "done_reason": said.reason,
                "prompt_eval_count": tokens(str(body.get("prompt", ""))),
                "eval_count": tokens(said.text),
            }
        )

    def _infill(self, body: Any) -> None:
        """As llama-server answers it, where it says of itself that it is one."""
        said = self._next(body)
        time.sleep(said.wait)
        if said.endless is not None:
            self._stream(repeat(said.endless), said)
            return
        stop = "limit" if said.reason == "length" else "eos"
        read = tokens(body["input_prefix"] + body["input_suffix"])
        found = {"content": said.text, "stop_type": stop, "tokens_evaluated": read, "tokens_predicted": 3}
        self._json({"error": {"message": said.error}} if said.error else found, said.status)

    def _pull(self, body: Any) -> None:
        name = str(body["model"])
        if name.startswith("no-such"):
            self._stream([b'{"error":"pull model manifest: file does not exist"}\n'], Say())
            return
        rows: list[dict[str, Any]] = [{"status": "pulling manifest"}]
        rows += [
            {"status": "pulling a1b2", "digest": "sha256:a1b2", "total": 100, "completed": n} for n in (10, 60, 100)
        ]
        rows.append({"status": "success"})
        self.script.add(name)
        self._stream([json.dumps(row).encode() + b"\n" for row in rows], Say())

    def _openai(self, body: Any) -> None:
        with self.script.answering():
            self._completed(body)

    def _completed(self, body: Any) -> None:
        said = self._next(body)
        time.sleep(said.wait)
        if said.status != 200:
            self._json({"error": {"message": said.error, "type": "invalid_request_error"}}, said.status)
            return
        if said.raw is not None:
            self._stream([said.raw], said)
            return
        if said.endless is not None:
            self._stream(repeat(said.endless), said)
            return
        asked = "".join(str(one["content"]) for one in body["messages"])
        self._stream(self._events(body, said, tokens(asked)), said)

    def _events(self, body: Any, said: Say, read: int) -> Iterator[bytes]:
        def event(value: Any) -> bytes:
            return b"data: " + json.dumps(value).encode() + b"\n\n"

        for piece in _pieces(said.text):
            yield event({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
        yield event({"choices": [{"index": 0, "delta": {}, "finish_reason": said.reason}]})
        usage = {"prompt_tokens": said.read if said.read is not None else read, "completion_tokens": tokens(said.text)}
        yield event({"choices": [], "usage": usage})
        yield b"data: [DONE]\n\n"


def _pieces(text: str) -> list[str]:
    return [text[at : at + 12] for at in range(0, len(text), 12)]


def _line(body: Any, message: dict[str, Any], *, done: bool = False, more: Any = None) -> bytes:
    row = {
        "model": body["model"],
        "created_at": "2026-01-01T00:00:00Z",
        "message": message,
        "done": done,
        **(more or {}),
    }
    return json.dumps(row).encode() + b"\n"


@contextmanager
def serving(script: Script | None = None) -> Iterator[Script]:
    """Run a server until the block ends."""
    script = script or Script()
    if not script.models:
        script.add("coder:7b")
    handler = type("Handler", (_Handler,), {"script": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who asked may be gone at any time
    script.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
