"""Objects by name, from ``git cat-file``: what is missing, damaged or very large is said, not hidden."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import IO, TYPE_CHECKING

from tinycode_git.errors import Incomplete
from tinycode_git.git.process import Git, Pipe
from tinycode_git.rows import NamedTuple

if TYPE_CHECKING:
    from types import TracebackType

WHOLE = 64 << 20
DIED = "damaged: git cannot read it"
GONE = "missing: the object is not in this repository"
_CHUNK = 16 << 20
_AT_ONCE = 400
_PIPE = 1 << 20
_DEATHS = 50


class Loaded(NamedTuple):
    """An object: its type and content. ``content`` is None where it cannot be had; ``problem`` says why."""

    name: str
    type: str
    content: bytes | None
    problem: str = ""
    oid: str = ""


class Large(NamedTuple):
    """An object that is not read at once: ``chunks`` gives (offset, bytes), each overlapping the one before it.

    The chunks have to be read before the next object is asked for; what is left of them is skipped.
    """

    name: str
    type: str
    size: int
    chunks: Iterator[tuple[int, bytes]]


class Reader:
    """A ``git cat-file`` that answers until the block ends. Git dies on a damaged object: then it is started again."""

    def __init__(self, git: Git, overlap: int = 1 << 16) -> None:
        self.git = git
        self.overlap = overlap
        self.deaths = 0
        self._held: AbstractContextManager[Pipe] | None = None
        self._pipe: Pipe | None = None

    def __enter__(self) -> Reader:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _start(self) -> Pipe:
        if self._pipe is None:
            self._held = self.git.pipe("cat-file", "--batch-command", "--buffer")
            self._pipe = self._held.__enter__()
            _widen(self._pipe.stdout)
        return self._pipe

    def _stop(self) -> None:
        if self._held is not None:
            self._held.__exit__(None, None, None)
        self._held = self._pipe = None

    def read(self, names: Sequence[str]) -> Iterator[Loaded | Large]:
        """The objects called ``names`` (oids, or any revision without line feeds), in that order."""
        at = asked = 0
        while at < len(names):
            pipe = self._start()
            # Asked well before it is read, so that git works while we do. All questions that it has not answered fit
            # a pipe's buffer, so that git never waits for us while we wait for it.
            if asked < len(names) and asked - at <= _AT_ONCE // 2:
                _ask(pipe, names[asked : asked + _AT_ONCE])
                asked += _AT_ONCE
            found = _answer(pipe.stdout, names[at], self.overlap)
            at += 1
            yield found
            if isinstance(found, Large):
                for _ in found.chunks:
                    pass
            elif found.problem == DIED:
                self._died()
                asked = at

    def _died(self) -> None:
        self._stop()
        self.deaths += 1
        if self.deaths > _DEATHS:
            raise Incomplete("git cannot read this repository's objects", "git fsck says what is damaged")


def read(source: Git | Reader, names: Sequence[str]) -> Iterator[Loaded | Large]:
    """The objects called ``names``, from a reader, or from one of their own."""
    if isinstance(source, Reader):
        yield from source.read(names)
    elif names:
        with Reader(source) as reader:
            yield from reader.read(names)


def _widen(stream: IO[bytes]) -> None:
    """Let a pipe hold more, where the system can (fcntl(2), F_SETPIPE_SZ): git need not stop for us so often."""
    import fcntl

    try:
        fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
    except (AttributeError, OSError):
        pass


def _ask(pipe: Pipe, names: Sequence[str]) -> None:
    questions = "".join(f"contents {name}\n" for name in names) + "flush\n"
    try:
        pipe.stdin.write(questions.encode("utf-8", "surrogateescape"))
        pipe.stdin.flush()
    except BrokenPipeError:
        pass  # git died: the answers that are missing show it


def _answer(stream: IO[bytes], name: str, overlap: int) -> Loaded | Large:
    header = stream.readline()
    if not header.endswith(b"\n"):
        return Loaded(name, "", None, DIED)
    words = header.split()
    if len(words) < 3 or words[-1] in (b"missing", b"ambiguous") or not words[-1].isdigit():
        return Loaded(name, "", None, GONE)
    oid, kind, size = words[0].decode("ascii"), words[1].decode("ascii"), int(words[2])
    if size > WHOLE:
        return Large(name, kind, size, in_chunks(stream, size, overlap))
    content = stream.read(size + 1)
    if len(content) != size + 1:
        return Loaded(name, kind, None, DIED)
    return Loaded(name, kind, content[:-1], oid=oid)


def in_chunks(stream: IO[bytes], size: int, overlap: int = 1 << 16) -> Iterator[tuple[int, bytes]]:
    """``size`` bytes of a stream and the one that ends an object, in pieces that overlap, each with its offset."""
    at, kept = 0, b""
    while at < size:
        part = stream.read(min(_CHUNK, size - at))
        if not part:
            return
        yield at - len(kept), kept + part
        at += len(part)
        kept = part[-overlap:]
    stream.read(1)
