"""What an installation brings: hooks run in environments that pre-commit builds, where size is time."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, requires

import pytest
from packaging.requirements import Requirement

HEAVY = ("torch", "sentence-transformers", "faiss-cpu", "transformers", "numpy", "xllamacpp", "semgrep")


def closure(name: str, extra: str = "") -> set[str]:
    """Every distribution that an installation of ``name`` brings here, itself included."""
    found: set[str] = set()
    left = [(name, extra)]
    while left:
        one, extras = left.pop()
        if one in found:
            continue
        try:
            wanted = requires(one) or []
        except PackageNotFoundError:  # brought on other systems only
            continue
        found.add(one)
        for text in wanted:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extras}):
                left.append((requirement.name.lower().replace("_", "-"), ",".join(requirement.extras)))
    return found


def test_the_environment_that_pre_commit_builds_holds_no_model_library() -> None:
    try:
        brought = closure("tinycode-git")
    except PackageNotFoundError:
        pytest.fail("tinycode-git is not installed here: make test installs it")
    assert {"pygit2", "duckdb", "hyperscan", "typer", "rich"} <= brought
    assert brought.isdisjoint(HEAVY), sorted(brought)
