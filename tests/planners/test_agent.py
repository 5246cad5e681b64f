"""Other programs as planners: their work becomes steps; what they break, leave running or print does no harm."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.audit.logs import read_only, unprivileged
from tests.plan.plans import state, untouched
from tests.repos import ROOT, TINY, Repo, Result
from tests.world import tick
from tinycode_git.git.sandbox import Sandbox

BWRAP = Sandbox.find()
NEEDED = (
    "sh",
    "git",
    "cat",
    "sleep",
    "setsid",
    "touch",
    "mkdir",
    "rm",
    "env",
    "python3",
    "chmod",
    "ls",
    "printf",
    "id",
)


@pytest.fixture
def bare_path(world: Path) -> dict[str, str]:
    """A PATH on which there is no bubblewrap."""
    folder = world / "bin"
    folder.mkdir()
    for name in NEEDED:
        found = shutil.which(name)
        assert found is not None, name
        (folder / name).symlink_to(found)
    return {"PATH": str(folder)}


@pytest.fixture(params=["bubblewrap", "without"])
def env(request: pytest.FixtureRequest, bare_path: dict[str, str]) -> dict[str, str]:
    """Both ways. Where bubblewrap is not there or may not make namespaces, its half is skipped and listed (-ra)."""
    if request.param == "without":
        return bare_path
    if BWRAP is None:
        pytest.skip("bubblewrap is not installed, or may not make namespaces here")
    return {}


@pytest.fixture(autouse=True)
def nothing_is_left(world: Path) -> Iterator[None]:
    """After every test nothing that an agent started is alive, and no throwaway clone is there."""
    yield
    assert [process.cmdline() for process in _marked()] == []
    assert [found.name for found in world.glob("home/.cache/git-tiny/clones/once-*")] == []


def _marked() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            env = process.environ()
            if "TINY_RUN" in env and env.get("HOME") == os.environ["HOME"] and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def agent(repo: Repo, script: str) -> str:
    """The command line of an agent that is this shell script."""
    place = repo.path.parent / "agent"
    place.write_text(f"#!/bin/sh\nset -e\n{script}\n")
    place.chmod(0o755)
    return f"{place} {{task}}"


def propose(repo: Repo, script: str, env: dict[str, str], *, task: str = "do it", check: bool = True) -> Result:
    return repo.tiny("propose", "--agent", agent(repo, script), task, "--json", env=env, check=check)


def plans(repo: Repo) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = repo.tiny("plans", "--json").json["plans"]
    return found


COMMIT = "git -c user.name=Agent -c user.email=agent@example.com commit -q"


def test_commits_are_steps_and_what_is_left_comes_last(repo: Repo, env: dict[str, str]) -> None:
    repo.write("hello.txt", "uncommitted\n")
    script = (
        f"echo a > a; git add a; {COMMIT} -m 'Add a' -m 'Because it was missing.'\n"
        f"echo b > src/b; git rm -q --cached hello.txt; rm hello.txt; git add src; {COMMIT} -m 'Add b, drop hello'\n"
        "echo left > left; echo left > src/left; echo 'done with it'"
    )
    with untouched(repo):
        made = propose(repo, script, env)
    plan = made.json
    assert plan["state"] == "open"
    assert [(step["title"], step["paths"]) for step in plan["steps"]] == [
        ("Add a", ["a"]),
        ("Add b, drop hello", ["hello.txt", "src/b"]),
        ("Change files at the top", ["left"]),
        ("Change src/", ["src/left"]),
    ]
    assert "Because it was missing." in repo.git("log", "-1", "--format=%b", plan["steps"][0]["oid"]).out
    assert "Assisted-by: agent" in repo.git("log", "-1", "--format=%B", plan["tip"]).out
    assert repo.git("log", "-1", "--format=%cn", plan["tip"]).text == "Ada Example"
    assert "| done with it" in made.err
    assert repo.show(f"refs/tiny/plans/{plan['id']}", "agent-output") == b"done with it\n"
    [note] = [note for note in plan["notes"] if note.startswith("agent: exit code 0")]
    assert note.endswith("without a sandbox" if env else "in a sandbox")
    assert ("no sandbox here" in made.err) == bool(env)
    repo.fsck()


def test_it_is_named_after_the_program(repo: Repo) -> None:
    plan = repo.tiny("propose", "--agent", "A=1 B=2 sh -c 'echo $A$B > a'", "set variables", "--json").json
    assert plan["notes"][0].startswith("sh: exit code 0, ")
    assert repo.show(plan["tip"], "a") == b"12\n"


def test_it_is_told_the_task_and_sees_no_way_back(repo: Repo, env: dict[str, str]) -> None:
    repo.git("remote", "add", "origin", repo.path.parent / "elsewhere")
    task = 'it\'s a "task"; touch evil $(touch evil2)'
    script = (
        'printf "%s\\n" "$1" "$TINY_TASK" "$TINY_MODE" > said; git remote > remotes; pwd > where; '
        "git rev-parse --show-toplevel >> where; env > all; "
        "while read line; do case $line in GIT_DIR*) echo $line;; esac; done < all > leaks; rm all; "
        "git log --format=%s > log"
    )
    with untouched(repo):
        plan = propose(repo, script, {**env, "GIT_DIR_TEST": "x"}, task=task).json

    def said(name: str) -> list[str]:
        return repo.show(plan["tip"], name).decode().splitlines()

    assert said("said") == [task, task, "propose"]
    assert said("remotes") == said("leaks") == []
    assert said("log") == ["first"]
    assert len(set(said("where"))) == 1
    assert not Path(said("where")[0]).is_relative_to(repo.path)
    assert "evil" not in repo.tree(plan["tip"])


def test_the_plan_lands_and_is_taken_back(repo: Repo, env: dict[str, str]) -> None:
    before = state(repo)
    plan = propose(repo, f"echo a > a; git add a; {COMMIT} -m 'Add a'; echo b > b", env).json
    repo.tiny("apply", plan["id"], "--yes", "--expect", plan["tip"])
    assert repo.tree().keys() >= {"a", "b"}
    repo.tiny("rollback", plan["id"])
    assert state(repo) == before


def test_a_formatter_at_work_on_this_project(repo: Repo, env: dict[str, str]) -> None:
    shutil.copytree(ROOT / "tinycode_git", repo.path / "tinycode_git", ignore=shutil.ignore_patterns("__pycache__"))
    repo.git("add", "tinycode_git")
    repo.commit("this project")
    paths = ["tinycode_git/errors.py", "tinycode_git/modes.py"]
    command = f"{sys.executable} -m ruff format --isolated --line-length 60 {' '.join(paths)}"
    before = state(repo)
    plan = repo.tiny("propose", "--agent", command, "shorter lines", "--json", env=env).json
    assert state(repo) == before
    assert [step["paths"] for step in plan["steps"]] == [paths]
    check = f"{sys.executable} -m compileall -q tinycode_git"
    repo.tiny("apply", plan["id"], "--check", check, "--yes", "--expect", plan["tip"], env=env)
    for path in paths:
        lines = (repo.path / path).read_text().splitlines()
        assert len(lines) > len((ROOT / path).read_text().splitlines())
    repo.tiny("rollback", env=env)
    assert state(repo) == before


FAILING = {
    "exit code": ("exit 3", "the agent ended with exit code 3"),
    "killed by itself": ("kill -9 $$", "the agent ended with exit code"),
    "no such command": ("no-such-command", "the agent ended with exit code 127"),
}


@pytest.mark.parametrize("name", FAILING)
def test_one_that_fails_leaves_a_draft(repo: Repo, env: dict[str, str], name: str) -> None:
    end, words = FAILING[name]
    with untouched(repo):
        answer = propose(repo, f"echo a > a; git add a; {COMMIT} -m 'Add a'; echo b > b\n{end}", env, check=False)
    assert answer.code == 1
    assert words in answer.err
    [plan] = plans(repo)
    assert f"is kept as the draft plan {plan['id']}" in answer.err
    assert plan["state"] == "draft"
    assert [step["title"] for step in plan["steps"]] == ["Add a", "Change files at the top"]


def test_one_that_does_nothing_leaves_nothing(repo: Repo, env: dict[str, str]) -> None:
    for script, code in (("true", 0), ("exit 3", 3)):
        with untouched(repo):
            answer = propose(repo, script, env, check=False)
        assert answer.code == 1
        assert f"the agent ended with exit code {code} and changed nothing\nhint: it printed nothing" in answer.err
    assert plans(repo) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_its_work_is_kept_as_a_draft(repo: Repo, env: dict[str, str], number: signal.Signals) -> None:
    script = (
        f"echo a > a; git add a; {COMMIT} -m 'Add a'; echo b > b; echo ready; trap '' INT TERM; sleep 300; sleep 300"
    )
    with untouched(repo):
        child = start(repo, script, env)
        wait_for(child, "ready")
        child.send_signal(number)
        _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    [plan] = plans(repo)
    assert plan["state"] == "draft"
    assert [step["title"] for step in plan["steps"]] == ["Add a", "Change files at the top"]
    assert plan["notes"][0].endswith("without a sandbox" if env else "in a sandbox")


def start(repo: Repo, script: str, env: dict[str, str]) -> subprocess.Popen[str]:
    tick()
    return subprocess.Popen(
        [*TINY, "propose", "--agent", agent(repo, script), "do it"],
        cwd=repo.path,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def wait_for(child: subprocess.Popen[str], word: str) -> None:
    assert child.stderr is not None
    for line in child.stderr:
        if word in line:
            return
    raise AssertionError(f"it never said {word}")


def test_a_killed_git_tiny_takes_its_agent_along(repo: Repo, env: dict[str, str]) -> None:
    with untouched(repo):
        child = start(repo, "echo a > a; (setsid sleep 300 &) ; echo ready; trap '' TERM; sleep 300; sleep 300", env)
        wait_for(child, "ready")
        child.kill()
        child.communicate()
        deadline = time.monotonic() + 30
        while _marked() and time.monotonic() < deadline:
            time.sleep(0.05)
    assert _marked() == []
    assert plans(repo) == []
    propose(repo, "echo b > b", env)  # clears away the clone that was left


@pytest.mark.parametrize(
    ("setting", "value", "script", "words"),
    [
        (
            "tiny.limitMemory",
            "50m",
            "python3 -c 'x = bytearray(70_000_000); import time; time.sleep(300)'",
            "was ended: memory: ",
        ),
        ("tiny.limitCpu", "1", "while :; do :; done", "was ended: CPU time: "),
        ("tiny.limitFiles", "50", "python3 -c \"x = [open('/dev/null') for n in range(99)]\"", "open files: "),
        ("tiny.limitFileSize", "1m", 'python3 -c \'open("large", "wb").write(bytes(5_000_000))\'', "file size: "),
        ("tiny.limitTime", "2", "sleep 300", "was ended: time: "),
    ],
)
def test_over_a_limit_it_is_ended_with_the_figure(
    repo: Repo, env: dict[str, str], setting: str, value: str, script: str, words: str
) -> None:
    repo.config(setting, value)
    with untouched(repo):
        answer = propose(repo, f"echo a > a\n{script}", env, check=False)
    assert answer.code == 1
    assert words in answer.err, answer
    assert [plan["state"] for plan in plans(repo)] == ["draft"]


def test_escapes_in_its_output_and_titles_are_text(repo: Repo, env: dict[str, str]) -> None:
    script = (
        "printf 'one\\033[2J\\033]0;title\\007two\\r\\n'; printf '\\342\\200\\256bidi\\n'; "
        f"echo a > a; git add a; printf 'Add \\033[31ma\\n' > /dev/null; {COMMIT} -m \"$(printf 'Add \\033[31mred')\""
    )
    with untouched(repo):
        made = propose(repo, script, env)
    told = repo.tiny("show", made.json["id"])
    for text in (made.err, told.out, told.err):
        assert "\x1b" not in text
        assert "\x07" not in text
        assert "\u202e" not in text


# Programs that mean harm. REPO is the user's repository, which they know.

HOSTILE = {
    "edits the configuration": "printf '[core]\\n\\tfsmonitor = touch evil\\n' >> REPO/.git/config",
    "deletes a branch": "git -C REPO branch -D other",
    "makes a branch": "git -C REPO branch evil",
    "makes a tag": "git -C REPO tag evil",
    "moves a ref of ours": "git -C REPO update-ref refs/tiny/keep/held/1 HEAD",
    "deletes one of ours": "git -C REPO update-ref -d refs/tiny/keep/held/1",
    "resets": "git -C REPO reset -q --hard HEAD~1",
    "resets softly": "git -C REPO reset -q --soft HEAD~1",
    "stashes": "git -C REPO stash -q",
    "checks out": "git -C REPO checkout -q -f other",
    "writes a file": "echo evil > REPO/hello.txt",
    "writes an untracked file": "echo evil > REPO/evil",
    "deletes a file": "rm REPO/hello.txt",
    "stages": "git -C REPO add -A",
    "makes a hook": "cd REPO/.git; mkdir -p hooks; echo evil > hooks/pre-commit; chmod +x hooks/pre-commit",
    "changes a mode": "chmod 777 REPO/hello.txt",
}


@pytest.fixture
def valued(repo: Repo) -> Repo:
    """A repository with something to lose."""
    repo.git("branch", "other")
    repo.git("update-ref", "refs/tiny/keep/held/1", "HEAD")
    repo.commit("second", {"hello.txt": "second\n"})
    repo.write("src/app.py", "uncommitted\n")
    repo.write("untracked", "untracked\n")
    return repo


@pytest.mark.parametrize("name", HOSTILE)
def test_with_a_sandbox_nothing_of_the_users_changes(valued: Repo, name: str) -> None:
    if BWRAP is None:
        pytest.skip("bubblewrap is not installed, or may not make namespaces here")
    script = HOSTILE[name].replace("REPO", str(valued.path))
    with untouched(valued):
        answer = propose(valued, f"echo a > a\n{script}", {}, check=False)
    assert answer.code == 1
    assert "the agent ended with exit code" in answer.err, answer
    assert [plan["state"] for plan in plans(valued)] == ["draft"]


# What was changed and is put back; files of the working tree, HEAD, the index and the stash are shown.
BACK = (
    "edits the configuration",
    "deletes a branch",
    "makes a branch",
    "makes a tag",
    "moves a ref of ours",
    "deletes one of ours",
    "resets softly",
    "makes a hook",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_without_one_every_change_is_shown_and_refs_and_settings_put_back(
    valued: Repo, name: str, bare_path: dict[str, str]
) -> None:
    script = HOSTILE[name].replace("REPO", str(valued.path))
    refs, head = valued.refs(), valued.git("symbolic-ref", "HEAD").text
    config = (valued.git_dir() / "config").read_bytes()
    answer = propose(valued, f"echo a > a\n{script}", bare_path, check=False)
    assert answer.code == 1
    assert "your repository was changed while the agent ran (" in answer.err, answer
    assert "difference" in answer.err
    assert "no sandbox here (bubblewrap)" in answer.err
    [plan] = plans(valued)
    assert plan["state"] == "draft"
    now = {
        ref: oid for ref, oid in valued.refs().items() if plan["id"] not in ref and not ref.startswith("refs/tiny/a")
    }
    if name == "stashes":
        # Taken back, the user's own work would be in no ref any more.
        assert now.pop("refs/stash") != refs.get("refs/stash")
        assert valued.show("refs/stash", "src/app.py") == b"uncommitted\n"
        refs.pop("refs/stash", None)
    assert now == {ref: oid for ref, oid in refs.items() if not ref.startswith("refs/tiny/a")}
    assert (valued.git_dir() / "config").read_bytes() == config
    if name in BACK:
        assert "put back: " in answer.err
    assert not (valued.git_dir() / "hooks/pre-commit").exists()
    if name != "checks out":
        assert valued.git("symbolic-ref", "HEAD").text == head
    valued.fsck()


def test_work_of_the_users_meanwhile_is_shown_and_in_a_sandbox_never_taken_back(repo: Repo) -> None:
    if BWRAP is None:
        pytest.skip("bubblewrap is not installed, or may not make namespaces here")
    child = start(repo, "echo a > a; echo ready; sleep 4", {})
    wait_for(child, "ready")
    mine = repo.commit("mine", {"mine": "m\n"})
    _, err = child.communicate(timeout=60)
    assert child.returncode == 1
    assert "your repository was changed while the agent ran" in err
    assert "put back" not in err
    assert repo.oid() == mine
    assert [plan["state"] for plan in plans(repo)] == ["draft"]


def test_without_one_a_commit_of_the_users_meanwhile_is_shown_and_left(repo: Repo, bare_path: dict[str, str]) -> None:
    child = start(repo, "echo a > a; echo ready; sleep 3", bare_path)
    wait_for(child, "ready")
    repo.git("branch", "gone")
    repo.branch("mine")
    mine = repo.commit("mine", {"mine": "m\n"})
    _, err = child.communicate(timeout=60)
    assert child.returncode == 1
    assert "your repository was changed while the agent ran" in err
    assert "put back: refs/heads/gone" in err
    assert "put back: refs/heads/mine" not in err
    assert (repo.oid(), repo.git("symbolic-ref", "HEAD").text) == (mine, "refs/heads/mine")


def test_what_it_changed_is_shown_also_where_its_work_cannot_be_taken(repo: Repo, bare_path: dict[str, str]) -> None:
    script = f"git checkout -q --orphan alone; echo a > a; git add a; {COMMIT} -m alone; git -C {repo.path} branch evil"
    refs = repo.refs()
    answer = propose(repo, script, bare_path, check=False)
    assert answer.code == 1
    assert "error: your repository was changed while the agent ran (" in answer.err
    assert "put back: refs/heads/evil" in answer.err
    assert "it left no plan: agent left commits that do not stand on the plan's base" in answer.err
    assert {ref: oid for ref, oid in repo.refs().items() if not ref.startswith("refs/tiny/a")} == refs


def test_the_sandbox_that_the_settings_want(repo: Repo, bare_path: dict[str, str]) -> None:
    repo.config("tiny.sandbox", "require")
    with untouched(repo):
        answer = propose(repo, "echo a > a", bare_path, check=False)
    assert (answer.code, answer.err.splitlines()[0]) == (4, "error: there is no sandbox that works here")
    repo.config("tiny.sandbox", "off")
    with untouched(repo):
        made = propose(repo, "echo a > a", {})
    assert "no sandbox (tiny.sandbox is off): what the agent changes of yours is detected afterwards" in made.err
    assert made.json["notes"][0].endswith("without a sandbox")


LINGERING = {
    "in the background": "sleep 300 & echo started",
    "a session of its own": "setsid sh -c 'sleep 300; sleep 300' > /dev/null 2>&1 < /dev/null & echo started",
    "ignoring signals": "(trap '' TERM INT HUP; sleep 300; sleep 300) & echo started",
    "forking on": "for n in 1 2 3 4 5 6 7 8; do (setsid sh -c '(sleep 300 &) ; sleep 300' &) ; done; echo started",
}


@pytest.mark.parametrize("name", LINGERING)
def test_nothing_is_left_running(repo: Repo, env: dict[str, str], name: str) -> None:
    with untouched(repo):
        made = propose(repo, f"echo a > a\n{LINGERING[name]}", env)
    assert made.json["state"] == "open"
    assert _marked() == []
    if env:
        assert any("processes running, which were ended" in note for note in made.json["notes"])


def test_it_ruins_its_own_repository(repo: Repo, env: dict[str, str]) -> None:
    with untouched(repo):
        made = propose(repo, "echo a > a; rm -rf .git; mkdir .git; echo nonsense > .git/HEAD", env)
    assert made.json["state"] == "open"
    assert [step["paths"] for step in made.json["steps"]] == [["a"]]
    assert any("ruined" in note for note in made.json["notes"])


def test_a_history_of_its_own_is_refused(repo: Repo, env: dict[str, str]) -> None:
    script = f"git checkout -q --orphan alone; echo a > a; git add a; {COMMIT} -m alone"
    with untouched(repo):
        answer = propose(repo, script, env, check=False)
    assert answer.code == 1
    assert "left commits that do not stand on the plan's base" in answer.err
    assert plans(repo) == []


def test_what_it_proposes_is_validated(repo: Repo, env: dict[str, str]) -> None:
    secret = "AKIA" + "QYLPMN5HHHFPZAM2"
    with untouched(repo):
        made = propose(repo, f"echo 'key = \"{secret}\"' > settings.py", env).json
    assert made["findings"]
    answer = repo.tiny("apply", made["id"], "--yes", "--expect", made["tip"], check=False)
    assert "the validator blocks" in answer.err


@pytest.mark.parametrize(("command", "words"), [("", "not"), ("  ", "--agent needs a command")])
def test_an_empty_command(repo: Repo, command: str, words: str) -> None:
    with untouched(repo):
        answer = repo.tiny("propose", "--agent", command, "do it", check=False)
    assert answer.code != 0
    assert plans(repo) == []


def test_a_read_only_repository_takes_nothing_over_and_says_why(repo: Repo) -> None:
    with read_only(repo.path / ".git"):
        done = unprivileged([*TINY, "propose", "--agent", agent(repo, "echo a > a"), "do it"], cwd=repo.path)
    assert done.returncode == 4, done.stderr
    assert b"hint: is the disk full, or the repository read-only?" in done.stderr
