"""What the user asked about: a commit, a range, a path, lines of it, a symbol in it."""

from __future__ import annotations

import re

from tinycode_git.errors import Refused, UsageError
from tinycode_git.git.read import ReadRepo
from tinycode_git.history.evidence import Asked

_LINES = re.compile(r"(.+):(\d{1,9})(?:-(\d{1,9}))?\Z", re.S)


def asked_about(repo: ReadRepo, words: str, revision: str = "HEAD") -> Asked | None:
    """What ``words`` name in the commit ``revision``; None where they name nothing (a plan, perhaps).

    Raises UsageError where they name both a commit and a path, as git itself does; Refused for what is there but
    cannot be asked about.
    """
    if ".." in words:
        found = _range(repo, words)
        if found is not None:
            return found
    start = repo.find(revision)
    path = _path(repo, start, words) if start else None
    commit = repo.find(words)
    if path is not None and commit is not None:
        raise UsageError(
            f"{words!r} is a path and also names a commit",
            f"write ./{words} for the path; for the commit its full ref or oid",
        )
    if path is not None:
        return Asked("path", words, start or "", path)
    if commit is not None:
        return Asked("commit", words, commit)
    return _within_path(repo, words, start) if start else None


def _range(repo: ReadRepo, words: str) -> Asked | None:
    old, dots, new = words.partition("...") if "..." in words else words.partition("..")
    base, tip = repo.find(old or "HEAD"), repo.find(new or "HEAD")
    if base is None or tip is None:
        return None
    if dots == "...":
        common = repo.merge_base(base, tip)
        if common is None:
            raise Refused(f"{old} and {new} have no common ancestor", "write A..B")
        base = common
    return Asked("range", words, tip, base=base)


def _path(repo: ReadRepo, commit: str, words: str) -> str | None:
    """The path (from the top of the tree) that ``words`` name where we stand, if the commit has it."""
    path = _from_top(repo, words)
    if path is None or "\n" in path or not path:
        return None
    kind = repo.git.quiet("cat-file", "-e", f"{commit}:{path}", ok=(0, 1, 128)).code
    return path if kind == 0 else None


def _from_top(repo: ReadRepo, words: str) -> str | None:
    """A path relative to the current folder as the tree has it; None where it leads out of the repository."""
    import os.path

    joined = os.path.normpath(f"/{repo.place.prefix}{words}" if not words.startswith("/") else words)
    if words.startswith("/"):
        top = str(repo.place.worktree) if repo.place.worktree else None
        if top is None or not joined.startswith(top + "/"):
            return None
        return joined.removeprefix(top + "/")
    if words.split("/").count("..") > len(repo.place.prefix.split("/")) - 1:
        return None
    return joined.lstrip("/")


def _within_path(repo: ReadRepo, words: str, commit: str) -> Asked | None:
    lines = _LINES.match(words)
    if lines:
        path = _path(repo, commit, lines[1])
        if path is not None:
            first = int(lines[2])
            last = int(lines[3] or lines[2])
            if not 0 < first <= last:
                raise UsageError(f"{words!r} names no lines", "lines count from 1, the first before the last")
            _readable(repo, commit, path)
            return Asked("lines", words, commit, path, first, last)
    split = _symbol(repo, commit, words)
    if split is None:
        return None
    path, symbol = split
    from tinycode_git.history.symbol import symbol_lines

    text = _readable(repo, commit, path).decode("utf-8", "replace")
    first, last = symbol_lines(text, path, symbol)
    return Asked("lines", words, commit, path, first, last, symbol)


def _symbol(repo: ReadRepo, commit: str, words: str) -> tuple[str, str] | None:
    """``PATH:SYMBOL`` taken apart; a path may hold colons, and so may a symbol (``A::new``): the longest path."""
    for at in (at for at in range(len(words) - 2, 0, -1) if words[at] == ":"):
        path = _path(repo, commit, words[:at])
        if path is not None:
            return path, words[at + 1 :]
    return None


def _readable(repo: ReadRepo, commit: str, path: str) -> bytes:
    """The text of a file. Raises Refused for a folder, a submodule, a binary file."""
    content = repo.git.quiet("cat-file", "blob", f"{commit}:{path}", ok=(0, 128))
    if content.code:
        raise Refused(f"{path} is no file: it has no lines", "ask about the path itself")
    if b"\0" in content.out[:8000]:
        raise Refused(f"{path} is binary: it has no lines", "ask about the path itself")
    return content.out
