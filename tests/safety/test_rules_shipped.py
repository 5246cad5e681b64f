"""Every rule that ships: its own examples and near misses, what it must say, and how the fast engine finds it."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tinycode_git.safety.compile import expressions
from tinycode_git.safety.engine import Engine
from tinycode_git.safety.regex import confirmer
from tinycode_git.safety.rule import Rule
from tinycode_git.safety.rulefile import MARKER, SHIPPED, load_shipped, pattern_error, plain
from tinycode_git.safety.ruletest import problems

RULES = load_shipped()
TEXT = [rule for rule in RULES if rule.kind in ("pattern", "path")]


@pytest.mark.parametrize("source", sorted({rule.source for rule in RULES}))
def test_examples_are_found_and_near_misses_are_not(engine: Engine, source: str) -> None:
    assert {rule.id: wrong for rule in RULES if rule.source == source and (wrong := problems(engine, rule))} == {}


@pytest.mark.parametrize("rule", TEXT, ids=lambda rule: rule.id)
def test_every_expression_compiles(rule: Rule) -> None:
    assert pattern_error(rule.body) == ""


def test_there_are_250_formats_of_secrets_each_with_an_issuer_and_a_source() -> None:
    formats = [rule for rule in RULES if rule.family == "secret" and rule.issuer != "unknown"]
    assert len(formats) >= 250
    assert all(rule.issuer and rule.reference.startswith("https://") for rule in formats)


def test_no_two_formats_are_the_same_expression() -> None:
    assert [body for body, count in Counter(rule.body for rule in TEXT).items() if count > 1] == []


def test_every_language_has_rules_for_every_class_that_it_can_have() -> None:
    languages = Counter(language for rule in RULES if rule.kind == "ast" for language in rule.languages)
    languages["bash"] += sum(rule.kind != "ast" for rule in RULES if rule.source.endswith("code_shell.toml"))
    wanted = "python javascript typescript tsx go java ruby php c cpp rust csharp bash"
    assert {language: languages[language] for language in re.findall(r"\w+", wanted) if languages[language] < 5} == {}


@pytest.mark.parametrize("rule", TEXT, ids=lambda rule: rule.id)
def test_what_is_looked_for_is_in_every_example(rule: Rule) -> None:
    texts, _ = expressions(rule)
    if rule.where[0] != "path":
        for example in rule.examples:
            raw = plain(example).encode()
            assert any(confirmer(text.decode()).search(raw) for text in texts)


def test_the_files_hold_no_secret_that_looks_alive(engine: Engine) -> None:
    """Examples are broken by a marker: the rule files can be scanned, pushed and shipped."""
    for file in sorted(SHIPPED.glob("secrets_*.toml")):
        text = file.read_bytes()
        assert MARKER.encode() in text
        certain = [
            match
            for match in engine.look(text, "content", "x.toml").matches
            if engine.rule(match.rule).family == "secret" and engine.rule(match.rule).confidence == "certain"
        ]
        assert [(match.rule, match.line) for match in certain] == []
