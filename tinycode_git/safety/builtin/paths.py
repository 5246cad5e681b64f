"""Paths as git itself guards them: ``.git`` in the spellings of HFS+ and NTFS, links that leave the tree."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tinycode_git.safety.builtin import Span, Subject, builtin

# Characters that HFS+ ignores in names: git's utf8.c, next_hfs_char().
_HFS_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
# What NTFS takes for .git: git's path.c, is_ntfs_dotgit(): trailing spaces and dots, streams, the short name.
_NTFS = re.compile(r"(?:\.git|git~1)[ .]*(?:[:\\/].*)?\Z", re.I | re.S)


@builtin("dot-git")
def dot_git(subject: Subject) -> Iterator[Span]:
    """Parts of a path that some file system takes for ``.git``."""
    if subject.text.isascii() and not any(name in subject.text.lower() for name in (b".git", b"git~1")):
        return
    start = 0
    for part in re.split(rb"[/\\]", subject.text):
        if _is_dot_git(part.decode("utf-8", "replace")):
            yield Span(start, start + len(part))
        start += len(part) + 1


def _is_dot_git(part: str) -> bool:
    return bool(_NTFS.match(part)) or _HFS_IGNORED.sub("", part).lower() == ".git"


@builtin("symlink-target")
def symlink_target(subject: Subject) -> Iterator[Span]:
    """Targets that are absolute or, seen from the link's folder, leave the tree."""
    target = subject.text.decode("utf-8", "surrogateescape")
    whole = Span(0, len(subject.text))
    if re.match(r"[/\\~]|[A-Za-z]:", target):
        yield whole
        return
    folder = posixpath.dirname(subject.path)
    resolved = posixpath.normpath(posixpath.join(folder, target.replace("\\", "/")))
    if resolved == ".." or resolved.startswith("../"):
        yield whole
