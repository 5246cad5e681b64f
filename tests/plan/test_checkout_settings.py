"""What shapes a user's working tree takes part: filters, line endings, encodings, sparse checkouts, submodules."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plan.plans import Made, apply, make_plan, state, untouched
from tests.repos import Entry, Repo, run

LFS = """#!/usr/bin/env python3
import hashlib, pathlib, sys

store = pathlib.Path(sys.argv[2])
data = sys.stdin.buffer.read()
if sys.argv[1] == "clean":
    name = hashlib.sha256(data).hexdigest()
    store.mkdir(exist_ok=True)
    (store / name).write_bytes(data)
    sys.stdout.write(f"version 1\\noid {name}\\n")
else:
    name = data.decode().split()[-1]
    sys.stdout.buffer.write((store / name).read_bytes())
"""


@pytest.fixture
def large(repo: Repo, world: Path) -> Repo:
    """A repository whose ``*.bin`` files are pointers, as git LFS keeps them."""
    place = world / "home/lfs"
    place.write_text(LFS)
    place.chmod(0o755)
    for verb in ("clean", "smudge"):
        repo.config(f"filter.large.{verb}", f"{place} {verb} {world / 'home/store'}")
    repo.config("filter.large.required", "true")
    repo.commit("large", {".gitattributes": "*.bin filter=large -text\n", "a.bin": b"A" * 5000, "b.bin": b"B" * 5000})
    return repo


def pointer(repo: Repo, content: bytes) -> bytes:
    repo.write("../scratch.bin", content)
    return repo.git("cat-file", "blob", repo.git("hash-object", "-w", "--path=x.bin", "../scratch.bin").text).stdout


def test_a_filter_makes_the_files_and_they_are_clean(large: Repo) -> None:
    new, more = pointer(large, b"new" * 900), pointer(large, b"more" * 900)
    plan = make_plan(large, {"a.bin": new, "c/d.bin": more, "b.bin": None})
    before = state(large)
    apply(large, plan)
    assert (large.path / "a.bin").read_bytes() == b"new" * 900
    assert (large.path / "c/d.bin").read_bytes() == b"more" * 900
    assert large.git("status", "--porcelain").out == ""
    large.tiny("rollback")
    assert state(large) == before
    assert (large.path / "b.bin").read_bytes() == b"B" * 5000


def test_uncommitted_work_in_a_filtered_file_is_refused_and_elsewhere_kept(large: Repo) -> None:
    plan = make_plan(large, {"a.bin": pointer(large, b"new")})
    large.write("b.bin", b"mine" * 99)
    apply(large, plan)
    assert (large.path / "b.bin").read_bytes() == b"mine" * 99
    large.write("a.bin", b"mine too")
    with untouched(large):
        answer = large.tiny("rollback", check=False)
    assert answer.code == 1
    assert "a.bin  (not staged)" in answer.err


def test_a_filter_that_fails_leaves_everything_as_it_was(large: Repo, world: Path) -> None:
    plan = make_plan(large, {".aaa": "first\n", "a.bin": "version 1\noid missing\n", "z.txt": "last\n"})
    large.write("hello.txt", "not staged\n")
    before = state(large)
    answer = apply(large, plan, check=False)
    assert answer.code == 1
    assert "a.bin" in answer.err
    assert state(large) == before
    assert large.git("status", "--porcelain").out == " M hello.txt\n"
    assert large.tiny("show", plan.id, "--json").json["state"] == "open"


def test_the_uncommitted_work_of_a_filtered_file_becomes_its_pointer(large: Repo) -> None:
    large.write("a.bin", b"work" * 100)
    with untouched(large):
        tip = large.tiny("propose", "--from-worktree", "--json").json["tip"]
    assert large.show(tip, "a.bin") == pointer(large, b"work" * 100)


ENDINGS: dict[str, tuple[dict[str, str], Entry, bytes, bytes]] = {
    "eol=crlf": ({}, "*.txt text eol=crlf\n", b"one\ntwo\n", b"one\r\ntwo\r\n"),
    "autocrlf": ({"core.autocrlf": "true"}, "", b"one\ntwo\n", b"one\r\ntwo\r\n"),
    "core.eol": ({"core.eol": "crlf"}, "*.txt text\n", b"one\ntwo\n", b"one\r\ntwo\r\n"),
    "autocrlf input": ({"core.autocrlf": "input"}, "", b"one\ntwo\n", b"one\ntwo\n"),
    "-text": ({"core.autocrlf": "true"}, "*.txt -text\n", b"one\r\ntwo\n", b"one\r\ntwo\n"),
    "ident": ({}, "*.txt ident\n", b"$Id$\n", b"$Id: 055c8729cdcc372500a08db659c045e16c4409fb $\n"),
    "utf-16": (
        {},
        "*.txt text working-tree-encoding=UTF-16LE eol=lf\n",
        "één\n".encode(),
        "één\n".encode("utf-16-le"),
    ),
}


@pytest.mark.parametrize("kind", ENDINGS)
def test_line_endings_and_encodings_are_those_of_a_checkout(repo: Repo, kind: str) -> None:
    settings, attributes, stored, held = ENDINGS[kind]
    for key, value in settings.items():
        repo.config(key, value)
    repo.commit("rules", {".gitattributes": attributes})
    repo.git("rm", "-r", "-q", "--cached", ".")
    repo.git("reset", "-q", "--hard")
    plan = make_plan(repo, {"new.txt": stored, "hello.txt": stored})
    apply(repo, plan)
    assert (repo.path / "new.txt").read_bytes() == held
    assert (repo.path / "hello.txt").read_bytes() == held
    assert repo.git("status", "--porcelain").out == ""
    repo.tiny("rollback")
    assert repo.git("status", "--porcelain").out == ""
    assert not (repo.path / "new.txt").exists()


def test_a_plan_that_changes_the_attributes_too_checks_out_by_the_new_ones(repo: Repo) -> None:
    plan = make_plan(repo, {".gitattributes": "*.txt text eol=crlf\n", "new.txt": "one\n"})
    apply(repo, plan)
    assert (repo.path / "new.txt").read_bytes() == b"one\r\n"
    assert repo.git("status", "--porcelain").out == ""


SPARSE = {"in/a": "a\n", "in/b": "b\n", "out/a": "a\n", "out/deep/b": "b\n", "top": "t\n"}


@pytest.fixture(params=["cone", "patterns", "sparse index"])
def sparse(repo: Repo, request: pytest.FixtureRequest) -> Repo:
    """A sparse checkout that leaves ``out`` out."""
    repo.commit("folders", dict(SPARSE))
    if request.param == "patterns":
        repo.git("sparse-checkout", "set", "--no-cone", "/*", "!/out/")
    else:
        index = ["--sparse-index"] if request.param == "sparse index" else []
        repo.git("sparse-checkout", "set", "--cone", *index, "in", "src")
    assert not (repo.path / "out").exists()
    return repo


def test_a_sparse_checkout_stays_sparse(sparse: Repo) -> None:
    before = state(sparse)
    plan = make_plan(sparse, {"in/a": "in\n", "out/a": "out\n", "out/new": "n\n", "out/deep/b": None, "in/new": "n\n"})
    apply(sparse, plan)
    assert not (sparse.path / "out").exists()
    assert (sparse.path / "in/a").read_text() == "in\n"
    assert (sparse.path / "in/new").read_text() == "n\n"
    assert sparse.git("status", "--porcelain").out == ""
    assert sparse.tree() == sparse.tree(plan.tip)
    sparse.tiny("rollback")
    assert sparse.git("status", "--porcelain").out == ""
    assert state(sparse)[0] == before[0]
    assert sparse.git("write-tree").text == sparse.oid("HEAD^{tree}")
    sparse.tiny("redo")
    sparse.git("sparse-checkout", "disable")
    assert (sparse.path / "out/new").read_text() == "n\n"
    assert sparse.git("status", "--porcelain").out == ""


def test_a_file_of_the_users_outside_of_the_sparse_checkout_is_not_written_over(sparse: Repo) -> None:
    plan = make_plan(sparse, {"out/a": "out\n", "out/new": "n\n"})
    sparse.write("out/a", "mine\n")
    sparse.write("out/new", "mine too\n")
    files = sparse.files()
    answer = apply(sparse, plan, check=False)
    assert answer.code == 1
    assert "out/a" in answer.err
    assert "out/new" in answer.err
    assert sparse.files() == files


def test_a_switch_that_fails_does_not_write_what_is_left_out(sparse: Repo, world: Path) -> None:
    sparse.config("filter.broken.smudge", "exit 1")
    sparse.config("filter.broken.required", "true")
    sparse.config("filter.broken.clean", "cat")
    (sparse.git_dir() / "info/attributes").write_text("*.broken filter=broken\n")
    plan = make_plan(sparse, {"out/a": "out\n", "in/a": "in\n", "in/x.broken": "x\n", "out/deep/b": None})
    files = sparse.files()
    answer = apply(sparse, plan, check=False)
    assert answer.code == 1
    assert sparse.files() == files
    assert sparse.git("status", "--porcelain").out == ""


@pytest.fixture
def nested(repo: Repo, world: Path) -> Repo:
    """A repository with a submodule at ``vendor``, which knows two commits."""
    library = Repo.create(world / "library")
    library.commit("one", {"lib.c": "one\n"})
    library.commit("two", {"lib.c": "two\n"})
    repo.git("submodule", "--quiet", "add", library.path, "vendor")
    repo.commit("submodule")
    return repo


def forward(nested: Repo) -> Made:
    """A plan that moves the submodule's link back by one commit, taken from a commit on another branch."""
    nested.git("branch", "topic")
    index = {"GIT_INDEX_FILE": str(nested.git_dir() / "scratch")}
    old = run(["git", "rev-parse", "HEAD^"], cwd=nested.path / "vendor").text
    nested.git("read-tree", "topic", env=index)
    nested.git("update-index", "--cacheinfo", f"160000,{old},vendor", env=index)
    tree = nested.git("write-tree", env=index).text
    nested.git("update-ref", "refs/heads/topic", nested.git("commit-tree", "-p", "topic", "-m", "back", tree).text)
    plan = nested.tiny("propose", "--from-range", "main..topic", "--json").json
    return Made(plan["id"], plan["tip"], plan["branch"])


@pytest.mark.parametrize("recurse", ["false", "true"])
def test_a_submodules_link_moves_and_its_working_tree_does_not(nested: Repo, recurse: str) -> None:
    nested.config("submodule.recurse", recurse)
    plan = forward(nested)
    inside = Repo(nested.path / "vendor")
    inside.write("lib.c", "work in the submodule\n")
    files, head = nested.files(), inside.oid()
    apply(nested, plan)
    assert nested.tree()["vendor"] == nested.tree(plan.tip)["vendor"] != (0o160000, head)
    assert (nested.files(), inside.oid()) == (files, head)
    nested.tiny("rollback")
    assert nested.tree()["vendor"] == (0o160000, head)
    assert (nested.files(), inside.oid()) == (files, head)


def test_a_staged_move_of_the_submodule_is_work(nested: Repo) -> None:
    plan = forward(nested)
    inside = Repo(nested.path / "vendor")
    inside.commit("three", {"lib.c": "three\n"})
    nested.git("add", "vendor")
    with untouched(nested):
        answer = apply(nested, plan, check=False)
    assert answer.code == 1
    assert "vendor  (staged)" in answer.err


def test_changes_beside_a_submodule_with_work_in_it(nested: Repo) -> None:
    inside = Repo(nested.path / "vendor")
    inside.commit("three", {"lib.c": "three\n"})
    inside.write("lib.c", "and work\n")
    plan = make_plan(nested, {"hello.txt": "again\n"})
    apply(nested, plan)
    assert (nested.path / "vendor/lib.c").read_text() == "and work\n"
    assert nested.git("status", "--porcelain").out == " M vendor\n"


def test_a_merge_driver_of_the_users_merges(repo: Repo, world: Path) -> None:
    repo.config("merge.ours-and-theirs.driver", 'cat %B >> %A; echo "driver %P" >> "$HOME/log"')
    repo.commit("list", {".gitattributes": "list merge=ours-and-theirs\n", "list": "a\n"})
    plan = make_plan(repo, {"list": "theirs\n"})
    repo.commit("on main", {"list": "ours\n"})
    apply(repo, plan)
    assert (repo.path / "list").read_text() == "ours\ntheirs\n"
    assert (world / "home/log").read_text().replace("'", "") == "driver list\n"


BODY = "".join(f"line {n}\n" for n in range(30))
THEIRS: dict[str, Entry] = {"old": BODY + "more\n", "folder/added": "a\n", "crlf.txt": b"one\r\n2\r\n"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("merge.renames", "true"),
        ("merge.renames", "false"),
        ("diff.renames", "false"),
        ("merge.renameLimit", "1"),
        ("merge.directoryRenames", "true"),
        ("merge.directoryRenames", "false"),
        ("merge.directoryRenames", "conflict"),
        ("merge.renormalize", "true"),
        ("merge.renormalize", "false"),
        ("merge.ff", "only"),
        ("merge.default", "union"),
    ],
)
def test_settings_of_merging_give_what_git_merge_gives(repo: Repo, world: Path, key: str, value: str) -> None:
    repo.commit("file", {"old": BODY, "folder/a": BODY + "a\n", "folder/b": BODY + "b\n", "crlf.txt": b"one\r\n"})
    changes = {**THEIRS, "hello.txt": "hello\ntheirs\n"} if key == "merge.default" else THEIRS
    plan = make_plan(repo, changes)
    repo.git("mv", "old", "new")
    if key != "merge.default":
        repo.git("mv", "folder", "moved")
    repo.commit("moved", {".gitattributes": "*.txt text\n", "hello.txt": "hello\nours\n"})
    repo.git("add", "--renormalize", ".")
    repo.commit("line endings")
    repo.git("rm", "-r", "-q", "--cached", ".")
    repo.git("reset", "-q", "--hard")
    repo.config(key, value)
    other = repo.clone(world / "clone")
    other.config(key, value)
    merged = other.git("merge", "--no-ff", "-q", "-m", "merge", f"origin/{plan.branch}", check=False)
    answer = apply(repo, plan, check=False)
    assert answer.code == merged.code, f"{answer}\n{merged}"
    if answer.code == 0:
        assert repo.tree() == other.tree()


@pytest.mark.parametrize("style", ["merge", "diff3", "zdiff3"])
def test_a_conflict_is_refused_path_by_path_whatever_its_style(repo: Repo, style: str) -> None:
    repo.config("merge.conflictStyle", style)
    repo.commit("more", {"b/c.txt": "c\n"})
    plan = make_plan(repo, {"hello.txt": "theirs\n", "b/c.txt": "theirs\n", "fine": "f\n"})
    repo.commit("on main", {"hello.txt": "ours\n", "b/c.txt": "ours\n"})
    with untouched(repo):
        answer = apply(repo, plan, check=False)
    assert answer.code == 1
    assert answer.err == (
        f"error: {plan.id} conflicts with main in 2 paths; nothing was changed\n"
        "  b/c.txt  (contents)\n  hello.txt  (contents)\n"
        f"hint: rebase the plan, then apply it: git rebase main {plan.branch}\n"
    )
