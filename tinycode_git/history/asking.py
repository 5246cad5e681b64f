"""What the user asked about: a commit, a range, a path, lines of it, a symbol in it."""

from __future__ import annotations

import re
from dataclasses import replace

from tinycode_git.errors import Refused, UsageError
from tinycode_git.git.blame import path_arg
from tinycode_git.git.read import ReadRepo
from tinycode_git.history.evidence import Asked

_LINES = re.compile(r"(.+):(\d{1,9})(?:-(\d{1,9}))?\Z", re.S)
_MOST_NEAR = 20_000


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
    within = _within_path(repo, words, start) if start else None
    return within or _of_revision(repo, words)


def _of_revision(repo: ReadRepo, words: str) -> Asked | None:
    """``REV:PATH`` and ``REV:PATH:LINE``, as git writes them; the path counts from the top of the tree."""
    revision, colon, rest = words.partition(":")
    start = repo.find(revision) if colon and revision and rest else None
    if start is None:
        return None
    found = asked_about(repo, f"{repo.place.worktree}/{rest}" if repo.place.prefix else rest, start)
    return replace(found, words=words) if found is not None and found.path else None


def once_there(repo: ReadRepo, words: str, revision: str = "HEAD") -> Asked | None:
    """A path that is gone: it is asked about in the history of ``revision``. None where it never was there."""
    start, path = repo.find(revision), _from_top(repo, words)
    if start is None or not path:
        return None
    literal = repo.git.setting(GIT_LITERAL_PATHSPECS="1")
    last = literal.quiet("log", "-1", "--format=%H", "--end-of-options", start, "--", path_arg(path)).text
    return Asked("path", words, start, path) if last else None


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
    return path if kind_at(repo, commit, path) else None


def near_paths(repo: ReadRepo, words: str, revision: str = "HEAD") -> list[str]:
    """Paths that may have been meant: the same name in another case or folder, else one that is spelt much like it."""
    from difflib import get_close_matches

    start = repo.find(revision)
    if start is None:
        return []
    paths = repo.git.lines("ls-tree", "-r", "-z", "--name-only", "--full-tree", start)[:_MOST_NEAR]
    name = words.rpartition("/")[2].casefold()
    same = [path for path in paths if path.rpartition("/")[2].casefold() == name]
    return same[:3] or get_close_matches(words, paths, n=3, cutoff=0.75)


def kind_at(repo: ReadRepo, commit: str, path: str) -> str:
    """``blob``, ``tree`` or ``commit`` (a submodule, whose objects are elsewhere); empty where nothing is there."""
    literal = repo.git.setting(GIT_LITERAL_PATHSPECS="1")
    rows = literal.quiet("ls-tree", "-z", "--full-tree", "--end-of-options", commit, path_arg(path)).out
    return rows.split(b" ", 2)[1].decode() if rows else ""


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
    """The text of a file. Raises Refused for a folder, a submodule, a binary file; GitFailed where it is missing."""
    if kind_at(repo, commit, path) != "blob":
        raise Refused(f"{path} is no file: it has no lines", "ask about the path itself")
    content = repo.git.quiet("cat-file", "blob", f"{commit}:{path_arg(path)}").out
    if b"\0" in content[:8000]:
        raise Refused(f"{path} is binary: it has no lines", "ask about the path itself")
    return content
