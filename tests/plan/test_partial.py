"""Applying some steps: what fits alone lands, what does not says what it needs, the rest stays on the new base."""

from __future__ import annotations

import pytest

from tests.plan.plans import apply, make_plan, state, untouched
from tests.repos import Entry, Link, Repo

LINES = "".join(f"line {n}\n" for n in range(1, 31))


def edited(**lines: str) -> str:
    """LINES with some of them replaced: ``edited(l3="three")``."""
    rows = LINES.splitlines(keepends=True)
    for name, text in lines.items():
        rows[int(name[1:]) - 1] = text + "\n"
    return "".join(rows)


@pytest.fixture
def text(repo: Repo) -> Repo:
    repo.commit("text", {"text": LINES, "other": "other\n"})
    return repo


def plan_of(repo: Repo, name: str) -> dict[str, object]:
    shown: dict[str, object] = repo.tiny("show", name, "--json").json
    return shown


def titles(repo: Repo, name: str) -> list[str]:
    return [step["title"] for step in repo.tiny("show", name, "--json").json["steps"]]


Steps = list[dict[str, Entry]]
CHAIN: Steps = [{"text": edited(l3="a")}, {"text": edited(l3="b")}, {"text": edited(l3="c")}]
APART: Steps = [{"text": edited(l3="a")}, {"text": edited(l3="a", l20="b")}, {"text": edited(l3="a", l20="b", l29="c")}]
FILES: Steps = [{"a": "1\n"}, {"b": "1\n"}, {"c": "1\n"}]

NEEDS: dict[str, tuple[Steps, str, list[str]]] = {
    "a chain": (CHAIN, "3", ["step 3 needs step 1 (step 1), 2 (step 2)"]),
    "the middle of a chain": (CHAIN, "2", ["step 2 needs step 1 (step 1)"]),
    "one link is missing": (CHAIN, "1,3", ["step 3 needs step 2 (step 2)"]),
    "a file that an earlier step makes": (
        [{"n": "1\n"}, {"other": "x\n"}, {"n": "2\n"}],
        "2-3",
        ["step 3 needs step 1"],
    ),
    "a file in the place of a deleted folder": (
        [{"src/app.py": None}, {"other": "x\n"}, {"src": "now a file\n"}],
        "2,3",
        ["step 3 needs step 1 (step 1)"],
    ),
    "a link that an earlier step retargets": (
        [{"l": Link("a")}, {"l": Link("b")}, {"other": "x\n"}],
        "2,3",
        ["step 2 needs step 1 (step 1)"],
    ),
    "two of them": (
        [{"n": "1\n"}, {"m": "1\n"}, {"n": "2\n"}, {"m": "2\n"}],
        "3-4",
        ["step 3 needs step 1 (step 1)", "step 4 needs step 2 (step 2)"],
    ),
    "deleting what an earlier step changes": (
        [{"text": edited(l3="a")}, {"text": None}],
        "2",
        ["step 2 needs step 1 (step 1)"],
    ),
}


@pytest.mark.parametrize("name", NEEDS)
def test_what_needs_what_is_named_and_nothing_changed(text: Repo, name: str) -> None:
    steps, chosen, rows = NEEDS[name]
    plan = make_plan(text, *steps)
    with untouched(text):
        before = state(text)
        answer = apply(text, plan, "--steps", chosen, check=False)
    assert answer.code == 1
    said = answer.err
    assert f"the chosen steps of {plan.id} do not fit without steps that are left out; nothing was changed" in said
    assert "--with-needed adds them" in said
    for row in rows:
        assert row in said
    assert said.count("needs step") == len(rows)
    assert state(text) == before
    assert plan_of(text, plan.id)["state"] == "open"
    assert plan_of(text, plan.id)["tip"] == plan.tip


WITH_NEEDED = ("a chain", "one link is missing", "two of them", "a file that an earlier step makes")


@pytest.mark.parametrize("name", WITH_NEEDED)
def test_with_needed_adds_them(text: Repo, name: str) -> None:
    steps, chosen, _ = NEEDS[name]
    plan = make_plan(text, *steps)
    answer = apply(text, plan, "--steps", chosen, "--with-needed")
    assert text.tree() == text.tree(plan.tip)
    assert answer.code == 0
    assert text.git("status", "--porcelain").out == ""


COMMUTE: dict[str, tuple[Steps, str, list[str]]] = {
    "other files": (FILES, "1,3", ["step 2"]),
    "other files, the last": (FILES, "3", ["step 1", "step 2"]),
    "other lines of one file": (APART, "2", ["step 1", "step 3"]),
    "other lines, the last": (APART, "3", ["step 1", "step 2"]),
    "the first of a chain": (CHAIN, "1", ["step 2", "step 3"]),
}


@pytest.mark.parametrize("name", COMMUTE)
def test_what_was_left_stays_open_on_the_new_base_and_lands_later(text: Repo, name: str) -> None:
    steps, chosen, left = COMMUTE[name]
    text.write("other", "uncommitted\n")
    plan = make_plan(text, *steps)
    before = text.oid()
    whole = text.tree(plan.tip)
    answer = apply(text, plan, "--steps", chosen, "--json").json
    assert answer["rest"] == plan.id
    assert answer["state"] == "applied"
    assert answer["id"] != plan.id
    assert text.git("rev-list", "--count", "--first-parent", f"{before}..main").text == "1"
    assert (text.path / "other").read_text() == "uncommitted\n"
    assert text.git("status", "--porcelain").out == " M other\n"
    rest = plan_of(text, plan.id)
    assert (rest["state"], rest["base"]) == ("open", answer["merge"])
    assert titles(text, plan.id) == left
    assert text.tree(str(rest["tip"])) == whole
    trailers = text.git(
        "log", "--reverse", "--format=%(trailers:key=Plan-Step,valueonly,separator=)", "main..tiny/" + plan.id
    )
    assert trailers.out.split() == [f"{n}/{len(left)}" for n in range(1, len(left) + 1)]
    text.tiny("apply", plan.id, "--yes", "--expect", str(rest["tip"]))
    assert text.tree() == whole
    text.fsck()


def test_a_part_and_then_the_rest_are_rolled_back(text: Repo) -> None:
    plan = make_plan(text, *FILES)
    start, before = text.oid(), text.tree()
    part = apply(text, plan, "--steps", "2", "--json").json
    rest = plan_of(text, plan.id)
    text.tiny("apply", plan.id, "--yes", "--expect", str(rest["tip"]))
    text.tiny("rollback", part["id"])
    assert text.tree().keys() == before.keys() | {"a", "c"}
    text.tiny("rollback", plan.id)
    assert text.tree() == before
    assert text.git("merge-base", "--is-ancestor", start, "main", check=False).code == 0
    text.fsck()


def test_the_rest_and_then_the_part_are_rolled_back_by_reset(text: Repo) -> None:
    plan = make_plan(text, *FILES)
    before = state(text)
    part = apply(text, plan, "--steps", "2", "--json").json
    text.tiny("apply", plan.id, "--yes", "--expect", str(plan_of(text, plan.id)["tip"]))
    text.tiny("rollback", plan.id)
    text.tiny("rollback", part["id"])
    assert state(text) == before
    text.tiny("redo", part["id"])
    text.tiny("redo", plan.id)
    assert text.tree().keys() >= {"a", "b", "c"}
    text.tiny("audit", "verify")


def test_what_the_audit_log_says_of_a_part_holds_and_a_move_that_it_does_not_know_shows(text: Repo) -> None:
    plan = make_plan(text, *FILES)
    part = apply(text, plan, "--steps", "1-2", "--json").json
    text.tiny("audit", "verify")
    text.git("update-ref", "-m", f"tiny: apply {part['id']}", "refs/heads/main", "HEAD~1")
    answer = text.tiny("audit", "verify", check=False)
    assert answer.code == 1
    assert "TAMPERED (unrecorded): refs/heads/main was moved to " in answer.out


def test_the_part_is_rolled_back_and_the_rest_restacked(text: Repo) -> None:
    plan = make_plan(text, *FILES)
    part = apply(text, plan, "--steps", "2", "--json").json
    text.tiny("rollback", part["id"])
    tip = str(plan_of(text, plan.id)["tip"])
    refused = text.tiny("apply", plan.id, "--yes", "--expect", tip, check=False)
    assert refused.code == 1
    assert "which main does not hold: merging would bring more than its steps" in refused.err
    assert f"git tiny restack {plan.id}" in refused.err
    text.tiny("restack", plan.id)
    text.tiny("apply", plan.id, "--yes", "--expect", str(plan_of(text, plan.id)["tip"]))
    assert text.tree().keys() == {"hello.txt", "src/app.py", "text", "other", "a", "c"}


def test_all_steps_are_the_whole_plan(text: Repo) -> None:
    plan = make_plan(text, *FILES)
    answer = apply(text, plan, "--steps", "1-3", "--json").json
    assert (answer["id"], answer["rest"]) == (plan.id, "")


def test_a_dry_run_shows_the_part_and_changes_nothing(text: Repo) -> None:
    plan = make_plan(text, *FILES)
    with untouched(text):
        before = text.refs()
        answer = text.tiny("apply", plan.id, "--steps", "1,3", "--dry-run", "--json").json
        shown = text.tiny("apply", plan.id, "--steps", "1,3", "--dry-run").out
    assert text.refs() == before
    assert "not made yet" in shown
    assert "brings it back" not in shown
    assert [file["path"] for file in answer["files"]] == ["a", "c"]
    assert [step["title"] for step in answer["plan"]["steps"]] == ["step 1", "step 3"]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ("4", "there is no step 4: the plan has steps 1 to 3"),
        ("0", "there is no step 0"),
        ("3-1", "there is no step 3-1"),
        ("", "--steps names no step"),
        ("1,x", "--steps takes numbers and ranges, not 'x'"),
        ("1,", "--steps takes numbers and ranges, not ''"),
        ("-1", "--steps takes numbers and ranges, not '-1'"),
    ],
)
def test_wrong_numbers(text: Repo, steps: str, words: str) -> None:
    plan = make_plan(text, *FILES)
    with untouched(text):
        answer = apply(text, plan, f"--steps={steps}", check=False)
    assert answer.code == 2
    assert words in answer.err


def test_left_out_steps_that_do_not_fit_on_the_moved_target(text: Repo) -> None:
    """The chosen step fits; the one left out conflicts with what the target got meanwhile: told, nothing changed."""
    plan = make_plan(text, {"text": edited(l3="a")}, {"b": "b\n"})
    text.commit("elsewhere", {"text": edited(l3="theirs")})
    before = state(text)
    with untouched(text):
        answer = apply(text, plan, "--steps", "2", check=False)
    assert answer.code == 1
    assert "step 1, which is left out, does not fit on the result (text); nothing was changed" in answer.err
    assert state(text) == before


def test_a_plan_branch_that_is_checked_out_is_not_moved(text: Repo) -> None:
    plan = make_plan(text, *FILES)
    elsewhere = text.worktree_add(text.path.parent / "linked", plan.branch)
    with untouched(text):
        answer = apply(text, plan, "--steps", "1", check=False)
    assert answer.code == 1
    assert f"the branch of {plan.id} is checked out in {elsewhere.path}, and is not moved under you" in answer.err


def test_uncommitted_work_in_the_way_refuses_the_part_only(text: Repo) -> None:
    plan = make_plan(text, {"text": edited(l3="a")}, {"other": "plan\n"})
    text.write("text", "mine\n")
    with untouched(text):
        answer = apply(text, plan, "--steps", "1", check=False)
    assert answer.code == 1
    assert "text" in answer.err
    part = apply(text, plan, "--steps", "2")
    assert part.code == 0
    assert (text.path / "text").read_text() == "mine\n"
    assert titles(text, plan.id) == ["step 1"]


def test_the_part_and_the_rest_say_where_they_come_from(text: Repo) -> None:
    plan = make_plan(text, *FILES)
    part = apply(text, plan, "--steps", "1,3", "--json").json
    log = text.git("log", "-1", "--format=%s%x00%(trailers:key=Plan-Id,valueonly)", "refs/heads/main").out
    assert part["id"] in log
    assert f"steps 1, 3 of {plan.id}" in text.tiny("show", part["id"]).out
    events = text.git("log", "-1", "--format=%B", f"refs/tiny/plans/{plan.id}").out
    assert "partly applied" in events


def test_a_plan_with_a_commit_of_the_users_on_top_is_split_as_well(text: Repo) -> None:
    plan = make_plan(text, *FILES)
    linked = text.worktree_add(text.path.parent / "linked", plan.branch)
    tip = linked.commit("by hand", {"d": "d\n"})
    linked.git("checkout", "-q", "--detach")
    answer = text.tiny("apply", plan.id, "--yes", "--expect", tip, "--steps", "2,4", "--json").json
    assert answer["rest"] == plan.id
    assert text.tree().keys() >= {"b", "d"}
    assert titles(text, plan.id) == ["step 1", "step 3"]
