"""What a project's manifests and lock files declare, by language: names of packages, as imports are compared with them.

Sources: PEP 508, 621, 735 and 503 (names), the manifests of pip, setuptools, Poetry, PDM, uv, Pipenv, Hatch and conda;
package.json and the locks of npm, Yarn, pnpm and Bun; the Go modules reference; the Cargo book.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Reader = Callable[[str], Iterator[str]]


def normal(name: str) -> str:
    """A Python distribution's or a crate's name as names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def language_of_manifest(path: str) -> str:
    """The language whose packages a file of that name declares; empty for any other file."""
    name = path.rpartition("/")[2]
    return next((language for language, rows in _READERS.items() if any(p.fullmatch(name) for p, _ in rows)), "")


def declared(path: str, content: bytes) -> set[str]:
    """The names that a manifest or lock file declares; what cannot be parsed declares nothing."""
    name, text = path.rpartition("/")[2], content.decode("utf-8", "replace")
    for language, rows in _READERS.items():
        for pattern, read in rows:
            if pattern.fullmatch(name):
                try:
                    found = set(read(text))
                except (ValueError, TypeError, AttributeError, RecursionError):
                    return set()
                return {normal(one) for one in found} if language in ("python", "rust") else found
    return set()


_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def _requirement(text: Any) -> Iterator[str]:
    if isinstance(text, str) and (match := _NAME.match(text)):
        yield match[1]


def _requirements(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield from re.findall(r"[#&]egg=([\w.-]+)", line)
        if not line.lstrip().startswith(("-", "#")):
            yield from _requirement(line)


_LISTS = ("dependencies", "dev-dependencies", "requires", "extra-dependencies", "packages", "dev-packages")


def _pyproject(text: str) -> Iterator[str]:
    data = tomllib.loads(text)
    yield from _names(data, "")


def _names(data: Any, key: str) -> Iterator[str]:
    """Requirements anywhere in the table that a key names: lists of strings, and tables by package."""
    if not isinstance(data, Mapping):
        return
    for name, value in data.items():
        inside = name in _LISTS or key in ("optional-dependencies", "dependency-groups", "dev-dependencies", "extras")
        if name == "name" and key in ("project", "poetry") and isinstance(value, str):
            yield value
        elif isinstance(value, list) and inside:
            for one in value:
                yield from _requirement(one)
        elif isinstance(value, Mapping) and name in ("dependencies", "dev-dependencies"):
            yield from (one for one in value if one != "python")
            yield from _names(value, name)
        elif isinstance(value, Mapping):
            yield from _names(value, name)


def _pipfile(text: str) -> Iterator[str]:
    for section, rows in tomllib.loads(text).items():
        if isinstance(rows, Mapping) and section not in ("requires", "scripts", "pipenv"):
            yield from rows


def _pipfile_lock(text: str) -> Iterator[str]:
    for section, rows in json.loads(text).items():
        if section != "_meta" and isinstance(rows, Mapping):
            yield from rows


def _lock(text: str) -> Iterator[str]:
    """``[[package]]`` tables: poetry.lock, uv.lock, pdm.lock, Cargo.lock."""
    yield from re.findall(r'(?m)^name = "([^"\n]+)"', text)


def _setup(text: str) -> Iterator[str]:
    """setup.cfg and setup.py: every line or quoted string that looks like a requirement. Generous on purpose."""
    for line in text.splitlines():
        bare = line.strip()
        if match := re.fullmatch(r"([A-Za-z0-9][\w.-]*)\s*(\[[^\]]*\])?\s*([<>=!~;@].*)?", bare):
            yield match[1]
        yield from re.findall(r"[\"']([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]\"']*\])?\s*(?:[<>=!~;@][^\"']*)?[\"']", line)
        if match := re.match(
            r"(?:install_requires|setup_requires|tests_require|name)\s*=\s*([A-Za-z0-9][\w.-]*)", bare
        ):
            yield match[1]


def _conda(text: str) -> Iterator[str]:
    yield from re.findall(r"(?m)^\s*-\s+[\"']?(?:[\w.-]+::)?([A-Za-z0-9][\w.-]*)", text)


_TABLES = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies", "resolutions", "imports")


def _package_json(text: str) -> Iterator[str]:
    data = json.loads(text)
    if isinstance(data.get("name"), str):
        yield data["name"]
    for table in _TABLES:
        if isinstance(data.get(table), Mapping):
            yield from data[table]
    for table in ("bundledDependencies", "bundleDependencies"):
        if isinstance(data.get(table), list):
            yield from (one for one in data[table] if isinstance(one, str))


def _package_lock(text: str) -> Iterator[str]:
    data = json.loads(text)
    for path in data.get("packages") or {}:
        if "node_modules/" in path:
            yield path.rpartition("node_modules/")[2]
    yield from data.get("dependencies") or {}


def _yarn_lock(text: str) -> Iterator[str]:
    for line in re.findall(r"(?m)^(\S.*):$", text):
        yield from re.findall(r"(?:^|[\s,\"])(@?[^@\s,\"]+)@", line)


def _pnpm_lock(text: str) -> Iterator[str]:
    yield from re.findall(r"(?m)^\s+[\"']?/?((?:@[\w.-]+/)?[\w.-]+)[@/]\d[^\n]*:", text)


def _bun_lock(text: str) -> Iterator[str]:
    yield from re.findall(r"\[\s*\"(@?[^@\"\s]+)@", text)


def _tsconfig(text: str) -> Iterator[str]:
    """Names that ``paths`` maps to files of the project, ``*`` cut off."""
    found = re.search(r"\"paths\"\s*:\s*\{(.*?)\}", text, re.DOTALL)
    for name in re.findall(r"\"([^\"\n]+)\"\s*:", found[1]) if found else ():
        yield name.removesuffix("*").rstrip("/")


def _deno(text: str) -> Iterator[str]:
    found = re.search(r"\"imports\"\s*:\s*\{(.*?)\}", text, re.DOTALL)
    for name in re.findall(r"\"([^\"\n]+)\"\s*:", found[1]) if found else ():
        yield name.rstrip("/")


def _go_mod(text: str) -> Iterator[str]:
    text = re.sub(r"//[^\n]*", "", text)
    yield from re.findall(r"(?m)^\s*module\s+\"?([^\s\"]+)", text)
    yield from re.findall(r"(?m)^\s*(?:require\s+|replace\s+)?([\w.~-]+\.[\w.~-]+(?:/[^\s]+)*)\s+(?:v\d|=>)", text)
    yield from re.findall(r"(?m)^\s*replace\s+(\S+)", text)


def _go_sum(text: str) -> Iterator[str]:
    yield from re.findall(r"(?m)^(\S+) v\d", text)


def _cargo(text: str) -> Iterator[str]:
    yield from _crates(tomllib.loads(text), "")


def _crates(data: Mapping[str, Any], key: str) -> Iterator[str]:
    for name, value in data.items():
        if name == "name" and key in ("package", "lib") and isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            if name in ("dependencies", "dev-dependencies", "build-dependencies"):
                yield from value
            else:
                yield from _crates(value, name)


def _rows(*rows: tuple[str, Reader]) -> tuple[tuple[re.Pattern[str], Reader], ...]:
    return tuple((re.compile(pattern), read) for pattern, read in rows)


_READERS: dict[str, tuple[tuple[re.Pattern[str], Reader], ...]] = {
    "python": _rows(
        (r"pyproject\.toml", _pyproject),
        (r"(?:.*[-_])?(?:requirements|constraints)[^/]*\.(?:txt|in)", _requirements),
        (r"setup\.(?:cfg|py)", _setup),
        (r"Pipfile", _pipfile),
        (r"Pipfile\.lock", _pipfile_lock),
        (r"(?:poetry|uv|pdm)\.lock|pylock(?:\..+)?\.toml", _lock),
        (r"environment[^/]*\.ya?ml", _conda),
    ),
    "javascript": _rows(
        (r"package\.json", _package_json),
        (r"package-lock\.json|npm-shrinkwrap\.json", _package_lock),
        (r"yarn\.lock", _yarn_lock),
        (r"pnpm-lock\.yaml", _pnpm_lock),
        (r"bun\.lock", _bun_lock),
        (r"[tj]sconfig[^/]*\.json", _tsconfig),
        (r"deno\.jsonc?|import_map\.json", _deno),
    ),
    "go": _rows((r"go\.mod", _go_mod), (r"go\.sum", _go_sum)),
    "rust": _rows((r"Cargo\.toml", _cargo), (r"Cargo\.lock", _lock)),
}
