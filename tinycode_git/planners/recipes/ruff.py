"""Running ruff on a tree of the repository, in a folder of its own and with the tree's own configuration.

ruff's configuration is data: it names rules, paths and lengths, and nothing in it is run or loaded
(https://docs.astral.sh/ruff/settings/; ruff has no plugins, https://docs.astral.sh/ruff/faq/). What could still reach
outside the folder is closed here: ``extend`` may only name files of the tree, ``cache-dir`` is overridden by
``--no-cache``, an empty ``ruff.toml`` at the top keeps ruff from looking above it or in the user's own configuration,
and its environment variables are not passed on.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from tinycode_git.errors import Incomplete, Refused
from tinycode_git.planners.recipes.arguments import files
from tinycode_git.proposal import Snapshot, path_bytes

# What ruff looks at by itself: Python, notebooks and, since 0.15, Python in Markdown (ruff check --show-settings).
_PYTHON = (".py", ".pyi", ".pyw", ".ipynb", ".md")
_OWN = ("ruff.toml", ".ruff.toml")
_CONFIGURATION = ("pyproject.toml", *_OWN)
# These settings make ruff look at files of other names: then every file is written out.
_FURTHER = ("include", "extend-include", "extension")
_MOST_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Ran:
    """How ruff ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Folder:
    """A tree's Python files in a temporary folder. ``modes`` are all that was written: path to mode."""

    root: Path
    modes: dict[str, int]
    notes: tuple[str, ...]

    def run(self, *args: str) -> Ran:
        """Run ruff at the top of the folder. Raises Incomplete where it is not installed, Refused where it hangs."""
        ran = _run(self.root, args)
        return replace(ran, err=ran.err.replace(f"{self.root}/", ""))

    def read(self, path: str) -> bytes:
        """What the file holds now."""
        return (self.root / path).read_bytes()

    def relative(self, name: str) -> str:
        """The tree's path for a file name that ruff printed."""
        return os.path.relpath(self.root / name, self.root)


def _run(cwd: Path, args: Sequence[str]) -> Ran:
    env = {name: value for name, value in os.environ.items() if not name.startswith("RUFF_")}
    env |= {"NO_COLOR": "1", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            [_binary(), *args], cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=_MOST_SECONDS
        )
    except subprocess.TimeoutExpired as late:
        hint = "name the folders to look at"
        raise Refused(f"ruff did not end within {_MOST_SECONDS} s and was ended", hint) from late
    return Ran(done.returncode, done.stdout.decode("utf-8", "surrogateescape"), done.stderr.decode("utf-8", "replace"))


@cache
def _binary() -> str:
    try:
        from ruff.__main__ import find_ruff_bin

        return str(find_ruff_bin())
    except (ImportError, FileNotFoundError) as missing:
        hint = "install tinycode-git again, or pip install ruff"
        raise Incomplete("ruff is not installed beside git tiny", hint) from missing


@contextmanager
def checkout(snapshot: Snapshot) -> Iterator[Folder]:
    """The tree's Python files and ruff configuration in a temporary folder, as long as the block runs.

    Raises Refused for configuration that is malformed or that reaches outside the tree.
    """
    with tempfile.TemporaryDirectory(prefix="git-tiny-ruff-") as name:
        root = Path(name).resolve()
        yield _write(snapshot, root)


def _write(snapshot: Snapshot, root: Path) -> Folder:
    entries = files(snapshot)
    modes: dict[str, int] = {}
    notes: list[str] = []
    seen: dict[str, str] = {}
    configured = _configuration(snapshot, [entry.path for entry in entries])
    for entry in entries:
        path = entry.path
        if not (configured.everything or path.endswith(_PYTHON) or path in configured.paths):
            continue
        twin = seen.setdefault(path.casefold(), path)
        if twin != path:
            notes.append(f"left out: {path}: it differs from {twin} only in case")
        elif _is_plain(path) and _place(root, path, snapshot.read(path) or b"", entry.mode):
            modes[path] = entry.mode
        else:
            notes.append(f"left out: {path}: this system cannot hold a file of that name")
    if not any((root / own).exists() for own in _OWN) and not configured.at_top:
        (root / "ruff.toml").touch()
    return Folder(root, modes, tuple(notes))


def _is_plain(path: str) -> bool:
    return not any(part in ("", ".", "..") or part.lower() == ".git" for part in path.split("/"))


def _place(root: Path, path: str, content: bytes, mode: int) -> bool:
    try:
        target = root / os.fsdecode(path_bytes(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(0o755 if mode & 0o111 else 0o644)  # the rules EXE001 and EXE002 look at it
    except (OSError, ValueError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Configured:
    paths: frozenset[str]
    at_top: bool
    everything: bool


def _configuration(snapshot: Snapshot, paths: Iterable[str]) -> _Configured:
    """Every configuration file of the tree and what those extend."""
    todo = [path for path in paths if path.rsplit("/", 1)[-1] in _CONFIGURATION]
    found: set[str] = set()
    at_top = everything = False
    while todo:
        path = todo.pop()
        if path in found:
            continue
        found.add(path)
        settings = _settings(path, snapshot.read(path) or b"")
        if settings is None:
            continue
        at_top = at_top or "/" not in path
        everything = everything or any(key in settings or key in _lint(settings) for key in _FURTHER)
        if "extend" in settings:
            todo.append(_extended(path, settings["extend"], snapshot))
    return _Configured(frozenset(found), at_top, everything)


def _lint(settings: dict[str, Any]) -> dict[str, Any]:
    lint = settings.get("lint")
    return lint if isinstance(lint, dict) else {}


def _settings(path: str, content: bytes) -> dict[str, Any] | None:
    """ruff's settings in a file; None for a pyproject.toml without any. Raises Refused where it is no TOML."""
    try:
        parsed = tomllib.loads(content.decode("utf-8-sig"))
    except ValueError as error:
        hint = "correct it first: ruff reads its settings from there"
        raise Refused(f"{path} is malformed: {error}", hint) from error
    if path.rsplit("/", 1)[-1] != "pyproject.toml":
        return parsed
    tool = parsed.get("tool")
    settings = tool.get("ruff") if isinstance(tool, dict) else None
    return settings if isinstance(settings, dict) else None


def _extended(path: str, target: object, snapshot: Snapshot) -> str:
    folder = path.rpartition("/")[0]
    joined = os.path.normpath(f"{folder}/{target}" if folder else str(target))
    outside = str(target).startswith(("/", "~")) or "$" in str(target) or joined.startswith("..")
    if outside or snapshot.entry(joined) is None:
        raise Refused(
            f"{path} extends {target}, which is not in the tree",
            "ruff's settings count as they stand in the repository: commit that file, or drop the extend",
        )
    return joined


def failure(ran: Ran) -> Refused:
    """Why ruff failed, in its own words, for a process that ended with another code than 0 and 1."""
    lines = [line.strip().removeprefix("Cause:").strip() for line in ran.err.splitlines()]
    causes = [line for line in lines if line not in ("", "ruff failed", "|") and not line.startswith("warning:")]
    first = ": ".join(dict.fromkeys([causes[0], causes[-1]])) if causes else f"exit code {ran.code}"
    hint = "its settings in the repository may not fit the ruff that is installed"
    return Refused(f"ruff failed: {first}", hint, detail=ran.err)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the installed ruff."""

    code: str
    name: str
    fixable: bool


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule of the installed ruff."""
    ran = _run(Path(tempfile.gettempdir()), ("rule", "--all", "--output-format", "json"))
    if ran.code:
        raise failure(ran)
    return tuple(
        Rule(str(rule["code"]), str(rule["name"]), "not available" not in str(rule.get("fix", "")))
        for rule in json.loads(ran.out)
    )
