"""A tree to be read by planners: libgit2's objects with the changes of earlier steps laid over them in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from typing import TYPE_CHECKING

from tinycode_git.git.objects import read_object, tree_of
from tinycode_git.git.trees import Rows, read_tree
from tinycode_git.proposal import (
    MODE_GITLINK,
    MODE_TREE,
    Change,
    Delete,
    Put,
    PutObject,
    TreeEntry,
    path_bytes,
    path_str,
)

if TYPE_CHECKING:
    import pygit2


_KEPT_FOLDERS = 1024


@dataclass(frozen=True, slots=True)
class TreeSnapshot:
    """See ``proposal.Snapshot``. ``overlay`` maps a path to its last change since the tree."""

    repo: pygit2.Repository
    tree: str
    overlay: Mapping[str, Change] = field(default_factory=dict)
    folders: frozenset[str] = frozenset()
    parsed: dict[str, Rows] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, repo: pygit2.Repository, revision: str) -> TreeSnapshot:
        """The tree of a commit or a tree oid. Raises Incomplete where an object is missing."""
        return cls(repo, tree_of(repo, revision))

    def entry(self, path: str) -> TreeEntry | None:
        """The file, link or submodule at ``path``."""
        change = self.overlay.get(path)
        if isinstance(change, Put):
            oid = sha1(b"blob %d\0" % len(change.content) + change.content, usedforsecurity=False).hexdigest()
            return TreeEntry(path, change.mode, oid)
        if isinstance(change, PutObject):
            return TreeEntry(path, change.mode, change.oid)
        if change is not None or path in self.folders or self._hidden(path):
            return None
        found = self._lookup(path)
        return found if found is not None and found.mode != MODE_TREE else None

    def read(self, path: str) -> bytes | None:
        """The content of the file or link at ``path``."""
        change = self.overlay.get(path)
        if isinstance(change, Put):
            return change.content
        entry = self.entry(path)
        if entry is None or entry.mode == MODE_GITLINK:
            return None
        return read_object(self.repo, entry.oid)

    def is_dir(self, path: str) -> bool:
        """Whether ``path`` is a folder."""
        if path in ("", ".") or path.rstrip("/") in self.folders:
            return True
        found = self._lookup(path.rstrip("/"))
        return found is not None and found.mode == MODE_TREE and not self._hidden(path) and self._alive(path)

    def paths(self, under: Sequence[str] = ()) -> Iterator[TreeEntry]:
        """Every entry, in git's order."""
        tops = [""] if not under or "." in under or "" in under else sorted({u.rstrip("/") for u in under})
        if not self.overlay:
            for top in tops:
                yield from self._stored(top)
            return
        merged = {e.path: e for top in tops for e in self._stored(top) if e.path not in self.overlay}
        for path in self.overlay:
            if any(top in ("", path) or path.startswith(top + "/") for top in tops):
                entry = self.entry(path)
                if entry is not None:
                    merged[path] = entry
        alive = (e for e in merged.values() if e.path in self.overlay or not self._hidden(e.path))
        yield from sorted(alive, key=lambda e: path_bytes(e.path))

    def after(self, changes: Sequence[Change]) -> TreeSnapshot:
        """The tree once ``changes`` are made."""
        overlay = {**self.overlay, **{change.path: change for change in changes}}
        folders = {
            path[:at]
            for path, change in overlay.items()
            if not isinstance(change, Delete)
            for at in range(len(path))
            if path[at] == "/"
        }
        return TreeSnapshot(self.repo, self.tree, overlay, frozenset(folders), self.parsed)

    def _hidden(self, path: str) -> bool:
        """Whether a file or link was put where a parent folder of ``path`` is in the tree."""
        parents = (path[:at] for at in range(len(path)) if path[at] == "/")
        return any(isinstance(self.overlay.get(parent), Put | PutObject) for parent in parents)

    def _alive(self, path: str) -> bool:
        return not self.overlay or next(self.paths([path]), None) is not None

    def _lookup(self, path: str) -> TreeEntry | None:
        mode, oid = MODE_TREE, self.tree
        for part in path_bytes(path).split(b"/"):
            item = self._rows(oid).get(part) if mode == MODE_TREE else None
            if item is None:
                return None
            mode, oid = item.mode, item.oid.hex()
        return TreeEntry(path, mode, oid)

    def _rows(self, oid: str) -> Rows:
        """A folder, kept once it was read: a recipe asks for thousands of paths, a patch for a few."""
        rows = self.parsed.get(oid)
        if rows is None:
            if len(self.parsed) >= _KEPT_FOLDERS:
                self.parsed.clear()
            rows = self.parsed[oid] = read_tree(self.repo, oid)
        return rows

    def _stored(self, top: str) -> Iterator[TreeEntry]:
        if not top:
            yield from _walk(self.repo, self.tree, "")
            return
        found = self._lookup(top)
        if found is None:
            return
        if found.mode == MODE_TREE:
            yield from _walk(self.repo, found.oid, top + "/")
        else:
            yield found


def _walk(repo: pygit2.Repository, tree: str, prefix: str) -> Iterator[TreeEntry]:
    for name, item in read_tree(repo, tree).items():
        path = prefix + path_str(name)
        if item.mode == MODE_TREE:
            yield from _walk(repo, item.oid.hex(), path + "/")
        else:
            yield TreeEntry(path, item.mode, item.oid.hex())
