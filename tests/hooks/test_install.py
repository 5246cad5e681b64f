"""install and uninstall: foreign hooks kept and run, hooksPath, worktrees, submodules, a git tiny that is gone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.hooks.conftest import TOKEN, install, stage
from tests.repos import ROOT, Repo

WORKING = {"pre-commit", "commit-msg", "pre-merge-commit", "pre-push", "post-commit", "post-merge", "post-checkout"}
ENV = {"PYTHONPATH": f"{ROOT}:{ROOT / 'hooks'}"}


def ours(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir() if "installed by git tiny" in file.read_text(errors="replace")}


def test_install_and_uninstall_leave_the_folder_as_it_was(repo: Repo) -> None:
    folder = repo.git_dir() / "hooks"
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    install(repo)
    assert ours(folder) == WORKING
    install(repo)
    repo.tiny("uninstall", env=ENV)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_only_the_hooks_that_are_named(repo: Repo) -> None:
    install(repo, "--hooks", "pre-commit, pre-push")
    assert ours(repo.git_dir() / "hooks") == {"pre-commit", "pre-push"}
    done = repo.tiny("install", "--hooks", "pre-lunch", env=ENV, check=False)
    assert (done.code, "pre-lunch" in done.err) == (2, True)


FOREIGN = """\
#!/bin/sh
{ for a in "$@"; do echo "arg:$a"; done; echo "in:$(cat)"; echo "env:$GIT_INDEX_FILE:$MINE"; } >> "$LOG"
"""


def test_a_foreign_hook_runs_with_the_same_arguments_input_and_environment(
    repo: Repo, server: Repo, world: Path
) -> None:
    log = world / "log"
    for name in ("pre-commit", "commit-msg", "pre-push"):
        repo.hook(name, FOREIGN)
    stage(repo, "a.txt", "one\n")
    env = {"LOG": str(log), "MINE": "kept"}
    repo.git("commit", "-q", "-m", "x", env=env)
    repo.git("push", "-q", "origin", "main", env=env)
    alone = log.read_text().replace(repo.oid(), "NEW").replace(repo.oid("HEAD~1"), "OLD")
    log.unlink()
    assert "kept; " in install(repo) or "runs first" in install(repo)
    stage(repo, "a.txt", "two\n")
    repo.git("commit", "-q", "-m", "x", env=env)
    repo.git("push", "-q", "origin", "main", env=env)
    assert log.read_text().replace(repo.oid(), "NEW").replace(repo.oid("HEAD~1"), "OLD") == alone
    assert "in:refs/heads/main NEW refs/heads/main OLD" in alone


def test_a_foreign_hook_that_refuses_is_obeyed_and_one_that_stages_is_looked_at(repo: Repo) -> None:
    repo.hook("pre-commit", "exit 7")
    install(repo)
    stage(repo, "a.txt", "one\n")
    assert repo.git("commit", "-m", "x", check=False).code == 1
    repo.tiny("uninstall", env=ENV)
    repo.hook("pre-commit", f"echo \"t = '{TOKEN}'\" > made.txt; git add made.txt")
    install(repo)
    done = repo.git("commit", "-m", "x", check=False)
    assert (done.code, "made.txt" in done.err) == (1, True)


def test_uninstall_brings_the_foreign_hook_back(repo: Repo) -> None:
    place = repo.hook("pre-commit", "exit 0")
    text = place.read_bytes()
    install(repo)
    assert place.read_bytes() != text
    repo.tiny("uninstall", env=ENV)
    assert place.read_bytes() == text
    assert os.access(place, os.X_OK)


def test_a_hooks_path_of_the_clone_is_used(repo: Repo) -> None:
    (repo.path / "my-hooks").mkdir()
    repo.config("core.hooksPath", "my-hooks")
    install(repo)
    assert ours(repo.path / "my-hooks") == WORKING
    stage(repo, "a.txt", f"t = '{TOKEN}'\n")
    assert repo.git("commit", "-m", "x", check=False).code == 1


def test_a_hooks_path_for_everything_asks_for_global(repo: Repo, world: Path) -> None:
    repo.git("config", "--global", "core.hooksPath", str(world / "shared"))
    done = repo.tiny("install", env=ENV, check=False)
    assert (done.code, "--global" in done.err) == (1, True)


def test_global_hooks_run_the_repositorys_own_as_well(repo: Repo, world: Path) -> None:
    log = world / "log"
    repo.hook("pre-commit", 'echo own >> "$LOG"')
    install(repo, "--global")
    stage(repo, "a.txt", "fine\n")
    repo.git("commit", "-q", "-m", "x", env={"LOG": str(log)})
    assert log.read_text() == "own\n"
    stage(repo, "a.txt", f"t = '{TOKEN}'\n")
    assert repo.git("commit", "-m", "x", check=False, env={"LOG": str(log)}).code == 1
    repo.tiny("uninstall", "--global", env=ENV)
    assert repo.git("config", "--global", "core.hooksPath", check=False).text == ""


def test_worktrees_share_the_hooks(hooked: Repo, world: Path) -> None:
    tree = hooked.worktree_add(world / "tree", "-b", "side")
    stage(tree, "a.txt", f"t = '{TOKEN}'\n")
    assert tree.git("commit", "-m", "x", check=False).code == 1
    stage(tree, "a.txt", "fine\n")
    assert tree.git("commit", "-m", "x").code == 0


def test_submodules_have_hooks_of_their_own(repo: Repo, world: Path) -> None:
    inner = Repo.create(world / "inner")
    inner.commit("inner", {"i.txt": "i\n"})
    repo.git("submodule", "add", "-q", str(inner.path), "sub")
    sub = Repo(repo.path / "sub")
    install(sub)
    stage(sub, "a.txt", f"t = '{TOKEN}'\n")
    assert sub.git("commit", "-m", "x", check=False).code == 1
    assert ours(repo.git_dir() / "modules" / "sub" / "hooks") == WORKING
    install(repo)
    assert repo.git("commit", "-m", "with a submodule").code == 0


@pytest.mark.parametrize(("tier", "code"), [("", 1), ("standard", 1), ("strict", 1), ("permissive", 0)])
def test_a_git_tiny_that_is_gone_fails_closed(hooked: Repo, program: Path, tier: str, code: int) -> None:
    if tier:
        hooked.config("tiny.tier", tier)
    hook = hooked.git_dir() / "hooks" / "pre-commit"
    beside = Path(sys.executable).with_name("git-tiny-hook")  # what an installer that is itself installed names
    hook.write_text(hook.read_text().replace(str(beside), str(program)))
    program.unlink()
    stage(hooked, "a.txt", "fine\n")
    done = hooked.git("commit", "-m", "x", check=False)
    assert done.code == code
    assert "git tiny: the hook pre-commit is installed, but git tiny is not" in done.err


def test_two_foreign_hooks_are_one_too_many(repo: Repo) -> None:
    repo.hook("pre-commit", "exit 0")
    install(repo)
    repo.hook("pre-commit", "exit 1")
    done = repo.tiny("install", env=ENV, check=False)
    assert (done.code, "kept from before" in done.err) == (1, True)


def test_a_path_with_quotes_and_spaces(world: Path) -> None:
    odd = Repo.create(world / 'it\'s a "repo"')
    odd.commit("first", {"a.txt": "a\n"})
    install(odd)
    stage(odd, "a.txt", f"t = '{TOKEN}'\n")
    assert odd.git("commit", "-m", "x", check=False).code == 1
