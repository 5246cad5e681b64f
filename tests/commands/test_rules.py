"""``git tiny rules``: what is listed can be shown, what ships passes its own test, a broken file names its line."""

from __future__ import annotations

from pathlib import Path

from tests.repos import Repo

OURS = """\
[[rule]]
id = "ours"
family = "secret"
severity = "high"
confidence = "certain"
issuer = "us"
message = "m"
advice = "a"
reference = "https://example.org"
pattern = 'OURS-[a-z]{8}'
examples = ["OURS-abcd{~}efgh"]
near_misses = ["OURS-abc"]
"""


def test_every_family_is_listed_and_what_findings_name_can_be_shown(repo: Repo) -> None:
    listed = repo.tiny("rules", "list", "--json").json["rules"]
    families = {rule["family"] for rule in listed}
    assert families == {
        "secret", "danger", "destructive", "path", "unicode", "supply-chain", "injection", "dependency", "hygiene",
    }  # fmt: skip
    for name in ("github-token", "python-eval", "dependency.undeclared", "exception-added", "policy-loosened"):
        shown = repo.tiny("rules", "show", name, "--json").json
        assert shown in listed
        assert shown["message"] in repo.tiny("rules", "show", name).out


def test_a_rule_that_there_is_not(repo: Repo) -> None:
    done = repo.tiny("rules", "show", "github-tokn", check=False)
    assert (done.code, "github-token" in done.err) == (2, True)
    assert repo.tiny("rules", "list", "--family", "secrets", check=False).code == 2


def test_what_ships_passes_its_own_test(repo: Repo) -> None:
    done = repo.tiny("rules", "test")
    assert done.text.endswith(" 0 rules are wrong")


def test_rules_of_ones_own(repo: Repo, world: Path) -> None:
    file = world / "ours.toml"
    file.write_text(OURS)
    assert repo.tiny("rules", "test", str(file)).text == "1 rules, 2 examples and near misses, 0 rules are wrong"
    file.write_text(OURS.replace('["OURS-abc"]', '["OURS-abcd{~}efgh"]'))
    done = repo.tiny("rules", "test", str(file), check=False)
    assert (done.code, f"{file}:1: ours: found: " in done.out) == (1, True)
    file.write_text(OURS.replace("{8}", "{8"))
    assert repo.tiny("rules", "test", str(file), check=False).code in (1, 2)
    for broken, line in (
        (OURS.replace("[a-z]", "[z-a]"), 10),
        (OURS.replace('"high"', '"grave"'), 4),
        (OURS + "x", 13),
    ):
        file.write_text(broken)
        done = repo.tiny("rules", "test", str(file), check=False)
        assert (done.code, f"{file}:{line}: " in done.err) == (2, True), done.err


def test_the_table_of_tiers_is_printed(repo: Repo) -> None:
    out = repo.tiny("rules", "tiers").out.splitlines()
    assert out[0].split() == ["severity", "confidence", "permissive", "standard", "strict", "paranoid"]
    assert out[1].split() == ["critical", "certain", "blocks", "blocks", "blocks", "blocks"]
