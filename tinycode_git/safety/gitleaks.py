"""An existing ``.gitleaks.toml``, read as it is: its rules become ours, its allowlists exceptions.

Format: the configuration section of that project's README. Its expressions are Go's, that is RE2's, as ours are.
``[extend] useDefault`` means our own rules, which are used anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from tinycode_git.git.process import Git
from tinycode_git.rows import NamedTuple
from tinycode_git.safety.engine import Engine
from tinycode_git.safety.finding import Finding
from tinycode_git.safety.regex import RegexError, bounded, confirmer, finds_something
from tinycode_git.safety.rule import Rule
from tinycode_git.safety.rulefile import BrokenRule, parse_toml

FILE = ".gitleaks.toml"
USE_DEFAULT = "useDefault in .gitleaks.toml means git tiny's own rules, which always run"


class Allowlist(NamedTuple):
    """An allowlist: for one rule, or for all (empty). ``every``: all of the kinds that it names must hold."""

    rule: str
    paths: tuple[str, ...]
    regexes: tuple[str, ...]
    target: str
    stopwords: tuple[str, ...]
    commits: tuple[str, ...]
    every: bool


class Foreign(NamedTuple):
    """What the file says: rules, allowlists, lines for the user."""

    rules: tuple[Rule, ...]
    allowlists: tuple[Allowlist, ...]
    notes: tuple[str, ...]


def parse_foreign(text: str, source: str = FILE) -> Foreign:
    """Read the file. Raises BrokenRule."""
    data = parse_toml(text, source)
    rules: list[Rule] = []
    lists = _lists(data, "", source)
    notes = [USE_DEFAULT] if data.get("extend", {}).get("useDefault") else []
    starts = [n for n, line in enumerate(text.split("\n"), 1) if line.strip().replace(" ", "") == "[[rules]]"]
    tables = data.get("rules", [])
    lines = starts if len(starts) == len(tables) else [1] * len(tables)
    for table, line in zip(tables, lines, strict=True):
        name = _name(str(table.get("id", "")))
        lists += _lists(table, name, source)
        if table.get("regex"):
            rules.append(_rule(table, name, source, line))
    return Foreign(tuple(rules), tuple(lists), tuple(notes))


def _name(name: str) -> str:
    return "gitleaks-" + re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _rule(table: dict[str, Any], name: str, source: str, line: int) -> Rule:
    body = str(table["regex"])
    try:
        finds_something(body)
    except RegexError as bad:
        raise BrokenRule(source, line, f"rule {table.get('id')}: regex: {bad}") from bad
    entropy = table.get("entropy", 0)
    config: dict[str, Any] = {"group": int(table.get("secretGroup", 0))}
    if table.get("path"):
        config["path"] = str(table["path"])
    return Rule(
        id=name,
        family="secret",
        severity="high",
        confidence="likely",
        kind="pattern",
        body=body,
        message=str(table.get("description") or "a rule of .gitleaks.toml holds here"),
        advice="replace what was exposed, and read it from the environment or a secret store",
        reference="https://github.com/gitleaks/gitleaks#configuration",
        issuer="the project's own rule",
        keywords=tuple(str(word) for word in table.get("keywords", ())),
        checks=(f"entropy>={float(entropy)}",) if entropy else (),
        config=config,
        source=source,
        line=line,
    )


def _lists(table: dict[str, Any], rule: str, source: str) -> list[Allowlist]:
    found = table.get("allowlists", [])
    found = [*([table["allowlist"]] if "allowlist" in table else []), *(found if isinstance(found, list) else [])]
    out = []
    for one in found:
        names = [_name(str(name)) for name in one.get("targetRules", [])] or [rule]
        for name in names:
            made = Allowlist(
                name,
                tuple(one.get("paths", ())),
                tuple(one.get("regexes", ())),
                str(one.get("regexTarget", "secret")),
                tuple(one.get("stopwords", ())),
                tuple(one.get("commits", ())),
                str(one.get("condition", "OR")).upper() == "AND",
            )
            for expression in (*made.paths, *made.regexes):
                try:
                    bounded(expression)
                except RegexError as bad:
                    raise BrokenRule(source, 1, f"allowlist: {expression!r}: {bad}") from bad
            out.append(made)
    return out


def foreign_excused(git: Git, engine: Engine, findings: Sequence[Finding], text: str) -> list[Finding]:
    """The findings, those that an allowlist covers marked so. Allowlists are for secrets, ours as well as theirs."""
    from tinycode_git.safety.settle import matched_texts

    lists = parse_foreign(text).allowlists
    wanted = [f for f in findings if not f.excused and f.family == "secret"]
    values = matched_texts(git, engine, wanted) if any(one.regexes or one.stopwords for one in lists) else {}
    out = []
    for finding in findings:
        covered = finding in set(wanted) and any(_covers(one, finding, values.get(finding, b"")) for one in lists)
        out.append(finding._replace(excused=f"allowed in {FILE}") if covered else finding)
    return out


def _covers(one: Allowlist, finding: Finding, value: bytes) -> bool:
    if one.rule and one.rule != finding.rule:
        return False
    said: list[bool] = []
    if one.paths:
        said.append(_any(one.paths, finding.path.encode("utf-8", "surrogateescape")))
    if one.regexes:
        target = value if one.target == "secret" else finding.excerpt.encode() if one.target == "line" else value
        said.append(_any(one.regexes, target))
    if one.stopwords:
        said.append(any(word.lower().encode() in value.lower() for word in one.stopwords))
    if one.commits:
        said.append(finding.commit in one.commits)
    return bool(said) and (all(said) if one.every else any(said))


def _any(expressions: Iterable[str], text: bytes) -> bool:
    return any(confirmer(expression).search(text) is not None for expression in expressions)
