"""Recall on public labelled material that these rules were not written from. Prints totals, never a case.

    python benchmarks/quality_recall.py [--without-notes] [kingfisher=GIT_DIR] [detect-secrets=GIT_DIR] [bandit=GIT_DIR]

The material is brought when this runs, by ``git clone`` into ``benchmarks/.cache`` unless a copy is named:

- kingfisher: the examples that stand with each rule. Those whose pattern captures a fixed prefix of three characters or
  more count as "prefixed", the others (a name near a value) as "named".
- detect-secrets: the cases of its plugins' tests, as far as they are literals in the source: flagged or not.
- bandit: its example files. What bandit itself reports on them, by kind, is the truth; a line counts as found where any
  rule reports it.

A case counts as found where any rule of the families ``secret`` (first two) or any family (bandit) reports it, at any
severity; with ``--without-notes`` at severity medium or above.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tinycode_git.safety.engine import Engine
from tinycode_git.safety.rulefile import load_shipped
from tinycode_git.safety.ruleset import compile_rules

CACHE = Path(__file__).parent / ".cache"
SOURCES = {
    "kingfisher": "https://github.com/mongodb/kingfisher",
    "detect-secrets": "https://github.com/Yelp/detect-secrets",
    "bandit": "https://github.com/PyCQA/bandit",
}
# The kinds of bandit's reports that are this validator's subject, by its test ids.
CLASSES = {
    "code from text": ("B102", "B307"),
    "commands": ("B601", "B602", "B604", "B605", "B609"),
    "deserialisation": ("B301", "B302", "B506", "B614"),
    "sql": ("B608", "B610", "B611"),
    "weak hashes and ciphers": ("B303", "B304", "B305", "B324", "B505"),
    "tls and host keys": ("B323", "B501", "B502", "B503", "B504", "B507"),
    "debug servers": ("B201",),
    "binds": ("B104",),
    "temporary files": ("B108", "B306", "B325"),
    "archives": ("B202",),
    "templates": ("B701", "B702"),
    "passwords": ("B105", "B106", "B107"),
    "file rights": ("B103",),
}
SECRET = frozenset(("secret",))
NOTES = "--without-notes" not in sys.argv


def material(name: str, given: dict[str, str]) -> Path:
    """A git directory of the named project."""
    if name in given:
        return Path(given[name])
    target = CACHE / f"{name}.git"
    if not target.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        clone = ["git", "clone", "-q", "--bare", "--depth=1", SOURCES[name], str(target)]
        if subprocess.run(clone, check=False).returncode:
            raise SystemExit(f"{name} cannot be cloned here; {name}=GIT_DIR names a copy")
    return target


def files(repository: Path, wanted: str) -> Iterator[tuple[str, bytes]]:
    """Path and content of the files at HEAD whose path matches ``wanted``."""
    git = ["git", "--git-dir", str(repository)]
    listed = subprocess.run(
        [*git, "ls-tree", "-r", "-z", "--name-only", "HEAD"], capture_output=True, check=True
    ).stdout
    for path in sorted(name.decode() for name in listed.split(b"\0") if re.search(wanted, name.decode())):
        yield path, subprocess.run([*git, "show", f"HEAD:{path}"], capture_output=True, check=True).stdout


def reported(engine: Engine, text: str, path: str, families: frozenset[str] | None = None) -> set[int]:
    """The lines of ``text`` on which a rule reports something."""
    matches = engine.look(text.encode("utf-8", "surrogateescape"), "content", path).matches
    return {
        match.line
        for match in matches
        if engine.concerns(match, path)
        and not engine.rule(match.rule).removed
        and (families is None or engine.rule(match.rule).family in families)
        and (NOTES or engine.rule(match.rule).severity != "low")
    }


def installed(*packages: str) -> str:
    """A folder of the cache that holds the packages, from PyPI."""
    target = CACHE / "packages"
    if not target.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", str(target), *packages], check=True)
    return str(target)


# ---- kingfisher


def captured_prefix(pattern: str) -> bool:
    """Whether the first captured group of an expression starts with three or more fixed characters."""
    if re.match(r"\s*\(\?[a-z]*x", pattern):
        pattern = re.sub(r"(?<!\\)#[^\n]*|\s+", "", pattern)
    group = re.search(r"(?<!\\)\((?!\?(?!P<|<[A-Za-z]))(?:\?P?<\w+>)?((?:\(\?:)*)(?P<rest>.*)", pattern, re.S)
    head = re.match(r"(?:[A-Za-z0-9_-]|\\[-._])*", group["rest"]) if group else None
    return bool(head and len(head[0].replace("\\", "")) >= 3 and "\\b" not in head[0])


def texts(value: Any) -> Iterator[str]:
    """Every string of a list, or under ``value`` or ``text`` of its tables."""
    for item in value or ():
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from (str(item[key]) for key in ("value", "text", "example", "input") if key in item)


def kingfisher(engine: Engine, repository: Path) -> Iterator[tuple[str, bool, bool]]:
    """(kind, should be found, is found) of every example."""
    sys.path.insert(0, installed("pyyaml", "bandit"))
    import yaml

    for _, raw in files(repository, r"(?:^|/)rules/[^/]+\.ya?ml$"):
        loaded = yaml.load(raw, Loader=yaml.CSafeLoader)
        for rule in (loaded or {}).get("rules", ()) if isinstance(loaded, dict) else ():
            if not isinstance(rule, dict) or rule.get("visible") is False or "pattern" not in rule:
                continue
            kind = "prefixed" if captured_prefix(str(rule["pattern"])) else "named"
            for field, wanted in (("examples", True), ("negative_examples", False), ("non_examples", False)):
                for text in texts(rule.get(field)):
                    yield kind, wanted, bool(reported(engine, text, "src/settings.conf", SECRET))


# ---- detect-secrets


def literal(node: ast.AST) -> Any:
    """The value of an expression of literals (also added strings, f-strings without names); ValueError otherwise."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return literal(node.left) + literal(node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return literal(node.left) * literal(node.right)
    if isinstance(node, ast.Tuple | ast.List):
        return [literal(item) for item in node.elts]
    return ast.literal_eval(node)


def parametrised(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """(text, flagged) of every parametrised case of a text and a truth value."""
    for node in ast.walk(tree):
        if not (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "parametrize"
        ):
            continue
        rows = node.args[1] if len(node.args) > 1 else None
        for row in rows.elts if isinstance(rows, ast.List | ast.Tuple) else ():
            try:
                case = literal(row)
            except (ValueError, TypeError, SyntaxError):
                continue
            flags = [item for item in case if isinstance(item, bool)] if isinstance(case, list) else []
            if flags and isinstance(case[0], str):
                yield case[0], flags[0]


def tables(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """(text, flagged) of the tables named after what they hold, and of lists under ``positive`` and ``negative``."""
    for node in ast.walk(tree):
        pairs: list[tuple[str, ast.AST]] = []
        if isinstance(node, ast.Dict):
            pairs = [
                (str(key.value), value)
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant)
            ]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            pairs = [(node.targets[0].id, node.value)]
        for name, value in pairs:
            word = re.search(r"(?i)positive|negative", name)
            try:
                found = literal(value) if word else None
            except (ValueError, TypeError, SyntaxError):
                continue
            for text in found if isinstance(found, list) else ():
                if word and isinstance(text, str):
                    yield text, word[0].lower() == "positive"


def detect_secrets(engine: Engine, repository: Path) -> Iterator[tuple[str, bool, bool]]:
    """(plugin, should be found, is found) of every case; expressions for private keys need their next line."""
    for path, raw in files(repository, r"^tests/plugins/[^/]+_test\.py$"):
        plugin = Path(path).stem.removesuffix("_test")
        tree = ast.parse(raw)
        for text, flagged in {*parametrised(tree), *tables(tree)}:
            yield (
                plugin,
                flagged,
                bool(
                    reported(engine, text, "src/settings.py", SECRET)
                    or reported(engine, text, "src/settings.conf", SECRET)
                ),
            )


# ---- bandit


def bandit(engine: Engine, repository: Path) -> Iterator[tuple[str, bool, bool]]:
    """(class, True, is found) of every report of bandit on its example files."""
    packages = installed("pyyaml", "bandit")
    folder = CACHE / "bandit-examples"
    kinds = {test: name for name, tests in CLASSES.items() for test in tests}
    folder.mkdir(parents=True, exist_ok=True)
    for path, raw in files(repository, r"^examples/[^/]+\.py$"):
        (folder / Path(path).name).write_bytes(raw)
    command = [sys.executable, "-m", "bandit", "-q", "-f", "json", "-r", str(folder)]
    done = subprocess.run(
        command, capture_output=True, env={"PYTHONPATH": packages, "PATH": "/usr/bin:/bin"}, check=False
    )
    seen: dict[str, set[int]] = {}
    for result in json.loads(done.stdout)["results"]:
        kind, name = kinds.get(result["test_id"]), Path(result["filename"]).name
        if kind is None:
            continue
        if name not in seen:
            seen[name] = reported(engine, (folder / name).read_text("utf-8", "surrogateescape"), f"src/{name}")
        yield kind, True, bool(seen[name] & {*result["line_range"], result["line_number"]})


def summary(title: str, cases: Iterable[tuple[str, bool, bool]]) -> None:
    """Print recall and wrongly found cases by kind and in all."""
    wanted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    clean: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for kind, positive, hit in cases:
        (wanted if positive else clean)[kind] += 1
        if hit:
            (found if positive else wrong)[kind] += 1
    print(f"{title}: {total(found, wanted, wrong, clean)}")
    for kind in sorted({*wanted, *clean}):
        one = (Counter({kind: counter[kind]}) for counter in (found, wanted, wrong, clean))
        print(f"  {kind}: {total(*one)}")


def total(found: Counter[str], wanted: Counter[str], wrong: Counter[str], clean: Counter[str]) -> str:
    """Recall, and how many of the clean cases were reported."""
    recall = (
        f"recall {found.total() / wanted.total():.3f} ({found.total()} of {wanted.total()})"
        if wanted.total()
        else "none"
    )
    return recall + (f", {wrong.total()} of {clean.total()} clean cases reported" if clean.total() else "")


def main(arguments: list[str]) -> int:
    """Bring the material, and print a table for each."""
    given = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    engine = Engine(compile_rules(load_shipped()))
    for name, measure in (("kingfisher", kingfisher), ("detect-secrets", detect_secrets), ("bandit", bandit)):
        summary(name, measure(engine, material(name, given)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
