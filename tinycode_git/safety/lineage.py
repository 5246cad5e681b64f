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
    """Raw changes (fields of ``--raw -z``), the blobs new in them (oid to the oid it came from), links, new paths.

    ``others``: further paths that a blob is at; ``again``: blobs that came from another version elsewhere.
    """

    fields: list[bytes]
    blobs: dict[bytes, bytes]
    by_path: dict[bytes, list[bytes]]
    links: dict[bytes, bytes]
    paths: dict[bytes, tuple[int, str]]
    others: dict[bytes, set[bytes]]
    again: set[bytes]


def parts(git: Git, commits: Sequence[str], most: int = PART) -> Iterator[Part]:
    """The changes of ``commits`` (oldest first), some ``most`` blobs at a time."""
    seen: dict[bytes, bytes] = {}
    known: set[bytes] = set()
    asked = "".join(f"{commit}\n" for commit in commits).encode()
    with git.without_index().fed("diff-tree", "--stdin", "-c", "--root", *surface.RAW, stdin=asked) as out:
        part = Part([], {}, {}, {}, {}, {}, set())
        commit = ""
        for fields in _fields(out):
            commit = _add(part, fields, seen, known, commit)
            if len(part.blobs) >= most:
                yield part
                part = Part([commit.encode("ascii")], {}, {}, {}, {}, {}, set())
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
        if blobs.get(new, old) != old:
            part.again.add(new)
        if mode == b"000000" or seen.get(new) == path or int(mode, 8) == SUBMODULE:
            continue
        if new in blobs:
            part.others.setdefault(new, set()).add(path)
            continue
        seen.setdefault(new, path)
        if int(mode, 8) == LINK:
            part.links[new] = path
            continue
        blobs[new] = old
        by_path.setdefault(path, []).append(new)
    return commit


class Version(NamedTuple):
    """A blob, the one that it came from (empty: none, or not close before it), the paths that it is at, and whether it
    came from that one everywhere.
    """

    oid: str
    base: str
    paths: tuple[str, ...]
    once: bool


def in_order(part: Part) -> list[Version]:
    """The blobs of a part, path by path, each as close behind the one that it came from as can be."""
    out: list[Version] = []
    for path, names in part.by_path.items():
        usual = (path.decode("utf-8", "surrogateescape"),)
        here = set(names)
        after: dict[bytes, list[bytes]] = {}
        roots = []
        for name in names:
            base = part.blobs[name]
            if base in here and base != name:
                after.setdefault(base, []).append(name)
            else:
                roots.append(name)
        left = roots[::-1]
        while left:
            name = left.pop()
            once = name not in part.again and name not in part.others
            before = part.blobs[name].decode("ascii") if once else ""
            out.append(Version(name.decode("ascii"), before, _paths(part, name, usual), once))
            left.extend(reversed(after.pop(name, [])))
        # A path that went A, B, A, B ... leaves a ring without a root: its members are looked at whole.
        left = [name for names in after.values() for name in names]
        out += [Version(name.decode("ascii"), "", _paths(part, name, usual), False) for name in left]
    return out


def _paths(part: Part, name: bytes, usual: tuple[str, ...]) -> tuple[str, ...]:
    more = part.others.get(name)
    return usual if more is None else (*usual, *(path.decode("utf-8", "surrogateescape") for path in more))
