"""Several at once: one wins, the others are refused and change nothing; locks that others hold are named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plan.plans import apply, make_plan, state, untouched
from tests.repos import ROOT, TINY, Repo
from tests.world import tick


def start(repo: Repo, *args: str) -> subprocess.Popen[bytes]:
    tick()
    return subprocess.Popen(
        [*TINY, *args],
        cwd=repo.path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def both(one: subprocess.Popen[bytes], other: subprocess.Popen[bytes]) -> list[tuple[int, str]]:
    ended = []
    for child in (one, other):
        _, err = child.communicate()
        ended.append((child.returncode, err.decode()))
    return ended


@pytest.mark.parametrize("round_", range(3))
def test_of_two_applies_of_one_plan_one_wins(repo: Repo, round_: int) -> None:
    plan = make_plan(repo, {"hello.txt": "one\n", "new.txt": "n\n"})
    before = repo.oid()
    args = ("apply", plan.id, "--yes", "--expect", plan.tip)
    ended = both(start(repo, *args), start(repo, *args))
    assert sorted(code for code, _ in ended) == [0, 1], ended
    refused = next(err for code, err in ended if code)
    assert "nothing was changed" in refused or "is applied" in refused, refused
    assert repo.git("rev-list", "--count", "--first-parent", f"{before}..main").text == "1"
    assert repo.git("status", "--porcelain").out == ""
    assert "nothing was interrupted" in repo.tiny("recover").out


@pytest.mark.parametrize("round_", range(3))
def test_of_two_plans_applied_at_once_none_is_lost(repo: Repo, round_: int) -> None:
    one, two = make_plan(repo, {"hello.txt": "one\n"}), make_plan(repo, {"src/app.py": "two\n"})
    ended = both(*(start(repo, "apply", p.id, "--yes", "--expect", p.tip) for p in (one, two)))
    for (code, err), plan in zip(ended, (one, two), strict=True):
        if code:
            assert code == 1
            assert "nothing was changed" in err, err
            assert repo.tiny("show", plan.id, "--json").json["state"] == "open"
            apply(repo, plan)
    assert any(code == 0 for code, _ in ended), ended
    assert (repo.path / "hello.txt").read_text() == "one\n"
    assert (repo.path / "src/app.py").read_text() == "two\n"
    assert repo.git("status", "--porcelain").out == ""
    assert repo.tree()["hello.txt"] == repo.tree(one.tip)["hello.txt"]


def test_apply_and_rollback_of_another_plan_at_once(repo: Repo) -> None:
    applied, opened = make_plan(repo, {"hello.txt": "one\n"}), make_plan(repo, {"src/app.py": "two\n"})
    apply(repo, applied)
    ended = both(start(repo, "rollback", applied.id), start(repo, "apply", opened.id, "--yes", "--expect", opened.tip))
    assert any(code == 0 for code, _ in ended), ended
    states = [repo.tiny("show", plan.id, "--json").json["state"] for plan in (applied, opened)]
    assert states == ["rolled-back" if ended[0][0] == 0 else "applied", "applied" if ended[1][0] == 0 else "open"]
    assert repo.git("status", "--porcelain").out == ""
    assert ((repo.path / "hello.txt").read_text() == "hello\n") == (states[0] == "rolled-back")
    assert ((repo.path / "src/app.py").read_text() == "two\n") == (states[1] == "applied")


def test_proposals_at_once_all_succeed(repo: Repo) -> None:
    repo.git("checkout", "-q", "-b", "topic")
    repo.commit("change", {"hello.txt": "topic\n"})
    repo.git("checkout", "-q", "main")
    with untouched(repo):
        children = [start(repo, "propose", "--from-range", "main..topic") for _ in range(4)]
        ended = [(child.communicate(), child.returncode) for child in children]
    assert [code for _, code in ended] == [0] * 4, ended
    assert len(repo.tiny("plans", "--json").json["plans"]) == 4


def test_a_commit_of_the_users_while_the_hooks_run_is_not_lost(repo: Repo) -> None:
    plan = make_plan(repo, {"hello.txt": "one\n"})
    repo.hook(
        "pre-merge-commit",
        'cd "$HOME/../repo" && unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE && '
        "echo mine > mine.txt && git add mine.txt && git commit -q -m mine",
    )
    answer = apply(repo, plan, check=False)
    assert answer.code == 1
    assert f"main was moved meanwhile: it is at {repo.oid()[:12]}, 'mine'; nothing was changed" in answer.err
    assert repo.git("log", "-1", "--format=%s").text == "mine"
    assert (repo.path / "hello.txt").read_text() == "hello\n"
    assert repo.git("status", "--porcelain").out == ""
    assert repo.tiny("show", plan.id, "--json").json["state"] == "open"


def test_a_plan_branch_that_moves_while_the_hooks_run_is_refused(repo: Repo) -> None:
    plan = make_plan(repo, {"hello.txt": "one\n"})
    repo.hook("commit-msg", f"git update-ref refs/heads/{plan.branch} {plan.tip}~1")
    before = repo.oid()
    answer = apply(repo, plan, check=False)
    assert answer.code == 1
    assert f"{plan.branch} was moved by somebody else meanwhile; nothing was changed" in answer.err
    assert repo.oid() == before
    assert repo.git("status", "--porcelain").out == ""


@pytest.mark.parametrize("name", ["index.lock", "refs/heads/main.lock"])
@pytest.mark.parametrize("verb", ["apply", "rollback", "redo"])
def test_a_stale_lock_is_named_and_left(repo: Repo, name: str, verb: str) -> None:
    plan = make_plan(repo, {"hello.txt": "one\n", "new.txt": "n\n"})
    if verb != "apply":
        apply(repo, plan)
    if verb == "redo":
        repo.tiny("rollback")
    before = state(repo)
    lock = repo.git_dir() / name
    lock.write_text("")
    answer = apply(repo, plan, check=False) if verb == "apply" else repo.tiny(verb, plan.id, check=False)
    assert answer.code == 1
    assert f"{lock} is there, and no git process that runs here holds it" in answer.err, answer
    assert "delete it and try again" in answer.err
    assert lock.exists()
    lock.unlink()
    assert state(repo) == before
    assert "nothing was interrupted" in repo.tiny("recover").out
    assert (apply(repo, plan) if verb == "apply" else repo.tiny(verb, plan.id)).code == 0


@pytest.mark.parametrize("opened", [True, False], ids=["open", "closed by a git that runs on"])
def test_who_holds_a_lock_is_said(repo: Repo, opened: bool) -> None:
    plan = make_plan(repo, {"hello.txt": "one\n"})
    repo.write("staged", "s\n")
    repo.git("add", "staged")
    lock = repo.git_dir() / "index.lock"
    ours = f"import time; held = open({str(lock)!r}, 'x'); print('ready', flush=True); time.sleep(60)"
    # git commit keeps the lock of the index while the editor is open.
    editor = {"GIT_EDITOR": "echo ready; sleep 60; :"}
    argv = [sys.executable, "-c", ours] if opened else ["git", "commit", "-a"]
    env = {**os.environ, **editor}
    with subprocess.Popen(argv, cwd=repo.path, env=env, stdout=subprocess.PIPE, process_group=0) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"ready\n"
            assert lock.exists()
            with untouched(repo):
                answer = apply(repo, plan, check=False)
        finally:
            os.killpg(holder.pid, signal.SIGKILL)
    assert answer.code == 1
    assert f"error: process {holder.pid} ({argv[0]} {argv[1]}" in answer.err, answer
    assert f") holds {lock}\n" in answer.err


def test_a_held_packed_refs_lock_is_named(repo: Repo) -> None:
    plan = make_plan(repo, {"hello.txt": "one\n"})
    repo.git("pack-refs", "--all")
    lock = repo.git_dir() / "packed-refs.lock"
    lock.write_text("")
    repo.config("core.packedRefsTimeout", "0")
    with untouched(repo):
        answer = repo.tiny("reject", plan.id, check=False)
    assert answer.code == 1
    assert str(lock) in answer.err
    lock.unlink()
    repo.tiny("reject", plan.id)


def test_a_file_of_the_users_that_appears_while_the_hooks_run_is_kept(repo: Repo, world: Path) -> None:
    plan = make_plan(repo, {"new.txt": "n\n"})
    repo.hook("commit-msg", f"echo mine > {repo.path}/new.txt")
    answer = apply(repo, plan, check=False)
    assert answer.code == 1
    assert "new.txt  (untracked or ignored, in the way)" in answer.err
    assert (repo.path / "new.txt").read_text() == "mine\n"
