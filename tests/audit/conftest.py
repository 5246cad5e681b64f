"""The repository that the tests of the audit chain write to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.audit.logs import Logged


@pytest.fixture
def repo(world: Path) -> Logged:
    """A repository with one commit and no log yet."""
    made = Logged(Logged.create(world / "repo").path)
    made.commit("first", {"file": "content\n"})
    return made
