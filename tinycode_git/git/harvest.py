"""What a program did in a throwaway clone, taken back into the repository as objects, and nothing else.

Nothing that the program could write is believed: its ``.git`` is read as files, its configuration never; git runs with
the clone's ``control`` directory, and what comes over is checked object by object (``fetch.fsckObjects``).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from tinycode_git.errors import Incomplete
from tinycode_git.git.process import Git, GitFailed
from tinycode_git.git.throwaway import Clone

_OID = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REF = re.compile(rb"ref: (refs/[\x21-\x7e\x80-\xff]+)")
_LARGE = 1 << 22


@dataclass(frozen=True, slots=True)
class Harvest:
    """Oids that are now in the repository: ``tip``, the commit that HEAD named in the end, and ``rest``.

    ``rest`` is a commit on ``tip`` with what was left uncommitted (untracked files too, ignored ones not), or None
    where nothing was. ``notes`` are lines for the user: what could not be taken.
    """

    tip: str
    rest: str | None
    notes: tuple[str, ...] = ()


def harvest(clone: Clone, base: str, into: Git) -> Harvest:
    """Take the commits and the uncommitted work of ``clone``, which began at ``base``, into the repository of ``into``.

    Where the clone's own repository was ruined, what is in its working tree counts, on ``base``. Raises Incomplete
    where objects that it made are missing or malformed.
    """
    notes: list[str] = []
    git_dir = clone.path / ".git"
    tip = _head(git_dir) if _is_own(git_dir) else None
    if tip is not None:
        _borrow(clone, git_dir / "objects")
    if tip is None or not _is_commit(clone.control, tip):
        notes.append("the clone's own repository was removed or ruined: only its working tree was taken")
        tip = base
    try:
        tree, said = _working_tree(clone, tip)
    except GitFailed as failed:
        raise _not_taken(failed) from failed
    notes += said
    rest = None
    if tree != clone.control.quiet("rev-parse", f"{tip}^{{tree}}").text:
        who = {f"GIT_{role}_{part}": "git-tiny" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
        rest = clone.control.setting(**who).quiet("commit-tree", "-m", "left uncommitted", "-p", tip, tree).text
    if (rest or tip) != base:
        _fetch(clone, rest or tip, into)
    return Harvest(tip, rest, tuple(notes))


def _is_own(git_dir: Path) -> bool:
    """Whether the folders that are read are where they were, not links to somewhere else."""
    return all(place.is_dir() and not place.is_symlink() for place in (git_dir, git_dir / "objects", git_dir / "refs"))


def _head(git_dir: Path) -> str | None:
    """The oid that HEAD comes to, read from the files (gitrepository-layout)."""
    content = _small(git_dir / "HEAD")
    for _ in range(5):
        content = content.strip()
        if _OID.fullmatch(content):
            return content.decode()
        found = _REF.fullmatch(content)
        if found is None or b".." in found[1]:
            return None
        content = _small(git_dir / os.fsdecode(found[1])) or _packed(git_dir, found[1])
    return None


def _packed(git_dir: Path, ref: bytes) -> bytes:
    for line in _small(git_dir / "packed-refs").splitlines():
        oid, _, name = line.partition(b" ")
        if name == ref:
            return oid
    return b""


def _small(path: Path) -> bytes:
    """The content of a plain file of reasonable size that no link leads to; else nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        try:
            return file.read(_LARGE)
        except OSError:
            return b""


def _borrow(clone: Clone, objects: Path) -> None:
    """Let our own git directory see the objects that the program made."""
    alternates = clone.folder / "control/objects/info/alternates"
    with alternates.open("ab") as file:
        file.write(os.fsencode(objects) + b"\n")


def _is_commit(git: Git, oid: str) -> bool:
    return git.quiet("cat-file", "-e", f"{oid}^{{commit}}", ok=(0, 1, 128)).code == 0


def _working_tree(clone: Clone, tip: str) -> tuple[str, list[str]]:
    """The working tree as a tree, and what could not be added."""
    git = clone.control.setting(GIT_INDEX_FILE=str(clone.folder / "control/harvest-index"))
    git.quiet("read-tree", "--empty")
    git.quiet("read-tree", tip)
    done = git.quiet("add", "--all", "--ignore-errors", "--", ".", ok=(0, 1))
    said = done.err.decode("utf-8", "surrogateescape").splitlines()
    return git.quiet("write-tree").text, [line for line in said if line.startswith(("error:", "warning: adding"))]


def _fetch(clone: Clone, oid: str, into: Git) -> None:
    control = clone.folder / "control"
    clone.control.quiet("config", "uploadpack.allowAnySHA1InWant", "true")
    options = ("-c", "protocol.file.allow=always", "-c", "fetch.fsckObjects=true")
    quietly = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--recurse-submodules=no")
    try:
        into.quiet(*options, "fetch", *quietly, "--no-write-commit-graph", "--end-of-options", str(control), oid)
    except GitFailed as failed:
        raise _not_taken(failed) from failed


def _not_taken(failed: GitFailed) -> Incomplete:
    return Incomplete(
        f"what was made in the throwaway clone could not be taken over: {failed.message}",
        failed.hint,
        detail=failed.detail,
    )
