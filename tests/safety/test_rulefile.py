"""Rule files: what loads, and for each mistake the file, the line and the field."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinycode_git.safety.rulefile import BrokenRule, load_files, load_shipped, parse_rules, plain

GOOD = """\
[[rule]]
id = "a-rule"
family = "secret"
severity = "high"
confidence = "likely"
issuer = "nobody"
message = "m"
advice = "a"
reference = "https://example.org"
pattern = 'tok_[a-z]{4}'
examples = ["tok_{~}abcd"]
near_misses = ["tok_"]
"""


def without(field: str) -> str:
    return "".join(line for line in GOOD.splitlines(True) if not line.startswith(field))


def test_a_rule_has_what_the_file_says() -> None:
    (rule,) = parse_rules(GOOD, "x.toml")
    assert (rule.id, rule.kind, rule.body, rule.where, rule.line) == (
        "a-rule",
        "pattern",
        "tok_[a-z]{4}",
        ("content", "path", "message", "identity", "symlink"),
        1,
    )
    assert plain(rule.examples[0]) == "tok_abcd"


def test_every_shipped_rule_loads() -> None:
    assert len(load_shipped()) >= 15


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (GOOD + "[[rule]\n", 13, "Expected"),
        (GOOD + "x = ", 13, "Invalid value"),
        (GOOD.replace('"high"', '"awful"'), 4, "severity: 'awful' is not one of"),
        (GOOD.replace('"secret"', '"spam"'), 3, "family: 'spam'"),
        (GOOD.replace('"a-rule"', '"A rule"'), 2, "lower-case words"),
        (GOOD + "colour = 1\n", 13, "colour: there is no such field"),
        (without("issuer"), 1, "issuer: a secret names"),
        (without("examples"), 1, "examples: is missing"),
        (without("pattern"), 2, "exactly one of"),
        (GOOD + "path = 'x'\n", 13, "exactly one of"),
        (GOOD.replace("[a-z]{4}", "[a-z"), 10, "missing ]"),
        (GOOD.replace("[a-z]{4}", "(?=x)"), 10, "pattern:"),
        (GOOD.replace("[a-z]{4}", "[é]"), 10, "beyond ASCII"),
        (GOOD.replace("[a-z]{4}", r"\\p{L}"), 10, "on bytes"),
        (GOOD + "checks = ['nope']\n", 13, "there is no check 'nope'"),
        (GOOD + "checks = ['entropy>>3']\n", 13, "neither a name"),
        (GOOD + "where = 'moon'\n", 13, "'moon' is not one of"),
        (GOOD + "removed = 1\n", 13, "true or false"),
        (GOOD + "paths = ['/x']\n", 13, "relative to the top"),
        (GOOD + "\n" + GOOD, 14, "is in x.toml:1 already"),
        (without("pattern") + "ast = { rule = {} }\n", 12, "languages"),
        (without("pattern") + "ast = { languages = ['cobol'], rule = {} }\n", 12, "cobol"),
        ("rule = 3\n", 1, "[[rule]] tables"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, line: int, words: str) -> None:
    from tinycode_git.safety.rulefile import unique

    with pytest.raises(BrokenRule) as caught:
        unique(parse_rules(text, "x.toml"))
    assert words in caught.value.message
    if "languages" not in words and "cobol" not in words:
        assert (caught.value.source, caught.value.line) == ("x.toml", line)
    assert caught.value.exit == 2


def test_a_file_that_is_not_utf8_or_not_there(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_bytes(b"\xff\xfe")
    with pytest.raises(BrokenRule, match="not UTF-8"):
        load_files([bad])
    with pytest.raises(BrokenRule, match="cannot be read"):
        load_files([tmp_path / "none.toml"])
