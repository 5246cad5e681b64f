"""The random cases are what they promise: valid, clean to start with, and told apart by plain git."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import Phase, find, given, settings

from tests.strategies import Case, build, cases, soil, state_of, tree_after
from tests.world import sealed
from tinycode_git.proposal import MODE_EXEC, MODE_LINK, Change, Delete, MemorySnapshot, Put


@given(cases())
def test_plans_are_valid_step_by_step(case: Case) -> None:
    now = case.base
    for step in case.steps:
        assert step.changes
        for change in step.changes:
            if isinstance(change, Delete):
                assert change.path in now.files
            else:
                assert isinstance(change, Put)
                assert now.files.get(change.path) != (change.mode, change.content)
            now = now.after([change])
        for path in now.files:
            assert not now.is_dir(path), f"{path} is a file and a folder"
    touched = {change.path for change in case.changes}
    assert not touched & {one.path for one in case.dirt}


@settings(max_examples=15)
@given(cases())
def test_git_builds_what_memory_says(case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder, sealed(Path(folder)) as world:
        repo = build(world / "repo", case.base)
        blank = MemorySnapshot({p: e for p, e in case.base.files.items() if not p.endswith(".bat")})
        assert {p: e for p, e in state_of(repo).items() if not p.endswith(".bat")} == blank.files
        for path in case.base.files:
            os.utime(repo.path / path, ns=(5, 5), follow_symlinks=False)
        assert repo.git("status", "--porcelain").out == ""
        final = case.base.after(case.changes)
        tree = tree_after(repo, "HEAD", case.steps)
        assert repo.tree(tree) == {e.path: (e.mode, e.oid) for e in final.paths()}
        assert any(mode == MODE_LINK for mode, _ in final.files.values()) == (
            "120000" in repo.git("ls-tree", "-r", tree).out
        )


@settings(max_examples=15)
@given(cases())
def test_uncommitted_work_is_made(case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder, sealed(Path(folder)) as world:
        repo = build(world / "repo", case.base)
        soil(repo, case.dirt)
        held = repo.files()
        for one in case.dirt:
            assert held.get(one.path) == one.held
            assert (one.path in repo.index()) == (one.staged is not None and not one.untracked)


def _put(case: Case, test: Callable[[Put, tuple[int, bytes] | None], bool]) -> bool:
    def asked(change: Change) -> bool:
        return isinstance(change, Put) and test(change, case.base.files.get(change.path))

    return any(asked(change) for change in case.steps[0].changes)


def _renamed(case: Case) -> bool:
    gone = {case.base.files[c.path] for c in case.steps[0].changes if isinstance(c, Delete)}
    return _put(case, lambda new, old: old is None and (new.mode, new.content) in gone and len(new.content) > 5)


KINDS: dict[str, Callable[[Case], bool]] = {
    "rename": _renamed,
    "delete": lambda c: any(isinstance(change, Delete) for change in c.changes),
    "mode change": lambda c: _put(c, lambda new, old: old is not None and old[1] == new.content and old[0] != new.mode),
    "executable added": lambda c: _put(c, lambda new, old: old is None and new.mode == MODE_EXEC),
    "file to link": lambda c: _put(c, lambda new, old: old is not None and old[0] != MODE_LINK == new.mode),
    "link to file": lambda c: _put(c, lambda new, old: old is not None and old[0] == MODE_LINK != new.mode),
    "binary": lambda c: _put(c, lambda new, old: b"\0" in new.content),
    "CRLF": lambda c: _put(c, lambda new, old: b"\r\n" in new.content and not new.path.endswith(".bat")),
    "eol=crlf": lambda c: _put(c, lambda new, old: b"\n" in new.content and new.path.endswith(".bat")),
    "not UTF-8": lambda c: _put(c, lambda new, old: "\udcff" in new.path),
    "file to folder": lambda c: _put(c, lambda new, old: any(new.path.startswith(f"{p}/") for p in c.base.files)),
    "folder to file": lambda c: _put(c, lambda new, old: c.base.is_dir(new.path)),
    "several steps": lambda c: len(c.steps) > 2,
    "undone again": lambda c: len(c.steps) > 1 and c.base.after(c.changes).files == c.base.files,
    "staged and not staged": lambda c: any(d.staged is not None and d.held not in (d.staged, None) for d in c.dirt),
    "staged delete": lambda c: any(d.held is None and d.staged is None for d in c.dirt),
    "ignored": lambda c: any(d.path.endswith(".ignored") for d in c.dirt),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_up(kind: str) -> None:
    find(cases(), KINDS[kind], settings=settings(max_examples=5_000, database=None, phases=[Phase.generate]))
