"""Objects by name, streamed from ``git cat-file``: what is missing, damaged or very large is said, not hidden."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

from tinycode_git.errors import Incomplete
from tinycode_git.git.process import Git, Pipe

WHOLE = 64 << 20
_CHUNK = 16 << 20
_AT_ONCE = 400
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


def read(git: Git, names: Sequence[str], overlap: int = 1 << 16) -> Iterator[Loaded | Large]:
    """The objects called ``names`` (oids, or any revision without line feeds), in that order."""
    left, deaths = list(names), 0
    while left:
        done = 0
        with git.pipe("cat-file", "--batch-command", "--buffer") as pipe:
            for part in range(0, len(left), _AT_ONCE):
                asked = left[part : part + _AT_ONCE]
                # All questions of a part fit a pipe's buffer, so that git never waits for us while we wait for it.
                _ask(pipe, asked)
                for name in asked:
                    found = _answer(pipe.stdout, name, overlap)
                    done += 1
                    yield found
                    if isinstance(found, Loaded) and found.problem == DIED:
                        break
                    if isinstance(found, Large):
                        for _ in found.chunks:
                            pass
                else:
                    continue
                break
        left, deaths = left[done:], deaths + 1
        if left and deaths > _DEATHS:
            raise Incomplete("git cannot read this repository's objects", "git fsck says what is damaged")


DIED = "damaged: git cannot read it"


def _ask(pipe: Pipe, names: Sequence[str]) -> None:
    try:
        questions = "".join(f"contents {name}\n" for name in names) + "flush\n"
        pipe.stdin.write(questions.encode("utf-8", "surrogateescape"))
        pipe.stdin.flush()
    except BrokenPipeError:
        pass  # git died on an object of the part before: the answers that are missing show it


def _answer(stream: IO[bytes], name: str, overlap: int) -> Loaded | Large:
    header = stream.readline()
    if not header.endswith(b"\n"):
        return Loaded(name, "", None, DIED)
    words = header.split()
    if len(words) < 3 or words[-1] in (b"missing", b"ambiguous") or not words[-1].isdigit():
        return Loaded(name, "", None, "missing: the object is not in this repository")
    oid, kind, size = words[0].decode("ascii"), words[1].decode("ascii"), int(words[2])
    if size > WHOLE:
        return Large(name, kind, size, _chunks(stream, size, overlap))
    content = stream.read(size + 1)
    if len(content) != size + 1:
        return Loaded(name, kind, None, DIED)
    return Loaded(name, kind, content[:-1], oid=oid)


def _chunks(stream: IO[bytes], size: int, overlap: int) -> Iterator[tuple[int, bytes]]:
    at, kept = 0, b""
    while at < size:
        part = stream.read(min(_CHUNK, size - at))
        if not part:
            return
        yield at - len(kept), kept + part
        at += len(part)
        kept = part[-overlap:]
    stream.read(1)
