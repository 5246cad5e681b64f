"""What a repository and its worktrees hold that is the user's, so that two moments can be compared.

Counted: the bytes, modes and modification times of every worktree (ignored and untracked files and folders too), the
index, HEAD, every ref outside git tiny's own spaces, reflogs, the stash, configuration, hooks, ``info/``, half-done
merges and rebases, submodules' repositories. Not counted: objects, how refs are packed, and git tiny's own spaces
(``refs/heads/tiny/``, ``refs/tiny/``, ``refs/notes/tiny-*``, ``<common dir>/tiny/``).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from tinycode_git.errors import TinyError
from tinycode_git.git.process import Git

OWN_REFS = ("refs/heads/tiny/", "refs/tiny/", "refs/notes/tiny-")

_OBJECTS = ("objects/info/alternates", "objects/info/http-alternates")
_SKIPPED = ("tiny", "refs", "packed-refs", "objects", "info/refs")  # the last is a cache that git repack writes
_READABLE = 4096

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Mark:
    """One file, link or folder: its mode, its modification time and what tells its content.

    Thorough: ``content`` is a digest. Quick: size, inode and change time, which no program can set.
    """

    mode: int
    mtime: int
    content: str


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A moment of a repository. ``worktrees`` by folder, ``private`` is the git directory, both by relative path."""

    common: Path
    quick: bool
    own: tuple[str, ...]
    worktrees: Mapping[str, Mapping[str, Mark]]
    private: Mapping[str, Mark]
    refs: Mapping[str, str]
    indexes: Mapping[str, str]

    @classmethod
    def take(cls, path: Path, *, quick: bool = False, own: Sequence[str] = OWN_REFS) -> Fingerprint:
        """The repository that holds ``path``, now. ``own`` are the starts of ref names that do not count.

        ``quick`` reads no file of a worktree: for large repositories; it sees a file that was written with the very
        same bytes as changed. Raises GitFailed where there is no repository.
        """
        git = Git(path, {})
        common, top = _layout(git)
        return cls._of(common, top, quick, tuple(own))

    def again(self) -> Fingerprint:
        """The same repository in the same way, at another moment; also when git can no longer read it."""
        main = next(iter(self.worktrees), None)
        return self._of(self.common, Path(main) if main is not None else None, self.quick, self.own)

    @classmethod
    def _of(cls, common: Path, main: Path | None, quick: bool, own: tuple[str, ...]) -> Fingerprint:
        tops = [*([main] if main else []), *_linked(common)]
        mark = _quick_mark if quick else _thorough_mark
        git_dirs = [common, *sorted(common.glob("worktrees/*/"))]
        return cls(
            common,
            quick,
            own,
            {str(top): dict(_worktree(top, common, tops, mark)) for top in tops},
            dict(_private(common, own)),
            _refs(common, own),
            {}
            if quick
            else {f"./{os.path.relpath(folder, common)}".removesuffix("/."): _entries(folder) for folder in git_dirs},
        )


def _layout(git: Git) -> tuple[Path, Path | None]:
    """The common git directory, and the main working tree where there is one."""
    asked = ("--git-common-dir", "--git-dir", "--is-inside-work-tree")
    common, git_dir, inside = git.quiet("rev-parse", "--path-format=absolute", *asked).text.split("\n")
    if inside == "true" and common == git_dir:
        return Path(common), Path(git.quiet("rev-parse", "--path-format=absolute", "--show-toplevel").text)
    of_main = Git(Path(common), {"GIT_DIR": common})
    if of_main.quiet("config", "--type=bool", "--get", "core.bare", ok=(0, 1)).text == "true":
        return Path(common), None
    configured = of_main.quiet("config", "--get", "core.worktree", ok=(0, 1)).text
    return Path(common), Path(os.path.normpath(Path(common, configured))) if configured else Path(common).parent


def _linked(common: Path) -> list[Path]:
    """The working trees that ``git worktree add`` made, those that still exist."""
    tops = []
    for pointer in sorted(common.glob("worktrees/*/gitdir")):
        place = Path(os.fsdecode(pointer.read_bytes().rstrip(b"\n")))
        top = (pointer.parent / place).parent
        if top.is_dir():
            tops.append(top)
    return tops


def _worktree(
    top: Path, common: Path, tops: Sequence[Path], mark: Callable[[str, os.stat_result], Mark]
) -> Iterator[tuple[str, Mark]]:
    """Everything below ``top``, but for the repository itself and for other worktrees of it."""
    skipped = {str(common), *(str(other) for other in tops if other != top)}
    return _walk(str(top), lambda place, _: place in skipped, mark)


def _private(common: Path, own: Sequence[str]) -> Iterator[tuple[str, Mark]]:
    """The git directory, with those of linked worktrees and submodules, but for what does not count."""

    def skipped(place: str, relative: str) -> bool:
        if relative in _SKIPPED or relative.startswith("fsmonitor--daemon"):
            return True
        if relative.startswith("modules/") and relative.endswith("/objects"):
            return Path(place).with_name("HEAD").exists()
        return relative.startswith("logs/") and relative.removeprefix("logs/").startswith(tuple(own))

    yield from _walk(str(common), skipped, _private_mark, folders=False)
    for name in _OBJECTS:
        place = common / name
        if place.exists():
            yield name, _private_mark(str(place), place.lstat())


def _walk(
    top: str,
    skipped: Callable[[str, str], bool],
    mark: Callable[[str, os.stat_result], Mark],
    *,
    folders: bool = True,
) -> Iterator[tuple[str, Mark]]:
    """Everything below ``top`` by its path relative to it (``.`` for itself), without following links."""
    waiting = [(top, "")]
    while waiting:
        folder, relative = waiting.pop()
        try:
            if folders:
                found = os.lstat(folder)
                yield relative or ".", Mark(found.st_mode, found.st_mtime_ns, "")
            with os.scandir(folder) as entries:
                listed = list(entries)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError:
            yield f"{relative or '.'}/", Mark(0, 0, "unreadable")
            continue
        for entry in listed:
            name = f"{relative}/{entry.name}" if relative else entry.name
            if skipped(entry.path, name):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append((entry.path, name))
                continue
            try:
                yield name, mark(entry.path, entry.stat(follow_symlinks=False))
            except FileNotFoundError:
                continue


def _quick_mark(_: str, found: os.stat_result) -> Mark:
    content = f"{found.st_size} {found.st_ino} {found.st_ctime_ns}"
    return Mark(found.st_mode, found.st_mtime_ns, content)


def _thorough_mark(place: str, found: os.stat_result) -> Mark:
    return Mark(found.st_mode, found.st_mtime_ns, _content(place, found))


def _private_mark(place: str, found: os.stat_result) -> Mark:
    """Without a time: git rewrites some of its files with what they hold. HEAD and the like are kept as text."""
    content = _content(place, found)
    if place.endswith("HEAD") and "/logs/" not in place and found.st_size < _READABLE:
        try:
            content = Path(place).read_text("utf-8", "replace").strip()
        except OSError:
            pass
    return Mark(found.st_mode, 0, content)


def _content(place: str, found: os.stat_result) -> str:
    """What a file holds or where a link points, as a digest; for what cannot be read, the reason."""
    try:
        if stat.S_ISLNK(found.st_mode):
            return blake2b(os.fsencode(Path(place).readlink()), digest_size=20).hexdigest()
        if not stat.S_ISREG(found.st_mode):
            return "special"
        digest = blake2b(digest_size=20)
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()
    except PermissionError:
        return "unreadable"


def _refs(common: Path, own: Sequence[str]) -> dict[str, str]:
    """Every ref that counts and what it names; where git cannot tell, its words."""
    git = Git(common, {"GIT_DIR": str(common)})
    try:
        listed = git.quiet("for-each-ref", "--format=%(refname) %(objectname) %(symref)")
    except TinyError as error:
        return {"refs": error.message}
    refs = {"broken refs": listed.err.decode("utf-8", "replace").strip()} if listed.err else {}
    for line in listed.out.decode("utf-8", "surrogateescape").splitlines():
        name, oid, symref = line.split(" ", 2)
        if not name.startswith(tuple(own)):
            refs[name] = f"-> {symref}" if symref else oid
    return refs


def _entries(git_dir: Path) -> str:
    """The entries of an index with their flags, whatever it knows of the files' times."""
    if not (git_dir / "index").exists():
        return ""
    git = Git(git_dir, {"GIT_DIR": str(git_dir), "GIT_WORK_TREE": str(git_dir)})
    try:
        listed = git.quiet("ls-files", "--stage", "-v", "-z", "--sparse").out
    except TinyError as error:
        return error.message
    return blake2b(listed, digest_size=20).hexdigest()


def difference(before: Fingerprint, after: Fingerprint) -> tuple[str, ...]:
    """What is not the same, one line a thing, in words; nothing where both are equal.

    Raises ValueError for fingerprints of two repositories or of two kinds, which cannot be compared.
    """
    if (before.common, before.quick, before.own) != (after.common, after.quick, after.own):
        raise ValueError("fingerprints of different repositories or kinds")
    return (*_head_and_refs(before, after), *_git_directory(before, after), *_files(before, after))


def _head_and_refs(before: Fingerprint, after: Fingerprint) -> Iterator[str]:
    for name, old, new in _changed(before.refs, after.refs):
        shown = "stash" if name == "refs/stash" else name
        if old is None:
            yield f"{shown}: created ({_short(new)})"
        elif new is None:
            yield f"{shown}: deleted (was {_short(old)})"
        else:
            yield f"{shown}: {_short(old)} became {_short(new)}"


def _short(value: str | None) -> str:
    value = value or ""
    return value[:12] if len(value) in (40, 64) and value.isalnum() else value


def _git_directory(before: Fingerprint, after: Fingerprint) -> Iterator[str]:
    for path, old, new in _changed(before.private, after.private):
        words = _private_name(path)
        folder, _, name = f"./{path}".rpartition("/")
        if name == "index" and folder in before.indexes.keys() & after.indexes.keys() and old and new:
            same = before.indexes[folder] == after.indexes[folder]
            yield f"{words}: {'rewritten with the same entries' if same else 'changed'}"
        elif path.endswith("HEAD") and old and new and "logs/" not in path and old.mode == new.mode:
            yield f"{words}: {_head(old)} became {_head(new)}"
        else:
            yield f"{words}: {_kind_of_change(old, new)}"


def _head(mark: Mark) -> str:
    return _short(mark.content.removeprefix("ref: "))


def _private_name(path: str) -> str:
    """How a file of the git directory is called when it has changed."""
    worktree = ""
    if path.startswith("worktrees/") and path.count("/") > 1:
        _, worktree, path = path.split("/", 2)
    first, _, rest = path.partition("/")
    if first == "logs":
        words = f"reflog of {'the stash' if rest == 'refs/stash' else rest}"
    elif first == "hooks":
        words = f"hook {rest}"
    elif first in ("config", "config.worktree"):
        words = f"configuration (.git/{path})"
    elif path in ("HEAD", "index"):
        words = path
    else:
        words = f".git/{path}"
    return f"{words} of worktree {worktree}" if worktree else words


def _files(before: Fingerprint, after: Fingerprint) -> Iterator[str]:
    for top in sorted(before.worktrees.keys() | after.worktrees.keys()):
        old_files, new_files = before.worktrees.get(top), after.worktrees.get(top)
        if old_files is None or new_files is None:
            yield f"worktree {top}: {'added' if old_files is None else 'removed'}"
            continue
        for path, old, new in _changed(old_files, new_files):
            yield f"{Path(top, path)}: {_kind_of_change(old, new)}"


def _kind_of_change(old: Mark | None, new: Mark | None) -> str:
    if old is None:
        return "added"
    if new is None:
        return "removed"
    if stat.S_IFMT(old.mode) != stat.S_IFMT(new.mode):
        return f"{_kind(old)} became {_kind(new)}"
    mode = f"mode {stat.S_IMODE(old.mode):o} became {stat.S_IMODE(new.mode):o}" if old.mode != new.mode else ""
    if old.content != new.content:
        return f"changed, {mode}" if mode else "changed"
    if old.mtime != new.mtime and not mode:
        return "written to" if stat.S_ISDIR(old.mode) else "touched (same content, other modification time)"
    return mode


def _kind(mark: Mark) -> str:
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    return kinds.get(stat.S_IFMT(mark.mode), "special file")


def _changed(before: Mapping[str, T], after: Mapping[str, T]) -> Iterator[tuple[str, T | None, T | None]]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            yield name, old, new
