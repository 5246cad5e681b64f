"""Real repositories for tests, and git tiny as a real process in them."""

from __future__ import annotations

import json as jsonlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.world import tick
from tinycode_git.proposal import path_bytes, path_str

ROOT = Path(__file__).resolve().parent.parent
TINY = (sys.executable, "-P", "-m", "tinycode_git")

Content = bytes | str


@dataclass(frozen=True, slots=True)
class Exe:
    """Content of an executable file."""

    content: Content


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link to ``target``."""

    target: Content


Entry = Content | Exe | Link | None


@dataclass(frozen=True, slots=True)
class Result:
    """How a process ended. ``out`` and ``err`` are text (bytes that are not UTF-8 as surrogates)."""

    args: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: bytes

    @property
    def out(self) -> str:
        """Standard output."""
        return path_str(self.stdout)

    @property
    def err(self) -> str:
        """Standard error."""
        return path_str(self.stderr)

    @property
    def text(self) -> str:
        """Standard output without white space at its ends."""
        return self.out.strip()

    @property
    def json(self) -> Any:
        """Standard output as JSON; fails the test, with both streams, where it is not."""
        try:
            return jsonlib.loads(self.stdout)
        except ValueError as error:
            raise AssertionError(f"not JSON ({error}): {self}") from error

    def __str__(self) -> str:
        return f"{' '.join(self.args)}: exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def run(
    args: Sequence[str | bytes | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    input: Content | None = None,
    check: bool = True,
    timeout: float = 120,
) -> Result:
    """Run a program to its end. ``check``: a code other than 0 fails the test and shows both streams."""
    stdin = _bytes(input) if input is not None else None
    done = subprocess.run(
        [os.fspath(a) for a in args],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        check=False,
        timeout=timeout,
    )
    result = Result(tuple(path_str(os.fsencode(a)) for a in args), done.returncode, done.stdout, done.stderr)
    if check:
        assert result.code == 0, str(result)
    return result


def tiny(
    *args: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    input: Content | None = None,
    check: bool = True,
    timeout: float = 120,
) -> Result:
    """Run ``git-tiny`` as a process of its own. With ``check=False`` any exit code is an answer."""
    env = {"PYTHONPATH": str(ROOT), **(env or {})}
    return run([*TINY, *map(str, args)], cwd=cwd, env=env, input=input, check=check, timeout=timeout)


@dataclass(frozen=True, slots=True)
class Repo:
    """A repository: ``path`` is its working tree, or the repository itself where it is bare."""

    path: Path

    @classmethod
    def create(cls, path: Path, *, bare: bool = False, object_format: str = "sha1") -> Repo:
        """An empty repository on the unborn branch ``main``."""
        options = [*(["--bare"] if bare else []), f"--object-format={object_format}"]
        run(["git", "init", "-q", *options, path], cwd=path.parent)
        return cls(path)

    def git(
        self,
        *args: str | bytes | Path,
        input: Content | None = None,
        check: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """Run git here; the world's clock moves by a minute first."""
        tick()
        return run(["git", *args], cwd=self.path, input=input, check=check, env=env)

    def tiny(
        self,
        *args: str | Path,
        env: Mapping[str, str] | None = None,
        input: Content | None = None,
        check: bool = True,
        timeout: float = 120,
    ) -> Result:
        """Run ``git-tiny`` here; see ``tiny``."""
        tick()
        return tiny(*args, cwd=self.path, env=env, input=input, check=check, timeout=timeout)

    # What is in it

    def oid(self, rev: str = "HEAD") -> str:
        """The full oid that ``rev`` names."""
        return self.git("rev-parse", "--verify", "--end-of-options", rev).text

    def git_dir(self) -> Path:
        """The git directory of this worktree."""
        return Path(self.git("rev-parse", "--absolute-git-dir").text)

    def tree(self, rev: str = "HEAD") -> dict[str, tuple[int, str]]:
        """Every path of a commit or tree: mode and oid."""
        entries = {}
        for line in self.git("ls-tree", "-r", "-z", "--full-tree", rev).stdout.split(b"\0")[:-1]:
            meta, _, path = line.partition(b"\t")
            mode, _, oid = meta.split()
            entries[path_str(path)] = (int(mode, 8), oid.decode())
        return entries

    def index(self) -> dict[str, tuple[int, str]]:
        """Every path of the index at stage 0: mode and oid."""
        entries = {}
        for line in self.git("ls-files", "--stage", "-z", "--full-name").stdout.split(b"\0")[:-1]:
            meta, _, path = line.partition(b"\t")
            mode, oid, stage = meta.split()
            if stage == b"0":
                entries[path_str(path)] = (int(mode, 8), oid.decode())
        return entries

    def show(self, rev: str, path: str) -> bytes:
        """The content of ``path`` in ``rev``."""
        return self.git("cat-file", "blob", path_bytes(f"{rev}:{path}")).stdout

    def refs(self) -> dict[str, str]:
        """Every ref and the oid it names."""
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)").out.splitlines()
        return dict(line.split(" ", 1) for line in lines)

    def files(self) -> dict[str, bytes]:
        """The working tree: path to content (of a link: ``b"-> "`` and its target), ignored and untracked included."""
        found = {}
        top = os.fsencode(self.path)
        for folder, folders, names in os.walk(top):
            if folder == top and b".git" in folders:
                folders.remove(b".git")
            links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
            for name in [*names, *links]:
                place = os.path.join(folder, name)
                relative = path_str(os.path.relpath(place, top))
                if relative != ".git":
                    found[relative] = b"-> " + os.readlink(place) if os.path.islink(place) else _read(place)
        return dict(sorted(found.items()))

    # Changing it

    def write(self, path: str | bytes, content: Entry, *, mode: int | None = None) -> None:
        """Write (or with None remove) a file of the working tree, its folders too; a file in the way is replaced."""
        place = os.path.join(os.fsencode(self.path), path if isinstance(path, bytes) else path_bytes(path))
        if os.path.lexists(place) and (os.path.islink(place) or not os.path.isdir(place)):
            os.unlink(place)
        if content is None:
            return
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if isinstance(content, Link):
            os.symlink(_bytes(content.target), place)
            return
        with open(place, "wb") as file:
            file.write(_bytes(content.content if isinstance(content, Exe) else content))
        os.chmod(place, mode if mode is not None else 0o755 if isinstance(content, Exe) else 0o644)

    def commit(self, message: str, files: Mapping[str, Entry] | None = None, *options: str) -> str:
        """Write and stage ``files`` (None as content removes), then commit what is staged, nothing too; its oid."""
        if files:
            for path, content in files.items():
                self.write(path, content)
            paths = b"\0".join(path_bytes(path) for path in files)
            literally = {"GIT_LITERAL_PATHSPECS": "1"}
            self.git("add", "-A", "-f", "--pathspec-from-file=-", "--pathspec-file-nul", input=paths, env=literally)
        self.git("commit", "-q", "--allow-empty", "--allow-empty-message", "-m", message, *options)
        return self.oid()

    def branch(self, name: str, start: str = "HEAD") -> None:
        """Create a branch and check it out."""
        self.git("checkout", "-q", "-b", name, start)

    def config(self, name: str, value: str) -> None:
        """Set a value in the repository's own configuration."""
        self.git("config", name, value)

    def hook(self, name: str, script: str) -> Path:
        """Install a hook; ``script`` without ``#!`` is for ``/bin/sh``."""
        folder = Path(self.git("rev-parse", "--path-format=absolute", "--git-path", "hooks").text)
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / name
        place.write_text(script if script.startswith("#!") else f"#!/bin/sh\n{script}\n")
        place.chmod(0o755)
        return place

    def worktree_add(self, path: Path, *args: str) -> Repo:
        """A linked worktree at ``path``; ``args`` as of ``git worktree add`` (a branch, ``-b NAME``, ``--detach``)."""
        flags = [a for i, a in enumerate(args) if a.startswith("-") or (i and args[i - 1] in ("-b", "-B"))]
        self.git("worktree", "add", "-q", *flags, path, *[a for a in args if a not in flags])
        return Repo(path)

    def clone(self, path: Path, *options: str) -> Repo:
        """A clone at ``path``; ``options`` as of ``git clone``."""
        tick()
        run(["git", "clone", "-q", *options, self.path, path], cwd=self.path)
        return Repo(path)

    def fsck(self) -> None:
        """Fails the test where an object is missing or broken."""
        self.git("fsck", "--full", "--strict", "--no-dangling")


def _bytes(content: Content) -> bytes:
    return content if isinstance(content, bytes) else path_bytes(content)


def _read(place: bytes) -> bytes:
    with open(place, "rb") as file:
        return file.read()
