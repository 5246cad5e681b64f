"""``git tiny review`` on real branches: what is found, where, what is remembered, what became of it."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from contextlib import chdir
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.plan.plans import ledger_in, make_plan, untouched
from tests.repos import Content, Exe, Link, Repo
from tests.review.junit_schema import valid_junit
from tinycode_git.commands.app import invoke, load
from tinycode_git.commands.completing import candidates
from tinycode_git.commands.review_changes import Format, exit_code, rendered
from tinycode_git.commands.reviewable import wanted_of
from tinycode_git.commands.reviewing import Options, conduct, note_of
from tinycode_git.errors import TinyError
from tinycode_git.git.write import PlanRepo
from tinycode_git.history.remarks import DEFAULT, RemarkKind
from tinycode_git.render import jsonout
from tinycode_git.review.formats import github, junit
from tinycode_git.review.ingest import read_report
from tinycode_git.review.store import keep
from tinycode_git.verbs import VERBS

TOKEN = "ghp" + "_1234567890abcdefghijABCDEFGHIJ0DgcSv"
CODE = "def run(value):\n    total = compute(value)\n    return total\n"


def review(
    repo: Repo,
    what: str = "",
    *,
    staged: bool = False,
    given: str = "",
    kinds: frozenset[RemarkKind] = DEFAULT,
    code: int = 0,
) -> dict[str, Any]:
    """What ``git tiny review --json`` prints, made inside this process, and remembered as it is."""
    handle = PlanRepo.discover(repo.path)
    options = Options(reports=read_report(given.encode(), "given", str(repo.path)) if given else (), kinds=kinds)
    made = conduct(handle, wanted_of(handle, what, staged=staged), options)
    if not staged:
        keep(handle, ledger_in(repo.path), note_of(made.review))
    assert exit_code(made.review, "high") == code
    return dict(json.loads(jsonout.dumps(made.review)))


def rules(found: dict[str, Any]) -> dict[str, tuple[str, int, str]]:
    """Rule to place and state."""
    return {one["rule"]: (one["path"], one["line"], one["state"]) for one in found["findings"]}


@pytest.fixture
def topic(repo: Repo) -> Repo:
    """A branch ``topic`` with one commit that changes ``src/app.py``."""
    repo.branch("topic")
    repo.commit("work", {"src/app.py": "def main() -> int:\n    value = 1\n    return value\n", "note.md": "n\n"})
    return repo


def lint(path: str, line: int, message: str = "bad", severity: str = "WARNING") -> dict[str, Any]:
    return {
        "message": message,
        "location": {"path": path, "range": {"start": {"line": line}}},
        "severity": severity,
        "source": {"name": "lint"},
        "code": {"value": "L1"},
    }


def report(*rows: dict[str, Any]) -> str:
    return json.dumps({"diagnostics": rows})


def test_an_empty_review_is_a_good_review(topic: Repo) -> None:
    done = topic.tiny("review", "--coverage")
    assert done.out == (
        "no findings (all 2 hunks read; tier standard)\n"
        "note.md: line 1: read by validator, history\n"
        "src/app.py: lines 2-3: read by validator, history\n"
    )


def test_coverage_in_markdown(topic: Repo) -> None:
    done = topic.tiny("review", "--coverage", "--format", "markdown", "--no-note")
    assert done.out.endswith(
        "\nLooked at:\n\n- `note.md`: line 1: read by validator, history\n"
        "- `src/app.py`: lines 2-3: read by validator, history\n"
    )


def test_only_what_linters_say_of_changed_lines_counts(topic: Repo) -> None:
    given = report(lint("src/app.py", 1), lint("src/app.py", 2), lint("hello.txt", 1), lint("../x", 1))
    found = review(topic, given=given)
    assert rules(found) == {"L1": ("src/app.py", 2, "new")}
    assert found["dropped"] == {"lint": 3}
    assert found["findings"][0]["text"] == "    value = 1"


def test_the_validator_speaks_at_the_end_of_the_branch(topic: Repo) -> None:
    topic.commit("secret", {"src/app.py": f'KEY = "{TOKEN}"\n'})
    topic.commit("above", {"src/app.py": f'# more\n\nKEY = "{TOKEN}"\n'})
    found = review(topic, code=1)
    (secret,) = [one for one in found["findings"] if one["family"] == "secret"]
    assert (secret["path"], secret["line"], secret["where"]) == ("src/app.py", 3, "content")
    assert TOKEN not in json.dumps(found)
    shown = topic.tiny("review", "--no-note", check=False)
    assert "src/app.py:3: " in shown.out and TOKEN not in shown.out
    assert TOKEN not in topic.git("notes", "--ref=tiny-review", "show").out


def test_what_a_range_takes_back_itself_is_still_told(topic: Repo) -> None:
    leaked = topic.commit("secret", {"src/key.py": f'KEY = "{TOKEN}"\n'})
    topic.commit("gone", {"src/key.py": None})
    (secret,) = review(topic, code=1)["findings"]
    assert (secret["where"], secret["commit"], secret["path"]) == ("commit", leaked, "src/key.py")


def test_a_message_is_part_of_the_change(topic: Repo) -> None:
    oid = topic.commit(f"use {TOKEN} for now")
    (one,) = review(topic, code=1)["findings"]
    assert (one["where"], one["commit"], one["path"]) == ("message", oid, "")


def test_staged(repo: Repo) -> None:
    repo.write("src/app.py", f'KEY = "{TOKEN}"\n')
    repo.git("add", ".")
    with untouched(repo):
        found = review(repo, staged=True, code=1)
    assert [(one["path"], one["line"]) for one in found["findings"]] == [("src/app.py", 1)]


def test_a_plan_a_commit_and_a_branch_by_name(topic: Repo) -> None:
    topic.git("checkout", "-q", "main")
    assert review(topic, "topic")["head"]["tip"] == topic.oid("topic")
    assert review(topic, "topic~0")["head"]["base"] == topic.oid("main")
    plan = make_plan(topic, {"hello.txt": "again\n"})
    found = review(topic, plan.id)
    assert (found["head"]["tip"], found["head"]["base"]) == (plan.tip, topic.oid("main"))
    assert review(topic, "main..topic")["head"]["base"] == topic.oid("main")
    first = topic.git("rev-list", "--max-parents=0", "main").text
    assert review(topic, first)["head"]["hunks"] == 2


# What history says.


def test_bringing_back_what_was_reverted(repo: Repo) -> None:
    repo.commit("start", {"src/cache.py": CODE})
    bold = CODE.replace("compute(value)", "cached(value) or compute(value)\n    remember(value, total)")
    added = repo.commit("Cache results", {"src/cache.py": bold})
    undone = repo.commit(f'Revert "Cache results"\n\nThis reverts commit {added}.\n', {"src/cache.py": CODE})
    repo.branch("topic")
    repo.commit("make it fast", {"src/cache.py": bold})
    assert review(repo)["findings"] == []  # not said without being asked for
    found = review(repo, kinds=frozenset(RemarkKind))
    assert rules(found) == {"history/brings-back": ("src/cache.py", 2, "new")}
    (one,) = found["findings"]
    assert one["message"] == f"brings back what {undone[:12]} took back: 2 of its 2 lines are added again"
    assert [cited["oid"] for cited in one["commits"]] == [undone, added]
    assert rules(review(repo, kinds=frozenset([RemarkKind.TOGETHER]))) == {}


def test_what_always_changed_together(repo: Repo) -> None:
    for n in range(10):
        files: dict[str, Exe | Link | Content | None] = {"api.h": f"int v{n};\n", "api.c": f"int v{n} = {n};\n"}
        repo.commit(f"change {n}", {**files, "log.txt": f"{n}\n"} if n % 2 else files)
    repo.branch("topic")
    repo.commit("alone", {"api.c": "int v = 1;\n"})
    (one,) = review(repo)["findings"]
    assert (one["rule"], one["path"]) == ("history/changes-together", "api.c")
    assert one["message"] == "api.c changes without api.h, which changed in 9 of its last 9 changes"
    repo.commit("both", {"api.h": "int v;\n"})
    assert [one["rule"] for one in review(repo)["findings"]] == []


def test_lines_that_fixed_a_bug(repo: Repo) -> None:
    repo.commit("start", {"src/a.py": CODE})
    guarded = CODE.replace("    total", "    check_limit(value, maximum)\n    total")
    fix = repo.commit("Fix overflow on large values (#12)\n\nCloses #7\n", {"src/a.py": guarded})
    repo.branch("topic")
    repo.commit("simplify", {"src/a.py": CODE})
    assert review(repo)["findings"] == []  # not said without being asked for
    (one,) = review(repo, kinds=frozenset(RemarkKind))["findings"]
    assert one["message"] == f"takes away a line that {fix[:12]} added to fix #7"
    assert (one["path"], one["line"]) == ("src/a.py", 1)
    repo.commit("no, move it", {"src/a.py": "# head\n" + guarded})
    assert review(repo, kinds=frozenset(RemarkKind))["findings"] == []


def test_a_file_that_keeps_failing(repo: Repo) -> None:
    repo.commit("start", {"src/a.py": CODE})
    for n in range(3):
        oid = repo.commit(f"try {n}", {"src/a.py": CODE + f"x{n} = {n}\n"})
        repo.commit(f'Revert "try {n}"\n\nThis reverts commit {oid}.', {"src/a.py": CODE})
    repo.branch("topic")
    repo.commit("once more", {"src/a.py": CODE + "y = 9\n"})
    assert rules(review(repo)) == {}  # not said without being asked for
    assert rules(review(repo, kinds=frozenset(RemarkKind)))["history/keeps-failing"] == ("src/a.py", 4, "new")


# What is remembered.


def test_the_next_review_says_what_is_new_fixed_and_open(topic: Repo) -> None:
    first = report(lint("src/app.py", 2, "one"), lint("note.md", 1, "two"))
    review(topic, given=first)
    topic.commit("more", {"src/app.py": "# top\ndef main() -> int:\n    value = 1\n    return value + 1\n"})
    second = report(lint("src/app.py", 3, "one"), lint("src/app.py", 4, "three"))
    done = topic.tiny("review", "--report", "-", input=second)
    assert "src/app.py:3: medium: one (still open)" in done.out
    assert "src/app.py:4: medium: three\n" in done.out
    assert "fixed: note.md:1: two" in done.out
    assert "2 findings, 1 new, 1 still open, 1 fixed (all " in done.out


def test_what_is_out_of_sight_is_not_fixed(topic: Repo) -> None:
    given = report(lint("src/app.py", 2, "one"), lint("note.md", 1, "two"))
    first = topic.oid()
    review(topic, given=given)
    without = review(topic)  # the linter was not asked again
    assert (rules(without)["L1"][2], len(without["findings"]), without["fixed"]) == ("still open", 2, [])
    topic.commit("later", {"later.py": "x = 1\n", "note.md": "m\n"})
    narrow = review(topic, f"{first}..topic", given=report(lint("later.py", 1, "three")))
    assert [one["message"] for one in narrow["fixed"]] == ["two"]
    topic.commit("last", {"last.py": "x = 1\n"})
    review(topic, given=report(lint("last.py", 1, "four")))
    assert review(topic, first)["before"] == first


def test_a_review_of_what_came_later_is_no_earlier_one(topic: Repo) -> None:
    first = topic.oid()
    topic.commit("later", {"later.py": "x = 1\n"})
    review(topic, given=report(lint("src/app.py", 2)))
    found = review(topic, first)
    assert (found["before"], found["fixed"]) == ("", [])


def test_a_review_follows_a_rebase(topic: Repo) -> None:
    given = report(lint("src/app.py", 2))
    (before,) = review(topic, given=given)["findings"]
    topic.tiny("review", "dismiss", before["fingerprint"][:8], "--reason", "is meant so")
    topic.git("checkout", "-q", "main")
    topic.commit("other", {"other.txt": "o\n"})
    topic.git("rebase", "-q", "main", "topic")
    assert "is meant so" in json.dumps(topic.tiny("review", "show", "--json").json)
    found = review(topic, given=given)
    assert [(one["state"], one["reason"]) for one in found["findings"]] == [("dismissed", "is meant so")]
    shown = topic.tiny("review", "--report", "-", "--fail-on", "low", input=given)
    assert shown.out == "no findings, 1 dismissed (all 2 hunks read; tier standard)\n"


def test_what_is_resolved_is_open_when_it_is_found_again(topic: Repo) -> None:
    given = report(lint("src/app.py", 2))
    (one,) = review(topic, given=given)["findings"]
    assert topic.tiny("review", "resolve", one["fingerprint"][:6]).out.startswith("resolved: src/app.py:2: bad")
    assert [f["state"] for f in topic.tiny("review", "show", "--json").json["findings"]] == ["resolved"]
    assert [f["state"] for f in review(topic, given=given)["findings"]] == ["still open"]


def test_notes_are_gits_own_and_audited(topic: Repo) -> None:
    review(topic, given=report(lint("src/app.py", 2)))
    rows = topic.git("notes", "--ref=tiny-review", "show").out.splitlines()
    assert json.loads(rows[0])["tip"] == topic.oid()
    assert json.loads(rows[1])["message"] == "bad"
    entries = topic.tiny("audit", "log", "--json").json["entries"]
    assert [(one["action"], one["phase"], one["ref"]) for one in entries] == [
        ("review", "done", "refs/notes/tiny-review"),
        ("review", "intent", "refs/notes/tiny-review"),
    ]
    topic.fsck()


def test_a_note_that_git_placed_elsewhere_is_replaced(topic: Repo) -> None:
    review(topic)
    data = topic.git("notes", "--ref=tiny-review", "show").out
    topic.git("notes", "--ref=tiny-review", "add", "-f", "-m", "x", "main")
    topic.git("update-ref", "-d", "refs/notes/tiny-review")
    topic.git("notes", "--ref=tiny-review", "add", "-F", "-", input=data)
    review(topic, given=report(lint("src/app.py", 2)))
    assert len(topic.git("notes", "--ref=tiny-review", "list").out.splitlines()) == 1
    assert "bad" in topic.git("notes", "--ref=tiny-review", "show").out


def test_verify_makes_it_again(topic: Repo) -> None:
    topic.commit("secret", {"k.py": f'KEY = "{TOKEN}"\n'})
    review(topic, given=report(lint("src/app.py", 2)), code=1)
    assert topic.tiny("review", "verify").out == f"{topic.oid()[:12]}: holds (2 findings)\n"
    note = topic.git("notes", "--ref=tiny-review", "show").out
    for old, new, said in (
        ('"line": 1, ', '"line": 2, ', "now reads"),
        ("value = 1", "value = 2", "is not the one that lint spoke of"),
        (topic.oid("main"), topic.oid("main~0^{tree}"), ""),
    ):
        topic.git("notes", "--ref=tiny-review", "add", "-f", "-F", "-", input=note.replace(old, new, 1))
        done = topic.tiny("review", "verify", check=False)
        assert done.code == (1 if said else 4), done
        assert said in done.out
    topic.git("notes", "--ref=tiny-review", "add", "-f", "-m", "nonsense")
    assert topic.tiny("review", "verify", check=False).code == 4


def test_noise_counts_what_was_touched_later(topic: Repo) -> None:
    review(topic, given=report(lint("src/app.py", 2, "one"), lint("src/app.py", 3, "two")))
    topic.commit("mend", {"src/app.py": "def main() -> int:\n    value = 2\n    return value\n"})
    found = topic.tiny("review", "noise", "--json").json
    assert found["rules"] == [{"rule": "L1", "flagged": 2, "touched": 1, "dismissed": 0}]


@pytest.mark.parametrize("mode", ["chat", "propose"])
def test_a_mode_that_may_not_write_says_so(topic: Repo, mode: str) -> None:
    done = topic.tiny("review", env={"TINY_MODE": mode})
    kept = "refs/notes/tiny-review" in topic.refs()
    assert (kept, "not remembered: " in done.err) == (mode == "propose", mode == "chat")


def test_nothing_of_the_users_is_touched(topic: Repo) -> None:
    with untouched(topic):
        review(topic)


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["main"], 2, "has no upstream to compare with"),
        (["nowhere"], 2, "names no commit"),
        (["main..nowhere"], 2, "names no commit"),
        (["main..main"], 1, "holds no commits"),
        (["--report", "hello.txt"], 2, "neither SARIF nor rdjson"),
        (["--report", "nowhere"], 4, "cannot be read"),
        (["--tier", "easy"], 2, "easy"),
        (["topic", "--staged"], 2, "--staged names what to review already"),
        (["dismiss", "abc", "--reason", " "], 2, "needs a reason"),
        (["dismiss", "abc", "--reason", "x"], 1, "there is no review"),
        (["show"], 1, "there is no review of HEAD"),
        (["verify"], 1, "there is no review here"),
        (["noise"], 1, "there is no review"),
        (["--fail-on", "often"], 2, "often"),
    ],
)
def test_what_cannot_be_reviewed(topic: Repo, args: list[str], code: int, said: str) -> None:
    with chdir(topic.path), pytest.raises(TinyError) as refused:
        invoke(load(VERBS["review"]), "git tiny review", args)
    assert (refused.value.exit, said in refused.value.message) == (code, True), refused.value


@pytest.mark.parametrize("words", [(), ("HEAD",), ("show",), ("noise",)])
def test_before_the_first_commit(world: Path, words: tuple[str, ...]) -> None:
    unborn = Repo.create(world / "unborn")
    done = unborn.tiny("review", *words, check=False)
    assert (done.code, "there is no commit yet" in done.err) == (1, True)


def test_a_bare_repository_stages_nothing(repo: Repo, world: Path) -> None:
    repo.git("clone", "-q", "--bare", repo.path, world / "bare.git")
    done = Repo(world / "bare.git").tiny("review", "--staged", check=False)
    assert (done.code, "nothing can be staged in a bare repository" in done.err) == (1, True)


def test_where_no_review_can_be_kept(world: Path) -> None:
    repo = Repo.create(world / "sha256", object_format="sha256")
    repo.commit("work", {"a.py": "a = 1\n"})
    done = repo.tiny("review", "HEAD")
    assert "not remembered: reviews are kept in SHA-1 repositories; this one uses sha256" in done.err
    bot = repo.tiny("bot", "run", "--once", check=False)
    assert (bot.code, "reviews are kept in SHA-1 repositories" in bot.err) == (1, True)


def test_history_that_is_cut_off_is_said(repo: Repo, world: Path) -> None:
    repo.commit("more", {"a.py": "a = 1\n"})
    repo.git("clone", "-q", "--depth", "2", f"file://{repo.path}", world / "shallow")
    assert "this clone is shallow: history was asked as far back" in Repo(world / "shallow").tiny("review", "HEAD").err


def test_what_there_is_nothing_of_is_said(repo: Repo, world: Path) -> None:
    assert "nothing is staged\n" in repo.tiny("review", "--staged").err
    clone = repo.clone(world / "clone")
    assert "main has no commit that origin/main has not" in clone.tiny("review", check=False).err


def test_fail_on(topic: Repo) -> None:
    given = report(lint("src/app.py", 2))
    done = topic.tiny("review", "--report", "-", "--fail-on", "medium", input=given, check=False)
    assert done.code == 1
    handle = PlanRepo.discover(topic.path)
    made = conduct(handle, wanted_of(handle, "", staged=False), Options(reports=read_report(given.encode(), "", "")))
    codes = {level: exit_code(made.review, level) for level in ("low", "medium", "high", "critical", "never")}
    assert codes == {"low": 1, "medium": 1, "high": 0, "critical": 0, "never": 0}


# The formats.

HOSTILE = '</pre><script>alert(1)</script> ]]> ::error::x %0A [x](http://x) @all `` \x1b[31m\u202e"'


@pytest.fixture
def hostile(topic: Repo) -> Repo:
    topic.commit("hostile", {f"a{HOSTILE.replace('/', '')}.py": f"x = 1 # {HOSTILE}\n", "caf\udce9.py": "y = 2\n"})
    return topic


def in_format(repo: Repo, name: str) -> str:
    path = f"a{HOSTILE.replace('/', '')}.py"
    given = report(lint(path, 1, HOSTILE, "ERROR"), lint("src/app.py", 2, "plain"))
    handle = PlanRepo.discover(repo.path)
    options = Options(reports=read_report(given.encode(), "given", str(repo.path)))
    made = conduct(handle, wanted_of(handle, "", staged=False), options)
    return rendered(handle, made, Format(name)).encode("utf-8", "backslashreplace").decode()


def test_json_formats_are_what_they_claim(hostile: Repo) -> None:
    sarif = json.loads(in_format(hostile, "sarif"))
    assert [run["tool"]["driver"]["name"] for run in sarif["runs"]] == ["git-tiny", "lint"]
    result = next(r for r in sarif["runs"][1]["results"] if "plain" in r["message"]["text"])
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("src/app.py", 2)
    gitlab = json.loads(in_format(hostile, "gitlab"))
    assert {"src/app.py"} < {row["location"]["path"] for row in gitlab}
    assert all(re.fullmatch("[0-9a-f]{32}", row["fingerprint"]) for row in gitlab)
    rdjson = json.loads(in_format(hostile, "rdjson"))
    assert {row["severity"] for row in rdjson["diagnostics"]} >= {"ERROR", "WARNING"}


def test_github_commands_hold_one_line_each(hostile: Repo) -> None:
    rows = in_format(hostile, "github").splitlines()
    assert "::warning file=src/app.py,title=L1,line=2,endLine=2::plain" in rows
    assert all(row.startswith(("::error ", "::warning ", "::notice ")) for row in rows)
    (bad,) = [row for row in rows if "title=L1" in row and row.startswith("::error ")]
    assert "%250A" in bad.split("::", 2)[2]


def test_junit_is_xml(hostile: Repo) -> None:
    suite = ET.fromstring(in_format(hostile, "junit").encode())
    valid_junit(suite)
    assert len(suite.findall("testcase")) == 4


def test_what_was_not_looked_at_has_not_passed(topic: Repo) -> None:
    handle = PlanRepo.discover(topic.path)
    made = conduct(handle, wanted_of(handle, "", staged=False), Options())
    looked = replace(made.review.coverage[0], by=("history",), not_by=(("validator", "the object is missing"),))
    review = replace(made.review, coverage=(looked, *made.review.coverage[1:]), gaps=(f"{looked.path}: missing",))
    suite = ET.fromstring(junit(review))
    valid_junit(suite)
    (case,) = (case for case in suite.findall("testcase") if case.get("name") == looked.path)
    assert [one.get("message") for one in case.findall("skipped")] == ["not looked at: the object is missing"]
    assert suite.findtext("system-err") == f"{looked.path}: missing"
    assert github(review).splitlines()[-1] == f"::warning title=not looked at::{looked.path}: missing"


def test_every_result_of_sarif_is_in_a_file_at_a_line(topic: Repo) -> None:
    """GitHub refuses the whole report otherwise."""
    tip = topic.commit("key\n\n" + TOKEN, {"k.py": f'KEY = "{TOKEN}"\n', "bad\u202ename.py": "x = 1\n"})
    found = topic.tiny("review", "--no-note", "--format", "sarif", check=False).json
    places = [place for run in found["runs"] for one in run["results"] for place in one["locations"]]
    at = {
        one["physicalLocation"]["artifactLocation"]["uri"]: one["physicalLocation"]["region"]["startLine"]
        for one in places
    }
    assert at == {"k.py": 1, "bad%E2%80%AEname.py": 1, "COMMIT_EDITMSG": 1}
    (message,) = (one["logicalLocations"] for one in places if "logicalLocations" in one)
    assert message == [{"fullyQualifiedName": f"message of {tip}"}]


def test_junit_says_where(topic: Repo) -> None:
    tip = topic.commit("key\n\n" + TOKEN, {"k.py": f'KEY = "{TOKEN}"\n', "bad\u202ename.py": "x = 1\n"})
    suite = ET.fromstring(topic.tiny("review", "--no-note", "--format", "junit", check=False).out)
    valid_junit(suite)
    texts = "\n".join(one.text or "" for one in suite.iter("failure"))
    assert f" at message of {tip[:12]}: " in texts
    assert " at k.py:1: " in texts
    assert " at bad\u202ename.py: " in texts
    assert ":0" not in texts


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_stands_alone_and_obeys_nothing(hostile: Repo) -> None:
    done = in_format(hostile, "html")
    page = _Page()
    page.feed(done)
    assert not {"script", "img", "a", "iframe", "link", "form"} & set(page.tags)
    assert "default-src 'none'" in done
    assert "alert(1)" in "".join(page.text)
    assert "\x1b" not in done and "\u202e" not in done


def test_markdown_and_terminal_show_what_is_there(hostile: Repo) -> None:
    shown = in_format(hostile, "markdown")
    assert "<script" not in re.sub(r"(`+).*?\1", "", shown, flags=re.S).replace(r"\<script", "")
    assert "\x1b" not in shown and "\u202e" not in shown
    terminal = in_format(hostile, "terminal")
    assert ">    2 |     value = 1" in terminal
    assert "\x1b" not in terminal and "\u202e" not in terminal


def test_a_report_is_written_to_a_file(topic: Repo, world: Path) -> None:
    done = topic.tiny("review", "--format", "sarif", "--output", world / "r.sarif")
    assert done.out == ""
    assert json.loads((world / "r.sarif").read_text())["version"] == "2.1.0"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("--st",), ["--staged"]),
        (("topic", "--cov"), ["--coverage"]),
        (("ve",), ["verify"]),
        (("verify", "to"), ["topic"]),
        (("--format", "sa"), ["sarif"]),
        (("main..to",), ["main..topic"]),
    ],
)
def test_completion(topic: Repo, words: tuple[str, ...], offered: list[str]) -> None:
    with chdir(topic.path):
        assert [one.value for one in candidates(["review", *words[:-1]], words[-1])] == offered


def test_attributes_hide_nothing(topic: Repo) -> None:
    topic.commit("hide", {".gitattributes": "*.py -diff\n", "h.py": "hidden = 1\n"})
    given = report(lint("h.py", 1))
    assert rules(review(topic, given=given))["L1"] == ("h.py", 1, "new")


def test_odd_changes(topic: Repo) -> None:
    topic.commit("odd", {"bin": b"\0\1\2", "link": Link("note.md"), "x.sh": Exe("true\n"), "empty": ""})
    topic.git("rm", "-q", "hello.txt")
    topic.commit("and a link becomes a file", {"link": "now text\n"})
    found = review(topic, given=report(lint("bin", 1), lint("link", 1), lint("hello.txt", 1)))
    assert rules(found)["L1"] == ("link", 1, "new")
    assert found["dropped"] == {"lint": 2}
    binary = next(one for one in found["coverage"] if one["path"] == "bin")
    assert binary["not_by"] == [["history", "binary"]]
