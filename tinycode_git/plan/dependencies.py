"""Imports that a step adds and that nothing of the project declares: no manifest, no lock file, no module of its own.

A name that nobody declared is how a made-up or misspelt package gets installed. Only what is new is looked at: an
import that the file had before the change is its own affair. The whole tree is listed only once an import is left that
the standard library and the manifests above the file do not explain.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tinycode_git.git.diff import FileDiff
from tinycode_git.plan.declared import declared, language_of_manifest, normal
from tinycode_git.plan.distributions import DISTRIBUTIONS
from tinycode_git.plan.uses import Use, language_of, uses
from tinycode_git.proposal import MODE_EXEC, MODE_FILE, Snapshot

RULE = "dependency.undeclared"
_MOST_MANIFESTS = 400
_BEST_KNOWN = {
    "python": ("pyproject.toml", "requirements.txt", "setup.cfg", "setup.py", "Pipfile"),
    "javascript": ("package.json",),
    "go": ("go.mod",),
    "rust": ("Cargo.toml",),
}


@dataclass(frozen=True, slots=True)
class Undeclared:
    """One import of ``path``: the package that would have to be declared, as its manifests name it."""

    path: str
    line: int
    package: str
    language: str
    oid: str


@dataclass
class Project:
    """A tree as far as its packages go; ``listed`` caches what was asked of it."""

    tree: Snapshot
    listed: dict[str, set[str]] = field(default_factory=dict)

    @cached_property
    def paths(self) -> frozenset[str]:
        """Every file of the tree."""
        return frozenset(entry.path for entry in self.tree.paths())

    def near(self, language: str, path: str) -> set[str]:
        """What the best known manifests in the folders above ``path`` declare; cheap in a tree of any size."""
        found: set[str] = set()
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            for name in _BEST_KNOWN[language]:
                place = f"{folder}/{name}" if folder else name
                if place not in self.listed:
                    self.listed[place] = declared(place, self.tree.read(place) or b"")
                found |= self.listed[place]
        return found

    def everywhere(self, language: str) -> set[str]:
        """What all manifests and lock files of the tree declare for a language."""
        if language not in self.listed:
            files = [path for path in self.paths if language_of_manifest(path) == language]
            files.sort(key=lambda path: (path.count("/"), path))
            names: set[str] = set()
            for path in files[:_MOST_MANIFESTS]:
                names |= declared(path, self.tree.read(path) or b"")
            self.listed[language] = names
        return self.listed[language]


def needed(files: Iterable[FileDiff]) -> Iterator[str]:
    """The blobs that ``undeclared`` will ask for."""
    for file in files:
        if _concerned(file):
            yield file.new_oid
            if _had_imports(file):
                yield file.old_oid


def _concerned(file: FileDiff) -> bool:
    return bool(language_of(file.path)) and file.status != "D" and file.new_mode in (MODE_FILE, MODE_EXEC)


def _had_imports(file: FileDiff) -> bool:
    return file.status != "A" and language_of(file.old_path) == language_of(file.path)


def undeclared(
    files: Sequence[FileDiff], blob: Callable[[str], bytes | None], project: Project
) -> Iterator[Undeclared]:
    """What the changes of a step import newly and nothing declares. ``blob`` gives a blob of ``needed`` by its oid."""
    for file in files:
        if not _concerned(file):
            continue
        language = language_of(file.path)
        content = blob(file.new_oid) or b""
        old = blob(file.old_oid) if _had_imports(file) else None
        known = {_package(language, use.name) for use in uses(language, old)} if old else set()
        seen: set[str] = set()
        for use in uses(language, content):
            package = _package(language, use.name)
            if package in known or package in seen or _explained(language, use, file.path, project):
                continue
            seen.add(package)
            yield Undeclared(file.path, use.line, package, language, file.new_oid)


def _package(language: str, name: str) -> str:
    """What would be installed for an import: its first part, or what the language's registry calls a package."""
    if language == "javascript":
        parts = name.split("/")
        return "/".join(parts[:2]) if name.startswith("@") else parts[0]
    if language == "go":
        parts = name.split("/")
        return "/".join(parts[:3]) if parts[0] in ("github.com", "gitlab.com", "bitbucket.org") else name
    return name.split(".")[0] if language == "python" else name


def _explained(language: str, use: Use, path: str, project: Project) -> bool:
    if _BUILT_IN[language](use.name):
        return True
    covers = _COVERS[language]
    if covers(use.name, project.near(language, path)) or covers(use.name, project.everywhere(language)):
        return True
    return _OWN[language](use.name, path, project)


# Python


def _python_built_in(name: str) -> bool:
    top = name.split(".")[0]
    return top in sys.stdlib_module_names or top in ("__main__", "_typeshed", "distutils", "imp", "asyncore", "test")


def _python(name: str, names: set[str]) -> bool:
    dotted = name.split(".")
    top = dotted[0]
    wanted = {f"python-{normal(top)}", f"{normal(top)}-python", f"py{normal(top)}", f"types-{normal(top)}"}
    for count in (1, 2, 3):
        key = ".".join(dotted[:count])
        wanted |= {normal(key), *map(normal, DISTRIBUTIONS.get(key, ()))}
    if names & wanted:
        return True
    # A namespace package is shared by distributions that carry its name in front: google.cloud.storage.
    return len(dotted) > 1 and any(one.startswith(f"{normal('.'.join(dotted[:2]))}-") for one in names)


def _python_own(name: str, path: str, project: Project) -> bool:
    """Whether the tree has a module or a package of that name, anywhere: search paths differ by project."""
    top = name.split(".")[0]
    ends = (".py", ".pyi", ".so", ".pyx")
    files, inside, first = {f"{top}{end}" for end in ends}, f"/{top}/", f"{top}/"
    for one in project.paths:
        if one.endswith(ends) and (one.startswith(first) or inside in one or one.rpartition("/")[2] in files):
            return True
    return False


# JavaScript and TypeScript

_NODE_TEXT = """
    assert async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel dns domain
    events fs http http2 https inspector module net os path perf_hooks process punycode querystring readline repl
    stream string_decoder sys test timers tls trace_events tty url util v8 vm wasi worker_threads zlib
"""
_NODE = frozenset(_NODE_TEXT.split())
_ALIAS = re.compile(r"[./#~$]|@/|[a-z][a-z+.-]*:|[A-Za-z]:\\")


def _javascript_built_in(name: str) -> bool:
    return bool(_ALIAS.match(name)) or _package("javascript", name) in _NODE or name in ("", "bun", "electron/main")


def _javascript(name: str, names: set[str]) -> bool:
    package = _package("javascript", name)
    types = "@types/" + package.removeprefix("@").replace("/", "__")
    return package in names or types in names or any(name.startswith(f"{one}/") for one in names if one)


def _javascript_own(name: str, path: str, project: Project) -> bool:
    """A path from the project's own roots (baseUrl, a bundler's alias): src/x, app/y."""
    package = _package("javascript", name)
    return "/" in name and any(one.startswith(f"{package}/") or f"/{package}/" in one for one in project.paths)


# Go


def _go_built_in(name: str) -> bool:
    return name in ("C", "") or "." not in name.split("/")[0] or name.startswith("./")


def _go(name: str, names: set[str]) -> bool:
    return any(name == one or name.startswith(f"{one}/") for one in names)


def _none_own(name: str, path: str, project: Project) -> bool:
    """Go names a project's own packages by its module, which go.mod declares."""
    return False


# Rust

_RUST_OWN = frozenset(("std", "core", "alloc", "crate", "self", "super", "proc_macro", "test"))


def _rust_built_in(name: str) -> bool:
    return name in _RUST_OWN


def _rust(name: str, names: set[str]) -> bool:
    return normal(name) in names


def _rust_own(name: str, path: str, project: Project) -> bool:
    """A module beside the file, or below it."""
    base = path.removesuffix(path.rpartition("/")[2])
    own = path.rpartition("/")[2].removesuffix(".rs")
    spots = (f"{base}{name}.rs", f"{base}{name}/mod.rs", f"{base}{own}/{name}.rs", f"{base}{own}/{name}/mod.rs")
    return any(spot in project.paths for spot in spots)


_BUILT_IN: dict[str, Callable[[str], bool]] = {
    "python": _python_built_in,
    "javascript": _javascript_built_in,
    "go": _go_built_in,
    "rust": _rust_built_in,
}
_COVERS: dict[str, Callable[[str, set[str]], bool]] = {
    "python": _python,
    "javascript": _javascript,
    "go": _go,
    "rust": _rust,
}
_OWN: dict[str, Callable[[str, str, Project], bool]] = {
    "python": _python_own,
    "javascript": _javascript_own,
    "go": _none_own,
    "rust": _rust_own,
}
