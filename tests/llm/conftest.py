"""A model server and a repository whose user has set it up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.llm.server import Script, serving
from tests.repos import Repo


@pytest.fixture
def server(world: object) -> Iterator[Script]:
    """A scripted server with the model ``coder:7b``."""
    with serving() as script:
        yield script


@pytest.fixture
def set_up(repo: Repo, server: Script) -> Repo:
    """The repository of ``repo``, with the scripted server's model in the user's configuration."""
    repo.git("config", "--global", "tiny.modelHost", server.url)
    repo.git("config", "--global", "tiny.model", "coder:7b")
    return repo
