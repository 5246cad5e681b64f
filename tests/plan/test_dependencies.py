"""Imports that nothing declares, by language, and what only looks like one."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from hashlib import sha1
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plan.plans import untouched
from tests.repos import Repo
from tinycode_git.git.diff import FileDiff
from tinycode_git.plan.declared import declared
from tinycode_git.plan.dependencies import Project, undeclared
from tinycode_git.plan.uses import uses
from tinycode_git.proposal import MODE_FILE, MemorySnapshot

PY = {"pyproject.toml": '[project]\nname = "mine"\ndependencies = ["requests>=2", "PyYAML"]\n'}
JS = {"package.json": '{"name": "mine", "dependencies": {"react": "1"}, "devDependencies": {"@scope/x": "1"}}'}
GO = {"go.mod": "module example.org/mine\nrequire (\n\tgithub.com/a/b v1.0.0\n\tgolang.org/x/net v0.1.0 // x\n)\n"}
RS = {"Cargo.toml": '[package]\nname = "my-crate"\n[dependencies]\nserde = "1"\ntokio-util = "0.7"\n'}


def missing(path: str, content: str, tree: Mapping[str, str], old: str | None = None) -> list[tuple[str, int]]:
    """Packages that are reported, with their lines, for ``path`` with ``content`` in a tree of other files."""
    blobs = {_oid(text): text.encode() for text in (content, old or "")}
    status = "A" if old is None else "M"
    file = FileDiff(status, path, path, MODE_FILE, MODE_FILE, _oid(old or ""), _oid(content))
    snapshot = MemorySnapshot({name: (MODE_FILE, text.encode()) for name, text in {**tree, path: content}.items()})
    found = undeclared([file], blobs.get, Project(snapshot))
    return [(one.package, one.line) for one in found]


def _oid(text: str) -> str:
    return sha1(text.encode(), usedforsecurity=False).hexdigest()


REPORTED = [
    ("a.py", "import os\nimport flask\n", PY, [("flask", 2)]),
    ("a.py", "from flask.views import View\n", PY, [("flask", 1)]),
    ("a.py", "def f():\n    import flask, requests\n", PY, [("flask", 2)]),
    ("a.py", "import requsets\n", PY, [("requsets", 1)]),
    ("a.py", "import flask as requests\n", PY, [("flask", 1)]),
    ("a.py", "import requests_toolbelt\n", PY, [("requests_toolbelt", 1)]),
    ("a.py", "from google.cloud import storage\n", PY, [("google", 1)]),
    ("a.py", "import cv2\n", PY, [("cv2", 1)]),
    ("a.py", "import flask\nprint 'old'\n", PY, [("flask", 1)]),
    ("a.py", "import flask\n", {}, [("flask", 1)]),
    ("deep/down/a.py", "import flask\n", PY, [("flask", 1)]),
    ("a.js", "import x from 'left-pad';\n", JS, [("left-pad", 1)]),
    ("a.ts", "import type { X } from 'left-pad/sub';\n", JS, [("left-pad", 1)]),
    ("a.ts", "import {\n  A,\n  B,\n} from '@other/x/deep'\n", JS, [("@other/x", 4)]),
    ("a.cjs", "const x = require('left-pad')\n", JS, [("left-pad", 1)]),
    ("a.mjs", "await import('left-pad')\n", JS, [("left-pad", 1)]),
    ("a.mjs", "export * from 'left-pad'\n", JS, [("left-pad", 1)]),
    ("a.mjs", "import 'left-pad'\n", JS, [("left-pad", 1)]),
    ("a.tsx", "import React from 'react-dom'\n", JS, [("react-dom", 1)]),
    ("a.js", "import a from '@scope/y'\n", JS, [("@scope/y", 1)]),
    ("a.go", 'package a\n\nimport "github.com/c/d/e"\n', GO, [("github.com/c/d", 3)]),
    ("a.go", 'package a\nimport (\n\t"fmt"\n\tx "github.com/a/bb"\n)\n', GO, [("github.com/a/bb", 4)]),
    ("a.go", 'package a\nimport _ "gopkg.in/yaml.v3"\n', GO, [("gopkg.in/yaml.v3", 2)]),
    ("a.go", 'package a\nimport "example.org/other"\n', GO, [("example.org/other", 2)]),
    ("src/a.rs", "use rand::Rng;\n", RS, [("rand", 1)]),
    ("src/a.rs", "extern crate rand;\n", RS, [("rand", 1)]),
    ("src/a.rs", "fn f<'a>(x: &'a str) {}\npub(crate) use ::rand::{Rng, thread_rng};\n", RS, [("rand", 2)]),
]


@pytest.mark.parametrize(("path", "content", "tree", "expected"), REPORTED)
def test_reported(path: str, content: str, tree: dict[str, str], expected: list[tuple[str, int]]) -> None:
    assert missing(path, content, tree) == expected


NOT_REPORTED = [
    ("a.py", "import os, sys, tomllib, xml.etree\nfrom __future__ import annotations\n", PY),
    ("a.py", "import requests, yaml\nfrom requests.adapters import X\n", PY),
    ("a.py", "from . import flask\nfrom .flask import x\nfrom ..flask import y\n", PY),
    ("a.py", '"""\nimport flask\n"""\n# import flask\nx = "import flask"\n', PY),
    ("a.py", "import mine.sub\n", PY),
    ("a.py", "import helper\n", {**PY, "tools/helper.py": ""}),
    ("a.py", "from package.sub import x\n", {**PY, "src/package/sub.py": ""}),
    (
        "a.py",
        "import PIL.Image, bs4, dateutil\n",
        {"requirements.txt": "Pillow==9\nbeautifulsoup4\npython-dateutil # x\n"},
    ),
    ("a.py", "import flask\n", {"requirements/dev.txt": "", "dev-requirements.txt": "-r base.txt\nFlask[async]>=2\n"}),
    ("a.py", "import flask\n", {"requirements.txt": "git+https://example.org/x#egg=flask\n"}),
    ("a.py", "import flask\n", {"setup.cfg": "[options]\ninstall_requires =\n    flask>=2\n    x\n"}),
    ("a.py", "import flask\n", {"setup.py": "setup(install_requires=['flask>=2', 'x'])\n"}),
    ("a.py", "import flask\n", {"Pipfile": '[packages]\nflask = "*"\n'}),
    ("a.py", "import flask\n", {"Pipfile.lock": '{"_meta": {}, "default": {"flask": {}}}'}),
    ("a.py", "import flask\n", {"poetry.lock": '[[package]]\nname = "flask"\nversion = "2"\n'}),
    ("a.py", "import flask\n", {"uv.lock": 'version = 1\n\n[[package]]\nname = "flask"\n'}),
    ("a.py", "import flask\n", {"pyproject.toml": '[tool.poetry.group.dev.dependencies]\nflask = "^2"\n'}),
    ("a.py", "import flask\n", {"pyproject.toml": '[project.optional-dependencies]\nweb = ["flask"]\n'}),
    ("a.py", "import flask\n", {"pyproject.toml": '[dependency-groups]\ndev = ["flask", {include-group = "x"}]\n'}),
    ("a.py", "import flask\n", {"pyproject.toml": '[tool.hatch.envs.x]\nextra-dependencies = ["flask"]\n'}),
    ("a.py", "import setuptools\n", {"pyproject.toml": '[build-system]\nrequires = ["setuptools"]\n'}),
    ("a.py", "import flask\n", {"environment.yml": "dependencies:\n  - conda-forge::flask=2\n"}),
    ("a.py", "from google.cloud import storage\n", {"requirements.txt": "google-cloud-storage\n"}),
    ("a.py", "import ruamel.yaml\n", {"requirements.txt": "ruamel.yaml\n"}),
    ("sub/a.py", "import flask\n", {**PY, "sub/requirements.txt": "flask\n"}),
    ("a.txt", "import flask\n", PY),
    ("a.js", "import fs from 'fs'; import p from 'node:path'; import q from 'fs/promises'\n", JS),
    (
        "a.js",
        "import a from './a'; import b from '../b'; import c from '/c'; import d from '#d'; import e from '@/e'\n",
        JS,
    ),
    ("a.js", "import a from 'react'; import b from 'react/jsx-runtime'; import c from '@scope/x/y'\n", JS),
    ("a.js", "// import a from 'left-pad'\n/* require('left-pad') */\nconst s = \"require('left-pad')\"\n", JS),
    ("a.js", "const s = `import a from 'left-pad'`\nobj.require('left-pad')\nrequire(name)\n", JS),
    ("a.js", "import a from 'https://example.org/x.js'; import b from 'virtual:pwa'; import c from 'mine/x'\n", JS),
    ("a.ts", "import a from 'estree'\n", {"package.json": '{"devDependencies": {"@types/estree": "1"}}'}),
    ("a.ts", "import a from 'app/x'\n", {**JS, "app/x.ts": ""}),
    ("a.ts", "import a from 'lib-a'\n", {**JS, "packages/a/package.json": '{"name": "lib-a"}'}),
    (
        "a.ts",
        "import a from 'alias/x'\n",
        {**JS, "tsconfig.json": '{"compilerOptions": {"paths": {"alias/*": ["src/*"]}}}'},
    ),
    (
        "a.js",
        "import a from 'left-pad'\n",
        {"package-lock.json": '{"packages": {"": {}, "node_modules/left-pad": {}}}'},
    ),
    ("a.js", "import a from '@a/b'\n", {"yarn.lock": '"@a/b@^1.0.0", "@a/b@^2":\n  version "1"\n'}),
    ("a.js", "import a from '@a/b'\n", {"pnpm-lock.yaml": "packages:\n\n  '@a/b@1.0.0':\n    resolution: {}\n"}),
    ("a.go", 'package a\nimport (\n\t"fmt"\n\t"net/http"\n\t"C"\n)\n', GO),
    (
        "a.go",
        'package a\nimport "github.com/a/b/c"\nimport . "golang.org/x/net/html"\nimport "example.org/mine/x"\n',
        GO,
    ),
    ("a.go", 'package a\n// import "github.com/c/d"\nvar s = `\nimport "github.com/c/d"\n`\n', GO),
    ("a.go", 'package a\nimport "github.com/c/d"\n', {**GO, "go.sum": "github.com/c/d v1.0.0 h1:x=\n"}),
    ("src/a.rs", "use std::io;\nuse crate::x;\nuse super::y;\nuse self::z;\nuse core::fmt;\nuse alloc::vec;\n", RS),
    ("src/a.rs", "use serde::Serialize;\nuse tokio_util::codec;\nuse my_crate::x;\n", RS),
    ("src/a.rs", "mod local;\nuse local::X;\nenum Way { A }\nuse Way::A;\n", RS),
    ("src/a.rs", "use serde::de;\nuse de::Visitor;\n", RS),
    ("src/a.rs", '// use rand::Rng;\n/* use rand::Rng; */\nlet s = "\nuse rand::Rng;\n";\n', RS),
    ("src/a.rs", "use other::x;\n", {**RS, "crates/other/Cargo.toml": '[package]\nname = "other"\n'}),
    ("src/lib.rs", "use part::x;\n", {**RS, "src/part.rs": ""}),
    ("src/a.rs", "use rand::Rng;\n", {"Cargo.lock": '[[package]]\nname = "rand"\nversion = "0.8"\n'}),
    ("src/a.rs", "use rand::Rng;\n", {"Cargo.toml": '[target."cfg(unix)".dependencies]\nrand = "1"\n'}),
    ("src/a.rs", "use rand::Rng;\n", {"Cargo.toml": '[workspace.dependencies]\nrand = { version = "1" }\n'}),
]


@pytest.mark.parametrize(("path", "content", "tree"), NOT_REPORTED)
def test_not_reported(path: str, content: str, tree: dict[str, str]) -> None:
    assert missing(path, content, tree) == []


def test_what_the_file_imported_before_is_its_own_affair() -> None:
    old = "import flask\n"
    assert missing("a.py", "import os\nimport flask.views\n", PY, old) == []
    assert missing("a.py", "import flask\nimport django\n", PY, old) == [("django", 2)]


def test_an_import_is_told_once_a_file() -> None:
    assert missing("a.py", "import flask\nimport flask.views\nfrom flask import x\n", PY) == [("flask", 1)]


@given(st.sampled_from(["python", "javascript", "go", "rust"]), st.binary(max_size=300))
def test_any_bytes_are_read(language: str, content: bytes) -> None:
    uses(language, content)


NAMES = ["pyproject.toml", "requirements.txt", "setup.cfg", "Pipfile", "Pipfile.lock", "package.json", "yarn.lock"]
NAMES += ["package-lock.json", "pnpm-lock.yaml", "bun.lock", "tsconfig.json", "go.mod", "go.sum", "Cargo.toml"]


@given(st.sampled_from(NAMES), st.binary(max_size=200))
def test_any_manifest_is_read(name: str, content: bytes) -> None:
    declared(name, content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("package.json", "[1]"),
        ("package.json", '{"dependencies": [1], "name": 3}'),
        ("package-lock.json", '{"packages": [1]}'),
        ("Pipfile.lock", "3"),
        ("pyproject.toml", "project = 3\ntool = []\n"),
        ("Cargo.toml", "dependencies = 3\n"),
        ("package.json", "[" * 100_000),
    ],
)
def test_manifests_of_another_shape_declare_nothing(name: str, content: str) -> None:
    assert declared(name, content.encode()) == set()


@pytest.mark.parametrize(
    ("language", "content"),
    [
        ("javascript", "import {" + "a," * 200_000),
        ("javascript", "import " * 100_000),
        ("javascript", "'" + "\\'" * 300_000),
        ("javascript", "/*" * 300_000),
        ("rust", "use " * 200_000),
        ("rust", "use a" + "{a" * 200_000),
        ("go", "import (" * 100_000),
        ("python", "(" * 100_000),
        ("python", "import a" + ".a" * 200_000),
    ],
)
def test_long_and_odd_text_is_read_in_linear_time(language: str, content: str) -> None:
    """Ends at all: an expression that backtracks would run for minutes."""
    uses(language, content.encode())


def test_a_plan_shows_it_and_its_risk_is_raised(repo: Repo) -> None:
    repo.commit("manifest", {"requirements.txt": "requests\n"})
    patch = (
        "--- a/src/app.py\n+++ b/src/app.py\n@@ -1,2 +1,3 @@\n+import reqeusts\n def main() -> int:\n     return 0\n"
    )
    with untouched(repo):
        plan = repo.tiny("propose", "--patch", "-", "use it", "--json", input=patch).json
    [found] = plan["findings"]
    assert (found["rule"], found["family"], found["severity"]) == ("dependency.undeclared", "dependency", "medium")
    assert (found["path"], found["line"], found["blocking"]) == ("src/app.py", 1, False)
    assert found["message"] == "imports reqeusts, which no manifest or lock file of this project declares"
    assert plan["risk"] == plan["steps"][0]["risk"] == "medium"
    assert "has a finding of dependency.undeclared" in plan["steps"][0]["reasons"]
    assert "imports reqeusts" in repo.tiny("show", plan["id"]).out
    assert "imports reqeusts" in repo.tiny("check", plan["id"], check=False).out
    repo.tiny("apply", plan["id"], "--yes", "--expect", plan["tip"])


def test_a_step_that_declares_what_another_imports(repo: Repo) -> None:
    repo.commit("manifest", {"requirements.txt": "requests\n"})
    files = {"hello.py": "import flask\n", "requirements.txt": "requests\nflask\n"}
    repo.git("checkout", "-q", "-b", "topic")
    for name, content in files.items():
        repo.commit(name, {name: content})
    repo.git("checkout", "-q", "main")
    plan = repo.tiny("propose", "--from-range", "main..topic", "--json").json
    assert [one for one in plan["findings"] if one["family"] == "dependency"] == []


def test_statements_are_all_found() -> None:
    """Held against ast.walk, over the standard library."""
    from tinycode_git.plan.uses import uses

    folder = Path(ast.__file__).parent
    for path in sorted(folder.glob("*.py"))[:60] + sorted(folder.glob("asyncio/*.py")):
        content = path.read_bytes()
        wanted: dict[str, int] = {}
        for node in ast.walk(ast.parse(content)):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [f"{node.module}.{a.name}" if a.name != "*" else node.module for a in node.names]
            else:
                continue
            for name in names:
                wanted.setdefault(name, node.lineno)
        assert {use.name: use.line for use in uses("python", content)} == wanted, path
