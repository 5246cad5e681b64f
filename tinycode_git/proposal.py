"""What a planner hands over: steps made of changes to paths.

Paths are ``str``: UTF-8 decoded with ``surrogateescape``, ``/``-separated, relative to the top of the tree, so that any
byte string that git allows survives a round trip (``path_bytes`` / ``path_str``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

MODE_FILE = 0o100644
MODE_EXEC = 0o100755
MODE_LINK = 0o120000
MODE_GITLINK = 0o160000
MODE_TREE = 0o040000


def path_str(raw: bytes) -> str:
    """A path as git stores it, as text that can be turned back into the same bytes."""
    return raw.decode("utf-8", "surrogateescape")


def path_bytes(path: str) -> bytes:
    """The bytes that git stores for ``path``."""
    return path.encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Put:
    """Write ``content`` at ``path`` with a file or link mode (for a link the content is its target)."""

    path: str
    content: bytes
    mode: int = MODE_FILE


@dataclass(frozen=True, slots=True)
class PutObject:
    """Place an object that exists already (hex ``oid``) at ``path``: a blob of a commit, a submodule link."""

    path: str
    oid: str
    mode: int


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove ``path``."""

    path: str


Change = Put | PutObject | Delete


@dataclass(frozen=True, slots=True)
class Identity:
    """Who and when: ``when`` in seconds since 1970, ``offset`` in minutes east of UTC."""

    name: str
    email: str
    when: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class StepDraft:
    """One intent: a title (one line), an optional body, and changes relative to the step before it.

    ``author`` is set where the input names one (a mailed patch, a commit). ``assisted_by`` names the program that wrote
    the step and becomes the ``Assisted-by:`` trailer.
    """

    title: str
    changes: tuple[Change, ...]
    body: str = ""
    author: Identity | None = None
    assisted_by: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a planner answers: the task in words, the planner's name, the steps in order, the paths it declares.

    ``declared`` empty means that nothing was declared. ``notes`` are lines for the user (what was left out and why).
    """

    task: str
    planner: str
    steps: tuple[StepDraft, ...]
    declared: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One path of a tree: mode and hex oid (of the blob, or of the submodule's commit)."""

    path: str
    mode: int
    oid: str


class Snapshot(Protocol):
    """What a planner may read: the tree that its next step will be based on. Nothing here writes."""

    def entry(self, path: str) -> TreeEntry | None:
        """The file, link or submodule at ``path``; None where there is none (or a directory)."""

    def read(self, path: str) -> bytes | None:
        """The content of the file or link at ``path``; None where there is none, or a submodule."""

    def paths(self, under: Sequence[str] = ()) -> Iterator[TreeEntry]:
        """Every entry, in git's order, below the given files or folders (all of them where none is given)."""

    def is_dir(self, path: str) -> bool:
        """Whether ``path`` is a folder of the tree."""

    def after(self, changes: Sequence[Change]) -> Snapshot:
        """The tree as it is once ``changes`` are made: what the next step is based on."""


@dataclass(frozen=True, slots=True)
class MemorySnapshot:
    """A snapshot held in a dict, for programs that have no repository at hand: path to (mode, content)."""

    files: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def entry(self, path: str) -> TreeEntry | None:
        """See ``Snapshot.entry``; the oid is that of the blob (SHA-1)."""
        from hashlib import sha1

        if path not in self.files:
            return None
        mode, content = self.files[path]
        oid = sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        return TreeEntry(path, mode, oid)

    def read(self, path: str) -> bytes | None:
        """See ``Snapshot.read``."""
        return self.files[path][1] if path in self.files else None

    def paths(self, under: Sequence[str] = ()) -> Iterator[TreeEntry]:
        """See ``Snapshot.paths``."""
        for path in sorted(self.files, key=path_bytes):
            if not under or any(path == u or path.startswith(u.rstrip("/") + "/") for u in under):
                entry = self.entry(path)
                assert entry is not None
                yield entry

    def is_dir(self, path: str) -> bool:
        """See ``Snapshot.is_dir``."""
        return any(p.startswith(path.rstrip("/") + "/") for p in self.files)

    def after(self, changes: Sequence[Change]) -> MemorySnapshot:
        """See ``Snapshot.after``. ``PutObject`` is not held here and raises TypeError."""
        files = dict(self.files)
        for change in changes:
            if isinstance(change, Put):
                files[change.path] = (change.mode, change.content)
            elif isinstance(change, Delete):
                files.pop(change.path, None)
            else:
                raise TypeError("a snapshot in memory holds no objects")
        return MemorySnapshot(files)
