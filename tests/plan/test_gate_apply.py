"""Gates as an approval runs them, set by options or by configuration, some of them hostile, with and without a sandbox.

Whatever a gate does, it decides about the merge alone: nothing of the user's is another, and nothing of it runs on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plan.plans import Made, apply, make_plan, state, untouched
from tests.processes import marked
from tests.repos import ROOT, TINY, Repo, Result
from tests.world import tick
from tinycode_git.git.fingerprint import Fingerprint, difference
from tinycode_git.git.sandbox import Sandbox

BWRAP = Sandbox.find()


@pytest.fixture(params=["off", "require"], ids=["without", "bubblewrap"])
def sandbox(request: pytest.FixtureRequest, valued: Repo) -> str:
    """Both ways; where bubblewrap does not work its half is skipped and listed (-ra)."""
    if request.param == "require" and BWRAP is None:
        pytest.skip("bubblewrap is not installed, or may not make namespaces here")
    valued.config("tiny.sandbox", request.param)
    return str(request.param)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """After every test, no process that a gate started is alive."""
    yield
    assert [process.cmdline() for process in marked()] == []


@pytest.fixture
def valued(repo: Repo) -> Repo:
    """A repository with something to lose."""
    repo.git("branch", "other")
    repo.git("update-ref", "refs/tiny/keep/held/1", "HEAD")
    repo.commit("second", {"hello.txt": "second\n"})
    repo.hook("pre-push", "exit 0")
    repo.write("src/app.py", "uncommitted\n")
    repo.write("untracked", "untracked\n")
    return repo


@pytest.fixture
def plan(valued: Repo) -> Made:
    return make_plan(valued, {"a": "a\n"}, {"b": "b\n"}, {"c": "c\n"})


def refused(repo: Repo, plan: Made, *options: str) -> Result:
    """The gate fails: exit 1, the plan is as open as before, nothing of the user's is another."""
    with untouched(repo):
        answer = apply(repo, plan, *options, check=False)
    assert answer.code == 1, answer
    assert repo.tiny("show", plan.id, "--json").json["state"] == "open"
    return answer


def test_as_configured_it_is_prepared_linked_run_and_remembered(valued: Repo, plan: Made, sandbox: str) -> None:
    valued.write("node_modules/x.js", "of mine\n")
    valued.write(".venv/y", "of mine\n")
    valued.config("tiny.check", "cat made node_modules/x.js .venv/y c; test ! -e untracked")
    valued.config("tiny.checkSetup", "echo prepared > made")
    valued.git("config", "--add", "tiny.checkLink", "node_modules")
    valued.git("config", "--add", "tiny.checkLink", ".venv")
    before = state(valued)
    first = apply(valued, plan)
    assert "| prepared\n| of mine\n| of mine\n| c\n" in first.err
    assert " passed after " in first.err
    assert not (valued.path / "made").exists()
    valued.tiny("rollback", plan.id)
    assert state(valued) == before
    again = make_plan(valued, {"a": "a\n", "b": "b\n", "c": "c\n"})
    assert "` passed on this very tree before\n" in apply(valued, again).err
    valued.tiny("rollback", again.id)
    valued.config("tiny.checkSetup", "echo otherwise > made")
    third = make_plan(valued, {"a": "a\n", "b": "b\n", "c": "c\n"})
    assert "| otherwise\n" in apply(valued, third).err


def test_a_failure_refuses_says_where_its_output_is_and_is_not_remembered(
    valued: Repo, plan: Made, sandbox: str
) -> None:
    for _ in range(2):
        answer = refused(valued, plan, "--check", "echo why; exit 3")
        assert "| why\n" in answer.err
        assert "the gate failed: `echo why; exit 3` ended with code 3 after " in answer.err
        assert "; nothing was applied\n" in answer.err
        [kept] = [line for line in answer.err.splitlines() if line.startswith("hint: all of its output: ")]
        assert Path(kept.removeprefix("hint: all of its output: ")).read_text() == "why\n"


def test_a_setup_that_fails_and_a_link_that_is_not_there(valued: Repo, plan: Made, sandbox: str) -> None:
    valued.config("tiny.check", "echo never")
    valued.config("tiny.checkSetup", "exit 5")
    answer = refused(valued, plan)
    assert "the setup of the gate failed: `exit 5` ended with code 5" in answer.err
    assert "| never" not in answer.err
    valued.config("tiny.checkLink", "node_modules")
    answer = refused(valued, plan)
    assert "node_modules is not there to be linked" in answer.err
    assert "hint: make it, or unset it in tiny.checkLink" in answer.err


def test_each_step_names_the_first_that_is_bad(valued: Repo, plan: Made, sandbox: str) -> None:
    answer = refused(valued, plan, "--check", "test ! -e b || test -e c", "--each-step")
    assert "error: step 2 (step 2) is the first that fails: the gate failed: " in answer.err
    apply(valued, plan, "--check", "test ! -e b || test -e c")


VERDICTS = {
    "pytest.ini": "[pytest]\naddopts = --deselect test_it.py\n",
    "conftest.py": "collect_ignore = ['test_it.py']\n",
    ".git/info/exclude": "test_it.py\n",
    ".git/info/attributes": "test_it.py export-ignore\n",
}


@pytest.mark.parametrize("path", VERDICTS)
def test_nothing_untracked_of_the_users_changes_the_verdict(valued: Repo, sandbox: str, path: str) -> None:
    bad = make_plan(valued, {"test_it.py": "def test_it() -> None: assert False\n"})
    check = f"{sys.executable} -m pytest -q -p no:cacheprovider"
    valued.write(path, VERDICTS[path])
    answer = refused(valued, bad, "--check", check)
    assert "1 failed" in answer.err, answer


LIMITS = {
    "tiny.limitMemory": ("100m", "x = bytearray(150_000_000); time.sleep(300)", r"memory: "),
    "tiny.limitCpu": ("1", "while True: pass", "CPU time: "),
    "tiny.limitFiles": ("50", "held = [open('/dev/null') for n in range(99)]", "open files: Too many open files: "),
    "tiny.limitFileSize": ("1m", "open('large', 'wb').write(bytes(5_000_000))", "file size: a file came to 1 MB"),
    "tiny.checkSeconds": ("1", "time.sleep(300)", " s of 1 s"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_over_a_limit_it_is_ended_and_the_figure_said(valued: Repo, plan: Made, sandbox: str, name: str) -> None:
    value, code, words = LIMITS[name]
    valued.config(name, value)
    script = valued.path.parent / "over.py"
    script.write_text(f"import time\n{code}\n")
    answer = refused(valued, plan, "--check", f"{sys.executable} {script}")
    assert words in answer.err, answer


def test_the_seeded_limits(valued: Repo) -> None:
    valued.tiny("config", "limits", "seed")
    values = {name: valued.git("config", name).text for name in LIMITS if name != "tiny.checkSeconds"}
    assert values == {
        "tiny.limitMemory": "2g", "tiny.limitCpu": "300", "tiny.limitFiles": "100", "tiny.limitFileSize": "10m"
    }  # fmt: skip


HOSTILE = {
    "resets": "git -C REPO reset -q --hard HEAD~1",
    "resets softly": "git -C REPO reset -q --soft HEAD~1",
    "stashes": "git -C REPO stash -q",
    "edits the configuration": "printf '[core]\\n\\tfsmonitor = touch evil\\n' >> REPO/.git/config",
    "ruins the configuration": "echo '[' > REPO/.git/config",
    "deletes a branch": "git -C REPO branch -q -D other",
    "deletes one of ours": "git -C REPO update-ref -d refs/tiny/keep/held/1",
    "makes a branch": "git -C REPO branch evil",
    "makes a hook": "echo evil > REPO/.git/hooks/pre-commit; chmod +x REPO/.git/hooks/pre-commit",
    "takes a hook away": "rm REPO/.git/hooks/pre-push",
    "writes a file": "echo evil > REPO/untracked",
}
# What no record has: it is shown, and the user's own backups have it.
NOT_BACK = ("resets", "stashes", "writes a file")


@pytest.mark.parametrize("name", HOSTILE)
def test_in_a_sandbox_a_hostile_gate_changes_nothing(valued: Repo, plan: Made, name: str) -> None:
    if BWRAP is None:
        pytest.skip("bubblewrap is not installed, or may not make namespaces here")
    refs = valued.refs()
    refused(valued, plan, "--check", f"set -e; {HOSTILE[name].replace('REPO', str(valued.path))}; exit 1")
    assert {ref: oid for ref, oid in valued.refs().items() if "audit" not in ref} == refs


@pytest.mark.parametrize("name", HOSTILE)
def test_without_one_it_fails_and_what_it_changed_is_shown_and_put_back(valued: Repo, plan: Made, name: str) -> None:
    valued.config("tiny.sandbox", "off")
    before, refs = Fingerprint.take(valued.path), valued.refs()
    answer = apply(valued, plan, "--check", HOSTILE[name].replace("REPO", str(valued.path)), check=False)
    assert answer.code == 1
    assert "` changed your repository: " in answer.err, answer
    found = difference(before, before.again())
    if name in NOT_BACK:
        assert found
        assert all(line in answer.err for line in found if "index" not in line and "reflog" not in line), found
    else:
        assert "  put back: " in answer.err
        # git's own notes of what happened stay: the reflogs, and where HEAD was.
        assert [line for line in found if not line.startswith(("reflog of ", ".git/logs/", ".git/ORIG_HEAD"))] == []
    if name == "stashes":
        assert valued.git("stash", "list").out, "what it stashed is the user's own work"
    else:
        assert {ref: oid for ref, oid in valued.refs().items() if "audit" not in ref} == refs
    if "configuration" in name:
        assert "(what stood there is in " in answer.err
        assert (valued.git_dir() / "tiny/replaced/config").is_file()
    assert valued.tiny("show", plan.id, "--json").json["state"] == "open"
    valued.fsck()


LINGERING = {
    "in the background": "sleep 300 &",
    "a session of its own": "setsid sh -c 'sleep 300; sleep 300' > /dev/null 2>&1 < /dev/null &",
    "ignoring signals": "(trap '' TERM INT HUP; sleep 300; sleep 300) & sleep 0.2",
}


@pytest.mark.parametrize("name", LINGERING)
def test_what_it_leaves_running_is_ended(valued: Repo, plan: Made, sandbox: str, name: str) -> None:
    apply(valued, plan, "--check", LINGERING[name])


def test_escapes_are_text_and_a_stubborn_one_is_ended(valued: Repo, plan: Made, sandbox: str) -> None:
    valued.config("tiny.checkSeconds", "1")
    check = (
        "printf '\\033]0;owned\\007\\033[2Jplain\\033[0m\\342\\200\\256\\n'; trap '' TERM INT HUP; while :; do :; done"
    )
    answer = refused(valued, plan, "--check", check)
    assert "| plain" in answer.err
    assert not any(text in answer.err for text in ("\x1b", "\x07", "\u202e"))


def start(repo: Repo, plan: Made, check: str) -> subprocess.Popen[str]:
    tick()
    argv = [*TINY, "apply", plan.id, "--yes", "--expect", plan.tip, "--check", check]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(argv, cwd=repo.path, env=env, stderr=subprocess.PIPE, text=True, process_group=0)
    assert child.stderr is not None
    assert any("ready" in line for line in child.stderr if line.startswith("| "))
    return child


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_nothing_was_changed(valued: Repo, plan: Made, sandbox: str, number: signal.Signals) -> None:
    with untouched(valued):
        child = start(valued, plan, "sleep 300 & trap '' INT TERM; echo ready; sleep 300; sleep 300")
        child.send_signal(number)
        _, err = child.communicate(timeout=60)
    assert (child.returncode, err.splitlines()[-1]) == (130, "error: interrupted")
    assert valued.tiny("show", plan.id, "--json").json["state"] == "open"


def test_interrupted_what_it_had_changed_is_shown_and_put_back(valued: Repo, plan: Made) -> None:
    valued.config("tiny.sandbox", "off")
    refs = valued.refs()
    child = start(valued, plan, f"git -C {valued.path} branch -q -D other; echo ready; sleep 300; sleep 300")
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 1
    assert "error: your repository was changed while the gate ran (" in err
    assert "put back: refs/heads/other" in err
    assert {ref: oid for ref, oid in valued.refs().items() if "audit" not in ref} == refs


def test_a_commit_of_the_users_meanwhile_is_shown_and_left(valued: Repo, plan: Made) -> None:
    valued.config("tiny.sandbox", "off")
    child = start(valued, plan, "echo ready; sleep 2")
    mine = valued.commit("mine", {"mine": "m\n"})
    _, err = child.communicate(timeout=60)
    assert child.returncode == 1
    assert "changed your repository: " in err
    assert "put back" not in err
    assert valued.oid() == mine
