"""Which paths a plan may write: the guard that every path from outside passes before anything is built from it.

The `.git` spellings are those that git itself refuses (``is_ntfs_dotgit``, ``is_hfs_dotgit`` and ``verify_dotfile`` in
git's path.c, utf8.c and read-cache.c; CVE-2014-9390, CVE-2019-1353): a tree that is harmless here may be checked out
elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Protocol

from tinycode_git.errors import Refused
from tinycode_git.proposal import MODE_GITLINK, MODE_LINK, TreeEntry, path_bytes

MAX_COMPONENT = 255
MAX_PATH = 4095

# Code points that HFS+ leaves out when it compares names (next_hfs_char in git's utf8.c).
_HFS_IGNORED = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])
_DOT_GIT = re.compile(r"(?:\.git|git~[1-9])[ .]*(?::.*)?\Z", re.DOTALL)
_DOT_GITMODULES = re.compile(r"(?:\.gitmodules|gitmod~[1-4]|gi7eba~[1-9])[ .]*(?::.*)?\Z", re.DOTALL)
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[1-9¹²³]|lpt[1-9¹²³]|conin\$|conout\$|clock\$) *(?:[.:].*)?\Z", re.DOTALL)
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


class Entries(Protocol):
    """The one thing that ``check_parents`` asks of a snapshot."""

    def entry(self, path: str) -> TreeEntry | None:
        """The file, link or submodule at ``path``."""


def shown(path: str) -> str:
    """``path`` on one line for a message: what is not printable is escaped, and a very long one is cut."""
    text = path if path.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in path)
    return f"'{text}'" if len(text) <= 200 else f"'{text[:120]}...{text[-60:]}'"


def check_path(path: str, *, existing: bool = False) -> None:
    """Raise ``Refused``, with the reason, where ``path`` may not be written to or deleted.

    ``existing`` says that the tree has this very path already: then what only fails on other systems (device names,
    backslashes, control characters, length) is let through, because nothing new comes into the tree by it.
    """
    if reason := _structure(path) or ("" if existing else _portability(path)):
        hint = "name files relative to the top of the repository" if _structure(path) else "give it another name"
        raise Refused(f"path {shown(path)} is refused: {reason}", hint)


def _structure(path: str) -> str:
    if not path:
        return "it is empty"
    try:
        path_bytes(path)
    except UnicodeEncodeError:
        return "it is not valid Unicode"
    if "\0" in path:
        return "it contains a NUL byte"
    if path.startswith("/"):
        return "it is absolute"
    for part in path.split("/"):
        if part in ("", ".", ".."):
            return f"it has {'an empty' if not part else repr(part) + ' as a'} component"
        # A backslash separates folders on Windows, where ``a\.git\config`` is a file of the repository's own.
        if any(is_dot_git(piece) for piece in part.split("\\")):
            return "it reaches into git's own folder"
        if "\\" in part and any(piece in (".", "..") for piece in part.split("\\")):
            return "it climbs folders by backslashes"
    return ""


def _portability(path: str) -> str:
    if _CONTROL.search(path):
        return "it contains a control character"
    if "\\" in path:
        return "it contains a backslash, which separates folders on Windows"
    if _DRIVE.match(path):
        return "it starts with a drive letter"
    if len(path_bytes(path)) > MAX_PATH:
        return f"it is longer than {MAX_PATH} bytes"
    for part in path.split("/"):
        if len(path_bytes(part)) > MAX_COMPONENT:
            return f"a component is longer than {MAX_COMPONENT} bytes"
        if _DEVICE.match(part.lower()):
            return f"'{part}' is a device on Windows"
    return ""


def is_dot_git(component: str) -> bool:
    """Whether some file system would open git's own folder under this name."""
    return _spells(_DOT_GIT, component)


def _spells(pattern: re.Pattern[str], component: str) -> bool:
    return bool(pattern.match(component.translate(_HFS_IGNORED).lower()))


def check_link(path: str) -> None:
    """Raise ``Refused`` where ``path`` may not be a symbolic link: `.gitmodules`, in any spelling (as in git)."""
    if _spells(_DOT_GITMODULES, path.rpartition("/")[2]):
        raise Refused(f"path {shown(path)} is refused: it may not be a symbolic link", "write it as a file")


def parents(path: str) -> Iterator[str]:
    """The folders that hold ``path``, outermost first."""
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)


def check_parents(path: str, snapshot: Entries) -> None:
    """Raise ``Refused`` where a folder on the way to ``path`` is a link, a submodule or a file in ``snapshot``."""
    for parent in parents(path):
        entry = snapshot.entry(parent)
        if entry is None:
            continue
        if entry.mode == MODE_LINK:
            reason = f"it is beyond the symbolic link {shown(parent)}"
        elif entry.mode == MODE_GITLINK:
            reason = f"it is inside the submodule {shown(parent)}"
        else:
            reason = f"{shown(parent)} is a file, not a folder"
        raise Refused(f"path {shown(path)} is refused: {reason}", "name files that this repository itself holds")


def folded(path: str) -> str:
    """``path`` as a file system sees it that ignores case, composition, HFS code points and trailing dots."""
    from unicodedata import normalize

    parts = normalize("NFC", path.translate(_HFS_IGNORED)).casefold().split("/")
    return normalize("NFC", "/".join(part.rstrip(". ") or part for part in parts))


def check_collisions(added: Iterable[str], existing: Iterable[str] = ()) -> None:
    """Raise ``Refused`` where an added path is, on some file system, the same as another path.

    ``existing`` are the paths (or folders) that stay in the folders that ``added`` changes; the folders on the way are
    compared too. Two existing paths that collide with each other are not this plan's doing and pass.
    """
    seen: dict[str, str] = {}
    for path in existing:
        for whole in (*parents(path), path):
            seen.setdefault(folded(whole), whole)
    for path in added:
        for whole in (*parents(path), path):
            other = seen.setdefault(folded(whole), whole)
            if other != whole:
                where = (
                    "case is ignored"
                    if other.casefold() == whole.casefold()
                    else "names are normalised (macOS, Windows)"
                )
                raise Refused(
                    f"path {shown(whole)} is refused: {shown(other)} is the same name where {where}",
                    "choose another name, or rename the one that is there in the same step",
                )
