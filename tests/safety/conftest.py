"""Real repositories with a sealed home, clock and configuration."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tinycode_git.git.process import Git
from tinycode_git.safety.engine import Engine
from tinycode_git.safety.ruleset import shipped

WHEN = "2024-05-06T07:08:09+00:00"
# In two parts, so that this file holds no live-looking secret.
TOKEN = "ghp" + "_1234567890abcdefghijABCDEFGHIJ0DgcSv"


class Repo:
    """A repository and the shortest ways to fill it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.handle = Git(path, {})

    def git(self, *args: str, stdin: bytes = b"", ok: bool = True, **env: str) -> str:
        done = subprocess.run(
            ["git", *args], cwd=self.path, input=stdin, capture_output=True, env={**os.environ, **env}, check=False
        )
        assert not ok or done.returncode == 0, done.stderr.decode()
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, path: str, content: str | bytes) -> Path:
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def stage(self, path: str, content: str | bytes) -> None:
        self.write(path, content)
        self.git("add", "-f", "--", path)

    def commit(self, message: str = "c", **files: str | bytes) -> str:
        for name, content in files.items():
            self.stage(name.replace("__", "/").replace("_dot_", "."), content)
        self.git("commit", "-q", "--no-verify", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Home, configuration and clock of this test alone; only the compiled rules are shared by a test run."""
    home = tmp_path / "home"
    home.mkdir()
    for name in list(os.environ):
        if name.startswith(("GIT_", "TINY_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    config = home / "gitconfig"
    config.write_text(
        "[user]\n\tname = N\n\temail = n@example.org\n[init]\n\tdefaultBranch = main\n[core]\n\tautocrlf = false\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_AUTHOR_DATE", WHEN)
    monkeypatch.setenv("GIT_COMMITTER_DATE", WHEN)
    return home


@pytest.fixture
def make_repo(tmp_path: Path) -> Iterator[Callable[..., Repo]]:
    """Makes repositories: ``make_repo("name", "--bare")``."""

    def make(name: str = "repo", *options: str) -> Repo:
        path = tmp_path / name
        subprocess.run(["git", "init", "-q", *options, str(path)], check=True)
        return Repo(path)

    return make


@pytest.fixture
def repo(make_repo: Callable[..., Repo]) -> Repo:
    return make_repo()


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(folder)
    yield folder
    if before is None:
        del os.environ["XDG_CACHE_HOME"]
    else:
        os.environ["XDG_CACHE_HOME"] = before


@pytest.fixture(scope="session")
def engine(cache: Path) -> Engine:
    return Engine(shipped(), b"0123456789abcdef")
