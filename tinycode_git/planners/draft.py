"""A step in the making: a snapshot with edits laid over it, each of them guarded, and the changes that come of it."""

from __future__ import annotations

from tinycode_git.edits.paths import check_collisions, check_link, check_parents, check_path, shown
from tinycode_git.errors import Refused
from tinycode_git.proposal import (
    MODE_EXEC,
    MODE_FILE,
    MODE_GITLINK,
    MODE_LINK,
    Change,
    Delete,
    Put,
    PutObject,
    Snapshot,
    TreeEntry,
)

_LONGEST_TITLE = 100
BLOB_MODES = (MODE_FILE, MODE_EXEC, MODE_LINK)


def title_of(task: str) -> str:
    """A step's title from a task in words: its first line, cut; empty where there is none."""
    line = " ".join(task.lstrip()[:2000].split("\n", 1)[0].split()) if task.strip() else ""
    line = "".join(c for c in line if c.isprintable())
    return line if len(line) <= _LONGEST_TITLE else line[: _LONGEST_TITLE - 3].rstrip() + "..."


class TreeDraft:
    """Edits of one step over ``base``. Every path goes through the guard; ``changes`` checks the whole."""

    def __init__(self, base: Snapshot) -> None:
        self.base = base
        self._laid: dict[str, Put | PutObject | None] = {}
        self._entries: dict[str, TreeEntry | None] = {}
        self._contents: dict[str, bytes | None] = {}

    def original(self, path: str) -> TreeEntry | None:
        """What ``path`` is in the snapshot, before any edit of this step."""
        if path not in self._entries:
            check_path(path, existing=True)
            self._entries[path] = self.base.entry(path)
        return self._entries[path]

    def original_content(self, path: str) -> bytes | None:
        """The content of ``path`` in the snapshot, before any edit of this step."""
        if path not in self._contents:
            self._contents[path] = self.base.read(path)
        return self._contents[path]

    def entry(self, path: str) -> TreeEntry | None:
        """What ``path`` is now; the oid is empty for content that this step writes."""
        if path not in self._laid:
            return self.original(path)
        laid = self._laid[path]
        if laid is None:
            return None
        return TreeEntry(path, laid.mode, laid.oid if isinstance(laid, PutObject) else "")

    def read(self, path: str) -> bytes | None:
        """The content of ``path`` as it is now; None where there is none, or a submodule."""
        if path not in self._laid:
            return self.original_content(path)
        laid = self._laid[path]
        return laid.content if isinstance(laid, Put) else None

    def require(self, path: str, verb: str, hint: str) -> TreeEntry:
        """What ``path`` is now. Raises ``Refused`` where it is not there: ``verb`` says what was wanted of it."""
        entry = self.entry(path)
        if entry is None:
            check_parents(path, self)
            kind = "is a folder" if self.base.is_dir(path) else "is not there"
            raise Refused(f"{verb} {shown(path)}, which {kind}", hint)
        return entry

    def put(self, path: str, content: bytes, mode: int) -> None:
        """Write ``content``. Parents are checked once the step is whole: they may be deleted by a later edit."""
        check_path(path, existing=self.original(path) is not None)
        if mode not in BLOB_MODES:
            raise Refused(
                f"path {shown(path)} is refused: mode {mode:o} is none of a file or link", "use 100644 or 100755"
            )
        if mode == MODE_LINK:
            check_link(path)
            if not content or b"\0" in content:
                raise Refused(
                    f"path {shown(path)} is refused: a link needs a target", "write the link's target as its content"
                )
        self._laid[path] = Put(path, content, mode)

    def put_submodule(self, path: str, oid: str) -> None:
        """Point the submodule at ``path`` at commit ``oid``."""
        check_path(path, existing=self.original(path) is not None)
        self._laid[path] = PutObject(path, oid, MODE_GITLINK)

    def delete(self, path: str) -> None:
        """Remove ``path``."""
        check_path(path, existing=True)
        self._laid[path] = None

    def changes(self) -> tuple[Change, ...]:
        """The changes of the step, deletions first, what changes nothing left out. Raises ``Refused``."""
        deleted = [path for path, laid in self._laid.items() if laid is None and self.original(path) is not None]
        written = [laid for laid in self._laid.values() if laid is not None and not self._is_there(laid)]
        for laid in written:
            check_parents(laid.path, self)
            self._check_folder(laid.path)
        added = [laid.path for laid in written if self.original(laid.path) is None]
        check_collisions(added, [laid.path for laid in written if self.original(laid.path) is not None])
        return (*map(Delete, deleted), *written)

    def _is_there(self, laid: Put | PutObject) -> bool:
        entry = self.original(laid.path)
        if entry is None or entry.mode != laid.mode:
            return False
        if isinstance(laid, PutObject):
            return entry.oid == laid.oid
        return self.original_content(laid.path) == laid.content

    def _check_folder(self, path: str) -> None:
        """A file may only take the place of a folder whose every file the same step removes."""
        if self.original(path) is None and self.base.is_dir(path):
            for entry in self.base.paths((path,)):
                if self.entry(entry.path) is not None:
                    raise Refused(
                        f"path {shown(path)} is refused: it is a folder", "delete the folder's files in the same step"
                    )
