"""Plans that travel by plain git: fetched, checked again here; what is hostile or diverged is named and left."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.plan.plans import Made, make_plan, untouched
from tests.repos import Repo, Result


@pytest.fixture
def there(repo: Repo, world: Path) -> Repo:
    """A colleague's clone; both have a shared bare repository as ``origin``."""
    bare = repo.clone(world / "shared.git", "--bare")
    repo.git("remote", "add", "origin", bare.path)
    repo.git("fetch", "-q", "origin")
    return bare.clone(world / "there")


def push(repo: Repo, plan: Made) -> None:
    repo.git("push", "-q", "origin", f"+refs/tiny/plans/{plan.id}", f"+refs/heads/{plan.branch}")


def fetched(repo: Repo, code: int = 0) -> list[dict[str, str]]:
    """The rows of ``fetch --json``; nothing of the user's is touched by it, whatever comes."""
    with untouched(repo):
        answer = repo.tiny("fetch", "origin", "--json", check=False)
    assert answer.code == code, answer
    rows: list[dict[str, str]] = answer.json["plans"]
    return rows


def shown(repo: Repo, plan: Made) -> dict[str, Any]:
    found: dict[str, Any] = repo.tiny("show", plan.id, "--json").json
    return found


def test_a_plan_arrives_with_its_record_and_lands(repo: Repo, there: Repo) -> None:
    plan = make_plan(there, {"a": "a\n"}, {"b": "b\n"}, task="from there")
    push(there, plan)
    assert fetched(repo) == [{"id": plan.id, "outcome": "new", "reason": ""}]
    found = shown(repo, plan)
    assert (found["task"], found["tip"], found["state"]) == ("from there", plan.tip, "open")
    assert found["event"] == {**found["event"], "action": "fetched", "note": "from origin"}
    assert repo.oid(f"refs/tiny/plans/{plan.id}~1") == there.oid(f"refs/tiny/plans/{plan.id}"), "its story comes along"
    assert fetched(repo) == [{"id": plan.id, "outcome": "same", "reason": ""}]
    repo.tiny("apply", plan.id, "--yes", "--expect", plan.tip)
    assert repo.tree().keys() >= {"a", "b"}
    assert fetched(repo) == [{"id": plan.id, "outcome": "same", "reason": ""}]
    repo.tiny("rollback", plan.id)
    repo.fsck()


def test_it_is_validated_again_whatever_its_record_says(repo: Repo, there: Repo) -> None:
    secret = "AKIA" + "QYLPMN5HHHFPZAM2"
    plan = make_plan(
        there, {"settings.py": f'aws_access_key_id = "{secret}"\n', ".github/workflows/x.yml": "on: push\n"}
    )
    assert there.tiny("show", plan.id, "--json").json["findings"] == []
    rewrite(there, plan, lambda record: record["steps"][0].update(risk="none", reasons=[]))
    push(there, plan)
    assert fetched(repo)[0]["outcome"] == "new"
    found = shown(repo, plan)
    assert found["findings"]
    assert found["risk"] in ("high", "critical")
    answer = repo.tiny("apply", plan.id, "--yes", "--expect", plan.tip, check=False)
    assert answer.code == 1
    assert "the validator blocks" in answer.err


def rewrite(repo: Repo, plan: Made, change: Callable[[dict[str, Any]], object], *, name: str = "") -> None:
    """Another record in the place of the plan's, as somebody who means harm would write it."""
    record = json.loads(repo.show(f"refs/tiny/plans/{plan.id}", "plan.json"))
    change(record)
    write(repo, name or plan.id, json.dumps(record))


def write(repo: Repo, name: str, content: str, *, path: str = "plan.json") -> None:
    blob = repo.git("hash-object", "-w", "--stdin", input=content).text
    tree = repo.git("mktree", input=f"100644 blob {blob}\t{path}\n").text
    commit = repo.git("commit-tree", "-m", "record", tree).text
    repo.git("update-ref", f"refs/tiny/plans/{name}", commit)


def _evil_tree(repo: Repo, plan: Made) -> None:
    """A step that writes ``.git/config``, as no git would make it."""
    blob = repo.git("hash-object", "-w", "--stdin", input="[core]\n").text
    inner = repo.git("mktree", input=f"100644 blob {blob}\tconfig\n").text
    raw = b"40000 .git\0" + bytes.fromhex(inner)
    tree = repo.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", input=raw).text
    commit = repo.git("commit-tree", "-m", "evil", "-p", f"{plan.tip}~1", tree).text
    repo.git("update-ref", f"refs/heads/{plan.branch}", commit)


def _elsewhere(repo: Repo, plan: Made) -> None:
    """A branch with no history in common."""
    tree = repo.oid(f"{plan.tip}^{{tree}}")
    repo.git("update-ref", f"refs/heads/{plan.branch}", repo.git("commit-tree", "-m", "alone", tree).text)


def _merged(repo: Repo, plan: Made) -> None:
    tree = repo.oid(f"{plan.tip}^{{tree}}")
    merge = repo.git("commit-tree", "-m", "merge", "-p", plan.tip, "-p", "main", tree).text
    repo.git("update-ref", f"refs/heads/{plan.branch}", merge)


Harm = Callable[[Repo, Made], object]
REFUSED: dict[str, tuple[Harm, str]] = {
    "a record of another plan": (
        lambda r, p: rewrite(r, p, lambda record: record.update(id="other-0001")),
        "its record is of another plan, 'other-0001'",
    ),
    "an id that leads elsewhere": (
        lambda r, p: rewrite(r, p, lambda record: record.update(id="../../heads/main")),
        "its record is of another plan, '../../heads/main'",
    ),
    "not JSON": (lambda r, p: write(r, p.id, "{"), "record"),
    "JSON of another kind": (lambda r, p: write(r, p.id, "[1, 2]"), "record"),
    "a number for a task": (lambda r, p: rewrite(r, p, lambda record: record.update(task=7)), "record"),
    "steps that are none": (lambda r, p: rewrite(r, p, lambda record: record.update(steps=[1])), "record"),
    "no fields": (lambda r, p: write(r, p.id, "{}"), "record"),
    "deeply nested": (lambda r, p: write(r, p.id, "[" * 100_000), "record"),
    "nothing in it": (lambda r, p: write(r, p.id, "x", path="other"), "its record holds no plan.json"),
    "a state of its own": (lambda r, p: rewrite(r, p, lambda record: record.update(state="wild")), "record"),
    "a base elsewhere": (
        lambda r, p: rewrite(r, p, lambda record: record.update(base="0" * 40)),
        "its base is not below its branch",
    ),
    "a base that is an option": (
        lambda r, p: rewrite(r, p, lambda record: record.update(base="--upload-pack=touch evil")),
        "its base is not below its branch",
    ),
    "a base above": (
        lambda r, p: rewrite(r, p, lambda record: record.update(base=_above(r, p))),
        "its base is not below its branch",
    ),
    "a target that no branch can be": (
        lambda r, p: rewrite(r, p, lambda record: record.update(target="refs/heads/../../x")),
        "is no name of a branch",
    ),
    "a target that is no branch": (
        lambda r, p: rewrite(r, p, lambda record: record.update(target="refs/tags/x")),
        "its target 'refs/tags/x' is not a branch",
    ),
    "no history in common": (_elsewhere, "its base is not below its branch"),
}


def _above(repo: Repo, plan: Made) -> str:
    tree = repo.oid(f"{plan.tip}^{{tree}}")
    above = repo.git("commit-tree", "-m", "above", "-p", plan.tip, tree).text
    repo.git("push", "-q", "origin", f"{above}:refs/heads/above")
    return above


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_sound_is_refused_with_the_reason_and_the_others_come(repo: Repo, there: Repo, name: str) -> None:
    harm, words = REFUSED[name]
    good = make_plan(there, {"good": "g\n"}, task="good")
    bad = make_plan(there, {"bad": "b\n"}, task="bad")
    harm(there, bad)
    push(there, good)
    push(there, bad)
    rows = {row["id"]: row for row in fetched(repo, 1)}
    assert rows[good.id]["outcome"] == "new"
    assert rows[bad.id]["outcome"] == "refused"
    assert words in rows[bad.id]["reason"], rows[bad.id]
    assert [plan["id"] for plan in repo.tiny("plans", "--json").json["plans"]] == [good.id]
    assert f"refs/heads/{bad.branch}" not in repo.refs()
    assert not (repo.path / "evil").exists()


def test_a_name_that_is_no_plan_id_is_refused(repo: Repo, there: Repo) -> None:
    plan = make_plan(there, {"a": "a\n"})
    there.git("update-ref", "refs/tiny/plans/Not-An-Id", f"refs/tiny/plans/{plan.id}")
    there.git("push", "-q", "origin", "refs/tiny/plans/Not-An-Id")
    [row] = fetched(repo, 1)
    assert (row["outcome"], row["reason"]) == ("refused", "'Not-An-Id' is no plan id")


def test_a_step_with_a_path_in_git_is_refused(repo: Repo, there: Repo) -> None:
    plan = make_plan(there, {"a": "a\n"})
    _evil_tree(there, plan)
    push(there, plan)
    [row] = fetched(repo, 1)
    assert row["outcome"] == "refused"
    assert ".git" in row["reason"]
    assert f"refs/heads/{plan.branch}" not in repo.refs()


def test_a_branch_that_was_not_pushed(repo: Repo, there: Repo) -> None:
    plan = make_plan(there, {"a": "a\n"})
    there.git("push", "-q", "origin", f"refs/tiny/plans/{plan.id}")
    [row] = fetched(repo, 1)
    assert (row["outcome"], row["reason"]) == ("refused", "its branch was not pushed with it")


@pytest.mark.parametrize("verb", ["apply", "reject"])
def test_a_plan_that_is_closed_there_is_not_brought(repo: Repo, there: Repo, verb: str) -> None:
    plan = make_plan(there, {"a": "a\n"})
    push(there, plan)
    there.tiny(*(["apply", plan.id, "--yes", "--expect", plan.tip] if verb == "apply" else ["reject", plan.id]))
    there.git("push", "-q", "origin", f"refs/tiny/plans/{plan.id}")
    assert fetched(repo) == [{"id": plan.id, "outcome": "closed there", "reason": ""}]
    assert repo.tiny("plans", "--all", "--json").json["plans"] == []


def test_a_state_that_only_looks_waiting_is_opened_without_what_was_done_there(repo: Repo, there: Repo) -> None:
    """A rolled-back plan arrives as an open one: merges that were made there mean nothing here."""
    plan = make_plan(there, {"a": "a\n"})
    there.tiny("apply", plan.id, "--yes", "--expect", plan.tip)
    there.tiny("rollback", plan.id)
    push(there, plan)
    assert fetched(repo)[0]["outcome"] == "new"
    assert shown(repo, plan)["state"] == "open"
    assert shown(repo, plan)["merge"] == ""
    answer = repo.tiny("redo", plan.id, check=False)
    assert answer.code == 1


def test_an_update_there_replaces_what_is_unchanged_here(repo: Repo, there: Repo) -> None:
    plan = make_plan(there, {"a": "a\n"})
    push(there, plan)
    fetched(repo)
    there.commit("more", {"c": "c\n"})
    there.git("push", "-q", "origin", "main")
    there.tiny("restack", plan.id)
    push(there, plan)
    [row] = fetched(repo, 1)
    assert row["outcome"] == "diverged", "here it has a record of its arrival, which theirs does not continue"
    assert shown(repo, plan)["tip"] == plan.tip


def test_a_plan_that_goes_back_and_forth(repo: Repo, there: Repo) -> None:
    plan = make_plan(there, {"a": "a\n"})
    push(there, plan)
    fetched(repo)
    repo.commit("more", {"c": "c\n"})
    repo.git("push", "-q", "origin", "main")
    repo.tiny("restack", plan.id)
    push(repo, plan)
    there.git("fetch", "-q", "origin")
    assert fetched(there) == [{"id": plan.id, "outcome": "updated", "reason": ""}]
    assert shown(there, plan)["tip"] == shown(repo, plan)["tip"]
    assert plan.tip in there.refs().values(), "what was here before is kept"


@pytest.mark.parametrize("how", ["edited here", "checked out here", "changed on both sides"])
def test_what_diverged_is_left_as_it_is_here(repo: Repo, there: Repo, how: str) -> None:
    plan = make_plan(repo, {"a": "a\n"})
    push(repo, plan)
    fetched(there)
    there.commit("more", {"c": "c\n"})
    there.git("push", "-q", "origin", "main")
    there.tiny("restack", plan.id)
    push(there, plan)
    words = {
        "edited here": "its branch was changed here",
        "checked out here": "its branch is checked out in",
        "changed on both sides": "it was changed here and there since",
    }
    if how == "changed on both sides":
        repo.commit("mine", {"d": "d\n"})
        repo.tiny("restack", plan.id)
    else:
        linked = repo.worktree_add(repo.path.parent / "linked", plan.branch)
        if how == "edited here":
            linked.commit("by hand", {"b": "b\n"})
            linked.git("checkout", "-q", "--detach")
    before = (repo.oid(plan.branch), repo.oid(f"refs/tiny/plans/{plan.id}"))
    [row] = fetched(repo, 1)
    assert row["outcome"] == "diverged"
    assert words[how] in row["reason"]
    assert (repo.oid(plan.branch), repo.oid(f"refs/tiny/plans/{plan.id}")) == before


def test_escapes_in_what_arrives_are_shown_as_text(repo: Repo, there: Repo) -> None:
    plan = make_plan(there, {"a": "a\n"})
    rewrite(there, plan, lambda record: record.update(id="x\x1b[2Jy", task="t\x1b]0;evil\x07"))
    push(there, plan)
    with untouched(repo):
        answer = repo.tiny("fetch", "origin", check=False)
    assert answer.code == 1
    assert "\x1b" not in answer.out + answer.err
    assert "refused: " in answer.out


def _told(answer: Result, code: int, words: str) -> None:
    assert answer.code == code, answer
    assert words in answer.err


def test_unknown_remotes_and_remotes_that_are_not_there(repo: Repo, there: Repo) -> None:
    with untouched(repo):
        _told(repo.tiny("fetch", "nowhere", check=False), 2, "there is no remote 'nowhere'")
        _told(repo.tiny("fetch", "--", "--upload-pack=touch evil", check=False), 2, "there is no remote")
        _told(repo.tiny("fetch", "origin"), 0, "origin has no plans")
    (there.path.parent / "shared.git").rename(there.path.parent / "gone.git")
    with untouched(repo):
        _told(repo.tiny("fetch", "origin", check=False), 1, "git could not fetch from origin")


def test_a_merge_among_the_steps(repo: Repo, there: Repo) -> None:
    plan = make_plan(there, {"a": "a\n"})
    _merged(there, plan)
    push(there, plan)
    with untouched(repo):
        answer = repo.tiny("fetch", "origin", "--json", check=False)
    [row] = answer.json["plans"]
    assert (row["outcome"], answer.code) in (("refused", 1), ("new", 0))
    if row["outcome"] == "new":
        assert repo.tiny("show", plan.id, check=False).code == 0
