"""Restack: moved in memory onto the newer target; conflicts are noted with paths and lines, and end with plain git."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plan.plans import apply, make_plan, state, untouched
from tests.repos import Entry, Link, Repo

LINES = "".join(f"line {n}\n" for n in range(1, 31))


def edited(n: int, text: str) -> str:
    rows = LINES.splitlines(keepends=True)
    rows[n - 1] = text + "\n"
    return "".join(rows)


@pytest.fixture
def text(repo: Repo) -> Repo:
    repo.commit("text", {"text": LINES, "other": "other\n", "folder/a": "a\n" * 9, "folder/b": "b\n" * 9})
    return repo


def shown(repo: Repo, name: str) -> dict[str, Any]:
    found: dict[str, Any] = repo.tiny("show", name, "--json").json
    return found


def test_steps_move_and_nothing_of_the_users_does(text: Repo) -> None:
    plan = make_plan(text, {"text": edited(3, "three")}, {"new/n": "n\n"})
    onto = text.commit("theirs", {"text": edited(28, "theirs"), "other": None})
    text.write("hello.txt", "uncommitted\n")
    with untouched(text):
        moved = text.tiny("restack", plan.id, "--json").json
    assert moved["conflicts"] == moved["dropped"] == []
    assert moved["plan"]["base"] == onto
    assert moved["plan"]["tip"] == text.oid(plan.branch) != plan.tip
    assert text.show(plan.branch, "text").decode() == edited(3, "three").replace("line 28\n", "theirs\n")
    assert "other" not in text.tree(plan.branch)
    assert (
        text.git("log", "--format=%s|%an|%ad", f"{onto}..{plan.branch}").text
        == text.git("log", "--format=%s|%an|%ad", f"{onto}~1..{plan.tip}").text
    ), "author and message stay"
    assert plan.tip in text.refs().values(), "what was before is kept"
    text.tiny("apply", plan.id, "--yes", "--expect", moved["plan"]["tip"])
    assert (text.path / "hello.txt").read_text() == "uncommitted\n"
    text.fsck()


def test_as_git_rebase_would_have_it(text: Repo) -> None:
    """Folders and files renamed there and changed or deleted here: the trees are those of git rebase."""
    steps: list[dict[str, Entry]] = [
        {"folder/b": "b\n" * 8 + "B\n"},
        {"folder/a": "a\n" * 8 + "A\n"},
        {"text": edited(3, "three")},
        {"other": None},
    ]
    plan = make_plan(text, *steps)
    text.git("mv", "folder", "moved")
    text.git("mv", "text", "renamed")
    text.commit("theirs", {"hello.txt": "theirs\n"})
    linked = text.worktree_add(text.path.parent / "linked", "--detach", plan.tip)
    linked.git("rebase", "-q", "main")
    expected = linked.git("log", "--format=%T", "main..HEAD").text
    text.tiny("restack", plan.id)
    assert text.git("log", "--format=%T", f"main..{plan.branch}").text == expected


CONFLICTS: dict[str, tuple[dict[str, Any], dict[str, Any], str, list[int]]] = {
    "both changed": ({"text": edited(3, "ours")}, {"text": edited(3, "theirs")}, "text", [3]),
    "both changed, further down": ({"text": edited(17, "ours")}, {"text": edited(17, "theirs")}, "text", [17]),
    "both added": ({"new": "ours\n"}, {"new": "theirs\n"}, "new", [1]),
    "changed here, deleted there": ({"other": "ours\n"}, {"other": None}, "other", []),
    "deleted here, changed there": ({"other": None}, {"other": "theirs\n"}, "other", []),
    "a binary file": ({"image": b"\0ours"}, {"image": b"\0theirs"}, "image", []),
    "a link": ({"l": Link("ours")}, {"l": Link("theirs")}, "l", []),
}


@pytest.mark.parametrize("name", CONFLICTS)
def test_a_conflict_is_recorded_with_its_path_and_lines(text: Repo, name: str) -> None:
    ours, theirs, path, lines = CONFLICTS[name]
    plan = make_plan(text, {"hello.txt": "fits\n"}, ours)
    text.commit("theirs", theirs)
    before = state(text)
    with untouched(text):
        answer = text.tiny("restack", plan.id, "--json", check=False)
    assert answer.code == 1
    assert state(text) == before
    assert text.oid(plan.branch) == plan.tip
    [row] = [one for one in answer.json["conflicts"] if one["path"] == path]
    assert (row["step"], row["lines"]) == (2, lines)
    base = text.git("merge-base", "main", plan.branch).text[:12]
    assert f"git rebase --onto main {base} {plan.branch}" in answer.err
    told = text.tiny("show", plan.id)
    assert "does not fit on main (git tiny restack):" in told.out
    assert f"step 2: {path} ({row['kind']})" in told.out
    assert shown(text, plan.id)["event"]["action"] == "restack conflicted"


def test_resolved_by_git_rebase_it_is_validated_and_lands(text: Repo) -> None:
    plan = make_plan(text, {"hello.txt": "fits\n"}, {"text": edited(3, "ours")})
    text.commit("theirs", {"text": edited(3, "theirs")})
    assert text.tiny("restack", plan.id, check=False).code == 1
    linked = text.worktree_add(text.path.parent / "linked", plan.branch)
    assert linked.git("rebase", "main", check=False).code != 0
    busy = text.tiny("restack", plan.id, check=False)
    assert busy.code == 1
    linked.write("text", edited(3, "both"))
    linked.git("add", "text")
    linked.git("rebase", "--continue", env={"GIT_EDITOR": "true"})
    linked.git("checkout", "-q", "--detach")
    found = shown(text, plan.id)
    assert found["edited"]
    assert found["base"] == text.oid()
    assert [step["title"] for step in found["steps"]] == ["step 1", "step 2"]
    assert "does not fit" not in text.tiny("show", plan.id).out
    answer = text.tiny("restack", plan.id, check=False)
    assert "stands on the newest main already" in answer.err
    text.tiny("check", plan.id)
    text.tiny("apply", plan.id, "--yes", "--expect", found["tip"])
    assert (text.path / "text").read_text() == edited(3, "both")


def test_a_later_restack_that_fits_takes_the_note_away(text: Repo) -> None:
    plan = make_plan(text, {"text": edited(3, "ours")})
    start = text.oid()
    text.commit("theirs", {"text": edited(3, "theirs")})
    assert text.tiny("restack", plan.id, check=False).code == 1
    text.git("reset", "-q", "--hard", start)
    text.commit("other", {"other": "more\n"})
    text.tiny("restack", plan.id)
    assert "does not fit" not in text.tiny("show", plan.id).out


def test_steps_that_the_target_has_already_are_dropped(text: Repo) -> None:
    plan = make_plan(text, {"a": "1\n"}, {"b": "1\n"}, {"c": "1\n"})
    text.commit("theirs", {"b": "1\n"})
    moved = text.tiny("restack", plan.id, "--json")
    assert moved.json["dropped"] == [2]
    assert "step 2 is on the new base already and was dropped" in moved.err
    assert [(step["n"], step["title"]) for step in moved.json["plan"]["steps"]] == [(1, "step 1"), (2, "step 3")]
    trailers = text.git(
        "log", "--reverse", "--format=%(trailers:key=Plan-Step,valueonly,separator=)", f"main..{plan.branch}"
    )
    assert trailers.out.split() == ["1/2", "2/2"]


def test_a_plan_of_which_nothing_is_left_stays_and_says_so(text: Repo) -> None:
    plan = make_plan(text, {"a": "1\n"})
    text.commit("theirs", {"a": "1\n"})
    refs = text.refs()
    with untouched(text):
        answer = text.tiny("restack", plan.id, check=False)
    assert answer.code == 1
    assert f"main has everything that {plan.id} would change" in answer.err
    assert f"git tiny reject {plan.id} closes the plan" in answer.err
    assert text.refs() == refs


def test_onto_another_target(text: Repo) -> None:
    plan = make_plan(text, {"a": "1\n"})
    text.git("checkout", "-q", "-b", "next")
    text.commit("next", {"b": "1\n"})
    text.git("checkout", "-q", "main")
    text.tiny("restack", plan.id, "--target", "next")
    found = shown(text, plan.id)
    assert (found["target"], found["base"]) == ("refs/heads/next", text.oid("next"))
    before = text.files()
    text.tiny("apply", plan.id, "--yes", "--expect", found["tip"])
    assert text.files() == before
    assert text.tree("next").keys() >= {"a", "b"}


@pytest.mark.parametrize(
    ("prepare", "args", "code", "words"),
    [
        ("nothing", [], 1, "stands on the newest main already"),
        ("applied", [], 1, " is applied"),
        ("rejected", [], 1, " is rejected"),
        ("gone", [], 1, "next is gone"),
        ("nothing", ["--target", "nowhere"], 2, "there is no branch 'nowhere'"),
        ("nothing", ["--target", "ITSELF"], 2, "cannot stand on itself"),
        ("held", [], 1, "is checked out in"),
    ],
)
def test_refused(text: Repo, prepare: str, args: list[str], code: int, words: str) -> None:
    text.git("branch", "next")
    plan = make_plan(text, {"a": "1\n"}, target="next" if prepare == "gone" else None)
    if prepare == "applied":
        apply(text, plan)
    elif prepare == "rejected":
        text.tiny("reject", plan.id)
    elif prepare == "gone":
        text.git("branch", "-D", "next")
    elif prepare == "held":
        text.worktree_add(text.path.parent / "linked", plan.branch)
        text.commit("theirs", {"b": "1\n"})
    refs = text.refs()
    with untouched(text):
        answer = text.tiny("restack", plan.id, *[plan.id if one == "ITSELF" else one for one in args], check=False)
    assert (answer.code, text.refs()) == (code, refs), answer
    assert words in answer.err


def test_a_rolled_back_plan_is_open_again_on_the_new_base(text: Repo) -> None:
    plan = make_plan(text, {"a": "1\n"})
    apply(text, plan)
    text.tiny("rollback", plan.id)
    text.commit("theirs", {"b": "1\n"})
    text.tiny("restack", plan.id)
    found = shown(text, plan.id)
    assert (found["state"], found["base"]) == ("open", text.oid())
