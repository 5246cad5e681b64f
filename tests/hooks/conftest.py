"""Repositories with git tiny's hooks really installed, run by git itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.repos import ROOT, Repo

TOKEN = "ghp" + "_1234567890abcdefghijABCDEFGHIJ0DgcSv"


@pytest.fixture(scope="session")
def rules_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this test run keeps the compiled rules."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def program(world: Path, rules_cache: Path) -> Path:
    """``git-tiny-hook`` on the PATH, as an installation would have it."""
    folder = world / "bin"
    folder.mkdir()
    made = folder / "git-tiny-hook"
    made.write_text(
        f"#!/bin/sh\nPYTHONPATH='{ROOT}:{ROOT / 'hooks'}' exec '{sys.executable}' -P -m tinycode_hooks \"$@\"\n"
    )
    made.chmod(0o755)
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
    os.environ["XDG_CACHE_HOME"] = str(rules_cache)
    return made


def install(repo: Repo, *options: str, check: bool = True) -> str:
    done = repo.tiny("install", *options, env={"PYTHONPATH": f"{ROOT}:{ROOT / 'hooks'}"}, check=check)
    return done.out + done.err


@pytest.fixture
def hooked(repo: Repo) -> Repo:
    """The repository with the default hooks."""
    install(repo)
    return repo


@pytest.fixture
def server(world: Path, repo: Repo) -> Repo:
    """A bare repository that ``repo`` has as ``origin``, with its main branch."""
    bare = Repo.create(world / "server.git", bare=True)
    repo.git("remote", "add", "origin", str(bare.path))
    repo.git("push", "-q", "-u", "origin", "main")
    return bare


def stage(repo: Repo, path: str, content: str | bytes) -> None:
    repo.write(path, content)
    repo.git("add", "-f", "--", path)
