"""Merges computed without a working tree (git merge-tree --write-tree), by git's own rules and the user's settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tinycode_git.errors import Refused
from tinycode_git.git.process import GitFailed
from tinycode_git.git.write import PlanRepo
from tinycode_git.proposal import Identity, path_str


@dataclass(frozen=True, slots=True)
class Conflict:
    """One path on which both sides disagree, and what git says of it."""

    path: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Merged:
    """The tree of a merge, and its conflicts (none: clean)."""

    tree: str
    conflicts: tuple[Conflict, ...]


def merge(repo: PlanRepo, ours: str, theirs: str, *, options: Sequence[str] = ()) -> Merged:
    """Merge two commits; the tree and its new blobs are stored, nothing else is touched."""
    try:
        done = repo.git.user(
            "-c",
            "core.fsync=committed,loose-object",
            "merge-tree",
            "--write-tree",
            "-z",
            "--messages",
            *options,
            ours,
            theirs,
            ok=(0, 1),
        )
    except GitFailed as failed:
        failed.message = f"the merge could not be computed: {failed.message}"
        raise
    merged = parse_merge(done.out)
    if done.code == 1 and not merged.conflicts:
        raise Refused("git sees a conflict in this merge that it does not name", "try it by hand: git merge")
    return merged if done.code == 1 else Merged(merged.tree, ())


def merge_onto(repo: PlanRepo, base_tree: str, ours_tree: str, theirs_tree: str) -> Merged:
    """Merge two trees over a base tree that history does not name (a revert, a step moved elsewhere).

    git 2.39 takes no merge base by name, so three commits without refs say what the base is.
    """
    who = Identity("git tiny", "git-tiny@localhost", 0)
    base = repo.write_commit(base_tree, [], "base\n", who, who)
    ours = repo.write_commit(ours_tree, [base], "ours\n", who, who)
    theirs = repo.write_commit(theirs_tree, [base], "theirs\n", who, who)
    return merge(repo, ours, theirs)


def parse_merge(out: bytes) -> Merged:
    """Read ``merge-tree -z`` output: the tree, conflicted entries, then messages with the paths they are about."""
    head, _, rest = out.partition(b"\0")
    tree = head.decode()
    entries, _, messages = rest.partition(b"\0\0") if not rest.startswith(b"\0") else (b"", b"", rest[1:])
    conflicted = {path_str(row.split(b"\t", 1)[1]) for row in entries.split(b"\0") if b"\t" in row}
    found: dict[str, Conflict] = {}
    parts = messages.split(b"\0")
    at = 0
    while at < len(parts) and re.fullmatch(rb"\d+", parts[at]):
        count = int(parts[at])
        paths = [path_str(part) for part in parts[at + 1 : at + 1 + count]]
        kind, text = path_str(parts[at + 1 + count]), path_str(parts[at + 2 + count]).strip()
        at += count + 3
        if kind.startswith("CONFLICT"):
            for path in paths[:1]:
                found.setdefault(path, Conflict(path, _kind(kind), text))
    for path in sorted(conflicted - set(found)):
        found[path] = Conflict(path, "content", f"Merge conflict in {path}")
    return Merged(tree, tuple(found.values()))


def _kind(text: str) -> str:
    inside = re.search(r"\(([^)]*)\)", text)
    return inside[1] if inside else text.removeprefix("CONFLICT").strip(" :()")
