"""``git tiny explain`` in real repositories: who wrote it, what changed it, what took it back, where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.inside import inside
from tests.plan.plans import apply, make_plan
from tests.repos import Repo

BODY = "".join(f"    step_{n} = compute(alpha={n}, beta={n * 7})\n" for n in range(12))


def roles(found: dict[str, Any]) -> dict[str, list[str]]:
    """Title to roles."""
    return {one["title"]: one["roles"] for one in found["evidence"]}


def evidence(found: dict[str, Any], title: str) -> dict[str, Any]:
    (one,) = [one for one in found["evidence"] if one["title"] == title]
    return dict(one)


@pytest.fixture
def told(repo: Repo) -> dict[str, str]:
    """A line with a life: written with its test, changed, reverted, brought back, reformatted, moved to a new file."""
    code = f"def limit(x):\n    return min(x, 10)\n\n\ndef run():\n{BODY}"
    oids = {
        "wrote": repo.commit(
            "Add a limit (#7)\n\nWithout one a request could take all memory.\n\nReviewed-by: Bob <bob@example.com>",
            {"src/limit.py": code, "tests/test_limit.py": "assert True\n"},
        )
    }
    repo.git("tag", "v1.0")
    raised = code.replace("min(x, 10)", "min(x, 100)")
    oids["raised"] = repo.commit("Raise the limit", {"src/limit.py": raised})
    oids["undone"] = repo.commit(
        f'Revert "Raise the limit"\n\nThis reverts commit {oids["raised"]}.\nIt was too much for small machines.',
        {"src/limit.py": code},
    )
    clamped = code.replace("min(x, 10)", "max(0, min(x, 10))")
    oids["fixed"] = repo.commit(
        f'Fix negative limits\n\nFixes: {oids["wrote"][:12]} ("Add a limit")', {"src/limit.py": clamped}
    )
    spaced = clamped.replace("    return max(0, min(x, 10))", "    return max( 0, min( x, 10 ) )")
    oids["spaced"] = repo.commit("Reformat everything", {"src/limit.py": spaced})
    repo.commit("Ignore it", {".git-blame-ignore-revs": f"# formatting\n{oids['spaced']}\nnonsense\n"})
    repo.git("mv", "src/limit.py", "src/limits.py")
    oids["moved"] = repo.commit("Move it")
    repo.git("tag", "v2.0")
    return oids


def test_a_line_is_told_from_its_beginning(repo: Repo, told: dict[str, str]) -> None:
    found = inside(repo, "explain", "src/limits.py:2", "--json")
    assert roles(found) == {
        "Add a limit (#7)": ["introduced"],
        "Raise the limit": ["changed"],
        'Revert "Raise the limit"': ["changed", "reverts"],
        "Fix negative limits": ["wrote the lines as they stand", "changed", "fixes"],
        "Reformat everything": ["changed"],
    }
    first = evidence(found, "Add a limit (#7)")
    assert first["oid"] == told["wrote"]
    assert first["reason"] == "Without one a request could take all memory."
    assert first["bugs"] == ["#7"]
    assert first["trailers"] == [["Reviewed-by", "Bob <bob@example.com>"]]
    assert first["test_paths"] == ["tests/test_limit.py"]
    undone = evidence(found, 'Revert "Raise the limit"')
    assert undone["about"] == [told["raised"]]
    assert undone["reason"] == "It was too much for small machines."
    assert evidence(found, "Fix negative limits")["about"] == [told["wrote"]]
    fixed = evidence(found, "Fix negative limits")
    assert fixed["note"] == "stood at src/limit.py:2 then"
    assert fixed["release"] == {"first": "v2.0", "count": 1}
    assert found["origins"] == [
        {
            "line": 2,
            "evidence": fixed["id"],
            "was_path": "src/limit.py",
            "was_line": 2,
            "text": "    return max( 0, min( x, 10 ) )",
        }
    ]
    assert found["gaps"] == []


def test_the_timeline_for_people(repo: Repo, told: dict[str, str]) -> None:
    shown = repo.tiny("explain", "src/limits.py:limit", "--patch").out
    assert shown.startswith("src/limits.py:limit (lines 1-2) at ")
    assert f"2023-11-14  {told['wrote'][:12]}  Add a limit (#7)  (Ada Example)\n     introduced" in shown
    assert "| Without one a request could take all memory." in shown
    assert "names #7; first in v1.0 and 1 later tag; tests: tests/test_limit.py; Reviewed-by: Bob" in shown
    assert "+    return max(0, min(x, 10))" in shown
    assert "step_3" not in shown


def test_a_copy_from_another_file_is_followed(repo: Repo, told: dict[str, str]) -> None:
    repo.commit("Split", {"src/limits.py": "def limit(x):\n    return x\n", "src/run.py": f"def run():\n{BODY}"})
    found = inside(repo, "explain", "src/run.py:3-5", "--json")
    first = evidence(found, "Add a limit (#7)")
    assert "wrote the lines as they stand" in first["roles"]
    assert [row["evidence"] for row in found["origins"]] == [first["id"]] * 3
    assert "introduced" in evidence(found, "Split")["roles"]


def test_an_ignored_commit_of_the_settings_counts_too(repo: Repo) -> None:
    repo.commit("one", {"a.py": "value = compute(1)\n"})
    second = repo.commit("two", {"a.py": "value = compute(1,  2)\n"})
    (repo.path / "ignored").write_text(f"{second}\n")
    repo.config("blame.ignoreRevsFile", "ignored")
    found = inside(repo, "explain", "a.py:1", "--json")
    assert "wrote the lines as they stand" in evidence(found, "one")["roles"]
    repo.config("blame.ignoreRevsFile", "not there")
    done = repo.tiny("explain", "a.py:1", check=False)
    assert (done.code, "cannot read a list of commits to ignore" in done.err) == (1, True)


def test_a_fix_names_what_it_replaces(repo: Repo, told: dict[str, str]) -> None:
    found = inside(repo, "explain", told["fixed"], "--json")
    assert roles(found) == {
        "Add a limit (#7)": ["is fixed by it", "wrote what it replaces"],
        "Fix negative limits": ["asked about"],
    } or roles(found) == {
        "Add a limit (#7)": ["is fixed by it"],
        'Revert "Raise the limit"': ["wrote what it replaces"],
        "Fix negative limits": ["asked about"],
    }


def test_what_became_of_a_commit(repo: Repo, told: dict[str, str]) -> None:
    found = inside(repo, "explain", told["raised"], "--json")
    assert roles(found)['Revert "Raise the limit"'] == ["reverts"]
    assert evidence(found, "Raise the limit")["release"] == {"first": "v2.0", "count": 1}
    assert "wrote what it replaces" in roles(found)["Add a limit (#7)"]


def test_the_merge_that_brought_a_commit(repo: Repo) -> None:
    repo.branch("topic")
    oid = repo.commit("work", {"w.txt": "w\n"})
    repo.git("checkout", "-q", "main")
    repo.commit("other", {"o.txt": "o\n"})
    repo.git("merge", "-q", "--no-ff", "-m", "Merge pull request #9", "topic")
    repo.commit("later", {"o.txt": "p\n"})
    found = inside(repo, "explain", oid[:10], "--json")
    assert roles(found)["Merge pull request #9"] == ["merged it"]
    assert found["notes"] == ["no commit wrote lines that it replaces"]


def test_a_path_with_its_renames(repo: Repo, told: dict[str, str]) -> None:
    found = inside(repo, "explain", "src/limits.py", "--json")
    assert roles(found)["Move it"] == ["changed", "renamed"]
    assert evidence(found, "Move it")["note"] == "was src/limit.py before"
    assert roles(found)["Add a limit (#7)"] == ["introduced"]
    assert found["notes"] == ["6 commits changed it"]


def test_a_path_is_named_from_where_we_stand(repo: Repo, told: dict[str, str]) -> None:
    for words, folder in (("limits.py:1", "src"), ("../src/limits.py:1", "src"), ("./src/limits.py:1", ".")):
        found = inside(Repo(repo.path / folder), "explain", words, "--json")
        assert found["asked"]["path"] == "src/limits.py"
    found = inside(repo, "explain", str(repo.path / "src/limits.py") + ":1", "--json")
    assert found["asked"]["path"] == "src/limits.py"


def test_a_range_for_readers(repo: Repo, told: dict[str, str]) -> None:
    repo.commit("docs: say more", {"README.md": "more\n"})
    repo.commit("feat(core)!: drop the old name", {"src/limits.py": "x = 1\n"})
    notes = inside(repo, "explain", f"{told['wrote']}..HEAD", "--for", "release-notes", "--json")
    groups = {group["title"]: [b["text"] for b in group["bullets"]] for group in notes["groups"]}
    assert groups == {
        "Breaking or deprecated": ["drop the old name"],
        "Fixed": ["Fix negative limits"],
        "Changed": ["Reformat everything", "Ignore it", "Move it"],
        "Internal": ["1 commit to tests, documentation, build and structure"],
    }
    shown = repo.tiny("explain", f"{told['wrote']}..HEAD", "--for", "reviewer").out
    assert "Takes back or repairs another commit of the range\n- Revert" in shown
    assert "src/\n- 7 commits by Ada Example (7)" in repo.tiny("explain", "HEAD~9..", "--for", "newcomer").out


def test_a_range_says_what_it_takes_back_and_repairs(repo: Repo, told: dict[str, str]) -> None:
    found = inside(repo, "explain", f"{told['wrote']}~1..HEAD", "--json")
    assert roles(found) == {
        "Add a limit (#7)": ["part of the range"],
        "Raise the limit": ["part of the range"],
        'Revert "Raise the limit"': ["part of the range", "reverts"],
        "Fix negative limits": ["part of the range", "fixes"],
        "Reformat everything": ["part of the range"],
        "Ignore it": ["part of the range"],
        "Move it": ["part of the range"],
    }
    assert evidence(found, "Fix negative limits")["about"] == [told["wrote"]]
    patched = inside(repo, "explain", f"{told['spaced']}~1..{told['spaced']}", "--patch", "--json")
    assert "+    return max( 0, min( x, 10 ) )" in patched["evidence"][0]["patch"]


def test_a_plan_with_its_operations(repo: Repo) -> None:
    plan = make_plan(repo, {"hello.txt": "hello again\n"}, task="greet again")
    found = inside(repo, "explain", plan.id, "--json")
    assert roles(found) == {"step 1": ["step of the plan"]}
    assert found["plans"][0]["task"] == "greet again"
    assert evidence(found, "step 1")["reason"] == ""
    assert "- step 1 (1 line in 1 file)" in repo.tiny("explain", plan.id, "--for", "reviewer").out.replace(
        "2 lines", "1 line"
    )
    assert "--for summarises a range or a plan" in repo.tiny("explain", "src", "--for", "reviewer", check=False).err
    apply(repo, plan)
    line = inside(repo, "explain", "hello.txt:1", "--json")
    assert evidence(line, "step 1")["trailers"][0] == ["Plan-Id", plan.id]
    assert [one["id"] for one in line["plans"]] == [plan.id]
    assert [row["action"] for row in line["operations"]] == ["propose", "validate", "approve", "apply", "land"]
    assert f"plan {plan.id}: greet again" in repo.tiny("explain", "hello.txt:1").out


def test_a_shallow_clone_says_what_it_has_not(repo: Repo, told: dict[str, str], world: Path) -> None:
    clone = repo.clone(world / "shallow", "--depth=2", "--no-local")
    done = clone.tiny("explain", "src/limits.py:2", check=False)
    assert done.code == 4
    assert "not looked at: this clone is shallow" in done.err
    assert "E1 " in done.out


def test_no_reason_is_said(repo: Repo) -> None:
    assert repo.tiny("explain", "hello.txt:1").out.endswith("no message of these commits states a reason\n")


def test_hostile_text_is_escaped(repo: Repo) -> None:
    repo.commit("\x1b]0;owned\x07title \u202e\n\nbody that says \x1b[31mred things\n", {"a.txt": "x \x1b[2J y\n"})
    for words in ("a.txt:1", "HEAD", "a.txt"):
        shown = repo.tiny("explain", words, "--patch").out
        assert "\x1b" not in shown and "\u202e" not in shown
    assert "\\x1b[2J" in repo.tiny("explain", "a.txt:1").out


ODD = ["-n", " lead", 'qu"ote', "back\\slash", "tab\tname", "caf\udce9.txt", "a:1", "*", "é"]


def test_odd_names(repo: Repo) -> None:
    repo.commit("odd", {name: f"{n}\n" for n, name in enumerate(ODD)})
    for n, name in enumerate(ODD):
        found = inside(repo, "explain", "--json", "--", f"{name}:1")
        assert roles(found) == {"odd": ["introduced", "wrote the lines as they stand"]}, name
        assert found["origins"][0]["text"] == str(n)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("nowhere", 2, "names no commit, range, path, line, symbol or plan here"),
        ("hello.txt:0", 2, "names no lines"),
        ("hello.txt:3-2", 2, "names no lines"),
        ("hello.txt:99", 2, "hello.txt has not so many lines: it has 1\n"),
        ("src:1", 1, "src is no file"),
        ("src/app.py:nothing", 1, "defines nothing called 'nothing'"),
        ("main..nowhere", 2, "'nowhere' names no commit here"),
        ("nowhere...", 2, "'nowhere' names no commit here"),
        ("../outside", 2, "names no commit"),
        ("src", 0, ""),
        ("--", 2, "Missing argument"),
    ],
)
def test_what_cannot_be_asked(repo: Repo, words: str, code: int, said: str) -> None:
    done = repo.tiny("explain", words, check=False)
    assert done.code == code, done
    assert said in done.err


def test_a_file_that_went_by_another_name(repo: Repo) -> None:
    text = "".join(f"line {n}\n" for n in range(20))
    repo.commit("begin", {"old.txt": text, "gone.txt": "something else\n"})
    repo.git("mv", "old.txt", "new.txt")
    repo.git("rm", "-q", "gone.txt")
    repo.commit("tidy up")
    moved = evidence(inside(repo, "explain", "--json", "old.txt"), "tidy up")
    assert (moved["roles"], moved["note"]) == (["renamed"], "is new.txt since")
    assert evidence(inside(repo, "explain", "--json", "gone.txt"), "tidy up")["roles"] == ["deleted"]


def test_what_is_told_twice_is_told_once(repo: Repo) -> None:
    """A change that was copied to the branch of a release and merged back stands there once, with both commits."""
    base = repo.oid()
    first = repo.commit("Add a limit", {"a.py": "limit = 1\n"})
    second = repo.commit("Add a limit", {"b.py": "limit = 1\n"})
    repo.commit("Keep it small.\n\nA large one takes all memory.", {"a.py": "limit = 2\n"})
    notes = repo.tiny("explain", f"{base}..", "--for", "release-notes").out
    assert notes.startswith(f"New\n- Add a limit ({first[:9]}, {second[:9]})\n")
    newcomer = repo.tiny("explain", f"{base}..", "--for", "newcomer").out
    assert "- Keep it small: A large one takes all memory. (" in newcomer
    assert "lines in 1 file)" in repo.tiny("explain", f"{base}..", "--for", "reviewer").out.replace("1 line ", "lines ")


def test_a_name_with_two_meanings_is_refused(repo: Repo) -> None:
    repo.git("branch", "src")
    done = repo.tiny("explain", "src", check=False)
    assert (done.code, "also names a commit" in done.err) == (2, True)
    assert inside(repo, "explain", "./src", "--json")["asked"]["kind"] == "path"


@pytest.mark.parametrize(
    ("path", "text", "symbol", "lines"),
    [
        ("a.py", "@cache\ndef f():\n    pass\n\nclass A:\n    def f(self):\n        return 1\n", "A.f", [6, 7]),
        ("a.py", "LIMIT = 3\n", "LIMIT", [1, 1]),
        ("a.c", "struct s { int a; };\nstatic int\nf(struct s *x)\n{\n  return 0;\n}\n", "f", [2, 6]),
        ("a.c", "struct s { int a; };\nint f(struct s *x) { return 0; }\n", "s", [1, 1]),
        ("a.go", "package a\n\nfunc (r *R) Do() {\n}\n\nfunc Do() {\n}\n", "R.Do", [3, 4]),
        ("a.rs", "impl A {\n    fn new() -> A {\n        A\n    }\n}\nfn new() {}\n", "A::new", [2, 4]),
        ("a.ts", "export class A {\n  run(): void {\n  }\n}\n", "A.run", [2, 3]),
        ("a.sh", "f() {\n  true\n}\n", "f", [1, 3]),
        ("a.cpp", "class A {\n  int f() { return 1; }\n};\nint f() { return 2; }\n", "A::f", [2, 2]),
        ("A.java", "class A {\n  A() {}\n  int f() {\n    return 1;\n  }\n}\n", "A.f", [3, 5]),
        ("a.js", "class A {\n  f() {\n  }\n}\nconst g = () => {\n};\n", "g", [5, 6]),
        ("a.rb", "class A\n  def f\n  end\nend\ndef f\nend\n", "A#f", [2, 3]),
        ("a.php", "<?php\nclass A {\n  function f() {\n  }\n}\n", "A::f", [3, 4]),
        ("a.cs", "class A {\n  int F() {\n    return 1;\n  }\n}\n", "A.F", [2, 4]),
        ("a.tcl", "proc f {} {\n  x\n}\n\nproc g {} {\n}\n", "g", [5, 6]),
    ],
)
def test_symbols(repo: Repo, path: str, text: str, symbol: str, lines: list[int]) -> None:
    repo.commit("code", {path: text})
    asked = inside(repo, "explain", f"{path}:{symbol}", "--json")["asked"]
    assert [asked["first"], asked["last"]] == lines


def test_a_symbol_defined_twice_is_refused(repo: Repo) -> None:
    repo.commit("code", {"a.py": "def f(): pass\n\ndef f(): pass\n"})
    done = repo.tiny("explain", "a.py:f", check=False)
    assert (done.code, "2 times: lines 1-1, 3-3" in done.err) == (1, True)
