"""The user's own hooks take part in an approval: they can stop it, change its tree and its message."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plan.plans import Made, apply, make_plan, state, untouched
from tests.repos import Repo
from tests.terminal import tiny_tty

LOG = 'echo "$0 $* cwd=$(pwd) index=${GIT_INDEX_FILE-none} dir=${GIT_DIR-none}" >> "$HOME/log"'


@pytest.fixture
def plan(repo: Repo) -> Made:
    return make_plan(repo, {"hello.txt": "hello again\n", "new.txt": "n\n"})


def log(world: Path) -> list[str]:
    place = world / "home/log"
    return place.read_text().splitlines() if place.exists() else []


def ran(world: Path) -> list[str]:
    return [Path(line.split()[0]).name for line in log(world)]


def test_every_hook_of_a_merge_runs_once_in_gits_order(repo: Repo, plan: Made, world: Path) -> None:
    names = ("pre-merge-commit", "prepare-commit-msg", "commit-msg", "post-merge")
    for name in (*names, "pre-commit", "post-commit", "post-checkout"):
        repo.hook(name, LOG)
    apply(repo, plan)
    assert ran(world) == list(names)
    assert log(world)[1].split()[2:3] == ["merge"]
    assert log(world)[3].split()[1] == "0"


@pytest.mark.parametrize("name", ["pre-merge-commit", "prepare-commit-msg", "commit-msg"])
def test_a_hook_that_fails_stops_it_with_its_output_and_nothing_half_merged(repo: Repo, plan: Made, name: str) -> None:
    place = repo.hook(name, "echo to stdout; echo 'tests fail: 3 of 5' >&2; exit 7")
    repo.write("hello.txt.local", "untracked\n")
    repo.write("src/app.py", "staged\n")
    repo.git("add", "src/app.py")
    repo.write("src/app.py", "not staged\n")
    with untouched(repo):
        answer = apply(repo, plan, check=False)
    assert answer.code == 1
    assert f"error: the {name} hook refused (exit code 7); nothing was changed\n" in answer.err
    assert "tests fail: 3 of 5" in answer.err
    assert "to stdout" in answer.err
    assert str(place) in answer.err
    assert not (repo.git_dir() / "MERGE_HEAD").exists()
    assert repo.tiny("show", plan.id, "--json").json["state"] == "open"


def test_a_reference_transaction_hook_that_refuses_takes_the_files_back(repo: Repo, plan: Made) -> None:
    repo.hook(
        "reference-transaction",
        'if [ "$1" = prepared ] && grep -q refs/heads/main; then echo no friday releases >&2; exit 1; fi',
    )
    repo.write("work", "untracked\n")
    before = state(repo)
    answer = apply(repo, plan, check=False)
    assert state(repo) == before
    assert answer.code == 1
    assert answer.err.startswith("error: the reference-transaction hook refused to move refs/heads/main")
    assert "no friday releases" in answer.err
    assert repo.tiny("show", plan.id, "--json").json["state"] == "open"
    (repo.git_dir() / "hooks/reference-transaction").unlink()
    apply(repo, plan)


def test_a_post_merge_hook_that_fails_is_told_and_the_merge_stays(repo: Repo, plan: Made) -> None:
    repo.hook("post-merge", "echo could not install >&2; exit 1")
    answer = apply(repo, plan)
    assert "post-merge" in answer.err
    assert "could not install" in answer.err
    assert "nothing was changed" not in answer.err
    assert repo.git("log", "-1", "--format=%s").out.startswith("Merge plan")


def test_a_pre_merge_commit_hook_sees_the_merged_files_and_index(repo: Repo, plan: Made, world: Path) -> None:
    repo.write("hello.txt.local", "untracked\n")
    repo.hook("pre-merge-commit", 'cat hello.txt > "$HOME/seen"; git diff --cached --name-only >> "$HOME/seen"')
    apply(repo, plan)
    assert (world / "home/seen").read_text() == "hello again\nhello.txt\nnew.txt\n"


FORMAT = "echo formatted >> hello.txt && git add hello.txt"


def test_a_hook_that_changes_the_tree_is_refused_until_that_tree_is_approved(repo: Repo, plan: Made) -> None:
    repo.hook("pre-merge-commit", FORMAT)
    with untouched(repo):
        answer = apply(repo, plan, check=False)
    assert answer.code == 1
    assert "a hook changed what the merge would give (hello.txt)" in answer.err
    tree = answer.err.split("--expect-tree ")[1].split()[0]
    assert repo.git("show", f"{tree}:hello.txt").out == "hello again\nformatted\n"
    applied = apply(repo, plan, "--expect-tree", tree, "--json").json
    assert applied["tree"] == tree
    assert (repo.path / "hello.txt").read_text() == "hello again\nformatted\n"
    assert repo.git("status", "--porcelain").out == ""
    before = repo.oid("main^1")
    repo.tiny("rollback")
    assert repo.oid("main") == before
    assert (repo.path / "hello.txt").read_text() == "hello\n"


def test_another_tree_than_the_approved_one_is_refused_again(repo: Repo, plan: Made) -> None:
    repo.hook("pre-merge-commit", FORMAT)
    tree = apply(repo, plan, check=False).err.split("--expect-tree ")[1].split()[0]
    repo.hook("pre-merge-commit", FORMAT.replace("formatted", "otherwise"))
    with untouched(repo):
        answer = apply(repo, plan, "--expect-tree", tree, check=False)
    assert answer.code == 1
    assert f"--expect-tree {tree}" not in answer.err


def test_an_expected_tree_must_be_a_whole_oid(repo: Repo, plan: Made) -> None:
    with untouched(repo):
        answer = apply(repo, plan, "--expect-tree", "abc", check=False)
    assert answer.code == 2
    assert "'abc'" in answer.err


def test_at_a_terminal_the_changed_tree_is_shown_and_asked_for(repo: Repo, plan: Made) -> None:
    repo.hook("pre-merge-commit", FORMAT)
    with tiny_tty("apply", plan.id, cwd=repo.path) as terminal:
        terminal.expect(r"apply change-things-\w+ at \w+\?")
        terminal.send("y\n")
        terminal.expect(r"a hook changed what the merge would give")
        terminal.expect(r"M hello.txt \+1 -0")
        terminal.expect(r"with that \(tree \w+\)\?")
        terminal.send("y\n")
        assert terminal.wait() == 0
    assert (repo.path / "hello.txt").read_text() == "hello again\nformatted\n"


def test_a_hook_that_changes_the_message_changes_the_merges_message(repo: Repo, plan: Made) -> None:
    repo.hook("prepare-commit-msg", 'sed -i "1s/^/TICKET-7: /" "$1"')
    repo.hook("commit-msg", 'echo "Reviewed-by: the hook" >> "$1"')
    apply(repo, plan)
    message = repo.git("log", "-1", "--format=%B").out
    assert message.startswith("TICKET-7: Merge plan")
    assert "Plan-Id: " in message
    assert "Reviewed-by: the hook" in repo.git("log", "-1", "--format=%(trailers)").out


def test_a_hook_that_empties_the_message_is_refused(repo: Repo, plan: Made) -> None:
    repo.hook("commit-msg", 'printf "# only a comment\\n" > "$1"; : > "$1"')
    with untouched(repo):
        answer = apply(repo, plan, check=False)
    assert answer.code == 1
    assert "without a message" in answer.err


@pytest.mark.parametrize("where", ["relative", "absolute", "home"])
def test_hooks_path_of_the_user_is_honoured(repo: Repo, world: Path, where: str) -> None:
    folder = world / "home/hooks" if where == "home" else repo.path / "tools/hooks"
    setting = {"relative": "tools/hooks", "absolute": str(folder), "home": "~/hooks"}[where]
    repo.config("core.hooksPath", setting)
    for name in ("pre-merge-commit", "commit-msg", "post-merge"):
        repo.hook(name, LOG)
    assert (folder / "commit-msg").exists()
    plan = make_plan(repo, {"hello.txt": "again\n"})
    apply(repo, plan)
    assert ran(world) == ["pre-merge-commit", "commit-msg", "post-merge"]


def test_a_reference_transaction_hook_on_a_relative_path_runs(repo: Repo, plan: Made, world: Path) -> None:
    repo.config("core.hooksPath", "tools/hooks")
    repo.hook("reference-transaction", '[ "$1" = committed ] && cat >> "$HOME/moved"; exit 0')
    apply(repo, plan)
    assert "refs/heads/main" in (world / "home/moved").read_text()


def test_hooks_run_in_the_linked_worktree_that_has_the_target(repo: Repo, world: Path) -> None:
    repo.git("branch", "release")
    other = repo.worktree_add(world / "other", "release")
    repo.hook("pre-merge-commit", LOG)
    repo.hook("commit-msg", LOG)
    repo.hook("post-merge", LOG)
    plan = make_plan(repo, {"hello.txt": "again\n"}, target="release")
    before = state(repo)[0]
    apply(repo, plan)
    assert (other.path / "hello.txt").read_text() == "again\n"
    assert other.git("status", "--porcelain").out == ""
    assert state(repo)[0] == before
    assert [line.split("cwd=")[1].split()[0] for line in log(world)][-2:] == [str(other.path), str(other.path)]


def test_a_target_that_is_checked_out_nowhere_moves_without_a_working_tree(repo: Repo) -> None:
    repo.git("branch", "release")
    plan = make_plan(repo, {"hello.txt": "again\n"}, target="release")
    files = repo.files()
    apply(repo, plan)
    assert repo.show("release", "hello.txt") == b"again\n"
    assert repo.files() == files
    assert repo.git("status", "--porcelain").out == ""


def test_proposing_and_looking_run_no_hook(repo: Repo, world: Path) -> None:
    for name in ("pre-commit", "commit-msg", "prepare-commit-msg", "post-commit", "reference-transaction", "pre-push"):
        repo.hook(name, LOG)
    plan = make_plan(repo, {"hello.txt": "again\n"})
    for verb in ("show", "diff", "check", "export"):
        repo.tiny(verb, plan.id)
    repo.tiny("apply", plan.id, "--dry-run")
    repo.tiny("reject", plan.id)
    assert log(world) == []


def test_hooks_of_a_revert(repo: Repo, plan: Made, world: Path) -> None:
    apply(repo, plan)
    repo.hook("commit-msg", f"{LOG}; echo no reverts on friday >&2; exit 1")
    with untouched(repo):
        answer = repo.tiny("rollback", "--revert", check=False)
    assert answer.code == 1
    assert "no reverts on friday" in answer.err
    assert ran(world) == ["commit-msg"]
