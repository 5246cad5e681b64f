"""Tree objects, read and built touching only the folders that change.

libgit2's tree builder takes names as UTF-8 text only (pygit2 1.21: ``UnicodeEncodeError`` for any other byte), while
git allows every byte but NUL and ``/``. So trees are read and written in their stored form (``mode SP name NUL oid``),
through libgit2's object database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinycode_git.errors import Refused
from tinycode_git.git.objects import read_object, write_object
from tinycode_git.proposal import (
    MODE_EXEC,
    MODE_FILE,
    MODE_GITLINK,
    MODE_LINK,
    MODE_TREE,
    Change,
    Delete,
    Put,
    path_bytes,
    path_str,
)

if TYPE_CHECKING:
    import pygit2

# git knows this tree without storing it; libgit2 does not.
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_MODES = (MODE_FILE, MODE_EXEC, MODE_LINK, MODE_GITLINK)


@dataclass(frozen=True, slots=True)
class Item:
    """One row of a tree object: mode and raw oid."""

    mode: int
    oid: bytes


Rows = dict[bytes, Item]


def parse_tree(data: bytes) -> Rows:
    """A stored tree as name to row, in git's order. SHA-1 oids."""
    rows: Rows = {}
    at = 0
    while at < len(data):
        space = data.index(b" ", at)
        nul = data.index(b"\0", space)
        rows[data[space + 1 : nul]] = Item(int(data[at:space], 8), data[nul + 1 : nul + 21])
        at = nul + 21
    return rows


def format_tree(rows: Mapping[bytes, Item]) -> bytes:
    """Rows as git stores them: folders sort as if their name ended in a slash."""

    def key(pair: tuple[bytes, Item]) -> bytes:
        return pair[0] + (b"/" if pair[1].mode == MODE_TREE else b"")

    return b"".join(b"%o %s\0%s" % (item.mode, name, item.oid) for name, item in sorted(rows.items(), key=key))


def read_tree(repo: pygit2.Repository, oid: bytes | str) -> Rows:
    """The rows of the tree ``oid`` (raw or hex). Raises Incomplete where it is missing."""
    name = oid if isinstance(oid, str) else oid.hex()
    return {} if name == EMPTY_TREE else parse_tree(read_object(repo, name))


def folder_names(repo: pygit2.Repository, tree: str, folder: str) -> list[str]:
    """The names in a folder of a tree (empty: its top); none where there is no such folder."""
    oid = tree
    for part in path_bytes(folder).split(b"/") if folder else []:
        item = read_tree(repo, oid).get(part)
        if item is None or item.mode != MODE_TREE:
            return []
        oid = item.oid.hex()
    return [path_str(name) for name in read_tree(repo, oid)]


class _Folder:
    """A folder that changes: its rows, and the changed folders below it; loaded when first needed."""

    def __init__(self, repo: pygit2.Repository, oid: bytes | None) -> None:
        self.repo = repo
        self.rows: Rows = read_tree(repo, oid) if oid is not None else {}
        self.below: dict[bytes, _Folder] = {}

    def folder(self, name: bytes) -> _Folder | None:
        """The folder ``name``, opened for change; made where nothing is there; None where a file is."""
        if name not in self.below:
            item = self.rows.get(name)
            if item is not None and item.mode != MODE_TREE:
                return None
            self.below[name] = _Folder(self.repo, item.oid if item is not None else None)
        return self.below[name]

    def write(self) -> bytes | None:
        """Write this folder and the changed ones below; None where nothing is left in it."""
        for name, folder in self.below.items():
            oid = folder.write()
            if oid is None:
                if name in self.rows and self.rows[name].mode == MODE_TREE:
                    del self.rows[name]
            else:
                self.rows[name] = Item(MODE_TREE, oid)
        if not self.rows:
            return None
        return bytes.fromhex(write_object(self.repo, "tree", format_tree(self.rows)))


def change_tree(repo: pygit2.Repository, tree: str, changes: Iterable[Change]) -> str:
    """Write the tree that ``tree`` becomes by ``changes`` (deletions first), and its new blobs; the hex oid.

    Cost follows the number of changed folders, not the size of the tree. Raises Refused where a change does not fit: a
    path to be deleted that is not there, a file where a folder is wanted or the reverse.
    """
    root = _Folder(repo, bytes.fromhex(tree))
    ordered = sorted(changes, key=lambda c: not isinstance(c, Delete))
    for change in ordered:
        *parents, name = path_bytes(change.path).split(b"/")
        folder = root
        for n, parent in enumerate(parents):
            inner = folder.folder(parent)
            if inner is None:
                above = path_str(b"/".join(parents[: n + 1]))
                raise Refused(f"cannot touch {change.path!r}: {above!r} is a file, not a folder")
            folder = inner
        _change(repo, folder, name, change)
    written = root.write()
    return written.hex() if written is not None else write_object(repo, "tree", b"")


def _change(repo: pygit2.Repository, folder: _Folder, name: bytes, change: Change) -> None:
    held = folder.rows.get(name)
    if isinstance(change, Delete):
        if held is None or held.mode == MODE_TREE:
            raise Refused(f"cannot delete {change.path!r}: there is no such file")
        del folder.rows[name]
        return
    if change.mode not in _MODES:
        raise Refused(f"cannot write {change.path!r}: mode {change.mode:o} is none that git stores")
    if (held is not None and held.mode == MODE_TREE and name not in folder.below) or _has_files(folder, name):
        raise Refused(f"cannot write {change.path!r}: there is a folder of that name")
    oid = bytes.fromhex(write_object(repo, "blob", change.content) if isinstance(change, Put) else change.oid)
    folder.below.pop(name, None)
    folder.rows[name] = Item(change.mode, oid)


def _has_files(folder: _Folder, name: bytes) -> bool:
    """Whether the opened folder ``name`` still holds anything once its deletions are made."""
    inner = folder.below.get(name)
    if inner is None:
        return False
    opened = any(_has_files(inner, below) for below in inner.below)
    return opened or any(n not in inner.below for n in inner.rows)
