"""Bad input: one clear line, what to do next, exit 1 or 2, and nothing lost. A row each."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plan.plans import Made, apply, make_plan, untouched
from tests.repos import Repo, Result, tiny

DIFF = "diff --git a/{0} b/{0}\n--- a/{0}\n+++ b/{0}\n@@ -1,3 +1,3 @@\n first\n-{1}\n+changed\n third\n"
FULL = "\uff0e\uff0fgit"


def new_file(path: str) -> str:
    return f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n"


def block(path: str, search: str = "second", replace: str = "2nd") -> str:
    return f"{path}\n```\n<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n```\n"


def whole(path: str) -> str:
    return f"### {path}\n\n```\ncontent\n```\n"


def plan(**changed: object) -> str:
    import json

    good = {"version": 1, "steps": [{"title": "t", "edits": [{"op": "put", "path": "a", "content": "x"}]}]}
    return json.dumps({**good, **changed})


def edit(**fields: object) -> str:
    return plan(steps=[{"title": "t", "edits": [fields]}])


@pytest.fixture
def stocked(repo: Repo) -> Repo:
    repo.commit("more", {"file.txt": "first\nsecond\nthird\n", "folder/in": "i\n"})
    os.symlink("folder", repo.path / "link")
    repo.git("add", "link")
    repo.commit("link")
    return repo


# arguments after propose, standard input, exit code, what stderr says (each of the words)
ROWS: list[tuple[list[str], str, int, list[str]]] = [
    # a patch that does not apply: which hunk, where
    (["--patch", "-"], DIFF.format("file.txt", "2nd"), 1, ["file.txt", "hunk", "1"]),
    (["--patch", "-"], DIFF.format("nowhere.txt", "second"), 1, ["nowhere.txt"]),
    (["--patch", "-"], new_file("file.txt"), 1, ["adds 'file.txt', which is there already"]),
    (["--patch", "-"], DIFF.format("file.txt", "second").replace("@@ -1,3 +1,3 @@", "@@ -1,9 +1,9 @@"), 2, ["hunk"]),
    (["--patch", "-"], "", 2, ["no patch"]),
    (["--patch", "-"], new_file("../outside"), 1, ["..", "refused"]),
    (["--patch", "-"], new_file("/etc/passwd"), 1, ["refused"]),
    (["--patch", "-"], new_file(".git/hooks/post-checkout"), 1, ["git's own folder"]),
    (["--patch", "-"], new_file(".GIT/config"), 1, ["git's own folder"]),
    (["--patch", "-"], new_file("a/.git /x"), 1, ["git's own folder"]),
    (["--patch", "-"], new_file("git~1/config"), 1, ["git's own folder"]),
    (["--patch", "-"], new_file(".g\u200cit/config"), 1, ["git's own folder"]),
    (["--patch", "-"], new_file("link/through"), 1, ["symbolic link 'link'"]),
    (["--patch", "-"], new_file("file.txt/under"), 1, ["'file.txt' is a file, not a folder"]),
    (["--patch", "-"], new_file("File.txt"), 1, ["same name where case is ignored"]),
    (["--patch", "-"], new_file("aux.c"), 1, ["device"]),
    # a reply
    (["--reply", "-"], "I would rather not.\n", 2, ["no edit"]),
    (["--reply", "-"], "", 2, ["error: "]),
    (["--reply", "-"], block("file.txt", "secnd"), 1, ["file.txt"]),
    (["--reply", "-"], block("../file.txt"), 1, [".."]),
    (["--reply", "-"], block(".git/config"), 1, ["git's own folder"]),
    (["--reply", "-"], whole(".Git/hooks/pre-commit"), 1, ["git's own folder"]),
    (["--reply", "-"], whole("link/x.txt"), 1, ["symbolic link"]),
    # plan JSON: which field
    (["--plan", "-"], "", 2, ["JSON"]),
    (["--plan", "-"], "{]", 2, ["JSON"]),
    (["--plan", "-"], "[]", 2, ["object"]),
    (["--plan", "-"], plan(version=2), 2, ["version"]),
    (["--plan", "-"], plan(steps=[]), 2, ["steps"]),
    (["--plan", "-"], plan(steps=[{"title": "t"}]), 2, ["steps[0]", "edits"]),
    (["--plan", "-"], plan(steps=[{"title": " ", "edits": []}]), 2, ["steps[0]"]),
    (["--plan", "-"], plan(surprise=1), 2, ["surprise"]),
    (["--plan", "-"], edit(op="fly", path="a"), 2, ["steps[0].edits[0]", "op"]),
    (["--plan", "-"], edit(op="put", path="a"), 2, ["steps[0].edits[0]", "content"]),
    (["--plan", "-"], edit(op="put", path=3, content="x"), 2, ["steps[0].edits[0].path"]),
    (["--plan", "-"], edit(op="put", path="a/../.git/x", content="x"), 1, ["steps[0].edits[0]"]),
    (["--plan", "-"], edit(op="delete", path="nowhere"), 1, ["nowhere"]),
    (["--plan", "-"], edit(op="put", path="file.txt", content="first\nsecond\nthird\n"), 1, ["changes nothing"]),
    (["--plan", "-"], plan(declared=["docs/*"]), 1, ["declare"]),
    # the call
    ([], "", 2, ["the task is empty"]),
    ([" "], "", 2, ["the task is empty"]),
    (["--recipe", "renaem", "a", "b"], "", 2, ["there is no recipe", "renaem", "did you mean rename"]),
    (["--recipe", "rename", "a"], "", 2, ["rename"]),
    (["--recipe", "replace", "", "x"], "", 2, ["error: "]),
    (["--patch", "-", "--reply", "-"], "", 2, ["--patch and --reply cannot be combined"]),
    (["--from-worktree", "--from-range", "a..b"], "", 2, ["cannot be combined"]),
    (["--step", "a:b", "do it"], "", 2, ["--step goes with --from-worktree"]),
    (["--frm-range", "main"], "", 2, ["no such option: --frm-range"]),
    (["--patch", "nowhere.patch"], "", 4, ["nowhere.patch cannot be read"]),
    (["--patch", "folder"], "", 4, ["folder cannot be read"]),
    (["--from-range", "man..topic"], "", 2, ["'man' names no commit here", "main"]),
    (["--from-range", "main..main"], "", 1, ["main..main holds no commits"]),
    (["--from-range", "main~9"], "", 2, ["names no commit"]),
    (["--from-range", "--output=x"], "", 2, ["'--output=x' names no commit"]),
    (["--from-worktree"], "", 1, ["nothing is uncommitted"]),
    (["--from-worktree", "nowhere"], "", 2, ["nowhere"]),
    (["--from-worktree", "../outside"], "", 2, ["outside the working tree"]),
    (["--from-worktree", "--step", "no colon"], "", 2, ["title:glob"]),
    # the target
    (["--patch", "-", "--target", "mian"], new_file("a"), 2, ["there is no branch 'mian'", "did you mean main?"]),
    (["--patch", "-", "--target", "v1"], new_file("a"), 2, ["there is no branch 'v1'"]),
    (["--patch", "-", "--target", "refs/tags/v1"], new_file("a"), 2, ["is not a branch"]),
    (["--patch", "-", "--target", "HEAD~1"], new_file("a"), 2, ["there is no branch 'HEAD~1'"]),
    (["--patch", "-", "--target", "--force"], new_file("a"), 2, ["there is no branch '--force'"]),
]


def names(row: tuple[list[str], str, int, list[str]]) -> str:
    return f"{' '.join(row[0])} {row[1][:24]!r} {row[3][0]}"[:80]


@pytest.mark.parametrize("row", ROWS, ids=names)
def test_bad_proposals(stocked: Repo, row: tuple[list[str], str, int, list[str]]) -> None:
    args, given, code, words = row
    stocked.git("tag", "v1")
    with untouched(stocked):
        answer = stocked.tiny("propose", *args, input=given, check=False)
    assert answer.code == code, answer
    one_clear_line(answer)
    for word in words:
        assert word in answer.err, answer
    assert stocked.git("for-each-ref", "refs/tiny/plans", "refs/heads/tiny").out == ""


def one_clear_line(answer: Result) -> None:
    assert answer.out == ""
    first, *rest = answer.err.splitlines()
    assert first.startswith("error: ")
    assert len(first) < 400
    assert "Traceback" not in answer.err
    assert any(line.startswith("hint: ") for line in rest), answer


def test_a_task_of_a_megabyte(stocked: Repo, world: Path) -> None:
    patch = world / "a.patch"
    patch.write_text(new_file("a"))
    words = ["x" * 100_000] * 10  # one argument may hold 128 KiB at most
    with untouched(stocked):
        answer = stocked.tiny("propose", "--patch", patch, *words, check=False)
        sentence = stocked.tiny("propose", *words, check=False)
    for one in (answer, sentence):
        assert one.code == 2
        assert one.err == (
            "error: the task is 1,000,009 bytes long; 65,536 is the most\n"
            "hint: a task is a sentence: put long material into a file of the repository and name it\n"
        )


@pytest.mark.parametrize("verb", ["show", "diff", "check", "export", "apply", "rollback", "redo", "reject"])
def test_an_unknown_plan_names_the_nearest(stocked: Repo, verb: str) -> None:
    made = make_plan(stocked, {"a": "a\n"}, task="rename the parser")
    with untouched(stocked):
        answer = stocked.tiny(verb, "rename-teh-parser", check=False)
    assert answer.code == 2
    assert "there is no plan 'rename-teh-parser'" in answer.err
    assert f"did you mean {made.id}?" in answer.err


@pytest.mark.parametrize("verb", ["show", "apply", "rollback", "redo", "reject"])
def test_no_plan_at_all(stocked: Repo, verb: str) -> None:
    with untouched(stocked):
        answer = stocked.tiny(verb, check=False)
    assert answer.code == 1
    one_clear_line(answer)


def test_a_prefix_that_means_two_plans(stocked: Repo) -> None:
    one, two = make_plan(stocked, {"a": "a\n"}), make_plan(stocked, {"b": "b\n"})
    answer = stocked.tiny("show", "change", check=False)
    assert answer.code == 2
    assert one.id in answer.err
    assert two.id in answer.err
    assert stocked.tiny("show", one.id[:-1] if one.id[:-1] != two.id[:-1] else one.id).code == 0
    assert stocked.tiny("show", f"tiny/{one.id}", "--json").json["id"] == one.id


def test_any_unique_prefix_will_do(stocked: Repo) -> None:
    one = make_plan(stocked, {"a": "a\n"}, task="alpha")
    make_plan(stocked, {"b": "b\n"}, task="beta")
    assert stocked.tiny("show", "al", "--json").json["id"] == one.id


def test_an_unborn_branch(world: Path) -> None:
    repo = Repo.create(world / "empty")
    answer = repo.tiny("propose", "--patch", "-", input=new_file("a"), check=False)
    assert answer.code == 1
    assert "main has no commit yet" in answer.err
    assert repo.tiny("status").out.startswith("on main, no commit yet")


def test_a_detached_head(stocked: Repo) -> None:
    stocked.git("checkout", "-q", "--detach")
    with untouched(stocked):
        answer = stocked.tiny("propose", "--patch", "-", input=new_file("a"), check=False)
        assert answer.code == 1
        assert "HEAD is detached" in answer.err
        assert "--target BRANCH" in answer.err
        tip = stocked.tiny("propose", "--patch", "-", "--target", "main", "--json", input=new_file("a")).json["tip"]
    files = stocked.files()
    stocked.tiny("apply", "--yes", "--expect", tip)
    assert stocked.oid("main^2") == tip
    assert stocked.files() == files


def test_a_bare_repository(stocked: Repo, world: Path) -> None:
    bare = stocked.clone(world / "bare.git", "--bare")
    bare.config("user.name", "Ada Example")
    plan_ = bare.tiny("propose", "--patch", "-", "--json", input=new_file("a")).json
    assert bare.tiny("apply", "--yes", "--expect", plan_["tip"]).code == 0
    assert bare.show("main", "a") == b"x\n"
    assert bare.tiny("rollback").code == 0
    refused = bare.tiny("propose", "--from-worktree", check=False)
    assert refused.code == 1
    assert "no working tree" in refused.err


@pytest.mark.parametrize("verb", ["propose", "plans", "show", "apply", "rollback", "gc", "recover", "status", "check"])
def test_outside_of_any_repository(world: Path, verb: str) -> None:
    answer = tiny(verb, *(["do"] if verb == "propose" else []), cwd=world, check=False)
    assert answer.code == 1
    assert f"{world} is not inside a git repository" in answer.err
    one_clear_line(answer)


def test_a_folder_that_is_not_there(world: Path) -> None:
    answer = tiny("-C", str(world / "nowhere"), "status", cwd=world, check=False)
    assert answer.code in (1, 2)
    assert "nowhere" in answer.err


def test_inside_the_git_folder(stocked: Repo) -> None:
    answer = tiny("propose", "--from-worktree", cwd=stocked.path / ".git", check=False)
    assert answer.code == 1
    assert "no working tree" in answer.err


def test_sha256(world: Path) -> None:
    repo = Repo.create(world / "new", object_format="sha256")
    repo.commit("first", {"a": "a\n"})
    with untouched(repo):
        answer = repo.tiny("propose", "--patch", "-", input=new_file("b"), check=False)
    assert answer.code == 1
    assert "this one uses sha256" in answer.err
    assert repo.tiny("plans").code == 0
    assert repo.tiny("status").code == 0


def _no_identity(repo: Repo) -> None:
    Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text("[user]\n\tuseConfigOnly = true\n")


@pytest.mark.parametrize("verb", ["propose", "apply"])
def test_no_identity(stocked: Repo, verb: str) -> None:
    made = make_plan(stocked, {"a": "a\n"})
    _no_identity(stocked)
    with untouched(stocked):
        answer = (
            apply(stocked, made, check=False)
            if verb == "apply"
            else stocked.tiny("propose", "--patch", "-", input=new_file("b"), check=False)
        )
    assert answer.code == 1
    assert "git does not know who you are" in answer.err
    assert "user.name" in answer.err
    assert stocked.tiny("show", made.id).code == 0


def test_a_branch_named_tiny_is_in_the_way(stocked: Repo) -> None:
    stocked.git("branch", "tiny")
    with untouched(stocked):
        answer = stocked.tiny("propose", "--patch", "-", input=new_file("b"), check=False)
    assert answer.code == 1
    assert "tiny.prefix" in answer.err
    stocked.config("tiny.prefix", "plans")
    made = stocked.tiny("propose", "--patch", "-", "--json", input=new_file("b")).json
    assert made["branch"].startswith("refs/heads/plans/")
    stocked.tiny("apply", "--yes", "--expect", made["tip"])


def _a_rebase(repo: Repo) -> str:
    repo.git("checkout", "-q", "-b", "side", "main~1")
    repo.commit("conflict", {"file.txt": "other\n"})
    repo.git("rebase", "main", check=False)
    return "side"


def _a_merge(repo: Repo) -> str:
    repo.git("checkout", "-q", "-b", "side", "main~1")
    repo.commit("conflict", {"hello.txt": "other\n"})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "--no-commit", "--no-ff", "side")
    return "main"


def _a_cherry_pick(repo: Repo) -> str:
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("one", {"hello.txt": "one\n"})
    repo.git("checkout", "-q", "main")
    repo.commit("two", {"hello.txt": "two\n"})
    repo.git("cherry-pick", "side", check=False)
    return "main"


@pytest.mark.parametrize("begin", [_a_merge, _a_cherry_pick])
def test_something_else_is_under_way(stocked: Repo, begin: Callable[[Repo], str]) -> None:
    target = begin(stocked)
    made: Made = make_plan(stocked, {"a": "a\n"}, target=target)
    with untouched(stocked):
        answer = apply(stocked, made, check=False)
        taken = stocked.tiny("propose", "--from-worktree", check=False)
    for one in (answer, taken):
        assert one.code == 1
        assert "is under way" in one.err
        assert "--abort" in one.err


def test_an_object_that_is_missing_is_no_clean_answer(stocked: Repo) -> None:
    made = make_plan(stocked, {"folder/in": "i2\n"})
    oid = stocked.tree(made.tip)["folder/in"][1]
    place = stocked.git_dir() / "objects" / oid[:2] / oid[2:]
    place.chmod(0o644)
    place.unlink()
    with untouched(stocked):
        answer = apply(stocked, made, check=False)
    assert answer.code == 4, answer
    assert oid in answer.err
    assert "git fsck" in answer.err
    one_clear_line(answer)
    assert stocked.git("status", "--porcelain").out == ""


def test_a_record_that_does_not_parse(stocked: Repo) -> None:
    made = make_plan(stocked, {"a": "a\n"})
    blob = stocked.git("hash-object", "-w", "--stdin", input="{}").text
    tree = stocked.git("mktree", input=f"100644 blob {blob}\tplan.json\n").text
    stocked.git("update-ref", f"refs/tiny/plans/{made.id}", stocked.git("commit-tree", "-m", "x", tree).text)
    answer = stocked.tiny("show", made.id, check=False)
    assert answer.code == 4
    assert f"refs/tiny/plans/{made.id} does not hold a readable record" in answer.err


def test_a_record_that_cannot_be_read_is_in_no_other_plans_way(stocked: Repo) -> None:
    """As one that a newer git tiny wrote: the others are listed, shown and applied, and it is said each time."""
    other, made = make_plan(stocked, {"b": "b\n"}), make_plan(stocked, {"a": "a\n"})
    ref = f"refs/tiny/plans/{made.id}"
    before = stocked.oid(ref)
    blob = stocked.git("hash-object", "-w", "--stdin", input='{"version": 99}').text
    tree = stocked.git("mktree", input=f"100644 blob {blob}\tplan.json\n").text
    stocked.git("update-ref", ref, stocked.git("commit-tree", "-m", "x", "-p", before, tree).text)
    for words in (["plans"], ["plans", "--graph"], ["status"]):
        answer = stocked.tiny(*words, check=False)
        assert (answer.code, other.id in answer.out, f"{ref} is version 99" in answer.err) == (4, True, True), answer
    listed = stocked.tiny("plans", "--json", check=False)
    assert (listed.code, [one["id"] for one in listed.json["plans"]]) == (4, [other.id])
    assert stocked.tiny("apply", check=False).code == 4, "which one is the newest cannot be told"
    assert stocked.tiny("show", made.id, check=False).code == 4
    assert apply(stocked, other).code == 0
    assert stocked.tiny("rollback", other.id).code == 0
    stocked.git("update-ref", ref, f"{ref}~1")
    assert stocked.tiny("plans").code == 0
