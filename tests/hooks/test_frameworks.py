"""pre-commit and prek, really installed: the hooks of the manifest, cloned by the framework, run by git.

The framework's own environment is left out (``language: system``): the program is the one on the PATH. That an
environment can be built from a clone is a test of its own, which needs the network.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.hooks.conftest import TOKEN, stage
from tests.repos import ROOT, Repo, Result

FRAMEWORKS = ("pre-commit", "prek")
EVAL = "eval(input())\n"
BIDI = "x = 1  # \u202e reversed\n"


@pytest.fixture
def shelf(world: Path) -> Repo:
    """What a framework clones: the manifest as it is published."""
    made = Repo.create(world / "shelf")
    made.commit("manifest", {".pre-commit-hooks.yaml": (ROOT / ".pre-commit-hooks.yaml").read_text()})
    made.git("tag", "v1")
    return made


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> str:
    found = Path(sys.executable).with_name(request.param)
    assert found.exists() or shutil.which(request.param), f"{request.param} is a test dependency"
    return str(found if found.exists() else shutil.which(request.param))


def use(repo: Repo, shelf: Repo, framework: str, *hooks: str, types: tuple[str, ...] = ("pre-commit",)) -> None:
    """Commit a configuration with some hooks of the shelf, and install the framework."""
    lines = [f"repos:\n- repo: {shelf.path}\n  rev: v1\n  hooks:\n"]
    lines += [f"  - id: {hook}\n    language: system\n" for hook in hooks]
    repo.commit("configuration", {".pre-commit-config.yaml": "".join(lines)})
    asked = [word for kind in types for word in ("--hook-type", kind)]
    repo.git("-c", f"alias.fw=!{framework}", "fw", "install", *asked)


def commit(repo: Repo, message: str = "x") -> Result:
    return repo.git("commit", "-m", message, check=False)


def test_what_is_staged_is_looked_at_and_nothing_else(repo: Repo, shelf: Repo, framework: str) -> None:
    use(repo, shelf, framework, "git-tiny")
    stage(repo, "a.py", f"t = '{TOKEN}'\n")
    repo.write("a.py", "t = None\n")  # partly staged: the framework puts this aside and brings it back
    done = commit(repo)
    assert (done.code, "a.py:1:6: critical: github-token" in done.out + done.err) == (1, True)
    assert repo.files()["a.py"] == b"t = None\n"
    stage(repo, "a.py", "t = None\n")
    repo.write("a.py", f"t = '{TOKEN}'\n")
    assert commit(repo).code == 0
    assert repo.files()["a.py"] == f"t = '{TOKEN}'\n".encode()


def test_the_message(repo: Repo, shelf: Repo, framework: str) -> None:
    use(repo, shelf, framework, "git-tiny-commit-msg", types=("commit-msg",))
    stage(repo, "a.txt", "fine\n")
    done = commit(repo, f"use {TOKEN}")
    assert (done.code, "github-token" in done.out + done.err) == (1, True)
    assert commit(repo, "fine").code == 0


def test_the_push_check_sees_every_branch(repo: Repo, shelf: Repo, server: Repo, framework: str) -> None:
    use(repo, shelf, framework, "git-tiny-push", types=("pre-push",))
    repo.git("push", "-q", "origin", "main")
    repo.branch("zz")
    stage(repo, "a.txt", f"t = '{TOKEN}'\n")
    repo.git("commit", "-q", "-m", "x")
    repo.git("checkout", "-q", "main")
    stage(repo, "b.txt", "fine\n")
    repo.git("commit", "-q", "-m", "fine")
    done = repo.git("push", "origin", "main", "zz", check=False)
    said = done.out + done.err
    assert (done.code != 0, "a.txt:1:6" in said) == (True, True)
    assert "every local branch and tag is looked at" in said
    assert server.oid("main") != repo.oid("main")
    repo.git("branch", "-q", "-D", "zz")
    assert repo.git("push", "origin", "main", check=False).code == 0


@pytest.mark.parametrize(
    ("hook", "caught", "left"),
    [
        ("git-tiny-secrets", f"t = '{TOKEN}'\n", EVAL),
        ("git-tiny-code", EVAL, f"t = '{TOKEN}'\n"),
        ("git-tiny-unicode", BIDI, EVAL),
    ],
)
def test_a_single_family(repo: Repo, shelf: Repo, framework: str, hook: str, caught: str, left: str) -> None:
    use(repo, shelf, framework, hook)
    stage(repo, "a.py", caught)
    assert commit(repo).code == 1
    stage(repo, "a.py", left)
    assert commit(repo).code == 0


def test_whole_files_by_name(repo: Repo, shelf: Repo, framework: str) -> None:
    repo.commit("old", {"old.py": EVAL})
    use(repo, shelf, framework, "git-tiny-files")
    alias = f"alias.fw=!{framework}"
    run = ("-c", alias, "fw", "run", "--all-files", "--hook-stage", "manual", "git-tiny-files")
    done = repo.git(*run, check=False)
    assert (done.code, "old.py:1:6: high: python-eval" in done.out + done.err) == (1, True)
    repo.commit("mended", {"old.py": "x = 1\n"})
    assert repo.git(*run, check=False).code == 0


@pytest.mark.slow
def test_an_environment_is_built_from_a_clone(repo: Repo, world: Path, framework: str) -> None:
    source = Repo(ROOT).clone(world / "source", "--no-local")
    source.git("tag", "v1")
    lines = f"repos:\n- repo: {source.path}\n  rev: v1\n  hooks:\n  - id: git-tiny\n"
    repo.commit("configuration", {".pre-commit-config.yaml": lines})
    stage(repo, "a.py", f"t = '{TOKEN}'\n")
    stores = {"PRE_COMMIT_HOME": str(world / "store"), "PREK_HOME": str(world / "store")}
    done = repo.git("-c", f"alias.fw=!{framework}", "fw", "run", check=False, env=stores)
    assert (done.code, "github-token" in done.out + done.err) == (1, True)
    stored = [path.name for packages in (world / "store").rglob("site-packages") for path in packages.iterdir()]
    assert "tinycode_git" in stored
    assert "torch" not in stored
