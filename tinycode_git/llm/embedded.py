"""A model file in this process: llama.cpp by the package ``xllamacpp`` (extra ``embedded``), with no server beside.

Conversations go through its chat call, which honours a JSON schema; its plain completion call ignores one without a
word. It also listens on a loopback port, which only who knows the key drawn here can use: tokens are counted there.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from tinycode_git.dialogue import Answer, Question, Shown
from tinycode_git.errors import Incomplete
from tinycode_git.llm.backend import Card
from tinycode_git.llm.blobs import pulled
from tinycode_git.llm.header import Value, read_header
from tinycode_git.llm.hosts import Host, parse
from tinycode_git.llm.llamaserver import Collected, chat_body, infill, tokenize
from tinycode_git.llm.memory import available, gigabytes
from tinycode_git.llm.together import MOST
from tinycode_git.llm.tokens import size_for

_USUAL = 8192
_COUNTED = 4096
_SMALL = 32 * 1024 * 1024


@dataclass
class Embedded:
    """A GGUF file, loaded at the first question with ``context`` for each of ``slots`` conversations."""

    path: Path
    context: int
    header: Mapping[str, Value] = field(repr=False)
    slots: int = 1
    kind: str = "gguf"
    _key: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    _loaded: Any = field(default=None, repr=False)
    _loading: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _counts: dict[str, int] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, path: Path, context: int, slots: int = 1) -> Embedded:
        """The model in a file. Raises Incomplete where there is none, or llama.cpp is not installed."""
        header = read_header(path)
        from importlib.util import find_spec

        if find_spec("xllamacpp") is None:
            raise Incomplete(
                "model files need llama.cpp, which is not installed here",
                "pip install 'tinycode-git[embedded]' brings it; Ollama works without",
            )
        return cls(
            path, size_for(context or _USUAL, _number(header, "context_length")), header, max(1, min(slots, MOST))
        )

    @cached_property
    def _card(self) -> Card:
        size = self.path.stat().st_size
        return Card(
            name=str(self.header.get("general.name") or self.path.stem),
            digest=digest_of(self.path),
            context=_number(self.header, "context_length"),
            size=size,
            family=str(self.header.get("general.architecture") or ""),
            parameters=str(self.header.get("general.size_label") or ""),
            template=str(self.header.get("tokenizer.chat_template") or ""),
        )

    def card(self) -> Card:
        """See ``Backend.card``."""
        return self._card

    @property
    def _server(self) -> Any:
        with self._loading:  # several may ask at once, and there is memory for one
            self._loaded = self._loaded or self._load()
            return self._loaded

    def _load(self) -> Any:
        self._check_memory()
        import xllamacpp

        given = xllamacpp.CommonParams()
        given.model.path = str(self.path)
        given.n_ctx = self.context * self.slots
        given.n_parallel = self.slots
        given.verbosity = -1
        given.warmup = False
        given.api_keys = [self._key]
        given.cpuparams.n_threads = given.cpuparams_batch.n_threads = _threads(self.path.stat().st_size)
        try:
            with _quiet_stderr():
                return xllamacpp.Server(given)
        except RuntimeError as error:
            raise Incomplete(
                f"llama.cpp cannot load {self.path}: {error}", "git tiny model list says which models there are"
            ) from error

    def _check_memory(self) -> None:
        needed, free = self.path.stat().st_size + self._cache_bytes(), available()
        if needed <= free:
            return
        fits = [blob for blob in pulled() if blob.size + self._cache_bytes() < free]
        names = ", ".join(f"gguf:{blob.path} ({blob.name})" for blob in sorted(fits, key=lambda one: -one.size)[:2])
        raise Incomplete(
            f"{self.path.name} needs {gigabytes(needed)} of memory, and {gigabytes(free)} are free",
            f"what would fit: {names}" if names else "a smaller model or tiny.modelContext needs less",
        )

    def _cache_bytes(self) -> int:
        """Keys and values of every conversation's context, at two bytes each (llama.cpp's usual)."""
        layers, width = _number(self.header, "block_count"), _number(self.header, "embedding_length")
        heads = _number(self.header, "attention.head_count") or 1
        shared = _number(self.header, "attention.head_count_kv") or heads
        return 4 * self.context * self.slots * layers * width * shared // heads

    def warm(self, context: int) -> None:
        """Nothing can be done beforehand."""

    def chat(self, question: Question, shown: Shown | None = None) -> Answer:
        """See ``Backend.chat``. Ctrl-C ends the answer and keeps the model."""
        begun = time.monotonic()
        collected = Collected(shown)
        body = chat_body("", question)
        with closing(self._stream(body)) as chunks:
            for chunk in chunks:
                collected.take(chunk)
        if collected.error:
            raise Incomplete(f"llama.cpp could not answer: {collected.error}", "git tiny model test tries it out")
        return collected.answer(time.monotonic() - begun)

    def _stream(self, body: dict[str, Any]) -> Generator[Any]:
        """The pieces of an answer. It is made in a thread: an interrupt in llama.cpp's callback would be swallowed."""
        pieces: SimpleQueue[Any] = SimpleQueue()
        stopped = threading.Event()
        server = self._server

        def piece(chunk: Any) -> bool:
            pieces.put(chunk)
            return stopped.is_set()

        def work() -> None:
            try:
                server.handle_chat_completions(body, piece)
            except (RuntimeError, ValueError) as error:
                pieces.put({"error": str(error)})
            pieces.put(None)

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        try:
            while (chunk := pieces.get()) is not None:
                yield chunk
        finally:
            stopped.set()
            worker.join()

    def parallel(self) -> int:
        """As many as it was loaded for."""
        return self.slots

    def count(self, text: str) -> int | None:
        """By the model's own tokenizer."""
        if text not in self._counts:
            if len(self._counts) > _COUNTED:
                self._counts.clear()
            self._counts[text] = tokenize(self._host, text, self._headers)
        return self._counts[text]

    def fill(self, before: str, after: str, question: Question) -> Answer | None:
        """See ``Backend.fill``."""
        return infill(self._host, before, after, question, self._headers, 600.0)

    @property
    def _host(self) -> Host:
        return parse(self._server.listening_address, 80)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}"}

    def close(self) -> None:
        """Give the memory back."""
        self._loaded = None


def _threads(size: int) -> int:
    """As many as there are processors; one for a small model, whose threads would only wait for each other."""
    if size < _SMALL:
        return 1
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _number(header: Mapping[str, Value], name: str) -> int:
    value = header.get(f"{header.get('general.architecture')}.{name}")
    return int(value) if isinstance(value, int | float) else 0


def digest_of(path: Path) -> str:
    """The SHA-256 of a model file: by its name where Ollama keeps it, else computed once and kept by size and time."""
    if path.name.startswith("sha256-") and len(path.name) == 71:
        return path.name.removeprefix("sha256-")
    import platformdirs

    found = path.stat()
    key = sha256(f"{path.resolve()}\0{found.st_size}\0{found.st_mtime_ns}".encode()).hexdigest()
    kept = Path(platformdirs.user_cache_dir("tinycode-git")) / "models" / key
    try:
        text = kept.read_text(encoding="ascii")
        if len(text) == 64:
            return text
    except (OSError, ValueError):
        pass
    digest = sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(digest.hexdigest(), encoding="ascii")
    except OSError:
        pass
    return digest.hexdigest()


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """llama.cpp writes its log to the process's own stderr; while a model is loaded that goes nowhere."""
    kept = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
