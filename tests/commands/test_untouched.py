"""Until approval nothing of the user's is touched: by any planner, any look, any failure, any interruption."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.plan.plans import make_plan, untouched
from tests.repos import ROOT, TINY, Exe, Link, Repo
from tests.world import tick

SOURCE = "import os\nimport sys\n\n\ndef get_cwd( ) :\n    return  os.getcwd()\n\n\nprint(get_cwd())\n"
PATCH = """diff --git a/hello.txt b/hello.txt
--- a/hello.txt
+++ b/hello.txt
@@ -1 +1 @@
-hello
+hello again
"""
REPLY = """Change it like this:

hello.txt
```
<<<<<<< SEARCH
hello
=======
hello again
>>>>>>> REPLACE
```
"""
PLAN = """{"version": 1, "task": "greet", "steps": [{"title": "greet again", "edits": [
  {"op": "put", "path": "hello.txt", "content": "hello again\\n"}]}]}"""


@pytest.fixture
def lived(repo: Repo, world: Path) -> Repo:
    """A repository as somebody works in it: everything there that must not be touched."""
    repo.commit("source", {"tool.py": SOURCE, "run": Exe("#!/bin/sh\n"), "link": Link("tool.py"), "two.txt": "2\n"})
    repo.git("branch", "other")
    repo.git("tag", "-a", "v1", "-m", "one")
    repo.git("update-ref", "refs/remotes/origin/main", "main~1")
    repo.git("checkout", "-q", "-b", "topic")
    repo.commit("topic", {"hello.txt": "from topic\n"})
    repo.git("checkout", "-q", "main")
    repo.write("two.txt", "to stash\n")
    repo.git("stash", "-q")
    repo.write("two.txt", "staged\n")
    repo.git("add", "two.txt")
    repo.write("two.txt", "and more\n")
    repo.write("untracked", "u\n")
    repo.write("to-add", "a\n")
    repo.git("add", "-N", "to-add")
    (repo.git_dir() / "info/exclude").write_text("*.log\n")
    repo.write("some.log", "ignored\n")
    for name in ("pre-commit", "commit-msg", "pre-merge-commit", "post-checkout", "reference-transaction"):
        repo.hook(name, 'echo "$0" >> "$HOME/hooks-ran"')
    repo.worktree_add(world / "linked", "other")
    (world / "home/hooks-ran").unlink()
    return repo


PLANNERS: dict[str, tuple[list[str], str]] = {
    "recipe rename": (["--recipe", "rename", "get_cwd", "current_dir"], ""),
    "recipe replace": (["--recipe", "replace", "hello", "goodbye"], ""),
    "recipe rewrite": (["--recipe", "rewrite", "print($A)", "log($A)", "--lang", "python"], ""),
    "recipe lint-fix": (["--recipe", "lint-fix", "F401"], ""),
    "recipe format": (["--recipe", "format"], ""),
    "sentence": (["rename get_cwd to current_dir"], ""),
    "patch": (["--patch", "-"], PATCH),
    "reply": (["--reply", "-"], REPLY),
    "plan": (["--plan", "-"], PLAN),
    "worktree": (["--from-worktree"], ""),
    "worktree paths": (["--from-worktree", "two.txt"], ""),
    "range": (["--from-range", "main..topic"], ""),
}

FAILING: dict[str, tuple[list[str], str, int]] = {
    "recipe rename": (["--recipe", "rename", "no_such_name", "other"], "", 1),
    "recipe taken": (["--recipe", "rename", "get_cwd", "print"], "", 1),
    "recipe replace": (["--recipe", "replace", "nowhere in here", "x"], "", 1),
    "recipe regex": (["--recipe", "replace", "(", "x", "--regex"], "", 2),
    "recipe rewrite": (["--recipe", "rewrite", "print($A)", "log($A)", "--lang", "klingon"], "", 2),
    "recipe unknown": (["--recipe", "renam", "a", "b"], "", 2),
    "sentence": (["make everything better"], "", 4),
    "patch": (["--patch", "-"], PATCH.replace("-hello", "-goodbye"), 1),
    "not a patch": (["--patch", "-"], "hello\n", 2),
    "reply": (["--reply", "-"], REPLY.replace("hello\n=======", "nowhere\n======="), 1),
    "no edits": (["--reply", "-"], "I cannot help with that.\n", 2),
    "plan": (["--plan", "-"], PLAN.replace("hello.txt", ".git/config"), 1),
    "not a plan": (["--plan", "-"], "{", 2),
    "worktree paths": (["--from-worktree", "run"], "", 1),
    "range": (["--from-range", "topic..main"], "", 1),
    "unknown range": (["--from-range", "nowhere..main"], "", 2),
    "no file": (["--patch", "nowhere.patch"], "", 4),
}


@pytest.mark.parametrize("planner", PLANNERS)
def test_proposing_touches_nothing(lived: Repo, world: Path, planner: str) -> None:
    args, given = PLANNERS[planner]
    with untouched(lived):
        plan = lived.tiny("propose", *args, "--json", input=given).json
    assert plan["state"] == "open"
    assert plan["steps"]
    assert not (world / "home/hooks-ran").exists()
    lived.fsck()


@pytest.mark.parametrize("planner", FAILING)
def test_proposing_that_fails_touches_nothing(lived: Repo, planner: str) -> None:
    args, given, code = FAILING[planner]
    with untouched(lived):
        answer = lived.tiny("propose", *args, input=given, check=False)
    assert answer.code == code, answer
    assert answer.err.startswith("error: ")
    assert lived.tiny("plans", "--all", "--json").json["plans"] == []


def test_looking_touches_nothing(lived: Repo) -> None:
    plan = make_plan(lived, {"hello.txt": "hello again\n"})
    conflicting = make_plan(lived, {"two.txt": "conflicts with what is staged\n"})
    looks = (
        ("plans",), ("plans", "--all", "--json"), ("show",), ("show", plan.id, "--json"), ("diff", plan.id),
        ("diff", plan.id, "--json"), ("check", plan.id), ("check", conflicting.id), ("export", plan.id), ("status",),
        ("status", "--json"), ("gc",), ("gc", "--dry-run"), ("recover",), ("apply", plan.id, "--dry-run"),
        ("apply", conflicting.id, "--dry-run", "--json"), ("reject", plan.id), ("reject", plan.id, "--purge"),
    )  # fmt: skip
    for look in looks:
        with untouched(lived):
            lived.tiny(*look)
    with untouched(lived):
        failed = lived.tiny("apply", conflicting.id, "--yes", "--expect", conflicting.tip, check=False)
    assert failed.code == 1


def test_looking_from_a_folder_and_from_another_worktree_touches_nothing(lived: Repo, world: Path) -> None:
    plan = make_plan(lived, {"hello.txt": "hello again\n"})
    for top in (lived.path / "src", world / "linked"):
        here = Repo(top)
        with untouched(lived):
            assert here.tiny("show", plan.id, "--json").json["tip"] == plan.tip
            here.tiny("propose", "--patch", "-", input=PATCH)
            here.tiny("apply", plan.id, "--dry-run")


def ended(repo: Repo, number: signal.Signals, wait: float, *args: str, given: str = "") -> int:
    """Start git tiny, send it (and what it started) a signal after a while; its exit code."""
    tick()
    child = subprocess.Popen(
        [*TINY, *args],
        cwd=repo.path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        child.communicate(given.encode(), timeout=wait)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, number)
        child.communicate()
    return child.returncode


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("planner", ["recipe rename", "patch", "worktree", "range"])
def test_proposing_that_is_interrupted_touches_nothing(lived: Repo, planner: str, number: signal.Signals) -> None:
    args, given = PLANNERS[planner]
    begun = time.monotonic()
    lived.tiny("propose", *args, input=given)
    whole = time.monotonic() - begun
    point = random.Random()
    for _ in range(3):
        wait = point.uniform(whole / 4, whole)
        with untouched(lived):
            code = ended(lived, number, wait, "propose", *args, given=given)
            # On a busy machine it may come before the interpreter has got to our code: then it ends as a signal.
            assert code in (0, *((130, -2) if number is signal.SIGINT else (-9,))), (
                f"exit {code} after {wait} of {whole}"
            )
    with untouched(lived):
        recovered = lived.tiny("recover")
    for plan in lived.tiny("plans", "--json").json["plans"]:
        assert lived.oid(plan["branch"]) == plan["tip"], recovered
    branches = [name for name in lived.refs() if name.startswith("refs/heads/tiny/")]
    records = [name for name in lived.refs() if name.startswith("refs/tiny/plans/")]
    assert len(branches) == len(records)
    lived.fsck()


def test_nothing_is_left_in_the_temporary_folder(lived: Repo, world: Path) -> None:
    place = world / "tmp"
    place.mkdir()
    for args, given in PLANNERS.values():
        lived.tiny("propose", *args, input=given, env={"TMPDIR": str(place)}, check=False)
    ended(lived, signal.SIGINT, 0.4, "propose", "--from-worktree")
    assert list(place.iterdir()) == []
