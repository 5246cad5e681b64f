"""What the validator's tests share: the compiled rules of a test run, an engine, a token that is in no file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tinycode_git.safety.engine import Engine
from tinycode_git.safety.ruleset import shipped

# In two parts, so that this file holds no live-looking secret.
TOKEN = "ghp" + "_1234567890abcdefghijABCDEFGHIJ0DgcSv"
PASSWORD = "q8Zt3vLp" + "0Wm9xRq2"


@pytest.fixture(scope="session")
def rules_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this test run keeps the compiled rules."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def cache(world: Path, rules_cache: Path) -> Path:
    """The sealed world, but for the compiled rules, which tests share."""
    os.environ["XDG_CACHE_HOME"] = str(rules_cache)
    return rules_cache


@pytest.fixture(scope="session")
def engine(rules_cache: Path) -> Engine:
    kept = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(rules_cache)
    try:
        return Engine(shipped(), b"0123456789abcdef")
    finally:
        if kept is None:
            del os.environ["XDG_CACHE_HOME"]
        else:
            os.environ["XDG_CACHE_HOME"] = kept
