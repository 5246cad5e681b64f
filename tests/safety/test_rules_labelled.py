"""The labelled cases: what the rules of three families must report, and what they must leave alone."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tinycode_git.safety.engine import Engine

FOLDER = Path(__file__).parent / "labelled"
FILES = {"destructive": "destructive", "supply_chain": "supply-chain", "injection": "injection"}


def cases(label: str) -> Iterator[object]:
    for file, family in FILES.items():
        for name, case in tomllib.loads((FOLDER / f"{file}.toml").read_text("utf-8"))[label].items():
            yield pytest.param(case["path"], case["text"], case.get("family", family), id=f"{family}-{name}")


def found(engine: Engine, path: str, text: str, family: str) -> set[str]:
    """The rules of the family, notes aside, that report the text or its path."""
    rules = set()
    for where, raw in (("content", text.encode()), ("path", path.encode())):
        for match in engine.look(raw, where, path).matches:
            rule = engine.rule(match.rule)
            if engine.concerns(match, path) and not rule.removed and rule.severity != "low" and rule.family == family:
                rules.add(match.rule)
    return rules


@pytest.mark.parametrize(("path", "text", "family"), list(cases("hit")))
def test_a_labelled_danger_is_reported(engine: Engine, path: str, text: str, family: str) -> None:
    assert found(engine, path, text, family)


@pytest.mark.parametrize(("path", "text", "family"), list(cases("near")))
def test_a_labelled_near_miss_stays_silent(engine: Engine, path: str, text: str, family: str) -> None:
    assert not found(engine, path, text, family)


def test_half_of_the_labelled_cases_are_near_misses() -> None:
    hits, near = len(list(cases("hit"))), len(list(cases("near")))
    assert hits + near >= 300
    assert near * 10 >= (hits + near) * 4
