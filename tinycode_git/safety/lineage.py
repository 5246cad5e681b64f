"""The blobs of a history: which version each came from, at which path, told by ``git diff-tree`` as it runs.

Read in pieces, so that memory does not follow the history: a part is a number of commits' changes, with the blobs that
no part before it had, each behind the version that it came from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO

from tinycode_git.git.process import Git
from tinycode_git.rows import NamedTuple
from tinycode_git.safety import surface
from tinycode_git.safety.surface import LINK, SUBMODULE

PART = 150_000
_CHUNK = 1 << 20


class Part(NamedTuple):
    """Raw changes (fields of ``--raw -z``), the blobs new in them, links, new paths.

    ``by_path`` has for each path its blobs, and the oids of the versions that each came from there.
    """

    fields: list[bytes]
    blobs: set[bytes]
    by_path: dict[bytes, dict[bytes, tuple[bytes, ...]]]
    links: dict[bytes, bytes]
    paths: dict[bytes, tuple[int, str]]


def parts(git: Git, commits: Sequence[str], most: int = PART) -> Iterator[Part]:
    """The changes of ``commits`` (oldest first), some ``most`` blobs at a time."""
    seen: dict[bytes, bytes] = {}
    known: set[bytes] = set()
    asked = "".join(f"{commit}\n" for commit in commits).encode()
    with git.without_index().fed("diff-tree", "--stdin", "-c", "--root", *surface.RAW, stdin=asked) as out:
        part = Part([], set(), {}, {}, {})
        commit = ""
        for fields in _fields(out):
            commit = _add(part, fields, seen, known, commit)
            if len(part.blobs) >= most:
                yield part
                part = Part([commit.encode("ascii")], set(), {}, {}, {})
        yield part


def _fields(out: IO[bytes]) -> Iterator[list[bytes]]:
    """NUL-separated fields, cut only where a change or a commit begins."""
    rest = b""
    while chunk := out.read(_CHUNK):
        fields = (rest + chunk).split(b"\0")
        keep = 1
        # A change is two fields, the second a path: what stands behind the last header is not whole yet.
        if len(fields) > 1 and fields[-2][:1] == b":":
            keep = 2
        rest = b"\0".join(fields[-keep:])
        yield fields[:-keep]
    if rest:
        yield [field for field in rest.split(b"\0") if field]


def _add(part: Part, fields: list[bytes], seen: dict[bytes, bytes], known: set[bytes], commit: str) -> str:
    """Take fields into a part; the commit that they end in."""
    part.fields.extend(fields)
    blobs, by_path, at, end = part.blobs, part.by_path, 0, len(fields)
    while at < end:
        field = fields[at]
        if field[:1] != b":":
            commit = field.decode("ascii") or commit
            at += 1
            continue
        path = fields[at + 1]
        at += 2
        words = field.split(b" ")
        parents = len(words[0]) - len(words[0].lstrip(b":"))
        mode, new, old = words[parents], words[2 * parents + 1], words[parents + 1]
        if path not in known:
            known.add(path)
            part.paths[path] = (int(mode, 8), commit)
        if mode == b"000000" or int(mode, 8) == SUBMODULE:
            continue
        if new not in blobs:
            if seen.get(new) == path:
                continue
            seen.setdefault(new, path)
            if int(mode, 8) == LINK:
                part.links[new] = path
                continue
            blobs.add(new)
        here = by_path.setdefault(path, {})
        if old not in here.get(new, ()):
            here[new] = (*here.get(new, ()), old)
    return commit


class Version(NamedTuple):
    """A blob, one of those that it came from (empty: none), and where. One that came from itself was there before."""

    oid: str
    base: str
    paths: tuple[str, ...]


def in_order(part: Part) -> list[Version]:
    """The blobs of a part, path by path, each as close behind what it came from as can be; once for each of those."""
    out: list[Version] = []
    added: dict[bytes, int] = {}
    for path, olds in part.by_path.items():
        place = path.decode("utf-8", "surrogateescape")
        for name, base in _walked(olds):
            if base.strip(b"0"):
                out.append(Version(name.decode("ascii"), base.decode("ascii"), (place,)))
                continue
            first = added.setdefault(name, len(out))
            if first < len(out):  # at one more path: looked at once, for all of them
                out[first] = out[first]._replace(paths=(*out[first].paths, place))
            oid = name.decode("ascii")
            out.append(Version(oid, oid if first < len(out) else "", (place,)))
    return out


def _walked(olds: dict[bytes, tuple[bytes, ...]]) -> Iterator[tuple[bytes, bytes]]:
    """Blobs of a path and what each came from, the one that it came from before it where that is possible."""
    after: dict[bytes, list[bytes]] = {}
    roots: list[tuple[bytes, bytes]] = []
    for name, bases in olds.items():
        for base in bases:
            if base in olds and base != name:
                after.setdefault(base, []).append(name)
            else:
                roots.append((name, base))
    left = roots[::-1]
    while left:
        name, base = left.pop()
        yield name, base
        left.extend((one, name) for one in reversed(after.pop(name, [])))
    # A path that went A, B, A, B ... leaves a ring without a root: its members are looked at whole.
    yield from ((name, b"") for names in after.values() for name in names)
