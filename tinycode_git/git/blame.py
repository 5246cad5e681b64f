"""Who wrote which line: ``git blame`` through moves and copies, white space aside, as records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tinycode_git.git.read import ReadRepo
from tinycode_git.proposal import path_bytes, path_str

IGNORED = ".git-blame-ignore-revs"
_OID = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_ESCAPE = re.compile(rb"\\([abtnvfr\"\\]|[0-7]{3})")
_LETTERS = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}


@dataclass(frozen=True, slots=True)
class Blamed:
    """One line: its number now, the commit that wrote it, and where (path and line) it stood in that commit.

    ``boundary`` says that history ends there: the line may be older.
    """

    line: int
    oid: str
    was_path: str
    was_line: int
    text: bytes
    boundary: bool = False


def blame_args(
    commit: str,
    path: str,
    spans: Iterable[tuple[int, int]],
    ignore: Path | None,
    *,
    copies: bool = True,
    since: Sequence[str] = (),
) -> list[str]:
    """The arguments of ``git blame`` for spans of lines (first and last, from 1) of a path.

    ``commit`` is an oid: blame knows no ``--end-of-options``. ``since`` are negative revisions that end the search.
    """
    wanted = [word for first, last in spans for word in ("-L", f"{first},{last}")]
    found = ["-w", "-M", *(["-C"] if copies else []), *wanted]
    ignoring = [f"--ignore-revs-file={ignore}"] if ignore else []
    return ["blame", "--porcelain", *found, *ignoring, commit, *since, "--", path_arg(path)]


def path_arg(path: str) -> str:
    """A path as a process argument: the bytes that git stores, whatever the locale."""
    import os

    return os.fsdecode(path_bytes(path))


def blame(
    repo: ReadRepo,
    commit: str,
    path: str,
    spans: Sequence[tuple[int, int]],
    ignore: Path | None,
    *,
    copies: bool,
    since: Sequence[str] = (),
) -> tuple[Blamed, ...]:
    """The lines of ``spans`` with who wrote them. Raises GitFailed where path or lines are not there."""
    return parse_blame(repo.git.quiet(*blame_args(commit, path, spans, ignore, copies=copies, since=since)).out)


def parse_blame(out: bytes) -> tuple[Blamed, ...]:
    """What ``git blame --porcelain`` printed (git-blame(1), "the porcelain format")."""
    return tuple(_blamed(out))


def _blamed(out: bytes) -> Iterator[Blamed]:
    paths: dict[str, str] = {}
    edges: set[str] = set()
    oid, was, now = "", 0, 0
    expecting = True
    for row in out.split(b"\n"):
        if expecting:
            words = row.split(b" ")
            if len(words) < 3:
                return
            oid, was, now = words[0].decode(), int(words[1]), int(words[2])
            expecting = False
        elif row.startswith(b"filename "):
            paths[oid] = path_str(unquoted(row.removeprefix(b"filename ")))
        elif row == b"boundary":
            edges.add(oid)
        elif row.startswith(b"\t"):
            yield Blamed(now, oid, paths[oid], was, row[1:], oid in edges)
            expecting = True


def unquoted(name: bytes) -> bytes:
    """A path that git quoted (in double quotes, as C does), as it is."""
    if not name.startswith(b'"'):
        return name
    return _ESCAPE.sub(_unescaped, name[1:-1])


def _unescaped(match: re.Match[bytes]) -> bytes:
    word = match[1]
    if len(word) == 3:
        return bytes([int(word, 8) & 0xFF])
    return _LETTERS.get(word, word)


@contextmanager
def ignored_revisions(repo: ReadRepo, commit: str) -> Iterator[Path | None]:
    """A file for ``--ignore-revs-file``: what the tree's own list names; None where it names nothing.

    Lines that are no full oid are left out: git would refuse to blame at all. The files that the user names with
    ``blame.ignoreRevsFile`` git reads by itself.
    """
    text = repo.read_many([f"{commit}:{IGNORED}"])[0] or b""
    rows = (row.split("#")[0].strip() for row in text.decode("utf-8", "replace").splitlines())
    oids = sorted({row for row in rows if _OID.match(row) and len(row) == len(commit)})
    if not oids:
        yield None
        return
    with TemporaryDirectory(prefix="git-tiny-") as folder:
        place = Path(folder) / "ignored"
        place.write_text("\n".join(oids) + "\n")
        yield place
