"""An approval is of exactly what was shown: the oid that was looked at, or nothing."""

from __future__ import annotations

import pytest

from tests.plan.plans import Made, apply, make_plan, untouched
from tests.repos import Repo
from tests.terminal import Terminal, tiny_tty


@pytest.fixture
def plan(repo: Repo) -> Made:
    return make_plan(repo, {"hello.txt": "hello again\n"})


def add_commit(repo: Repo, plan: Made) -> str:
    """A commit added to the plan's branch with plumbing, as another program might while the plan is looked at."""
    blob = repo.git("hash-object", "-w", "--stdin", input="sneaked in\n").text
    index = {"GIT_INDEX_FILE": str(repo.git_dir() / "scratch")}
    repo.git("read-tree", plan.branch, env=index)
    repo.git("update-index", "--add", "--cacheinfo", f"100644,{blob},sneaked.txt", env=index)
    tree = repo.git("write-tree", env=index).text
    new = repo.git("commit-tree", "-p", plan.branch, "-m", "sneaked in", tree).text
    repo.git("update-ref", f"refs/heads/{plan.branch}", new)
    (repo.git_dir() / "scratch").unlink()
    return new


@pytest.mark.parametrize("length", [7, 12, 40])
def test_the_oid_that_was_shown_approves(repo: Repo, plan: Made, length: int) -> None:
    answer = repo.tiny("apply", plan.id, "--yes", "--expect", plan.tip[:length].upper())
    assert answer.out.startswith(f"applied {plan.id} to main: ")
    assert repo.oid("main^2") == plan.tip


@pytest.mark.parametrize(
    ("expect", "code", "says"),
    [
        ("1234567", 1, "not 1234567: it moved since it was shown"),
        ("0" * 40, 1, "not 000000000000: it moved since it was shown"),
        ("abc", 2, "--expect takes the oid that was shown, not 'abc'"),
        ("main", 2, "not 'main'"),
        ("{branch}", 2, "--expect takes the oid that was shown"),
        ("{tip}0", 1, "it moved since it was shown"),
        (" ", 2, "not ' '"),
        ("-rf", 2, ""),
    ],
)
def test_another_oid_approves_nothing(repo: Repo, plan: Made, expect: str, code: int, says: str) -> None:
    word = expect.format(branch=plan.branch, tip=plan.tip)
    with untouched(repo):
        answer = repo.tiny("apply", plan.id, "--yes", "--expect", word, check=False)
    assert answer.code == code, answer
    assert says in answer.err
    assert repo.tiny("show", plan.id, "--json").json["state"] == "open"


def test_an_empty_expectation_is_not_none(repo: Repo, plan: Made) -> None:
    with untouched(repo):
        answer = repo.tiny("apply", plan.id, "--yes", "--expect", "", check=False)
    assert answer.code in (1, 2)


def test_a_branch_that_moved_since_is_refused_with_its_new_tip(repo: Repo, plan: Made) -> None:
    new = add_commit(repo, plan)
    with untouched(repo):
        answer = apply(repo, plan, check=False)
    assert answer.code == 1
    assert f"{plan.id} is now at {new[:12]}, not {plan.tip[:12]}" in answer.err
    assert f"--expect {new}" in answer.err
    repo.tiny("apply", plan.id, "--yes", "--expect", new)
    assert (repo.path / "sneaked.txt").read_text() == "sneaked in\n"


@pytest.mark.parametrize("options", [(), ("--yes",), ("--yes", "--json"), ("--json",)])
def test_off_a_terminal_nothing_is_approved_without_an_oid(repo: Repo, plan: Made, options: tuple[str, ...]) -> None:
    with untouched(repo):
        answer = repo.tiny("apply", plan.id, *options, input="y\n", check=False)
    assert answer.code == 1
    assert f"git tiny apply {plan.id} --yes --expect {plan.tip}" in answer.err


@pytest.mark.parametrize("options", [("--expect", "{tip}"), ("--expect", "{tip}", "--json")])
def test_an_oid_without_yes_is_still_asked_for(repo: Repo, plan: Made, options: tuple[str, ...]) -> None:
    words = [option.format(tip=plan.tip) for option in options]
    with untouched(repo):
        answer = repo.tiny("apply", plan.id, *words, input="y\n", check=False)
    assert answer.code == 1


def asked(terminal: Terminal, plan: Made, tip: str) -> None:
    terminal.expect(rf"apply {plan.id} at {tip[:12]}\?")


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("YES\n", 0), ("n\n", 1), ("\x04", 1), ("\x03", 130)])
def test_the_answer_at_a_terminal_counts(repo: Repo, plan: Made, typed: str, code: int) -> None:
    before = repo.oid("main")
    with tiny_tty("apply", plan.id, cwd=repo.path) as terminal:
        asked(terminal, plan, plan.tip)
        terminal.send(typed)
        assert terminal.wait() == code, terminal.shown
    assert (repo.oid("main") == before) == (code != 0)


def test_only_a_whole_yes_is_a_yes(repo: Repo, plan: Made) -> None:
    with untouched(repo), tiny_tty("apply", plan.id, cwd=repo.path) as terminal:
        for typed in ("\n", "yy\n", "ok\n", "s\n"):
            asked(terminal, plan, plan.tip)
            terminal.send(typed)
        asked(terminal, plan, plan.tip)
        terminal.send("no\n")
        assert terminal.wait() == 1


def test_a_branch_that_moves_while_it_is_shown_is_shown_again(repo: Repo, plan: Made) -> None:
    with tiny_tty("apply", plan.id, cwd=repo.path) as terminal:
        asked(terminal, plan, plan.tip)
        new = add_commit(repo, plan)
        terminal.send("y\n")
        terminal.expect("moved while it was shown; this is what it is now:")
        terminal.expect("sneaked in")
        asked(terminal, plan, new)
        assert repo.git("log", "-1", "--format=%s", "main").text == "first"
        terminal.send("y\n")
        assert terminal.wait() == 0
    assert repo.oid("main^2") == new


def test_a_target_that_moves_while_it_is_shown_is_shown_again(repo: Repo, plan: Made) -> None:
    with tiny_tty("apply", plan.id, cwd=repo.path) as terminal:
        asked(terminal, plan, plan.tip)
        top = repo.commit("on top", {"other.txt": "o\n"})
        terminal.send("y\n")
        terminal.expect(f"merges into main at {top[:12]}")
        asked(terminal, plan, plan.tip)
        terminal.send("n\n")
        assert terminal.wait() == 1
    assert repo.oid("main") == top


def test_a_plan_that_is_rejected_while_it_is_shown_is_refused(repo: Repo, plan: Made) -> None:
    before = repo.oid("main")
    with tiny_tty("apply", plan.id, cwd=repo.path) as terminal:
        asked(terminal, plan, plan.tip)
        repo.tiny("reject", plan.id)
        terminal.send("y\n")
        assert terminal.wait() == 1, terminal.shown
    assert "is rejected" in terminal.shown
    assert repo.oid("main") == before


def test_a_branch_that_is_deleted_while_it_is_shown_is_refused(repo: Repo, plan: Made) -> None:
    before = repo.oid("main")
    with tiny_tty("apply", plan.id, cwd=repo.path) as terminal:
        asked(terminal, plan, plan.tip)
        repo.git("branch", "-q", "-D", plan.branch)
        terminal.send("y\n")
        assert terminal.wait() == 1, terminal.shown
    assert f"git branch {plan.branch} {plan.tip[:12]}" in terminal.shown
    assert repo.oid("main") == before


def test_yes_at_a_terminal_is_enough(repo: Repo, plan: Made) -> None:
    with tiny_tty("apply", plan.id, "--yes", cwd=repo.path) as terminal:
        assert terminal.wait() == 0
    assert repo.oid("main^2") == plan.tip


def test_what_was_applied_is_not_applied_again(repo: Repo, plan: Made) -> None:
    apply(repo, plan)
    with untouched(repo):
        answer = apply(repo, plan, check=False)
    assert answer.code == 1
    assert f"{plan.id} is applied" in answer.err
    assert f"git tiny rollback {plan.id}" in answer.err


def test_the_merge_says_who_approved_what(repo: Repo, plan: Made) -> None:
    apply(repo, plan)
    trailers = dict(
        line.split(": ", 1) for line in repo.git("log", "-1", "--format=%(trailers:only,unfold)").text.splitlines()
    )
    assert trailers["Plan-Id"] == plan.id
    assert trailers["Plan-Tip"] == plan.tip
    assert trailers["Approved-by"] == "Ada Example <ada@example.com>"
    log, size, root = trailers["Tiny-Audit"].split("/")
    assert log
    assert int(size) > 0
    assert len(root) == 64


def test_a_plan_that_the_target_has_already_is_refused(repo: Repo, plan: Made) -> None:
    repo.commit("the same by hand", {"hello.txt": "hello again\n"})
    for options in (("--dry-run",), ("--yes", "--expect", plan.tip)):
        with untouched(repo):
            answer = repo.tiny("apply", plan.id, *options, check=False)
        assert answer.code == 1
        assert f"main has all that {plan.id} changes already" in answer.err
        assert f"git tiny reject {plan.id}" in answer.err


@pytest.mark.parametrize(
    ("verb", "kinds"), [("rollback", "applied"), ("redo", "rolled-back"), ("show", "open, draft or rolled-back")]
)
def test_where_there_is_no_such_plan_the_hint_names_what_lists_them(repo: Repo, verb: str, kinds: str) -> None:
    answer = repo.tiny(verb, check=False)
    assert answer.code == 1
    assert f"there is no {kinds} plan here" in answer.err
    assert "git tiny plans --all lists every plan" in answer.err
    assert ("propose" in answer.err) == (verb == "show")
