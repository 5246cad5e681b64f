"""Trees for the tests of recipes: held in memory, or read from a real repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tinycode_git.planners.recipes.registry import find
from tinycode_git.proposal import MODE_FILE, MODE_GITLINK, MemorySnapshot, Proposal, Put


def tree(files: dict[str, str | bytes], modes: dict[str, int] | None = None) -> MemorySnapshot:
    """A tree of the given files; text is UTF-8."""
    content = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    return MemorySnapshot({path: ((modes or {}).get(path, MODE_FILE), raw) for path, raw in content.items()})


def head(repository: Path) -> MemorySnapshot:
    """The tree of HEAD, read with git alone."""
    listed = subprocess.run(["git", "-C", repository, "ls-tree", "-rz", "HEAD"], capture_output=True, check=True).stdout
    files: dict[str, tuple[int, bytes]] = {}
    for line in listed.split(b"\0")[:-1]:
        meta, path = line.split(b"\t", 1)
        mode, _, oid = meta.decode().split()
        if int(mode, 8) != MODE_GITLINK:
            blob = subprocess.run(["git", "-C", repository, "cat-file", "blob", oid], capture_output=True, check=True)
            files[path.decode("utf-8", "surrogateescape")] = (int(mode, 8), blob.stdout)
    return MemorySnapshot(files)


def planned(snapshot: MemorySnapshot, *args: str) -> Proposal:
    """The proposal of a recipe line, its snapshot untouched."""
    before = dict(snapshot.files)
    proposal = find(args[0]).plan(snapshot, args[1:])
    assert snapshot.files == before
    return proposal


def after(snapshot: MemorySnapshot, *args: str) -> dict[str, bytes]:
    """The contents once every step is made. Each change really changes its file, and keeps its mode."""
    for step in planned(snapshot, *args).steps:
        for change in step.changes:
            assert isinstance(change, Put)
            assert change.content != snapshot.read(change.path)
            entry = snapshot.entry(change.path)
            assert entry is not None
            assert entry.mode == change.mode
        snapshot = snapshot.after(step.changes)
    return {path: content for path, (_, content) in snapshot.files.items()}


def changed(files: dict[str, str], *args: str) -> dict[str, str]:
    """As ``after``, for UTF-8 texts: only the files that are different."""
    result = after(tree(dict(files)), *args)
    return {path: content.decode() for path, content in result.items() if content.decode() != files.get(path)}
