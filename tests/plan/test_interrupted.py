"""Processes that are interrupted or killed anywhere: the state is the old or the new one; the next command says so."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plan.plans import Made, apply, make_plan, state
from tests.repos import ROOT, TINY, Repo
from tests.world import tick

CHANGE = {
    "hello.txt": "hello again\n",
    "src/app.py": None,
    "new/a.txt": "a\n",
    "new/b.txt": "b\n",
    "image": bytes(range(256)) * 400,
}


def start(repo: Repo, *args: str) -> subprocess.Popen[bytes]:
    """git tiny in the background, in a process group of its own so that a signal reaches it as from a terminal."""
    tick()
    return subprocess.Popen(
        [*TINY, *args],
        cwd=repo.path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
    )


def work(repo: Repo) -> None:
    """Uncommitted work of several kinds, away from the plan."""
    repo.commit("more", {"staged": "s\n", "unstaged": "u\n"})
    repo.write("staged", "staged\n")
    repo.git("add", "staged")
    repo.write("staged", "staged, then changed\n")
    repo.write("unstaged", "changed\n")
    repo.write("untracked", "untracked\n")


def ready(repo: Repo, plan: Made, verb: str) -> tuple[tuple[object, ...], list[str]]:
    """The state before ``verb``, and its command line."""
    commands = {
        "apply": ["apply", plan.id, "--yes", "--expect", plan.tip],
        "rollback": ["rollback", plan.id],
        "redo": ["redo", plan.id],
    }
    if verb != "apply":
        apply(repo, plan)
    if verb == "redo":
        repo.tiny("rollback", plan.id)
    return state(repo), commands[verb]


def recorded(repo: Repo, plan: Made) -> str:
    return str(repo.tiny("show", plan.id, "--json").json["state"])


AFTER = {"apply": "applied", "rollback": "rolled-back", "redo": "applied"}
BEFORE = {"apply": "open", "rollback": "applied", "redo": "rolled-back"}


def consistent(repo: Repo, plan: Made, verb: str, before: tuple[object, ...], said: str) -> bool:
    """Whether the verb took effect; fails where record, branch and files do not say the same."""
    done = recorded(repo, plan) == AFTER[verb]
    moved = state(repo)[3] != before[3]
    assert done == moved, f"the record says {recorded(repo, plan)}, main {'moved' if moved else 'stayed'}\n{said}"
    if not done:
        assert recorded(repo, plan) == BEFORE[verb]
        assert state(repo) == before, f"{said}\n{repo.git('status', '--short').out}"
    status = repo.git("status", "--porcelain").out
    assert status == "MM staged\n M unstaged\n?? untracked\n", f"{said}\n{status}"
    assert (repo.path / "staged").read_text() == "staged, then changed\n"
    assert repo.git("show", ":staged").out == "staged\n"
    assert not (repo.git_dir() / "index.lock").exists()
    repo.fsck()
    return done


def duration(repo: Repo) -> float:
    """How long a verb takes here and now, roughly."""
    begun = time.monotonic()
    repo.tiny("plans")
    return (time.monotonic() - begun) * 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("verb", ["apply", "rollback", "redo"])
def test_ended_at_a_random_point_it_is_done_or_not_begun(repo: Repo, verb: str, number: signal.Signals) -> None:
    work(repo)
    plan = make_plan(repo, CHANGE)
    before, args = ready(repo, plan, verb)
    whole = duration(repo)
    point = random.Random()
    for _ in range(4):
        child = start(repo, *args)
        wait = point.uniform(0, whole)
        try:
            out, err = child.communicate(timeout=wait)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, number)
            out, err = child.communicate()
        said = f"after {wait:.3f} of {whole:.3f} s: exit {child.returncode}\n{out.decode()}\n{err.decode()}"
        said += "\n" + str(repo.tiny("recover"))
        if consistent(repo, plan, verb, before, said):
            return


FILTER = """#!/bin/sh
# Runs while git writes the working tree: ends the git tiny that started it, or whatever the test wants.
[ -e "$HOME/armed" ] && [ "$1" = "smudge" ] && {{ rm "$HOME/armed"; {action}; }}
cat
"""


def arm(repo: Repo, world: Path, action: str) -> Callable[[], None]:
    """Have ``action`` run in the middle of the next checkout; what is returned arms it."""
    place = world / "home/filter"
    place.write_text(FILTER.format(action=action))
    place.chmod(0o755)
    repo.config("filter.trap.smudge", f"{place} smudge")
    repo.config("filter.trap.clean", f"{place} clean")
    (repo.git_dir() / "info/attributes").write_text("new/b.txt filter=trap\nhello.txt filter=trap\n")
    return lambda: (world / "home/armed").touch()


TINY_PID = "$(cat $HOME/pid)"


@pytest.mark.parametrize("verb", ["apply", "rollback", "redo"])
@pytest.mark.parametrize("action", ["kill -9 {tiny}", "kill -INT {tiny}", "kill -9 {tiny}; kill -9 $PPID"])
def test_ended_while_git_writes_the_files(repo: Repo, world: Path, verb: str, action: str) -> None:
    work(repo)
    plan = make_plan(repo, CHANGE)
    trap = arm(repo, world, action.format(tiny=TINY_PID))
    before, args = ready(repo, plan, verb)
    trap()
    child = start(repo, *args)
    (world / "home/pid").write_text(str(child.pid))
    out, err = child.communicate()
    assert not (world / "home/armed").exists()
    said = f"exit {child.returncode}\n{out.decode()}\n{err.decode()}"
    next_one = repo.tiny("recover")
    said += f"\n{next_one}"
    done = consistent(repo, plan, verb, before, said)
    if "INT" in action:
        assert child.returncode == 130, said
        assert not done
        assert "nothing was interrupted" in next_one.out
    else:
        assert child.returncode == -9
        assert f"an interrupted {verb} of {plan.id} was {'finished' if done else 'taken back'}" in next_one.out
        again = repo.tiny(*args, check=False)
        assert (again.code == 0) == (not done), again


def test_the_next_command_that_changes_something_says_what_it_put_right(repo: Repo, world: Path) -> None:
    work(repo)
    plan = make_plan(repo, CHANGE)
    trap = arm(repo, world, f"kill -9 {TINY_PID}; kill -9 $PPID")
    trap()
    child = start(repo, "apply", plan.id, "--yes", "--expect", plan.tip)
    (world / "home/pid").write_text(str(child.pid))
    child.communicate()
    status = repo.tiny("status", "--json").json
    assert status["interrupted"] == [f"apply {plan.id}"]
    answer = apply(repo, plan)
    assert f"an interrupted apply of {plan.id} was taken back" in answer.err
    assert repo.tiny("status", "--json").json["interrupted"] == []


def test_newer_work_on_a_path_of_the_broken_off_switch_is_left(repo: Repo, world: Path) -> None:
    work(repo)
    plan = make_plan(repo, CHANGE)
    arm(repo, world, f"kill -9 {TINY_PID}; kill -9 $PPID")()
    child = start(repo, "apply", plan.id, "--yes", "--expect", plan.tip)
    (world / "home/pid").write_text(str(child.pid))
    child.communicate()
    repo.write("hello.txt", "written after the crash\n")
    answer = repo.tiny("recover")
    assert "left as they are: hello.txt" in answer.out
    assert (repo.path / "hello.txt").read_text() == "written after the crash\n"
    assert repo.git("status", "--porcelain", "hello.txt").out == " M hello.txt\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("when", ["prepared", "committed"])
def test_ended_while_the_refs_move(repo: Repo, world: Path, when: str, number: signal.Signals) -> None:
    work(repo)
    plan = make_plan(repo, CHANGE)
    before, args = ready(repo, plan, "apply")
    stop = f"kill -{number.value} {TINY_PID}; sleep 1.5"
    hook = repo.hook(
        "reference-transaction", f'grep -q " refs/heads/main$" && [ "$1" = {when} ] && {{ {stop}; }}; exit 0'
    )
    child = start(repo, *args)
    (world / "home/pid").write_text(str(child.pid))
    out, err = child.communicate()
    said = f"exit {child.returncode}\n{out.decode()}\n{err.decode()}"
    hook.unlink()
    said += f"\n{repo.tiny('recover')}"
    done = consistent(repo, plan, "apply", before, said)
    if number is signal.SIGINT:
        assert (child.returncode == 0) == done, said


@pytest.mark.parametrize("when", ["prepared", "committed"])
def test_killed_with_the_git_that_moves_the_refs(repo: Repo, world: Path, when: str) -> None:
    """As a power cut would leave it: locks that nobody holds, and refs of which one moved and the next did not."""
    work(repo)
    plan = make_plan(repo, CHANGE)
    before, args = ready(repo, plan, "apply")
    hook = repo.hook(
        "reference-transaction",
        f'grep -q " refs/heads/main$" && [ "$1" = {when} ] && {{ kill -9 {TINY_PID}; kill -9 $PPID; }}; exit 0',
    )
    child = start(repo, *args)
    (world / "home/pid").write_text(str(child.pid))
    child.communicate()
    hook.unlink()
    assert (repo.git_dir() / "refs/heads/main.lock").exists() == (when == "prepared")
    said = str(repo.tiny("recover"))
    assert consistent(repo, plan, "apply", before, said) == (when == "committed")
    assert list(repo.git_dir().glob("refs/**/*.lock")) == []


def test_refs_of_which_only_the_first_moved_are_moved_on(repo: Repo, world: Path) -> None:
    """A git that is killed while it commits has moved its first refs, the target before the record."""
    work(repo)
    plan = make_plan(repo, CHANGE)
    before, args = ready(repo, plan, "apply")
    hook = repo.hook(
        "reference-transaction",
        "moves=$(cat)\n"
        'case "$1$moves" in prepared*refs/heads/main*) ;; *) exit 0 ;; esac\n'
        f'kill -9 {TINY_PID}; echo "$moves" > "$HOME/moves"; kill -9 $PPID',
    )
    child = start(repo, *args)
    (world / "home/pid").write_text(str(child.pid))
    child.communicate()
    hook.unlink()
    for lock in repo.git_dir().glob("**/*.lock"):
        if lock.parent.name != "tiny":
            lock.unlink()
    moves = [line.split() for line in (world / "home/moves").read_text().splitlines()]
    (merge,) = [new for _, new, ref in moves if ref == "refs/heads/main"]
    repo.git("update-ref", "refs/heads/main", merge)
    said = repo.tiny("recover")
    assert f"an interrupted apply of {plan.id} was finished" in said.out
    assert consistent(repo, plan, "apply", before, str(said))


def test_a_second_interrupt_while_the_files_are_taken_back_is_recovered(repo: Repo, world: Path) -> None:
    work(repo)
    plan = make_plan(repo, CHANGE)
    trap = arm(repo, world, f"kill -INT {TINY_PID}; touch $HOME/armed2; sleep 30")
    script = world / "home/filter"
    second = f'[ -e "$HOME/armed2" ] && [ "$1" = smudge ] && {{ rm "$HOME/armed2"; kill -INT {TINY_PID}; sleep 30; }}'
    script.write_text(script.read_text().replace("cat\n", f"{second}\ncat\n"))
    before, args = ready(repo, plan, "apply")
    trap()
    child = start(repo, *args)
    (world / "home/pid").write_text(str(child.pid))
    _, err = child.communicate()
    assert child.returncode == 130
    assert "git tiny recover" in err.decode(), err
    assert not (world / "home/armed2").exists()
    said = repo.tiny("recover")
    assert f"an interrupted apply of {plan.id} was taken back" in said.out
    assert not consistent(repo, plan, "apply", before, str(said))
