"""Fixtures that every test has: a sealed world, and a way to make repositories in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.repos import Repo
from tests.world import sealed

settings.register_profile(
    "default", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow], derandomize=False
)
settings.load_profile("default")


@pytest.fixture(autouse=True)
def world(tmp_path: Path) -> Iterator[Path]:
    """The sealed world of this test; its repositories belong below this folder."""
    root = tmp_path / "world"
    root.mkdir()
    with sealed(root):
        yield root


@pytest.fixture
def repo(world: Path) -> Repo:
    """A repository with one commit, ``hello.txt`` and ``src/app.py`` in it, on ``main``."""
    made = Repo.create(world / "repo")
    made.commit("first", {"hello.txt": "hello\n", "src/app.py": "def main() -> int:\n    return 0\n"})
    return made
