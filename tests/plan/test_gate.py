"""The gate runs the user's check on the tree of the approval and on nothing else, and remembers passes only."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.processes import marked
from tests.repos import ROOT, Link, Repo
from tinycode_git.errors import Incomplete, Refused
from tinycode_git.git.fingerprint import Fingerprint, difference
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.sandbox import Sandbox
from tinycode_git.git.watch import Limits
from tinycode_git.plan.gate import Check, GateResult, each_step, forget, gate, run_gate

BWRAP = Sandbox.find()


@pytest.fixture(params=["off", "require"], ids=["without", "bubblewrap"])
def sandbox(request: pytest.FixtureRequest) -> str:
    """Both ways; where bubblewrap does not work its half is skipped and listed (-ra)."""
    if request.param == "require" and BWRAP is None:
        pytest.skip("bubblewrap is not installed, or may not make namespaces here")
    return str(request.param)


def _tree(repo: Repo, rev: str = "HEAD") -> str:
    return repo.oid(f"{rev}^{{tree}}")


def _run(repo: Repo, command: str, sandbox: str = "off", rev: str = "HEAD", **more: object) -> GateResult:
    handle = ReadRepo.discover(repo.path)
    check = Check(command, sandbox=sandbox, **more)  # type: ignore[arg-type]
    return run_gate(handle, _tree(repo, rev), check)


def test_a_pass_and_a_failure(repo: Repo, sandbox: str) -> None:
    before = Fingerprint.take(repo.path)
    passed = _run(repo, "echo fine; test -f hello.txt", sandbox)
    assert (passed.passed, passed.lines, passed.sandboxed) == (True, ("fine",), sandbox == "require")
    failed = _run(repo, "echo why; exit 3", sandbox)
    assert (failed.passed, failed.code, failed.lines) == (False, 3, ("why",))
    assert failed.words().startswith("`echo why; exit 3` ended with code 3 after ")
    assert failed.output is not None
    assert failed.output.read_text() == "why\n"
    assert difference(before, before.again()) == ()


def test_as_an_approval_takes_it(repo: Repo) -> None:
    handle, shown = ReadRepo.discover(repo.path), list[str]()
    gate(handle, Check("echo fine"), shown=shown.append)(_tree(repo))
    assert shown == ["fine"]
    with pytest.raises(Refused) as refused:
        gate(handle, Check("echo one; printf '\\033[31mtwo\\n'; exit 1"))(_tree(repo))
    assert refused.value.message.startswith("the gate failed: `echo one; printf ")
    assert refused.value.message.endswith(" s; nothing was applied")
    assert refused.value.detail == "| one\n| two"
    assert refused.value.hint.startswith(f"all of its output: {repo.path}/.git/tiny/gate-output/")


UNTRACKED = {
    "untracked configuration": ("pytest.ini", "[pytest]\naddopts = --deselect test_it.py\n"),
    "untracked conftest": ("conftest.py", "collect_ignore = ['test_it.py']\n"),
    "ignored": ("conftest.ignored.py", "x\n"),
    "configuration above": ("../pytest.ini", "[pytest]\naddopts = --deselect test_it.py\n"),
    "uncommitted change": ("test_it.py", "def test_it() -> None: pass\n"),
    "module in the way": ("pytest.py", "raise SystemExit(0)\n"),
}


@pytest.mark.parametrize("name", UNTRACKED)
def test_what_lies_about_in_the_working_tree_does_not_count(name: str, repo: Repo, sandbox: str) -> None:
    repo.commit(
        "a test that fails", {"test_it.py": "def test_it() -> None: assert False\n", ".gitignore": "*.ignored.*"}
    )
    path, content = UNTRACKED[name]
    repo.write(path, content)
    result = _run(repo, f"{sys.executable} -m pytest -q -p no:cacheprovider test_it.py", sandbox)
    assert result.code == 1, result.lines
    assert any("1 failed" in line for line in result.lines), result.lines


def test_search_paths_lead_into_the_checkout(repo: Repo, sandbox: str) -> None:
    repo.commit("a library", {"lib/thing.py": "VALUE = 'committed'\n"})
    repo.write("lib/thing.py", "VALUE = 'not committed'\n")
    os.environ["PYTHONPATH"] = f"{repo.path}/lib:/elsewhere"
    result = _run(repo, f"{sys.executable} -c 'import thing; print(thing.VALUE)'", sandbox)
    assert result.lines == ("committed",)


def test_git_in_it_is_the_checkouts(repo: Repo, sandbox: str) -> None:
    base, tip = repo.oid(), repo.commit("second", {"new": "n\n"})
    os.environ["GIT_DIR"], os.environ["GIT_INDEX_FILE"] = str(repo.git_dir()), str(repo.git_dir() / "index")
    handle = ReadRepo.discover(repo.path)
    check = Check("git log -1 --format=%P; git status --porcelain; git rev-parse --show-toplevel", sandbox=sandbox)
    result = run_gate(handle, _tree(repo), check, parents=[base, tip])
    del os.environ["GIT_DIR"], os.environ["GIT_INDEX_FILE"]
    assert result.lines[0] == f"{base} {tip}"
    assert len(result.lines) == 2
    assert not Path(result.lines[1]).is_relative_to(repo.path)


def test_setup_and_links(repo: Repo, sandbox: str) -> None:
    repo.write("node_modules/x.js", "x\n")
    setup = "echo prepared > made"
    result = _run(repo, "cat made node_modules/x.js", sandbox, setup=setup, links=("node_modules",))
    assert result.lines == ("prepared", "x")
    assert not (repo.path / "made").exists()
    failed = _run(repo, "echo never", sandbox, setup="echo broken; exit 2")
    assert (failed.stage, failed.code, failed.lines) == ("setup", 2, ("broken",))
    assert failed.words().startswith("`echo broken; exit 2` ended with code 2")


def test_what_one_gate_left_the_next_does_not_see(repo: Repo, sandbox: str) -> None:
    assert _run(repo, "echo x > left; mkdir build; echo y > build/z; echo changed > hello.txt", sandbox).passed
    result = _run(repo, "cat hello.txt; ls", sandbox)
    assert result.lines == ("hello", "hello.txt", "src")


@pytest.fixture
def counter(world: Path) -> Path:
    """A file that a gate without a sandbox writes a line to."""
    return world / "counter"


def _times(counter: Path) -> int:
    return len(counter.read_text().splitlines()) if counter.exists() else 0


def test_a_pass_is_remembered_and_a_failure_is_not(repo: Repo, counter: Path) -> None:
    for expected in (1, 1):
        result = _run(repo, f"echo run >> {counter}")
        assert result.passed
        assert _times(counter) == expected
    assert result.remembered
    assert result.words().endswith("passed on this very tree before")
    for expected in (2, 3):
        assert not _run(repo, f"echo run >> {counter}; exit 1").passed
        assert _times(counter) == expected


def test_what_it_is_remembered_by(repo: Repo, counter: Path, world: Path) -> None:
    tool = world / "bin/a-tool"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\necho run >> {counter}\n")
    tool.chmod(0o755)
    repo.write("linked/x", "x\n")
    repo.write("other/x", "x\n")
    os.environ["PATH"] = f"{tool.parent}:{os.environ['PATH']}"
    handle, tree = ReadRepo.discover(repo.path), _tree(repo)
    check = Check("a-tool", sandbox="off", links=("linked",))

    def ran(check: Check = check, tree: str = tree, *, fresh: bool = False) -> bool:
        before = _times(counter)
        assert run_gate(handle, tree, check, fresh=fresh).passed
        return _times(counter) > before

    assert ran()
    assert not ran()
    assert not ran(replace(check, limits=Limits(seconds=7)))
    assert ran(fresh=True)
    assert ran(replace(check, command="a-tool with an argument"))
    assert ran(replace(check, setup="true"))
    assert ran(replace(check, links=("other",)))
    assert ran(replace(check, limits=Limits(memory=1 << 31)))
    assert not ran()
    os.environ["PYTHONHASHSEED"] = "7"
    assert ran()
    os.environ["HOME_IS_NOT_COUNTED"] = "7"
    assert not ran()
    tool.write_text(f"#!/bin/sh\n# newer\necho run >> {counter}\n")
    assert ran()
    (repo.path / "linked/.package-lock.json").write_text("{}")
    assert ran()
    other = repo.commit("another tree", {"new": "n\n"})
    assert ran(tree=repo.oid(f"{other}^{{tree}}"))
    assert not ran()
    assert forget(handle) > 5
    assert ran()


def test_packages_of_the_environment_count(repo: Repo, world: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", world / "venv"], check=True)
    command = f"{world}/venv/bin/python -c pass"
    assert not _run(repo, command).remembered
    assert _run(repo, command).remembered
    packages = next((world / "venv/lib").glob("python*")) / "site-packages"
    (packages / "thing-1.0.dist-info").mkdir()
    (packages / "thing-1.0.dist-info/RECORD").write_text("")
    assert not _run(repo, command).remembered


def test_a_gate_that_went_over_a_limit(repo: Repo, sandbox: str) -> None:
    result = _run(repo, "sleep 60", sandbox, limits=Limits(seconds=0.5))
    assert not result.passed
    assert result.words().startswith("`sleep 60` was ended, time: ")
    assert not _run(repo, "sleep 60", sandbox, limits=Limits(seconds=0.5)).remembered


CHANGES = {
    "a file": "echo mine > {repo}/hello.txt",
    "a branch": "git -C {repo} branch evil",
    "configuration": "git -C {repo} config core.evil true",
    "a linked folder": "echo mine > linked/x",
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_gate_that_changes_the_repository(name: str, repo: Repo, sandbox: str) -> None:
    repo.write("linked/x", "x\n")
    before = Fingerprint.take(repo.path)
    result = _run(repo, CHANGES[name].format(repo=repo.path), sandbox, links=("linked",))
    assert not result.passed
    changed = difference(before, before.again())
    if sandbox == "require":
        assert (changed, result.changed) == ((), ())
    else:
        assert result.changed
        assert bool(changed) != bool(result.restored), "put back or shown only"
        assert "changed your repository: " in result.words()
    assert not _run(repo, CHANGES[name].format(repo=repo.path), sandbox, links=("linked",)).remembered


def test_what_cannot_be_linked_and_a_sandbox_that_is_not_there(repo: Repo) -> None:
    with pytest.raises(Refused, match="is not there to be linked"):
        _run(repo, "true", links=("missing",))
    repo.commit("a link", {"out": Link("..")})
    with pytest.raises(Refused, match="the plan's tree has it"):
        _run(repo, "true", links=("out",))
    alone = repo.path.parent / "bin"
    alone.mkdir()
    (alone / "git").symlink_to(str(shutil.which("git")))
    os.environ["PATH"] = str(alone)
    with pytest.raises(Incomplete, match="there is no sandbox that works here"):
        _run(repo, "true", "require")


def test_each_step_stops_at_the_first_that_fails(repo: Repo) -> None:
    trees = [_tree(repo)]
    for number in range(3):
        repo.commit(f"step {number}", {"n": f"{number}\n"})
        trees.append(_tree(repo))
    handle = ReadRepo.discover(repo.path)
    results = list(each_step(handle, trees, Check("! grep -q 1 n 2>/dev/null")))
    assert [result.passed for result in results] == [True, True, False]
    assert results[-1].tree == trees[2]


def test_two_at_once(repo: Repo, sandbox: str) -> None:
    trees = [_tree(repo)]
    repo.commit("second", {"hello.txt": "second\n"})
    trees.append(_tree(repo))
    found: dict[int, GateResult] = {}

    def work(number: int) -> None:
        handle = ReadRepo.discover(repo.path)
        found[number] = run_gate(handle, trees[number], Check("sleep 1; cat hello.txt", sandbox=sandbox))

    threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[0].lines, found[1].lines] == [("hello",), ("second",)]


def test_interrupted_it_leaves_nothing(repo: Repo, sandbox: str) -> None:
    before = Fingerprint.take(repo.path)
    code = (
        "from tinycode_git.git.read import ReadRepo; from tinycode_git.plan.gate import Check, run_gate\n"
        "repo = ReadRepo.discover(); tree = repo.git.quiet('rev-parse', 'HEAD^{tree}').text\n"
        f"run_gate(repo, tree, Check('sleep 300 & echo $$; sleep 300', sandbox={sandbox!r}), shown=print)"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    argv = [sys.executable, "-c", code]
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(argv, cwd=repo.path, env=env, **quiet) as child:  # type: ignore[call-overload]
        child.stdout.readline()
        assert len(marked()) >= 1
        child.send_signal(signal.SIGINT)
        assert child.wait(30) != 0
    assert [process.cmdline() for process in marked()] == []
    assert not list((repo.path / ".git/tiny/gates").glob("*"))
    assert difference(before, before.again()) == ()
