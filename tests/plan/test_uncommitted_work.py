"""Uncommitted work, staged and unstaged told apart, survives apply, rollback and redo byte for byte, or is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plan.plans import Made, apply, execute_in, ledger_in, make_plan, untouched
from tests.repos import Entry, Exe, Link, Repo
from tinycode_git.errors import Refused
from tinycode_git.git.execute import ExecuteRepo
from tinycode_git.plan.approve import approve, prepare
from tinycode_git.plan.store import find_plan
from tinycode_git.plan.undo import carry_out, prepare_redo, prepare_rollback

Work = Callable[[Repo, str], None]


def staged(repo: Repo, path: str) -> None:
    repo.write(path, "staged\n")
    repo.git("add", "-A", "-f", path)


def unstaged(repo: Repo, path: str) -> None:
    repo.write(path, "not staged\n")


def staged_and_unstaged(repo: Repo, path: str) -> None:
    staged(repo, path)
    unstaged(repo, path)


def mode_changed(repo: Repo, path: str) -> None:
    place = repo.path / path
    place.chmod(0o755)


def mode_staged(repo: Repo, path: str) -> None:
    mode_changed(repo, path)
    repo.git("add", path)


def deleted(repo: Repo, path: str) -> None:
    (repo.path / path).unlink()


def deleted_and_staged(repo: Repo, path: str) -> None:
    repo.git("rm", "-q", path)


def out_of_the_index(repo: Repo, path: str) -> None:
    repo.git("rm", "-q", "--cached", path)


def became_a_link(repo: Repo, path: str) -> None:
    repo.write(path, Link("somewhere"))


def became_a_folder(repo: Repo, path: str) -> None:
    repo.write(path, None)
    repo.write(f"{path}/inside", "inside\n")


def assume_unchanged(repo: Repo, path: str) -> None:
    repo.git("update-index", "--assume-unchanged", path)
    repo.write(path, "hidden from git\n")


def skip_worktree(repo: Repo, path: str) -> None:
    repo.git("update-index", "--skip-worktree", path)
    repo.write(path, "hidden from git\n")


def untracked(repo: Repo, path: str) -> None:
    repo.write(path, "untracked\n")


def ignored(repo: Repo, path: str) -> None:
    exclude = repo.git_dir() / "info/exclude"
    with exclude.open("a") as file:
        file.write(f"/{path}\n")
    repo.write(path, "ignored\n")


def intent_to_add(repo: Repo, path: str) -> None:
    repo.write(path, "to be added\n")
    repo.git("add", "-N", path)


def untracked_link(repo: Repo, path: str) -> None:
    repo.write(path, Link("somewhere"))


def untracked_folder(repo: Repo, path: str) -> None:
    repo.write(f"{path}/inside", "untracked\n")


ON_TRACKED: tuple[Work, ...] = (
    staged,
    unstaged,
    staged_and_unstaged,
    mode_changed,
    mode_staged,
    deleted,
    deleted_and_staged,
    out_of_the_index,
    became_a_link,
    became_a_folder,
    assume_unchanged,
    skip_worktree,
)
ON_NEW: tuple[Work, ...] = (untracked, ignored, intent_to_add, staged, untracked_link, untracked_folder)

BODY = "".join(f"line {n}\n" for n in range(20))
TRACKED = {f"work/{work.__name__}": "committed\n" for work in ON_TRACKED}
PLANNED = {"p/modify": BODY, "p/delete": BODY, "p/old": BODY + "rename\n", "p/file": "f\n", "p/folder/in": "i\n"}
CHANGES: dict[str, dict[str, Entry]] = {
    "modify": {"p/modify": BODY + "more\n"},
    "mode": {"p/modify": Exe(BODY)},
    "link": {"p/modify": Link("file")},
    "delete": {"p/delete": None},
    "rename": {"p/old": None, "p/moved": BODY + "rename\n"},
    "file to folder": {"p/file": None, "p/file/in": "i\n"},
    "folder to file": {"p/folder/in": None, "p/folder": "f\n"},
    "add": {"p/new": "n\n", "work/new": "in the folder where work is\n"},
}


@pytest.fixture
def stocked(repo: Repo) -> Repo:
    repo.commit("base", {**TRACKED, **PLANNED})
    return repo


def work_of(repo: Repo) -> tuple[object, ...]:
    """The user's work below ``work``: what git calls it, each file with its bytes, mode and time, the index entries."""
    there = {path: content for path, content in repo.files().items() if path.startswith(("work/", "fresh/"))}
    there.pop("work/new", None)
    stats = {path: (repo.path / path).lstat() for path in there}
    listed = repo.git("ls-files", "-v", "-t", "--stage", "-z", "work", "fresh", ":!work/new").out
    status = repo.git("status", "--porcelain=v2", "-z", "--ignored", "-uall", "--", "work", "fresh", ":!work/new").out
    differs = repo.git("diff", "--", "work", "fresh").out
    return there, {p: (s.st_mode, s.st_mtime_ns, s.st_ino) for p, s in stats.items()}, listed, status, differs


@pytest.mark.parametrize("kind", CHANGES)
def test_work_elsewhere_survives_byte_for_byte(stocked: Repo, kind: str) -> None:
    for work in ON_TRACKED:
        work(stocked, f"work/{work.__name__}")
    for work in ON_NEW:
        work(stocked, f"fresh/{work.__name__}")
    before = work_of(stocked)
    plan = make_plan(stocked, CHANGES[kind])
    assert work_of(stocked) == before
    apply(stocked, plan)
    assert work_of(stocked) == before
    assert {p: e for p, e in stocked.index().items() if p.startswith("p/")} == {
        p: e for p, e in stocked.tree(plan.tip).items() if p.startswith("p/")
    }
    assert stocked.git("diff", "--stat", "--", "p").out == ""
    stocked.tiny("rollback")
    assert work_of(stocked) == before
    stocked.tiny("redo")
    assert work_of(stocked) == before


class Flow:
    """apply, rollback and redo of one plan in this process: the same code, quicker."""

    def __init__(self, repo: Repo, plan: Made) -> None:
        self.repo, self.plan = repo, plan

    def run(self, verb: str) -> None:
        handle = execute_in(self.repo.path)
        found = find_plan(handle, self.plan.id)
        ledger = ledger_in(self.repo.path)
        if verb == "apply":
            approve(handle, ledger, prepare(handle, found))
        else:
            undo = prepare_rollback if verb == "rollback" else prepare_redo
            carry_out(handle, ledger, undo(handle, found))


def refused(flow: Flow, verb: str, path: str) -> None:
    """``verb`` is refused naming ``path``, and nothing is changed by it."""
    with untouched(flow.repo), pytest.raises(Refused) as caught:
        flow.run(verb)
    named = caught.value.detail
    assert any(line.split("  (")[0].strip().startswith(path) for line in named.splitlines()), caught.value.detail


SAME = [
    ("modify", "p/modify", ON_TRACKED),
    ("mode", "p/modify", ON_TRACKED),
    ("link", "p/modify", ON_TRACKED),
    ("delete", "p/delete", ON_TRACKED),
    ("rename", "p/old", ON_TRACKED),
    ("rename", "p/moved", ON_NEW),
    ("add", "p/new", ON_NEW),
    ("file to folder", "p/file", ON_TRACKED),
    ("folder to file", "p/folder/in", ON_TRACKED),
    ("folder to file", "p/folder/other", ON_NEW),
]


@pytest.mark.parametrize(("kind", "path", "work"), [(k, p, w) for k, p, works in SAME for w in works])
def test_apply_on_top_of_work_is_refused_with_the_path(stocked: Repo, kind: str, path: str, work: Work) -> None:
    plan = make_plan(stocked, CHANGES[kind])
    work(stocked, path)
    refused(Flow(stocked, plan), "apply", path)


BACK = [
    ("modify", "p/modify", ON_TRACKED),
    ("link", "p/modify", (staged, unstaged, staged_and_unstaged, deleted, assume_unchanged, skip_worktree)),
    ("delete", "p/delete", ON_NEW),
    ("rename", "p/moved", ON_TRACKED),
    ("rename", "p/old", ON_NEW),
    ("add", "p/new", ON_TRACKED),
    ("file to folder", "p/file/in", ON_TRACKED),
    ("file to folder", "p/file/other", ON_NEW),
    ("folder to file", "p/folder", (staged, unstaged, staged_and_unstaged, deleted, mode_changed, became_a_link)),
]


@pytest.mark.parametrize(("kind", "path", "work"), [(k, p, w) for k, p, works in BACK for w in works])
def test_rollback_over_work_is_refused_with_the_path(stocked: Repo, kind: str, path: str, work: Work) -> None:
    flow = Flow(stocked, make_plan(stocked, CHANGES[kind]))
    flow.run("apply")
    work(stocked, path)
    refused(flow, "rollback", path)


@pytest.mark.parametrize("work", ON_TRACKED)
def test_redo_over_work_is_refused_with_the_path(stocked: Repo, work: Work) -> None:
    flow = Flow(stocked, make_plan(stocked, CHANGES["modify"]))
    flow.run("apply")
    flow.run("rollback")
    work(stocked, "p/modify")
    refused(flow, "redo", "p/modify")


def test_the_refusal_of_the_program_names_every_path_and_kind(stocked: Repo) -> None:
    plan = make_plan(stocked, {"p/modify": "m\n", "p/delete": None, "p/new": "n\n", "p/file": "f2\n"})
    staged(stocked, "p/modify")
    unstaged(stocked, "p/delete")
    ignored(stocked, "p/new")
    assume_unchanged(stocked, "p/file")
    with untouched(stocked):
        answer = apply(stocked, plan, check=False)
    assert answer.code == 1
    assert answer.err == (
        f"error: 4 paths have uncommitted work in {stocked.path} that this would touch; nothing was changed\n"
        "  p/modify  (staged)\n"
        "  p/delete  (not staged)\n"
        "  p/new  (untracked or ignored, in the way)\n"
        "  p/file  (marked assume-unchanged)\n"
        "hint: commit, stash or move that work away, then try again\n"
    )


def test_an_index_with_conflicts_is_refused(stocked: Repo) -> None:
    stocked.write("work/staged", "one\n")
    stocked.git("stash", "-q")
    stocked.commit("other", {"work/staged": "two\n"})
    stocked.git("stash", "pop", check=False)
    assert "UU work/staged" in stocked.git("status", "--short").out
    plan = make_plan(stocked, CHANGES["modify"])
    with untouched(stocked):
        answer = apply(stocked, plan, check=False)
    assert answer.code == 1
    assert "work/staged" in answer.err


def test_a_file_that_was_only_touched_is_no_work(stocked: Repo) -> None:
    plan = make_plan(stocked, CHANGES["modify"])
    os.utime(stocked.path / "p/modify", (1, 1))
    apply(stocked, plan)
    assert (stocked.path / "p/modify").read_text() == BODY + "more\n"


def test_the_stash_is_kept(stocked: Repo) -> None:
    unstaged(stocked, "p/modify")
    stocked.git("stash", "-q")
    kept = stocked.oid("refs/stash")
    plan = make_plan(stocked, CHANGES["modify"])
    apply(stocked, plan)
    stocked.tiny("rollback")
    assert stocked.oid("refs/stash") == kept
    stocked.git("stash", "pop", "-q")
    assert (stocked.path / "p/modify").read_text() == "not staged\n"


def test_a_handle_to_execute_is_needed(stocked: Repo) -> None:
    assert isinstance(execute_in(Path(stocked.path)), ExecuteRepo)
    plan = make_plan(stocked, CHANGES["modify"])
    with untouched(stocked):
        answer = apply(stocked, plan, check=False, env={"TINY_MODE": "propose"})
    assert answer.code == 1
    assert "TINY_MODE" in answer.err
