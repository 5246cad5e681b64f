"""Objects through libgit2, its errors turned into ours: what is missing, what is damaged, what cannot be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinycode_git.errors import Incomplete

if TYPE_CHECKING:
    import pygit2


def read_object(repo: pygit2.Repository, oid: str) -> bytes:
    """The content of an object. Raises Incomplete where it is missing or damaged."""
    import pygit2

    try:
        return repo.read(oid)[1]
    except KeyError as error:
        raise missing(oid) from error
    except (pygit2.GitError, OSError, ValueError) as error:
        raise damaged(oid, error) from error


def tree_of(repo: pygit2.Repository, oid: str) -> str:
    """The tree of a commit; a tree is its own. Raises Incomplete where an object is missing or damaged."""
    import pygit2

    try:
        found = repo.get(oid)
    except (pygit2.GitError, OSError, ValueError) as error:
        raise damaged(oid, error) from error
    if found is None:
        raise missing(oid)
    return str(found.tree_id if isinstance(found, pygit2.Commit) else found.id)


def write_object(repo: pygit2.Repository, kind: str, content: bytes) -> str:
    """Store a ``blob``, ``tree`` or ``commit``; its oid. Raises Incomplete where nothing can be written."""
    import pygit2

    try:
        return str(repo.write(pygit2.enums.ObjectType[kind.upper()], content))
    except (pygit2.GitError, OSError) as error:
        raise Incomplete(
            f"a {kind} could not be written to the repository: {error}",
            "is the disk full, or the repository read-only? nothing of yours was changed",
        ) from error


def missing(oid: str) -> Incomplete:
    """The error for an object that is named but not here."""
    return Incomplete(
        f"object {oid[:12]} is missing here (a shallow or partial clone, or damage)",
        "fetch it with git fetch --unshallow or git fetch --refetch --no-filter, or check with git fsck",
    )


def damaged(oid: str, error: Exception) -> Incomplete:
    """The error for an object that is here and cannot be read."""
    reason = str(error).removeprefix(f"{oid}: ")
    return Incomplete(
        f"object {oid[:12]} is damaged: {reason}",
        "git fsck says what else is; git fetch --refetch --no-filter brings objects again from a remote",
    )
