"""Plans on plans: proposed on one another, drawn, moved on when the one below lands, refused while it has not."""

from __future__ import annotations

from typing import Any

from tests.plan.plans import Made, apply, make_plan, state, untouched
from tests.repos import Repo
from tinycode_git.commands.planview import branches


def shown(repo: Repo, plan: Made) -> dict[str, Any]:
    found: dict[str, Any] = repo.tiny("show", plan.id, "--json").json
    return found


def land(repo: Repo, plan: Made) -> None:
    repo.tiny("apply", plan.id, "--yes", "--expect", shown(repo, plan)["tip"])


def stacked(repo: Repo) -> tuple[Made, Made, Made]:
    """Three plans, each on the one before; each changes the same file."""
    lower = make_plan(repo, {"hello.txt": "one\n"}, task="lower")
    middle = make_plan(repo, {"hello.txt": "two\n"}, target=lower.branch, task="middle")
    upper = make_plan(repo, {"hello.txt": "three\n"}, target=middle.branch, task="upper")
    return lower, middle, upper


def test_proposed_on_a_plan_by_its_id(repo: Repo) -> None:
    lower = make_plan(repo, {"hello.txt": "one\n"})
    with untouched(repo):
        made = repo.tiny("propose", "--recipe", "replace", "one", "two", "--target", lower.id, "--json").json
    assert made["target"] == f"refs/heads/{lower.branch}"
    assert made["base"] == lower.tip
    assert repo.show(made["branch"], "hello.txt") == b"two\n"


def test_drawn_as_a_tree(repo: Repo) -> None:
    lower, middle, upper = stacked(repo)
    beside = make_plan(repo, {"a": "a\n"}, {"b": "b\n"}, task="beside \x1b[31mred")
    drawn = repo.tiny("plans", "--graph").out.splitlines()
    assert drawn[0] == "main"
    assert f"└─ {lower.id} (open, none, 1 step) lower" in drawn
    assert f"   └─ {middle.id} (open, none, 1 step) middle" in drawn
    assert f"      └─ {upper.id} (open, none, 1 step) upper" in drawn
    [row] = [row for row in drawn if beside.id in row]
    assert row.startswith(f"├─ {beside.id} (open, low, 2 steps) beside ")
    assert "\x1b" not in row
    assert len(drawn) == 5


def test_lines_go_on_to_the_last_of_the_same_depth() -> None:
    assert branches([0, 1, 2, 2, 3, 1, 2, 0, 1]) == [
        "",
        "├─ ",
        "│  ├─ ",
        "│  └─ ",
        "│     └─ ",
        "└─ ",
        "   └─ ",
        "",
        "└─ ",
    ]


def test_two_at_once_draw_their_own_targets(repo: Repo) -> None:
    repo.git("branch", "next")
    one, two = make_plan(repo, {"a": "1\n"}), make_plan(repo, {"a": "2\n"}, target="next")
    drawn = repo.tiny("plans", "--graph").out
    assert drawn.index("main\n") < drawn.index(one.id)
    assert drawn.index("next\n") < drawn.index(two.id)


def test_when_the_lower_lands_the_next_is_for_its_target(repo: Repo) -> None:
    lower, middle, upper = stacked(repo)
    land(repo, lower)
    assert shown(repo, middle)["target"] == "refs/heads/main"
    assert shown(repo, middle)["event"]["action"] == "retargeted"
    assert shown(repo, middle)["event"]["note"] == f"{lower.id} was applied to main"
    assert shown(repo, middle)["tip"] == middle.tip
    assert shown(repo, upper)["target"] == f"refs/heads/{middle.branch}"
    land(repo, middle)
    land(repo, upper)
    assert (repo.path / "hello.txt").read_text() == "three\n"
    assert repo.git("status", "--porcelain").out == ""
    repo.fsck()


def test_the_upper_first_lands_in_the_lower(repo: Repo) -> None:
    lower = make_plan(repo, {"hello.txt": "one\n"}, task="lower")
    upper = make_plan(repo, {"b": "b\n"}, target=lower.branch, task="upper")
    before = state(repo)
    land(repo, upper)
    assert state(repo) == before
    found = shown(repo, lower)
    assert found["edited"]
    assert repo.tree(found["tip"]).keys() >= {"b"}
    land(repo, lower)
    assert (repo.path / "hello.txt").read_text() == "one\n"
    assert (repo.path / "b").read_text() == "b\n"


def test_after_the_lower_is_rolled_back_the_upper_would_bring_it_and_is_refused(repo: Repo) -> None:
    lower = make_plan(repo, {"hello.txt": "one\n"}, task="lower")
    upper = make_plan(repo, {"b": "b\n"}, target=lower.branch, task="upper")
    land(repo, lower)
    repo.tiny("rollback", lower.id)
    with untouched(repo):
        answer = repo.tiny("apply", upper.id, "--yes", "--expect", upper.tip, check=False)
    assert answer.code == 1
    assert "which main does not hold: merging would bring more than its steps" in answer.err
    repo.tiny("restack", upper.id)
    land(repo, upper)
    assert (repo.path / "hello.txt").read_text() == "hello\n"
    assert (repo.path / "b").read_text() == "b\n"


def test_a_lower_plan_that_was_restacked_takes_the_upper_along_by_restack(repo: Repo) -> None:
    lower = make_plan(repo, {"a": "a\n"}, task="lower")
    upper = make_plan(repo, {"b": "b\n"}, target=lower.branch, task="upper")
    repo.commit("theirs", {"hello.txt": "theirs\n"})
    repo.tiny("restack", lower.id)
    refused = repo.tiny("apply", upper.id, "--yes", "--expect", upper.tip, check=False)
    assert refused.code == 1
    assert f"git tiny restack {upper.id}" in refused.err
    repo.tiny("restack", upper.id)
    assert shown(repo, upper)["base"] == shown(repo, lower)["tip"]
    land(repo, lower)
    land(repo, upper)
    assert repo.tree().keys() == {"hello.txt", "src/app.py", "a", "b"}


def test_a_lower_plan_of_which_a_part_landed(repo: Repo) -> None:
    lower = make_plan(repo, {"a": "a\n"}, {"b": "b\n"}, task="lower")
    upper = make_plan(repo, {"c": "c\n"}, target=lower.branch, task="upper")
    apply(repo, lower, "--steps", "2")
    repo.tiny("restack", upper.id)
    assert shown(repo, upper)["base"] == shown(repo, lower)["tip"]
    assert [step["title"] for step in shown(repo, upper)["steps"]] == ["step 1"]
    land(repo, lower)
    land(repo, upper)
    assert repo.tree().keys() == {"hello.txt", "src/app.py", "a", "b", "c"}


def test_a_lower_plan_that_is_rejected_leaves_a_way_out(repo: Repo) -> None:
    lower = make_plan(repo, {"a": "a\n"}, task="lower")
    upper = make_plan(repo, {"b": "b\n"}, target=lower.branch, task="upper")
    repo.tiny("reject", lower.id)
    answer = repo.tiny("apply", upper.id, "--yes", "--expect", upper.tip, check=False)
    assert answer.code == 1
    assert f"{lower.branch} is gone" in answer.err
    repo.tiny("restack", upper.id, "--target", "main")
    land(repo, upper)
    assert repo.tree().keys() == {"hello.txt", "src/app.py", "b"}


def test_plans_for_each_other_are_drawn_all_the_same(repo: Repo) -> None:
    one = make_plan(repo, {"a": "a\n"}, task="one")
    two = make_plan(repo, {"b": "b\n"}, target=one.branch, task="two")
    answer = repo.tiny("restack", one.id, "--target", two.id, check=False)
    drawn = repo.tiny("plans", "--graph").out
    assert one.id in drawn
    assert two.id in drawn
    assert answer.code == 1
