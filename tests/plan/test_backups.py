"""Backups: what a working tree held before it was written to, listed, restored, capped, expiring."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.plan.plans import apply, execute_in, make_plan, state, untouched
from tests.repos import ROOT, TINY, Link, Repo
from tests.world import tick
from tinycode_git.git.worktrees import worktrees
from tinycode_git.plan.backup import MOST, backups, stashes


def work(repo: Repo) -> None:
    repo.commit("files", {"staged": "s\n", "unstaged": "u\n", "link": Link("staged")})
    repo.write("staged", "staged work\n")
    repo.git("add", "staged")
    repo.write("unstaged", "unstaged work\n")


def test_one_is_taken_before_apply_and_rollback(repo: Repo) -> None:
    work(repo)
    plan = make_plan(repo, {"a": "a\n"})
    apply(repo, plan)
    repo.tiny("rollback", plan.id)
    found = repo.tiny("backups", "list", "--json").json["backups"]
    assert [(one["n"], one["before"], one["worktree"]) for one in found] == [
        (2, f"rollback {plan.id}", str(repo.path)),
        (1, f"apply {plan.id}", str(repo.path)),
    ]
    for one in found:
        assert repo.show(one["oid"], "staged") == b"staged work\n"
        assert repo.show(one["oid"], "unstaged") == b"unstaged work\n"
    assert "a" in repo.tree(found[0]["oid"])
    assert "a" not in repo.tree(found[1]["oid"])


def test_what_was_done_while_the_gate_ran_is_in_it(repo: Repo) -> None:
    work(repo)
    plan = make_plan(repo, {"a": "a\n"})
    argv = [*TINY, "apply", plan.id, "--yes", "--expect", plan.tip, "--check", "sleep 1.5"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(argv, cwd=repo.path, env=env, stderr=subprocess.PIPE) as child:
        assert child.stderr is not None
        assert b"gate" in child.stderr.readline()
        repo.write("unstaged", "newer work\n")
        child.stderr.read()
    assert child.returncode == 0
    (found,) = repo.tiny("backups", "list", "--json").json["backups"]
    assert repo.show(found["oid"], "unstaged") == b"newer work\n"
    assert (repo.path / "unstaged").read_text() == "newer work\n"


def test_restored_files_and_only_files(repo: Repo) -> None:
    work(repo)
    plan = make_plan(repo, {"a": "a\n"})
    apply(repo, plan)
    repo.write("staged", "lost\n")
    repo.write("unstaged", None)
    repo.write("untracked", "untracked\n")
    index, refs = repo.git("ls-files", "-s").out, repo.oid()
    answer = repo.tiny("backups", "restore", "1", "unstaged", "staged", "--yes", "--json").json
    assert sorted(answer["paths"]) == ["staged", "unstaged"]
    assert (repo.path / "unstaged").read_text() == "unstaged work\n"
    assert (repo.path / "staged").read_text() == "staged work\n"
    assert (repo.path / "a").read_text() == "a\n"
    assert (repo.path / "untracked").read_text() == "untracked\n"
    assert (repo.git("ls-files", "-s").out, repo.oid()) == (index, refs)
    back = repo.tiny("backups", "restore", str(answer["saved"]), "staged", "--yes")
    assert back.code == 0
    assert (repo.path / "staged").read_text() == "lost\n"


def test_nothing_is_asked_off_a_terminal_and_nothing_done(repo: Repo) -> None:
    work(repo)
    apply(repo, make_plan(repo, {"a": "a\n"}))
    repo.write("staged", "lost\n")
    with untouched(repo):
        before = state(repo)
        answer = repo.tiny("backups", "restore", "1", "staged", check=False)
    assert answer.code == 1
    assert "--yes answers it" in answer.err
    assert state(repo) == before


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["7"], 2, "there is no backup 7"),
        (["0"], 2, "there is no backup 0"),
        (["1", "hello.txt"], 1, "the tracked files are as backup 1 has them"),
        (["1", "no-such-file"], 1, "the tracked files are as backup 1 has them"),
    ],
)
def test_refused(repo: Repo, args: list[str], code: int, words: str) -> None:
    work(repo)
    apply(repo, make_plan(repo, {"a": "a\n"}))
    with untouched(repo):
        answer = repo.tiny("backups", "restore", *args, "--yes", check=False)
    assert (answer.code, words in answer.err) == (code, True), answer


def test_a_path_with_magic_and_odd_bytes_is_taken_as_it_is(repo: Repo) -> None:
    names = {":(glob)*": "g\n", "*": "s\n", " x\ty": "t\n"}
    repo.commit("odd", dict(names))
    repo.write("*", "star work\n")
    repo.write(" x\ty", "tab work\n")
    apply(repo, make_plan(repo, {"a": "a\n"}))
    repo.write("*", "lost\n")
    repo.write(" x\ty", "lost\n")
    repo.tiny("backups", "restore", "1", "*", "--yes")
    assert (repo.path / "*").read_text() == "star work\n"
    assert (repo.path / " x\ty").read_text() == "lost\n"
    listed = repo.tiny("backups", "restore", "1", " x\ty", "--yes")
    assert "\t" not in listed.out


def test_in_a_linked_worktree_it_is_that_ones_files(repo: Repo) -> None:
    linked = repo.worktree_add(repo.path.parent / "linked", "-b", "side")
    linked.write("hello.txt", "linked work\n")
    repo.write("hello.txt", "main work\n")
    plan = make_plan(repo, {"a": "a\n"}, target="side")
    before = repo.files()
    apply(repo, plan)
    assert repo.files() == before
    [one] = repo.tiny("backups", "list", "--json").json["backups"]
    assert one["worktree"] == str(linked.path)
    assert repo.show(one["oid"], "hello.txt") == b"linked work\n"


def test_capped_the_oldest_go_and_numbers_go_on(repo: Repo) -> None:
    handle = execute_in(repo.path)
    [here] = worktrees(handle)
    head = repo.oid()
    for n in range(MOST + 3):
        tick()
        repo.write("hello.txt", f"work {n}\n")
        with stashes(handle, [here]) as work:
            work.keep(here, head, f"test {n}")
    found = backups(handle)
    assert [one.n for one in found] == list(range(MOST + 3, 3, -1))
    assert found[0].before == f"test {MOST + 2}"
    assert repo.show(found[0].oid, "hello.txt") == f"work {MOST + 2}\n".encode()
    assert repo.git("stash", "list").out == ""
    assert (repo.path / "hello.txt").read_text() == f"work {MOST + 2}\n"


def test_gc_drops_those_of_thirty_days_ago(repo: Repo) -> None:
    apply(repo, make_plan(repo, {"a": "a\n"}))
    tick(29 * 86_400)
    repo.tiny("gc")
    assert len(repo.tiny("backups", "list", "--json").json["backups"]) == 1
    tick(2 * 86_400)
    repo.tiny("gc")
    assert repo.tiny("backups", "list", "--json").json["backups"] == []
