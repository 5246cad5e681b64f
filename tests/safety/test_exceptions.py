"""Tiers, exceptions, trust, approvals, baseline, policy files: what counts and what is a finding itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repos import Repo
from tests.safety.conftest import PASSWORD, TOKEN
from tinycode_git.safety.finding import Finding
from tinycode_git.safety.policy import TIERS, ProjectPolicy, blocks, verdict
from tinycode_git.safety.policyfile import loosened, parse_policy
from tinycode_git.safety.rulefile import BrokenRule

BAD = f"t = '{TOKEN}'\n"


def rules(repo: Repo, *args: str) -> dict[str, bool]:
    """The rules that spoke, and whether they block."""
    found = repo.tiny("scan", *args, "--json", check=False).json
    return {finding["rule"]: finding["blocks"] for finding in found["findings"]}


def staged(repo: Repo, **files: str) -> dict[str, bool]:
    for name, content in files.items():
        path = name.replace("__", "/").replace("_dot_", ".")
        repo.write(path, content)
        repo.git("add", "-f", path)
    return rules(repo, "--staged")


def make(severity: str, confidence: str, *, approval: bool = False, excused: str = "") -> Finding:
    base = Finding("r", "danger", severity, confidence, "p", 1, 1, 1, 1, "m", "f", "", "")
    return base._replace(approval=approval, excused=excused)


@pytest.mark.parametrize(
    ("severity", "confidence", "tiers"),
    [
        ("critical", "certain", TIERS),
        ("critical", "likely", TIERS[1:]),
        ("critical", "possible", TIERS[1:]),
        ("high", "certain", TIERS[1:]),
        ("high", "likely", TIERS[1:]),
        ("high", "possible", TIERS[2:]),
        ("medium", "certain", TIERS[2:]),
        ("medium", "possible", TIERS[2:]),
        ("low", "certain", TIERS[3:]),
        ("low", "possible", TIERS[3:]),
    ],
)
def test_the_table_of_tiers(severity: str, confidence: str, tiers: tuple[str, ...]) -> None:
    assert tuple(tier for tier in TIERS if blocks(tier, severity, confidence)) == tiers


def test_approvals_are_asked_for_from_strict_on_and_paranoid_knows_no_exceptions() -> None:
    asked, excused = make("low", "certain", approval=True), make("critical", "certain", excused="why")
    assert [bool(verdict([asked], tier)) for tier in TIERS] == [False, False, True, True]
    assert [bool(verdict([excused], tier)) for tier in TIERS] == [False, False, False, True]


def test_a_tighter_tier_is_never_quieter() -> None:
    every = [make(s, c) for s in ("low", "medium", "high", "critical") for c in ("possible", "likely", "certain")]
    counts = [len(verdict(every, tier)) for tier in TIERS]
    assert counts == sorted(counts)


def test_the_users_tier_and_the_projects_can_only_tighten(repo: Repo) -> None:
    repo.commit("policy", {".tiny.toml": '[policy]\ntier = "strict"\n'})
    sql = {"a_dot_sql": "drop table users;\n"}
    assert staged(repo, **sql)["sql-drop-table"] is True
    repo.config("tiny.tier", "permissive")
    assert rules(repo, "--staged")["sql-drop-table"] is True
    repo.commit("looser", {".tiny.toml": '[policy]\ntier = "permissive"\n'}, "--no-verify")
    repo.config("tiny.tier", "standard")
    assert staged(repo, b_dot_sql="drop table other;\n")["sql-drop-table"] is False
    assert staged(repo, c_dot_py="eval(x)\n")["python-eval"] is True


def test_a_loosening_is_judged_under_the_policy_before_and_is_a_finding(repo: Repo) -> None:
    repo.commit("policy", {".tiny.toml": '[policy]\ntier = "strict"\n'})
    found = staged(repo, _dot_tiny_dot_toml='[policy]\ntier = "permissive"\n', a_dot_sql="drop table users;\n")
    assert found["policy-loosened"] is True
    assert found["sql-drop-table"] is True


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[policy]\ntier = "lax"\n', 2, "not one of"),
        ("[[allow]]\nrule = 'x'\n", 1, "reason is missing"),
        ("[[allow]]\nreason = 'x'\n", 1, "rule is missing"),
        ("\n[[allow]]\nrule = 'x'\nreason = 'y'\nexpires = 'soon'\n", 2, "is a date"),
        ("[[allow]]\nrule = 'x'\nreason = 'y'\npath = 'z'\n", 1, "no field path"),
        ("x = = 1\n", 1, "Invalid"),
        ("# ours\ntier = 'strict'\n", 2, r"tier: stands outside of every table; it goes under \[policy\]"),
        ("expires = 2027-01-31\n", 1, r"it goes under \[\[allow\]\]"),
        ("colour = 'red'\n", 1, "nothing reads it"),
        ("[policy]\ntier = 'strict'\nteir = 'x'\n", 3, "policy: there is no field teir; known: tier"),
        ("[policy]\nreason = 'x'\n", 2, r"there is no field reason; it goes under \[\[allow\]\]"),
        ("\n[polcy]\ntier = 'strict'\n", 2, r"there is no such table; \[policy\] is what it is called"),
        ("[[rules]]\nid = 'x'\n", 1, r"\[\[rule\]\] is what it is called"),
        ("policy = 'strict'\n", 1, "is a table"),
        ("[policy]\ntier = 3\n", 2, "not one of"),
    ],
)
def test_a_broken_policy_names_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(BrokenRule, match=words) as caught:
        parse_policy(text)
    assert caught.value.line == line


def test_tables_of_others_are_left_alone() -> None:
    assert parse_policy("[plan]\ntier = 'x'\n[policy]\ntier = 'strict'\n").tier == "strict"


def test_a_setting_at_the_wrong_place_is_refused_where_it_is_read(repo: Repo) -> None:
    repo.commit("policy", {".tiny.toml": "tier = 'strict'\n"})
    done = repo.tiny("scan", "--staged", check=False)
    assert (done.code, done.err.splitlines()[0]) == (
        2, "error: .tiny.toml:1: tier: stands outside of every table; it goes under [policy]",
    )  # fmt: skip


def test_what_loosens_is_named() -> None:
    strict = parse_policy('[policy]\ntier = "strict"\n[[allow]]\nrule = "a"\nreason = "r"\n')
    assert loosened(strict, strict) == []
    assert loosened(strict, ProjectPolicy("paranoid")) == []
    assert loosened(strict, ProjectPolicy()) == ["tier goes from strict to none"]
    assert loosened(ProjectPolicy(), strict) == ["exception for a: r"]


ALLOW = '[[allow]]\nrule = "python-eval"\npaths = ["gen/**"]\nreason = "made by a tool"\n'


def test_an_allowlist_counts_once_trusted_and_only_where_it_says(repo: Repo) -> None:
    repo.commit("policy", {".tiny.toml": ALLOW})
    assert staged(repo, gen__a_dot_py="eval(x)\n")["python-eval"] is True
    assert repo.tiny("trust", "--show", check=False).code == 1
    repo.tiny("trust")
    assert repo.tiny("trust", "--show").code == 0
    assert rules(repo, "--staged")["python-eval"] is False
    assert staged(repo, src__a_dot_py="eval(x)\n")["python-eval"] is True
    repo.tiny("trust", "--remove")
    assert repo.tiny("trust", "--show", check=False).code == 1


def test_an_allowlist_that_expired_counts_no_more(repo: Repo) -> None:
    repo.commit("policy", {".tiny.toml": ALLOW + "expires = 2020-01-01\n"})
    repo.tiny("trust")
    assert staged(repo, gen__a_dot_py="eval(x)\n")["python-eval"] is True


def test_strict_asks_again_when_exceptions_change_and_paranoid_ignores_them(repo: Repo) -> None:
    repo.commit("policy", {".tiny.toml": ALLOW})
    repo.tiny("trust")
    staged(repo, gen__a_dot_py="eval(x)\n")
    assert rules(repo, "--staged", "--tier", "strict")["python-eval"] is False
    assert rules(repo, "--staged", "--tier", "paranoid")["python-eval"] is True
    repo.git("reset", "-q", "--hard")
    repo.commit("more", {".tiny.toml": ALLOW + '[[allow]]\nrule = "x"\nreason = "y"\n'})
    staged(repo, gen__a_dot_py="eval(x)\n")
    assert rules(repo, "--staged")["python-eval"] is False
    assert rules(repo, "--staged", "--tier", "strict")["python-eval"] is True


def test_an_exception_that_arrives_with_the_change_is_a_finding_and_does_not_count(repo: Repo) -> None:
    repo.tiny("trust")
    found = staged(repo, _dot_tiny_dot_toml=ALLOW, gen__a_dot_py="eval(x)\n")
    assert found == {"exception-added": True, "python-eval": True}


INLINE = "eval(x)  # tiny: allow python-eval -- " + "the input is ours\n"


def test_an_inline_exception_counts_as_it_stood_before(repo: Repo) -> None:
    repo.tiny("trust")
    assert staged(repo, a_dot_py=INLINE) == {"inline-allow": True, "python-eval": True}
    repo.git("commit", "-q", "-m", "in")
    assert staged(repo, a_dot_py="y = 1\neval(z + 1)\n" + INLINE.replace("(x)", "(x )")) == {"python-eval": True}
    moved = staged(repo, a_dot_py="y = 1\n" + INLINE.replace("(x)", "(other)"))
    assert moved["python-eval"] is False


def test_an_inline_exception_without_a_reason_does_not_count(repo: Repo) -> None:
    found = staged(repo, a_dot_py="eval(x)  # tiny" + ": allow python-eval\n")
    assert found == {"inline-allow-without-reason": False, "python-eval": True}


def test_an_approval_is_bound_to_the_tree_and_audited(repo: Repo) -> None:
    staged(repo, a_dot_py="eval(x)\n")
    assert repo.tiny("allow", "--staged", "python-eval", check=False).code == 2
    assert repo.tiny("allow", "--staged", "github-token", "--reason", "no", check=False).code == 1
    repo.tiny("allow", "--staged", "python-eval", "--reason", "reviewed by two")
    assert rules(repo, "--staged")["python-eval"] is False
    assert b"reviewed by two" in (repo.git_dir() / "tiny" / "journal").read_bytes()
    assert staged(repo, b_dot_txt="more\n")["python-eval"] is True
    repo.git("rm", "-q", "--cached", "b.txt")
    repo.git("commit", "-q", "-m", "approved")
    assert rules(repo, "--range", "HEAD~1..HEAD")["python-eval"] is False


def test_strict_wants_a_word_for_ci(repo: Repo) -> None:
    repo.config("tiny.tier", "strict")
    found = staged(repo, _dot_github__workflows__ci_dot_yml="on: push\n")
    assert found["ci-workflow-changed"] is True
    repo.tiny("allow", "--staged", "ci-workflow-changed", "--reason", "with the release team")
    assert rules(repo, "--staged")["ci-workflow-changed"] is False


def test_a_baseline_accepts_what_there_is_and_only_shrinks(repo: Repo) -> None:
    repo.commit("old", {"a.py": BAD, "b.py": "eval(x)\n"})
    assert repo.tiny("baseline", check=False).code == 1
    assert repo.tiny("baseline", "--reason", "from before", "--json").json["removed"] == []
    folder = repo.path / ".tiny" / "baseline"
    entries = sorted(file.name for file in folder.iterdir())
    assert len(entries) == 3
    assert not any(TOKEN[6:] in file.read_text() for file in folder.iterdir())
    repo.git("add", "-f", ".tiny")
    assert rules(repo, "--staged") == {"exception-added": True}
    repo.git("commit", "-q", "-m", "baseline")
    repo.tiny("trust")
    moved = staged(repo, a_dot_py="# moved\n\n" + BAD, c_dot_py="eval( x )\n")
    assert moved == {"python-eval": False}
    assert staged(repo, d_dot_py="eval(y)\n")["python-eval"] is True
    repo.git("commit", "-q", "-m", "more")
    assert repo.tiny("baseline", "--json").json == {"added": [], "removed": [], "not_accepted": 1}
    repo.commit("gone", {"a.py": "t = 1\n"})
    assert len(repo.tiny("baseline", "--json").json["removed"]) == 1
    assert len(repo.tiny("baseline", "--grow", "--reason", "new", "--json").json["added"]) == 1


def test_two_branches_baselines_merge(repo: Repo) -> None:
    repo.commit("old", {"a.py": "eval(a)\n"})
    repo.tiny("baseline", "--reason", "r")
    repo.git("add", "-f", ".tiny")
    repo.git("commit", "-q", "-m", "baseline")
    for name in ("one", "two"):
        repo.git("checkout", "-q", "-b", name, "main")
        repo.commit(name, {f"{name}.py": f"eval({name})\n"})
        repo.tiny("baseline", "--grow", "--reason", name)
        repo.git("add", "-f", ".tiny")
        repo.git("commit", "-q", "-m", "grown")
    assert repo.git("merge", "-q", "--no-edit", "one").code == 0


GITLEAKS = f"""\
[extend]
useDefault = true

[[rules]]
id = "our ticket"
description = "an internal ticket"
regex = '''TICKET-([A-Z0-9]{{8}})'''
secretGroup = 1
keywords = ["ticket"]
  [[rules.allowlists]]
  regexes = ['''AAAA0000''']

[allowlist]
paths = ['''^fixtures/''']
stopwords = ["{PASSWORD[:6].lower()}"]
"""


def test_a_gitleaks_configuration_is_read_as_it_is(repo: Repo) -> None:
    repo.commit("config", {".gitleaks.toml": GITLEAKS})
    files = {
        "a_dot_txt": "see TICKET-QW3RTY77\n",
        "b_dot_txt": "see TICKET-AAAA0000\n",
        "fixtures__c_dot_txt": BAD,
    }
    found = repo.tiny("scan", "--staged", "--json", check=False)
    staged(repo, **files)
    found = repo.tiny("scan", "--staged", "--json", check=False).json
    seen = {(one["rule"], one["path"]): one["blocks"] for one in found["findings"]}
    assert seen[("gitleaks-our-ticket", "a.txt")] is True
    assert seen[("gitleaks-our-ticket", "b.txt")] is True
    assert seen[("github-token", "fixtures/c.txt")] is True
    assert any("useDefault" in note for note in found["notes"])
    repo.tiny("trust")
    found = repo.tiny("scan", "--staged", "--json", check=False).json
    seen = {(one["rule"], one["path"]): one["blocks"] for one in found["findings"]}
    assert seen[("gitleaks-our-ticket", "a.txt")] is True
    assert seen[("gitleaks-our-ticket", "b.txt")] is False
    assert seen[("github-token", "fixtures/c.txt")] is False


OWN = """\
[[rule]]
id = "our-own-token"
family = "secret"
severity = "critical"
confidence = "certain"
issuer = "us"
message = "ours"
advice = "rotate it"
reference = "https://example.org"
pattern = 'OWN-[a-z]{6}'
examples = ["OWN-abc{~}def"]
near_misses = ["OWN-abc"]
"""


def test_rules_of_the_project_and_of_the_user_are_used(repo: Repo, world: Path) -> None:
    repo.commit("policy", {".tiny.toml": OWN})
    assert staged(repo, a_dot_txt="OWN-" + "abcdef\n")["our-own-token"] is True
    folder = world / "home/.config/tinycode-git/rules"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(OWN.replace("our-own", "my-own").replace("OWN-", "MINE-"))
    assert staged(repo, b_dot_txt="MINE-" + "abcdef\n")["my-own-token"] is True
    assert "my-own-token" in repo.tiny("rules", "list").out
    (folder / "mine.toml").write_text(OWN.replace('"critical"', '"awful"'))
    done = repo.tiny("scan", "--staged", check=False)
    assert (done.code, "mine.toml:4: rule our-own-token: severity" in done.err) == (2, True)


def test_a_project_cannot_replace_a_rule(repo: Repo) -> None:
    repo.commit("policy", {".tiny.toml": OWN.replace("our-own-token", "github-token")})
    done = repo.tiny("scan", "--staged", check=False)
    assert (done.code, "one of git tiny's own" in done.err) == (1, True)


def test_a_malicious_expression_is_bounded(repo: Repo) -> None:
    evil = OWN.replace("'OWN-[a-z]{6}'", "'OWN-(?:(?:[a-z]{1,900}x){1,900}){1,900}'")
    repo.commit("policy", {".tiny.toml": evil})
    done = repo.tiny("scan", "--staged", check=False)
    assert done.code in (1, 2)
    assert done.err.startswith("error: ")
