"""The project itself: what is documented is what there is, and what is built is what runs."""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts.docs import FOLDER, pages, readme
from tests.repos import ROOT, Repo, run
from tinycode_git import __version__
from tinycode_git.verbs import VERBS

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_readme_lists_the_verbs_that_there_are() -> None:
    text = (ROOT / "README.md").read_text()
    assert re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", text, re.M) == [(n, v.summary) for n, v in VERBS.items()], (
        "run: make man"
    )
    assert readme(text) == text


def test_the_manual_pages_are_what_the_help_says() -> None:
    assert {place.name: place.read_text() for place in FOLDER.glob("*.1")} == pages(), "run: make man"


@pytest.mark.parametrize("name", sorted(place.name for place in FOLDER.glob("*.1")))
def test_man_reads_a_page_without_a_warning(name: str) -> None:
    _needs_man()
    done = run(["man", "--warnings", "--local-file", FOLDER / name], cwd=ROOT, env={"MANWIDTH": "90"})
    assert done.err == ""
    title = name.removesuffix(".1")
    for section in ("NAME", f"{title} - ", "SYNOPSIS", "DESCRIPTION", "OPTIONS"):
        assert section in done.out


def _needs_man() -> None:
    version = (
        subprocess.run(["man", "--version"], capture_output=True, text=True, check=False) if _which("man") else None
    )
    if version is None or not version.stdout.startswith("man "):
        pytest.skip("needs man (system package man-db)")


def _which(program: str) -> bool:
    import shutil

    return shutil.which(program) is not None


def test_the_layers_import_one_way_only(tmp_path: Path) -> None:
    done = run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT}/hooks"},
        check=False,
    )
    assert done.code == 0, done.out


def test_what_is_declared_is_installed_here() -> None:
    """Another environment than the declared one would make the other tests say little."""
    wrong = []
    for text in PROJECT["dependencies"]:
        needed = Requirement(text)
        installed = metadata.version(needed.name)
        if not needed.specifier.contains(installed):
            wrong.append(f"{needed.name} {installed} is not {needed.specifier}")
    assert wrong == []


def test_everything_that_is_installed_for_the_tests_is_pinned() -> None:
    pinned = {
        line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["test"]
    names = {Requirement(text).name.lower() for text in [*PROJECT["dependencies"], *groups]}
    assert names <= pinned, "run: make pins"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built from a copy, so that nothing is left in the tree."""
    copy = tmp_path_factory.mktemp("source") / "tree"
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, stdout=-1, check=True
    ).stdout
    for name in tracked.decode().split("\0")[:-1]:
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    folder = tmp_path_factory.mktemp("wheel")
    options = [
        "--quiet",
        "--no-build-isolation",
        "--no-deps",
        "--disable-pip-version-check",
        "--wheel-dir",
        str(folder),
    ]
    run([sys.executable, "-m", "pip", "wheel", *options, copy], cwd=copy)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``bin`` of a fresh virtual environment with that wheel; the libraries are those of the tests' environment."""
    place = tmp_path_factory.mktemp("installed") / "venv"
    run([sys.executable, "-m", "venv", "--without-pip", place], cwd=place.parent)
    pip: list[str | bytes | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        place / "bin/python",
        "--disable-pip-version-check",
    ]
    run([*pip, "install", "--quiet", "--no-deps", "--no-index", wheel], cwd=place)
    (packages,) = place.glob("lib/python3*/site-packages")
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "libraries.pth").write_text("\n".join(libraries))
    return place / "bin"


def test_the_wheel_holds_what_it_should(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        head = email.message_from_bytes(archive.read(f"tinycode_git-{__version__}.dist-info/METADATA"))
    assert head["Name"] == PROJECT["name"]
    data = f"tinycode_git-{__version__}.data/data/share"
    for name in VERBS:
        assert f"{data}/man/man1/git-tiny-{name}.1" in names
    assert f"{data}/bash-completion/completions/git-tiny" in names
    assert {name.split("/")[0] for name in names} == {
        *("tinycode_git", "tinycode_hooks"),
        f"tinycode_git-{__version__}.dist-info",
        f"tinycode_git-{__version__}.data",
    }
    assert "tinycode_git/py.typed" in names
    assert not [name for name in names if "tests" in name.split("/")]


def test_the_installed_command_works(installed: Path, repo: Repo) -> None:
    environment = {"PATH": f"{installed}:{os.environ['PATH']}"}
    assert run(["git", "tiny", "--version"], cwd=repo.path, env=environment).out == f"git-tiny {__version__}\n"
    found = run(["git", "tiny", "doctor", "--json"], cwd=repo.path, env=environment).json
    assert found["ok"]
    assert {"name": "command", "status": "ok", "message": str(installed / "git-tiny"), "hint": ""} in found["checks"]
    script = run(["git", "tiny", "completion", "bash"], cwd=repo.path, env=environment).out
    assert script == (ROOT / "tinycode_git/completions/git-tiny.bash").read_text()


@pytest.mark.parametrize("asked", [("tiny", "--help"), ("help", "tiny"), ("help", "git-tiny-mode")])
def test_git_finds_the_manual(installed: Path, repo: Repo, asked: tuple[str, ...]) -> None:
    _needs_man()
    environment = {"PATH": f"{installed}:{os.environ['PATH']}", "MANPAGER": "cat", "MANWIDTH": "90"}
    shown = run(["git", *asked], cwd=repo.path, env=environment).out
    assert shown.startswith("GIT-TINY-MODE(1)" if "git-tiny-mode" in asked else "GIT-TINY(1)")
    assert "execute" in shown


def test_the_demo_runs(installed: Path, world: Path) -> None:
    """As ``make demo`` runs it, where nobody has told git who they are yet."""
    (world / "home/.gitconfig").write_text("")
    environment = {"PATH": f"{installed}:{os.environ['PATH']}", "TMPDIR": str(world)}
    done = run([ROOT / "scripts/demo.sh"], cwd=world, env=environment, timeout=300)
    stages = [line for line in done.out.splitlines() if line.startswith("== ")]
    assert len(stages) >= 6
    assert "\x1b" not in done.out
    assert [place.name for place in world.iterdir()] == ["home"]


def _environment(tmp_path: Path, python: str) -> subprocess.CompletedProcess[str]:
    """Run ``scripts/environment.sh`` in a tree of its own, where ``python3`` is the given script."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/environment.sh").write_text((ROOT / "scripts/environment.sh").read_text())
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3").write_text(f"#!/bin/sh\n{python}\n")
    (tmp_path / "bin/python3").chmod(0o755)
    for program in ("sh", "dirname"):
        (tmp_path / "bin" / program).symlink_to(
            f"/bin/{program}" if Path(f"/bin/{program}").exists() else f"/usr/bin/{program}"
        )
    argv = ["/bin/sh", str(tmp_path / "scripts/environment.sh")]
    return subprocess.run(argv, env={"PATH": str(tmp_path / "bin")}, capture_output=True, text=True, check=False)


def test_an_old_python_is_said(tmp_path: Path) -> None:
    done = _environment(tmp_path, "exit 1  # what its test of sys.version_info would answer")
    assert done.returncode == 1
    assert done.stderr.startswith("error: no Python 3.11 or newer was found\nhint: ")
    assert not (tmp_path / ".venv").exists()


def test_a_python_without_venv_is_said(tmp_path: Path) -> None:
    done = _environment(tmp_path, f'case "$2" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"')
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: python3 has no venv module\nhint: on Debian and Ubuntu: apt install python3-venv"
    )
    assert not (tmp_path / ".venv").exists()


def test_the_shell_scripts_are_sound() -> None:
    for name in ("scripts/demo.sh", ".ci/run"):
        run(["bash", "-n", ROOT / name], cwd=ROOT)
    run(["sh", "-n", ROOT / "scripts/environment.sh"], cwd=ROOT)
    for name in ("scripts/demo.sh", ".ci/run", "scripts/environment.sh"):
        assert os.access(ROOT / name, os.X_OK)
