"""Logs as they are published: checkpoint commits on ``refs/tiny/audit/<log-id>``, read through git."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tinycode_git.audit.entry import Altered
from tinycode_git.audit.note import Checkpoint, Note, parse_checkpoint, parse_note
from tinycode_git.audit.objects import Entries, parse_tree
from tinycode_git.audit.tiles import WIDTH, Edge, hashes_of, path_of, whole_entries, widths
from tinycode_git.errors import Incomplete
from tinycode_git.git.process import Git, Pipe

NAMESPACE = "refs/tiny/audit/"
# A remote's logs may have been fetched to any place whose name ends in the same way.
_REF = re.compile(r"refs/(?:.*/)?tiny/audit/([0-9a-f]{16})\Z")


@dataclass(frozen=True, slots=True)
class Head:
    """A checkpoint commit: where it was found, the note in it, the checkpoint that the note is, and whether the commit
    carries a signature of git's own.
    """

    commit: str
    source: str
    note: Note
    checkpoint: Checkpoint
    signed: bool = False


Places = dict[str, tuple[str, str]]
LISTING = ("for-each-ref", "--format=%(refname)%00%(objectname)", "refs/")


def refs(git: Git) -> Places:
    """Every ref that holds a log: ref to (log id, commit)."""
    return refs_in(git.quiet(*LISTING).text)


def refs_in(listed: str) -> Places:
    """As ``refs``, out of what ``LISTING`` gives."""
    found = {}
    for row in listed.split("\n"):
        ref, _, oid = row.partition("\0")
        match = _REF.match(ref)
        if match:
            found[ref] = (match[1], oid)
    return found


def ref_of(log: str) -> str:
    """The ref that a log is published on."""
    return NAMESPACE + log


_HASHES = {40: "sha1", 64: "sha256"}
# The empty tree, which git has in every repository of that hash whether it is stored or not.
_EMPTY_SHA1_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects by name, each checked against its hash: a store that was written to by hand shows."""

    pipe: Pipe

    def algorithm(self) -> str:
        """The hash of the repository, ``sha1`` or ``sha256``."""
        return "sha256" if self.get(_EMPTY_SHA1_TREE, "tree") is None else "sha1"

    def get(self, name: str, kind: str) -> bytes | None:
        """The content of the object that ``name`` (an oid, or commit:path) names; None where there is none.

        Raises Altered where what is stored is not what its oid says.
        """
        self.pipe.stdin.write(f"{name}\n".encode())
        self.pipe.stdin.flush()
        head = self.pipe.stdout.readline().split()
        if len(head) != 3 or not head[2].isdigit():
            return None
        data = self.pipe.stdout.read(int(head[2]))
        self.pipe.stdout.read(1)
        algorithm = _HASHES[len(head[0])]
        found = hashlib.new(algorithm, b"%b %b\0%b" % (head[1], head[2], data), usedforsecurity=False).hexdigest()
        if found != head[0].decode():
            raise Altered(f"the object {head[0].decode()} is not what its name says")
        return data if head[1].decode() == kind else None

    def need(self, name: str, kind: str = "blob") -> bytes:
        """As ``get``. Raises Incomplete where there is none."""
        data = self.get(name, kind)
        if data is None:
            raise Incomplete(
                f"{name} of the audit log is not in this clone", "fetch refs/tiny/audit/* again, without a filter"
            )
        return data

    def tree(self, oid: str, width: int) -> Entries:
        """The entries of a tree; ``width`` is the length of an oid in bytes."""
        return parse_tree(self.need(oid, "tree"), width)

    def edge(self, commit: str, size: int) -> Edge:
        """The right edge of the tree that ``commit`` publishes."""
        last = {level: (index, width) for level, index, width in widths(size)}
        levels = []
        for level in range(max(last, default=-1) + 1):
            if level in last:
                levels.append(tuple(hashes_of(self.need(f"{commit}:{path_of(level, *last[level])}"))))
            else:
                levels.append(())
        edge = Edge(size, tuple(levels))
        if any(len(levels[level]) != width for level, (_, width) in last.items()):
            raise Altered("a tile of the checkpoint has another width than its name says")
        return edge

    def entries(self, commit: str, size: int, start: int = 0) -> Iterator[bytes]:
        """The entries that ``commit`` publishes, from ``start`` (a multiple of 256) on."""
        for index in range(start // WIDTH, -(-size // WIDTH)):
            width = min(WIDTH, size - index * WIDTH)
            found, rest = whole_entries(self.need(f"{commit}:{path_of('entries', index, width)}"))
            # First what is there: where a bundle holds others than it should, they tell at which entry.
            yield from found[:width]
            if len(found) < width:
                where = f"{'in the middle of' if rest else 'before'} entry {index * WIDTH + len(found)}"
                raise Altered(f"entry bundle {index} of the checkpoint is cut {where}")
            if rest or len(found) > width:
                raise Altered(f"entry bundle {index} of the checkpoint holds more than its {width} entries")

    def head(self, commit: str, source: str) -> Head:
        """The checkpoint of a commit. Raises Altered where it holds none, Incomplete where it is missing."""
        top = self.get(f"{commit}^{{tree}}", "tree")
        if top is not None and b"checkpoint" not in parse_tree(top, len(commit) // 2):
            raise Altered(f"the commit {commit[:12]} holds no checkpoint")
        note = parse_note(self.need(f"{commit}:checkpoint"))
        return Head(commit, source, note, parse_checkpoint(note.text))


@contextmanager
def objects(git: Git) -> Iterator[Objects]:
    """Read objects as long as the block runs; nothing but the objects is believed: no graph, graft or replacement."""
    plain = git.setting(GIT_NO_REPLACE_OBJECTS="1", GIT_NO_LAZY_FETCH="1", GIT_GRAFT_FILE="/dev/null")
    with plain.pipe("-c", "core.commitGraph=false", "cat-file", "--batch") as pipe:
        yield Objects(pipe)


def parents(data: bytes) -> list[str]:
    """The parents that a commit object names."""
    head = data.partition(b"\n\n")[0]
    return [row[7:].decode() for row in head.split(b"\n") if row.startswith(b"parent ")]


def history(store: Objects, commit: str, source: str) -> Iterator[Head]:
    """Every checkpoint of a ref, newest first, by the parents in the objects themselves.

    Raises Altered where a commit has several parents or is none; a shallow end raises Incomplete.
    """
    while commit:
        data = store.need(commit, "commit")
        signed = re.search(rb"^gpgsig(-sha256)? ", data.partition(b"\n\n")[0], re.M) is not None
        yield replace(store.head(commit, source), signed=signed)
        above = parents(data)
        if len(above) > 1:
            raise Altered(f"the checkpoint {commit} has several parents")
        commit = above[0] if above else ""
