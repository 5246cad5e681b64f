"""What kind of file a path is, by its name alone: tests, documentation, generated files, lock files, ways to build."""

from __future__ import annotations

import re
from enum import StrEnum


class Kind(StrEnum):
    """What a path holds."""

    CODE = "code"
    TEST = "test"
    DOCS = "docs"
    BUILD = "build"
    LOCK = "lock file"
    GENERATED = "generated"
    OTHER = "other"


_LOCKS = frozenset(
    (
        *("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "deno.lock"),
        *("cargo.lock", "poetry.lock", "uv.lock", "pdm.lock", "pipfile.lock", "gemfile.lock", "composer.lock"),
        *("go.sum", "flake.lock", "mix.lock", "podfile.lock", "packages.lock.json", "pubspec.lock"),
        ".terraform.lock.hcl",
    )
)
_GENERATED = re.compile(
    r"(?:\.min\.(?:js|css)|\.(?:js|css)\.map|\.pb\.(?:go|cc|h)|_pb2(?:_grpc)?\.pyi?|\.g\.dart|\.snap"
    r"|(?:^|/)(?:dist|node_modules|vendor|third_party|__snapshots__)/.*)$"
)
_TEST = re.compile(
    r"(?:^|/)(?:t|tests?|testing|regress|spec|specs|__tests__|testdata|test_data|fixtures|e2e)/"
    r"|(?:^|/)(?:test_|conftest\.py$)|[._-](?:test|tests|spec)\.\w+$|(?:Test|Tests|Spec)\.(?:java|kt|cs|scala|swift)$"
)
_DOCS = re.compile(
    r"(?:^|/)(?:docs?|documentation|man)/|\.(?:md|rst|adoc|txt|[1-8])$"
    r"|(?:^|/)(?:README|CHANGES|CHANGELOG|AUTHORS|LICENSE|COPYING|NEWS|RelNotes|[\w-]*RELEASENOTES)\b[^/]*$",
    re.I,
)
_BUILD = re.compile(
    r"(?:^|/)(?:\.github|\.gitlab|\.circleci|ci)/|(?:^|/)(?:Makefile|CMakeLists\.txt|Dockerfile|configure(?:\.ac)?"
    r"|meson\.build|setup\.(?:py|cfg)|pyproject\.toml|package\.json|Cargo\.toml|go\.mod|Jenkinsfile|tox\.ini"
    r"|pom\.xml|build\.gradle(?:\.kts)?)$|\.(?:mk|cmake|gradle|nix|bazel)$|(?:^|/)requirements[\w.-]*\.txt$"
)
_CODE = re.compile(
    r"\.(?:c|h|cc|cpp|cxx|hh|hpp|hxx|m|mm|cs|go|rs|py|pyi|pyx|rb|php|java|kt|kts|scala|swift|js|jsx|mjs|cjs|ts|tsx"
    r"|vue|svelte|sh|bash|zsh|fish|pl|pm|lua|r|jl|ex|exs|erl|hs|ml|mli|clj|dart|zig|nim|sql|asm|s|tcl|el|vim|f90"
    r"|proto|graphql|html|css|scss|less|yy?|ll?)$",
    re.I,
)


def kind_of(path: str) -> Kind:
    """The kind of a path; what is generated or locked comes first, then tests, then documentation."""
    name = path.rpartition("/")[2].lower()
    if name in _LOCKS:
        return Kind.LOCK
    for pattern, kind in (
        (_GENERATED, Kind.GENERATED),
        (_BUILD, Kind.BUILD),
        (_TEST, Kind.TEST),
        (_DOCS, Kind.DOCS),
        (_CODE, Kind.CODE),
    ):
        if pattern.search(path):
            return kind
    return Kind.OTHER
