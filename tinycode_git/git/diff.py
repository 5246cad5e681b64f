"""What commits change, path by path: git's raw and numstat output as records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tinycode_git.git.process import Git
from tinycode_git.proposal import path_str

# Attributes of the repository must neither hide a file nor run a program; renames as git's own default finds them.
_PLAIN = ("--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=none", "--full-index", "--no-relative")
_OPTIONS = ("-r", "-z", "--raw", "--numstat", "-M", "-l1000", *_PLAIN)


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One changed path: status letter (A D M R C T), modes and blobs before and after, lines added and removed.

    ``added`` and ``removed`` are None for a binary file. ``old_path`` differs from ``path`` for a rename or copy.
    """

    status: str
    path: str
    old_path: str
    old_mode: int
    new_mode: int
    old_oid: str
    new_oid: str
    added: int | None = 0
    removed: int | None = 0

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that is touched: for a rename the old one as well."""
        return (self.old_path, self.path) if self.status == "R" else (self.path,)


def diff_trees(git: Git, old: str, new: str, *options: str) -> tuple[FileDiff, ...]:
    """What changes from the tree-ish ``old`` to ``new``."""
    out = git.without_index().quiet("diff-tree", *_OPTIONS, *options, old, new).out
    return tuple(_records(out.split(b"\0")))


def diff_commits(git: Git, oids: Sequence[str]) -> list[tuple[FileDiff, ...]]:
    """What each commit changes against its first parent (a root against nothing), by one git process."""
    return _diff(git, list(oids), "--root", "--always", "--diff-merges=first-parent")


def diff_pairs(git: Git, pairs: Sequence[tuple[str, str]]) -> list[tuple[FileDiff, ...]]:
    """What changes from each tree to the other (full oids of trees), by one git process."""
    return _diff(git, [f"{old} {new}" for old, new in pairs])


def _diff(git: Git, lines: Sequence[str], *options: str) -> list[tuple[FileDiff, ...]]:
    if not lines:
        return []
    stdin = "".join(f"{line}\n" for line in lines).encode()
    out = git.without_index().quiet("diff-tree", "--stdin", *options, *_OPTIONS, stdin=stdin).out
    groups: list[list[bytes]] = []
    ahead = iter([*(line.encode() for line in lines), b""])
    following = next(ahead)
    for part in out.split(b"\0"):
        # git repeats the line it was given before what it found for it, in the order of its input.
        rest = part
        while following and rest.startswith(following):
            groups.append([])
            rest = rest.removeprefix(following).removeprefix(b"\n")
            following = next(ahead)
        if rest:
            groups[-1].append(rest)
    groups += [[] for _ in range(len(lines) - len(groups))]
    return [tuple(_records(group)) for group in groups]


def _records(parts: list[bytes]) -> Iterator[FileDiff]:
    raw: list[FileDiff] = []
    counts: dict[str, tuple[int | None, int | None]] = {}
    at = 0
    while at < len(parts):
        part = parts[at]
        at += 1
        if part.startswith(b":"):
            modes = part[1:].decode().split(" ")
            status = modes[4][0]
            old_path = path_str(parts[at])
            at += 1
            path = old_path
            if status in "RC":
                path = path_str(parts[at])
                at += 1
            raw.append(FileDiff(status, path, old_path, int(modes[0], 8), int(modes[1], 8), modes[2], modes[3]))
        elif part:
            added, removed, name = part.split(b"\t", 2)
            if not name:
                name = parts[at + 1]
                at += 2
            counts[path_str(name)] = (_count(added), _count(removed))
    for row in raw:
        added_removed = counts.get(row.path, (0, 0))
        yield FileDiff(
            row.status,
            row.path,
            row.old_path,
            row.old_mode,
            row.new_mode,
            row.old_oid,
            row.new_oid,
            *added_removed,
        )


def _count(text: bytes) -> int | None:
    return None if text == b"-" else int(text)
