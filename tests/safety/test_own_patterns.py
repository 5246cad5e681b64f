"""Expressions that come with a repository: one that would take long is refused in a line, or its scan is bounded.

Nothing measures time here: where a bound does not hold, a scan does not end.
"""

from __future__ import annotations

import pytest

from tests.repos import Repo

OURS = """[[rule]]
id = "our-own-token"
family = "secret"
severity = "critical"
confidence = "certain"
issuer = "us"
reference = "https://example.org"
message = "a token of ours"
advice = "replace it"
pattern = '''{}'''
examples = ["x"]
near_misses = ["y"]
"""
THEIRS = "title = 'x'\n[[rules]]\nid = 'theirs'\nregex = '''{}'''\n"
FILES = {
    ".tiny.toml": (OURS, ".tiny.toml:10: rule our-own-token"),
    ".gitleaks.toml": (THEIRS, ".gitleaks.toml:2: rule theirs"),
}
LONG = "a" * 50_000 + "!\n" + "abcdefgh0123" * 5_000 + "\n"

# What a backtracking engine never ends on, ours does; what is too large is refused, in the words beside it.
PATTERNS = {
    "(a+)+$": "",
    "(x+x+)+y": "",
    "(?s).*.*.*.*.*=x": "",
    "((a*)*)*b": "",
    ".": "",
    "[a-z]{1000}[0-9]{1000}[a-z]{1000}": "",
    "(a|aa|aaa|a?)+$": "matches the empty text",
    "a*": "matches the empty text",
    "(?:(?:[a-z]{1,900}x){1,900}){1,900}": "invalid repetition size",
    "(?:[a-z]{1,100}){1,100}": "invalid repetition size",
    "(" * 900 + "a" + ")" * 900: "900 groups; 100 are the most",
    "|".join(f"w{n:06}x" for n in range(60_000)): "539999 characters; 10000 are the most",
    "a" * 1_000_000: "1000000 characters; 10000 are the most",
    "(?=a)b": "invalid perl operator",
    "(a": "missing )",
}


@pytest.mark.parametrize("file", FILES)
def test_an_expression_that_takes_long_is_refused_or_bounded(repo: Repo, file: str) -> None:
    form, place = FILES[file]
    repo.write("a.txt", LONG)
    repo.git("add", "a.txt")
    for pattern, words in PATTERNS.items():
        repo.write(file, form.format(pattern))
        repo.git("add", file)
        tree = repo.git("write-tree").out.strip()
        made = repo.git("commit-tree", tree, "-p", "HEAD", "-m", "x").out.strip()
        repo.git("update-ref", "refs/heads/main", made)
        repo.write("b.txt", LONG)
        repo.git("add", "b.txt")
        done = repo.tiny("scan", "--staged", check=False)
        repo.git("rm", "-qf", "--cached", "b.txt")
        if words:
            line = done.err.splitlines()[0]
            assert (done.code, line.startswith(f"error: {place}: "), words in line) == (2, True, True), pattern[:40]
        else:
            assert (done.code in (0, 1, 4), "error: " in done.err) == (True, False), (pattern[:40], done.err)
