"""Throwaway clones: what is in them, what is not, how they come and go, what a hostile program makes of them."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest

from tests import histories
from tests.repos import ROOT, Exe, Link, Repo
from tinycode_git.errors import Incomplete, Refused
from tinycode_git.git.fingerprint import Fingerprint, difference
from tinycode_git.git.read import Place, ReadRepo
from tinycode_git.git.throwaway import checkout, clone, collect, remove, room


def _place(repo: Repo) -> Place:
    return ReadRepo.discover(repo.path).place


def _tree(repo: Repo, rev: str = "HEAD") -> str:
    return repo.oid(f"{rev}^{{tree}}")


def _folders(repo: Repo) -> list[str]:
    return sorted(p.name for p in room(_place(repo)).iterdir() if p.is_dir())


@pytest.mark.parametrize("name", sorted(histories.ALL.keys() - {"submodule"}))
def test_a_clone_has_the_files_and_the_history(name: str, world: Path) -> None:
    repo = histories.ALL[name](world / "r")
    before = Fingerprint.take(repo.path)
    with clone(_place(repo), repo.oid(), "main") as made:
        copy = Repo(made.path)
        assert copy.files() == repo.files()
        assert copy.oid() == repo.oid()
        assert copy.git("log", "--format=%H").text == repo.git("log", "--format=%H").text
        assert copy.git("status", "--porcelain", "--branch").text == "## main"
        assert copy.git("remote").text == ""
        assert copy.refs().keys() == {"refs/heads/main"}
        copy.commit("there", {"new": "n\n"})
        copy.fsck()
    assert not made.folder.exists()
    assert difference(before, before.again()) == ()


def test_it_lies_in_the_cache_folder_with_a_configuration_of_its_own(repo: Repo) -> None:
    repo.config("alias.evil", "!touch evil")
    repo.config("core.fsmonitor", "touch evil")
    repo.config("user.name", "Of this clone")
    repo.hook("post-checkout", "touch evil")
    repo.hook("post-commit", "touch evil")
    with clone(_place(repo), repo.oid()) as made:
        assert made.path.is_relative_to(platformdirs.user_cache_path("git-tiny"))
        copy = Repo(made.path)
        copy.commit("there", {"new": "n\n"})
        assert copy.git("config", "--get", "alias.evil", check=False).code == 1
        assert copy.git("log", "-1", "--format=%an").text == "Of this clone"
        assert "evil" not in copy.files()
        assert "evil" not in repo.files()


def test_removed_also_when_the_block_fails_and_whatever_the_modes(repo: Repo) -> None:
    with pytest.raises(ZeroDivisionError), clone(_place(repo), repo.oid()) as made:
        (made.path / "closed/inner").mkdir(parents=True)
        (made.path / "closed/inner/file").touch()
        (made.path / "closed/inner").chmod(0)
        (made.path / "closed").chmod(0)
        raise ZeroDivisionError
    assert _folders(repo) == []


def test_remove_as_an_ordinary_user(world: Path) -> None:
    """root may remove anything: the modes matter to the others, so this runs as one of them where we are root."""
    folder = world.parent / "modes"
    code = (
        "import os, sys; from pathlib import Path; from tinycode_git.git.throwaway import remove\n"
        "if os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "top = Path(sys.argv[1]); (top / 'closed/inner').mkdir(parents=True); (top / 'closed/inner/file').touch()\n"
        "(top / 'link').symlink_to('/'); (top / 'closed/inner').chmod(0); (top / 'closed').chmod(0o100)\n"
        "remove(top / 'closed'); remove(top / 'link'); remove(top / 'none'); print(os.listdir(top))"
    )
    folder.mkdir()
    folder.chmod(0o777)
    opened = [parent for parent in folder.parents if parent.stat().st_mode & 0o7 == 0]
    for parent in opened:
        parent.chmod(parent.stat().st_mode | 0o5)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, folder], env=env, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr


# The kept checkout


def test_the_second_checkout_is_the_first_put_right(repo: Repo) -> None:
    with checkout(_place(repo), _tree(repo)) as first:
        inode = (first.path / "hello.txt").stat().st_ino
    repo.commit("second", {"src/app.py": "changed\n", "new": Exe("n\n"), "link": Link("new")})
    with checkout(_place(repo), _tree(repo)) as second:
        assert second.path == first.path
        assert (second.path / "hello.txt").stat().st_ino == inode
        assert Repo(second.path).files() == repo.files()
        assert Repo(second.path).git("status", "--porcelain").text == ""


def _same_size_and_times(path: Path) -> None:
    place = path / "hello.txt"
    was = place.stat()
    place.write_text("HELLO\n")
    os.utime(place, ns=(was.st_atime_ns, was.st_mtime_ns))


def _evil_git(path: Path) -> None:
    for name in ("config", "info/attributes", "info/exclude", "hooks/post-checkout", "index"):
        (path / ".git" / name).parent.mkdir(exist_ok=True)
        (path / ".git" / name).write_text("[evil\n")


def _git_elsewhere(path: Path) -> None:
    shutil.rmtree(path / ".git")
    (path / ".git").write_text("gitdir: /nowhere\n")


def _link_for_folder(path: Path) -> None:
    shutil.rmtree(path / "src")
    (path / "src").symlink_to("/")


def _untracked(path: Path) -> None:
    (path / "sub/deep").mkdir(parents=True)
    (path / "sub/deep/file").touch()
    (path / "ignored.log").touch()
    (path / ".gitignore").write_text("*\n")
    subprocess.run(["git", "init", "-q", path / "nested"], check=True)


def _folder_for_file(path: Path) -> None:
    (path / "hello.txt").unlink()
    (path / "hello.txt/x").mkdir(parents=True)


def _nothing_left(path: Path) -> None:
    for name in list(path.iterdir()):
        remove(name)


MESSES: dict[str, Callable[[Path], object]] = {
    "changed": lambda path: (path / "hello.txt").write_text("x\n"),
    "changed at the same size and times": _same_size_and_times,
    "deleted": lambda path: (path / "src/app.py").unlink(),
    "mode": lambda path: (path / "hello.txt").chmod(0o755),
    "untracked, ignored and nested": _untracked,
    "link for a folder": _link_for_folder,
    "folder for a file": _folder_for_file,
    "its repository ruined": _evil_git,
    "its repository elsewhere": _git_elsewhere,
    "nothing left": _nothing_left,
    "closed": lambda path: (path / "src").chmod(0),
}


@pytest.mark.parametrize("name", MESSES)
def test_whatever_was_done_to_it_the_next_is_clean(name: str, repo: Repo) -> None:
    before = Fingerprint.take(repo.path)
    with checkout(_place(repo), _tree(repo)) as made:
        MESSES[name](made.path)
    with checkout(_place(repo), _tree(repo)) as again:
        assert Repo(again.path).files() == repo.files()
        assert Repo(again.path).git("status", "--porcelain", "--ignored").text == ""
        assert oct((again.path / "hello.txt").stat().st_mode) == oct((repo.path / "hello.txt").stat().st_mode)
    assert difference(before, before.again()) == ()


def test_a_ruined_control_directory_is_made_anew(repo: Repo) -> None:
    with checkout(_place(repo), _tree(repo)) as made:
        pass
    (made.folder / "control/index").write_bytes(b"not an index")
    (made.folder / "control/index.lock").touch()
    with checkout(_place(repo), _tree(repo)) as again:
        assert Repo(again.path).files() == repo.files()


def test_a_working_tree_that_became_a_link_is_not_followed(repo: Repo, world: Path) -> None:
    with checkout(_place(repo), _tree(repo)) as made:
        pass
    elsewhere = world / "elsewhere"
    made.path.rename(elsewhere)
    (elsewhere / "hello.txt").write_text("mine\n")
    made.path.symlink_to(elsewhere)
    with checkout(_place(repo), _tree(repo)) as again:
        assert Repo(again.path).files() == repo.files()
    assert (elsewhere / "hello.txt").read_text() == "mine\n"


def test_two_at_once_have_one_each(repo: Repo) -> None:
    with checkout(_place(repo), _tree(repo)) as one, checkout(_place(repo), _tree(repo)) as other:
        assert one.path != other.path
        assert Repo(other.path).files() == repo.files()
    assert one.folder.exists()
    assert not other.folder.exists()


def test_the_commit_in_it_has_the_parents(repo: Repo) -> None:
    base = repo.oid()
    tip = repo.commit("second", {"new": "n\n"})
    oids = set()
    for _ in range(2):
        with checkout(_place(repo), _tree(repo), parents=[base, tip]) as made:
            copy = Repo(made.path)
            assert copy.git("log", "-1", "--format=%P").text == f"{base} {tip}"
            assert copy.git("describe", "--always").code == 0
            oids.add(copy.oid())
    assert len(oids) == 1


def test_links_into_the_users_tree(repo: Repo) -> None:
    repo.write("node_modules/x/index.js", "x\n")
    repo.write("tools/.venv/bin/python", "p\n")
    with checkout(_place(repo), _tree(repo), links=["node_modules", "tools/.venv"]) as made:
        assert (made.path / "node_modules/x/index.js").read_text() == "x\n"
        assert (made.path / "tools/.venv").readlink() == repo.path / "tools/.venv"
    with checkout(_place(repo), _tree(repo)) as again:
        assert not (again.path / "node_modules").exists()
    assert (repo.path / "node_modules/x/index.js").exists()


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("../outside", "cannot link"),
        ("/etc", "cannot link"),
        (".", "cannot link"),
        (".git", "cannot link"),
        ("a/../../b", "cannot link"),
        ("missing", "is not there to be linked"),
        ("hello.txt", "the plan's tree has it"),
        ("away/x", "is a link itself"),
    ],
)
def test_links_that_are_refused(link: str, words: str, repo: Repo, world: Path) -> None:
    (world / "away").mkdir()
    (world / "away/x").touch()
    repo.commit("a link out", {"away": Link("../away")})
    with pytest.raises(Refused, match=words), checkout(_place(repo), _tree(repo), links=[link]):
        pass


def test_filters_and_line_endings_of_the_users_configuration(repo: Repo) -> None:
    repo.config("filter.upper.smudge", "tr a-z A-Z")
    repo.config("filter.upper.clean", "tr A-Z a-z")
    repo.config("core.autocrlf", "true")
    repo.commit("filtered", {".gitattributes": "*.up filter=upper\n", "a.up": "text\n", "b.txt": "x\r\n"})
    with checkout(_place(repo), _tree(repo)) as made:
        assert (made.path / "a.up").read_bytes() == b"TEXT\r\n"
        assert (made.path / "b.txt").read_bytes() == b"x\r\n"


# Coming and going

HOLD = (
    "import sys, time; from pathlib import Path\n"
    "from tinycode_git.git.read import ReadRepo; from tinycode_git.git.throwaway import clone, checkout\n"
    "repo = ReadRepo.discover(Path(sys.argv[1]))\n"
    "with clone(repo.place, repo.resolve('HEAD')) as made:\n  print(made.folder, flush=True); time.sleep(300)"
)


def test_what_a_killed_process_left_is_collected_and_what_is_in_use_is_not(repo: Repo) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-c", HOLD, str(repo.path)]
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        folder = Path(holder.stdout.readline().strip())
        assert collect(room(_place(repo))) == 0
        assert (folder / "work/hello.txt").exists()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert folder.exists()
    with clone(_place(repo), repo.oid()):
        assert not folder.exists()


def test_a_checkout_that_nobody_uses_is_collected(repo: Repo) -> None:
    with checkout(_place(repo), _tree(repo)) as made:
        pass
    assert collect(room(_place(repo))) == 0
    os.utime(made.folder / "source", (time.time() - 15 * 86_400,) * 2)
    assert collect(room(_place(repo))) == 1
    assert _folders(repo) == []


def test_a_checkout_of_a_repository_that_is_gone_is_collected(repo: Repo, world: Path) -> None:
    other = Repo.create(world / "other")
    other.commit("one", {"a": "a\n"})
    with checkout(_place(other), _tree(other)):
        pass
    shutil.rmtree(other.path)
    assert collect(room(_place(repo))) == 1


def test_never_inside_the_repository(world: Path) -> None:
    home = Repo.create(world / "all")
    home.commit("dotfiles", {"bashrc": "b\n"})
    os.environ["XDG_CACHE_HOME"] = str(home.path / ".cache")
    place = _place(home)
    assert not room(place).is_relative_to(home.path)
    os.environ["TMPDIR"] = str(home.path / "tmp")
    (home.path / "tmp").mkdir()
    with clone(place, home.oid()) as made:
        assert not made.path.resolve().is_relative_to(home.path)


def test_the_lock_is_not_inherited(repo: Repo) -> None:
    with clone(_place(repo), repo.oid()) as made:
        sleeper = subprocess.Popen(["sleep", "60"], cwd=made.path)
    try:
        folder = room(_place(repo))
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        sleeper.kill()
        sleeper.wait()


def test_shallow_and_missing_objects(repo: Repo, world: Path) -> None:
    repo.commit("second", {"hello.txt": "second\n"})
    shallow = repo.clone(world / "shallow", "--no-local", "--depth=1")
    with clone(_place(shallow), shallow.oid()) as made:
        assert Repo(made.path).git("log", "--oneline").text.count("\n") == 0
        Repo(made.path).fsck()
    (shallow.path / "hello.txt").unlink()
    repo.config("uploadpack.allowFilter", "true")
    partial = repo.clone(world / "partial", "--no-local", "--filter=blob:none", "--no-checkout")
    with pytest.raises(Incomplete, match="not all files"), clone(_place(partial), partial.oid()):
        pass
    assert _folders(partial) == []


def test_from_a_linked_worktree_and_a_bare_repository(repo: Repo, world: Path) -> None:
    linked = repo.worktree_add(world / "linked", "-b", "side")
    bare = repo.clone(world / "bare", "--bare")
    for place in (_place(linked), _place(bare)):
        with checkout(place, _tree(repo)) as made:
            assert Repo(made.path).files() == repo.files()
