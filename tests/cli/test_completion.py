"""Completion, driven through the real shells: keys on a terminal for bash and zsh, fish's own ``complete -C``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.repos import ROOT, TINY, Repo, run
from tests.terminal import Terminal, on_terminal

GIT_COMPLETION = Path("/usr/share/bash-completion/completions/git")
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")


@pytest.fixture
def plans(repo: Repo, world: Path) -> Repo:
    """A repository with two plans' records (the older one first), a branch, a tag; ``git-tiny`` on PATH."""
    for name in ("rename-cwd-1a2b", "tidy-imports-3c4d"):
        repo.git("update-ref", f"refs/tiny/plans/{name}", repo.commit(f"record of {name}"))
    repo.git("branch", "feature/one")
    repo.git("tag", "v1.0")
    folder = world / "bin"
    folder.mkdir()
    (folder / "git-tiny").write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {" ".join(TINY)} "$@"\n')
    (folder / "git-tiny").chmod(0o755)
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
    return repo


def candidates(repo: Repo, *words: str) -> list[str]:
    return [line.split("\t")[0] for line in repo.tiny("__complete", *words).out.splitlines()]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("ver",), ["version"]),
        (("version", "--j"), ["--json"]),
        (("version", "-"), ["--verbose", "-v", "--json", "--help", "-h"]),
        (("version", ""), []),
        (("version", "--", "-"), []),
        (("completion", ""), ["bash", "zsh", "fish"]),
        (("completion", "z"), ["zsh"]),
        (("completion", "bash", ""), []),
        (("--no-color", "completion", "f"), ["fish"]),
        (("help", "vers"), ["version"]),
        (("help", "version", ""), []),
        (("-C",), ["-C"]),
        (("-C", ""), [":folders"]),
        (("-C", "nowhere", "vers"), ["version"]),
        (("--n",), ["--no-color"]),
        (("no-such-verb", ""), []),
        (("\x1b[2J", "\x1b"), []),
    ],
)
def test_what_is_offered(repo: Repo, words: tuple[str, ...], offered: list[str]) -> None:
    assert candidates(repo, *words) == offered


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("show", ""), ["tidy-imports-3c4d", "rename-cwd-1a2b"]),
        (("show", "ren"), ["rename-cwd-1a2b"]),
        (("show", "rename-cwd-1a2b", ""), []),
        (("apply", "--expect", "abc", "t"), ["tidy-imports-3c4d"]),
        (("apply", "--dry-run", "t"), ["tidy-imports-3c4d"]),
        (("propose", "--target", "f"), ["feature/one"]),
        (("propose", "--target=f"), ["--target=feature/one"]),
        (("propose", "--target", "v"), ["v1.0"]),
        (("propose", "--from-range", "main..f"), ["main..feature/one"]),
        (("propose", "--from-range=main..f"), ["--from-range=main..feature/one"]),
        (("propose", "--recipe", "ren"), ["rename"]),
        (("propose", "--recipe", "rename", "a", "b", ""), [":files"]),
        (("propose", "--recipe", "rename", "a", "b", "--st"), ["--strings", "--step"]),
        (("propose", "--recipe=replace", "a", "b", "--reg"), ["--regex"]),
        (("propose", "--patch", ""), [":files"]),
        (("propose", "--patch=ser"), [":files"]),
        (("plans", "--state", "ro"), ["rolled-back"]),
        (("fetch", ""), ["origin"]),
        (("mode", "e"), ["execute"]),
        (("backups", "re"), ["restore"]),
        (("backups", "list", "--j"), ["--json"]),
        (("-C", "..", "-C", "repo/src", "show", "tidy"), ["tidy-imports-3c4d"]),
    ],
)
def test_what_the_repository_has_is_offered(plans: Repo, words: tuple[str, ...], offered: list[str]) -> None:
    plans.git("remote", "add", "origin", "/nowhere")
    assert candidates(plans, *words) == offered


def test_plans_that_are_over_are_not_offered_to_be_applied(repo: Repo) -> None:
    made = repo.tiny("propose", "--recipe", "replace", "hello", "bye", "--json").json
    other = repo.tiny("propose", "--recipe", "replace", "main", "begin", "--json").json
    repo.tiny("apply", made["id"], "--yes", "--expect", made["tip"])
    assert candidates(repo, "apply", "") == [other["id"]]
    assert set(candidates(repo, "show", "")) == {made["id"], other["id"]}
    assert made["id"] in candidates(repo, "rollback", "")


def test_plans_come_with_what_happened_last(plans: Repo) -> None:
    assert plans.tiny("__complete", "show", "tidy").out == "tidy-imports-3c4d\trecord of tidy-imports-3c4d\n"


def test_a_repository_that_git_refuses_is_passed_over(plans: Repo) -> None:
    (plans.git_dir() / "config").write_text("[broken\n")
    done = run([*TINY, "__complete", "show", ""], cwd=plans.path, env={"PYTHONPATH": str(ROOT)})
    assert (done.out, done.err) == ("", "")


def test_every_verb_is_offered_with_its_summary(repo: Repo) -> None:
    from tinycode_git.verbs import VERBS

    lines = repo.tiny("__complete", "").out.splitlines()
    assert lines[:-1] == [f"{name}\t{verb.summary}" for name, verb in VERBS.items()]


def test_nothing_is_said_outside_a_repository(world: Path) -> None:
    done = run([*TINY, "__complete", "mode", ""], cwd=world, env={"PYTHONPATH": str(ROOT)})
    assert done.err == ""


BASH = {
    "alone": "",
    "with git's own completion before it": f"source {GIT_COMPLETION}",
    "with bash-completion, which loads git's when it is needed": f"source {BASH_COMPLETION}",
}


@contextmanager
def bash(repo: Repo, before: str = "", after: str = "") -> Iterator[Terminal]:
    with on_terminal(["bash", "--norc", "--noprofile", "-i"], cwd=repo.path, env={"PS1": "$ "}) as terminal:
        terminal.send(f"bind 'set bell-style none' 'set enable-bracketed-paste off'; {before}\n")
        terminal.send(f'eval "$(git-tiny completion bash)"; {after}\necho re""ady\n')
        terminal.expect("ready")
        yield terminal


@pytest.mark.parametrize("before", BASH.values(), ids=BASH)
@pytest.mark.parametrize("command", ["git tiny", "git-tiny"])
def test_bash_completes_verbs_and_options(plans: Repo, before: str, command: str) -> None:
    for name in (GIT_COMPLETION, BASH_COMPLETION):
        if str(name) in before and not name.exists():
            pytest.skip(f"needs {name} (system package bash-completion)")
    with bash(plans, before) as terminal:
        # A space follows what is complete: the words that are typed next stand apart.
        terminal.send(f"{command} vers\t--js\t| cat\n")
        terminal.expect(r'\{"version": ')
        terminal.send(f"{command} completion fi\t | head -1\n")
        terminal.expect("# Completion of git-tiny")


def test_bash_completes_after_git_options(plans: Repo) -> None:
    with bash(plans) as terminal:
        terminal.send("cd /; git -C src --no-pager tiny vers\t--js\t | cat\n")
        terminal.expect(r"git -C src --no-pager tiny version --json")


def test_bash_completes_plans_ranges_and_values_after_an_equals_sign(plans: Repo) -> None:
    """bash breaks words at "=" and ":"; what is typed must come out whole."""
    with bash(plans) as terminal:
        terminal.send("git() { printf '<%s>' \"$@\"; echo; }\n")
        terminal.send("git tiny apply tid\t--dry\t x\n")
        terminal.expect("<tiny><apply><tidy-imports-3c4d><--dry-run><x>")
        terminal.send("git tiny propose --target=fea\t x\n")
        terminal.expect("<tiny><propose><--target=feature/one><x>")
        terminal.send("git tiny propose --from-range main..fea\t x\n")
        terminal.expect("<tiny><propose><--from-range><main..feature/one><x>")
        terminal.send("git tiny propose --patch=hel\t x\n")
        terminal.expect("<tiny><propose><--patch=hello.txt><x>")
        terminal.send("git tiny propose --recipe rename a b sr\tap\t x\n")
        terminal.expect("<--recipe><rename><a><b><src/app.py><x>")


def test_bash_leaves_other_git_commands_to_files(plans: Repo) -> None:
    with bash(plans) as terminal:
        terminal.send("git hash-object hel\t\n")
        terminal.expect("ce013625030ba8dba906f756967f9e9ca394464a")


def test_zsh(plans: Repo, world: Path) -> None:
    if shutil.which("zsh") is None:
        pytest.skip("needs zsh (system package)")
    setup = "autoload -U compinit; compinit -u -D; unsetopt zle_bracketed_paste; PS1='$ '"
    with on_terminal(["zsh", "-f", "-i"], cwd=plans.path, env={"ZDOTDIR": str(world)}) as terminal:
        terminal.send(f'{setup}; eval "$(git-tiny completion zsh)"; echo re""ady\n')
        terminal.expect("ready\r")
        for command in ("git tiny", "git-tiny"):
            terminal.send(f"{command} vers\t--js\t| cat\n")
            terminal.expect(r'\{"version": ')
        terminal.send("git tiny completion fi\t | head -1\n")
        terminal.expect("# Completion of git-tiny")


def test_zsh_from_a_folder_of_fpath(plans: Repo, world: Path) -> None:
    if shutil.which("zsh") is None:
        pytest.skip("needs zsh (system package)")
    folder = world / "functions"
    folder.mkdir()
    (folder / "_git-tiny").write_text(plans.tiny("completion", "zsh").out)
    setup = f"fpath=({folder} $fpath); autoload -U compinit; compinit -u -D; unsetopt zle_bracketed_paste; PS1='$ '"
    with on_terminal(["zsh", "-f", "-i"], cwd=plans.path, env={"ZDOTDIR": str(world)}) as terminal:
        terminal.send(f'{setup}; echo re""ady\n')
        terminal.expect("ready\r")
        for command in ("git tiny", "git-tiny"):
            terminal.send(f"{command} vers\t--js\t| cat\n")
            terminal.expect(r'\{"version": ')


@pytest.mark.parametrize("command", ["git tiny", "git-tiny", "git -C src --no-pager tiny"])
def test_fish(plans: Repo, command: str) -> None:
    if shutil.which("fish") is None:
        pytest.skip("needs fish (system package)")

    def offered(typed: str) -> list[str]:
        script = f"git-tiny completion fish | source; complete -C '{command} {typed}'"
        done = run(["fish", "--no-config", "-c", script], cwd=plans.path)
        assert done.err == ""
        return done.out.splitlines()

    assert offered("vers") == ["version\tShow the versions of git tiny and what it runs on"]
    assert [line.split("\t")[0] for line in offered("completion ")] == ["bash", "fish", "zsh"]
    assert "--json\tPrint one JSON object." in offered("version --")


def test_the_scripts_are_sound() -> None:
    scripts = ROOT / "tinycode_git/completions"
    for shell, name in (("bash", "git-tiny.bash"), ("zsh", "_git-tiny"), ("fish", "git-tiny.fish")):
        if shutil.which(shell):
            run([shell, "-n", scripts / name], cwd=ROOT)
