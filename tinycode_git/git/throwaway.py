"""Throwaway clones: where an agent or a gate works on the repository's content without the repository.

As of ``git clone --shared``, but with nothing of ours in them that a program could use to come back: no remotes, no
refs but one, no hooks, a configuration of our own. They live in the user's cache folder, never inside the repository
(tools look upwards for configuration). Each has two git directories: ``work/.git``, which the program may ruin, and
``control``, which only git tiny uses and whose objects nobody else writes.

A gate's checkout is kept for the next one of the same repository, so that the next costs the difference: tracked files
are compared with the index by size, times and inode and put back where they differ, everything else is removed. It is
locked; whoever finds it locked gets one of its own. Folders of processes that crashed are removed by the next that
comes (``collect``): a lock (flock(2)) is gone with its process.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from tinycode_git.errors import Incomplete, Refused
from tinycode_git.git.process import Git, GitFailed
from tinycode_git.git.read import Place
from tinycode_git.proposal import path_bytes

KEPT_DAYS = 14

_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogAllRefUpdates = false
\thooksPath = /dev/null
\tfsmonitor = false
\tuntrackedCache = false
\ttrustctime = true
\tcheckStat = default
\tsparseCheckout = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[advice]
\tdetachedHead = false
"""
# What the clone's own configuration says about the content of files, and who the user is: a checkout needs it.
_CARRIED = r"^(filter\..*|core\.(autocrlf|eol|symlinks|ignorecase|precomposeunicode)|user\.(name|email))$"


@dataclass(frozen=True, slots=True)
class Clone:
    """A throwaway clone: ``path`` is its working tree, ``scratch`` a folder for temporary files and caches.

    ``control`` is git on the working tree with our own git directory, which believes nothing that ``path/.git`` says.
    """

    folder: Path
    path: Path
    scratch: Path
    control: Git

    def environment(self) -> dict[str, str]:
        """What a program that runs in it is to have set, on top of the user's own environment."""
        temporary, caches = self.scratch / "tmp", self.scratch / "cache"
        for folder in (temporary, caches):
            folder.mkdir(exist_ok=True)
        return {
            "TMPDIR": str(temporary),
            "XDG_CACHE_HOME": str(caches),
            "GIT_CEILING_DIRECTORIES": str(self.folder.parent),
            "GIT_OPTIONAL_LOCKS": "0",
            "TINY_MODE": "propose",
        }


@contextmanager
def clone(place: Place, commit: str, branch: str = "main") -> Iterator[Clone]:
    """A clone of its own at ``commit``, on a branch named ``branch``; removed when the block ends.

    Raises Incomplete where objects are missing, Refused where there is no room outside the repository.
    """
    with _folder(place, None) as folder:
        made = _prepare(place, folder)
        tree = made.control.quiet("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}").text
        _check_out(made, tree)
        git_dir = _visible(place, made)
        (git_dir / "refs/heads" / branch).parent.mkdir(parents=True, exist_ok=True)
        (git_dir / "refs/heads" / branch).write_text(f"{commit}\n")
        (git_dir / "HEAD").write_text(f"ref: refs/heads/{branch}\n")
        yield made


@contextmanager
def checkout(place: Place, tree: str, *, parents: Sequence[str] = (), links: Sequence[str] = ()) -> Iterator[Clone]:
    """A checkout of ``tree``, on a commit that has ``parents``; kept for the next one.

    ``links`` are paths of the user's working tree (an environment, ``node_modules``) that the checkout links to. Raises
    Refused for a link that is not there, or whose place the tree itself takes; Incomplete where objects are missing.
    """
    with _folder(place, _key(place)) as folder:
        made = _reset(place, folder, tree)
        for link in links:
            _link(place, made, link)
        git_dir = _visible(place, made)
        commit = _commit(git_dir, made, tree, parents)
        (git_dir / "HEAD").write_text(f"{commit}\n")
        yield made


def _reset(place: Place, folder: Path, tree: str) -> Clone:
    """The kept checkout at ``tree``; made anew where it cannot be put right."""
    made = _prepare(place, folder)
    if (folder / "control/index").exists():
        try:
            _check_out(made, tree)
            made.control.quiet("clean", "-ffdxq")
            return made
        except GitFailed:
            _empty(folder)
            made = _prepare(place, folder)
    _check_out(made, tree)
    return made


def _prepare(place: Place, folder: Path) -> Clone:
    """The folders and the control repository of a clone, its configuration written anew."""
    control, work, scratch = folder / "control", folder / "work", folder / "scratch"
    for made in (control, work, scratch):
        if made.is_symlink():
            made.unlink()
        made.mkdir(exist_ok=True)
    remove(work / ".git")
    remove(scratch / "tmp")
    _git_dir(place, control)
    for lock in control.glob("*.lock"):
        lock.unlink()
    return Clone(folder, work, scratch, Git(work, {"GIT_DIR": str(control), "GIT_WORK_TREE": str(work)}))


def _git_dir(place: Place, path: Path) -> None:
    """A git directory that borrows the repository's objects, made by hand: no template, no hooks, no remote."""
    for name in ("objects/info", "objects/pack", "refs/heads", "info"):
        (path / name).mkdir(parents=True, exist_ok=True)
    (path / "objects/info/alternates").write_bytes(os.fsencode(place.common_dir / "objects") + b"\n")
    (path / "HEAD").write_text("ref: refs/heads/none\n")
    config = path / "config"
    config.write_text(_CONFIG)
    carried = Git(place.git_dir, {"GIT_DIR": str(place.git_dir)})
    rows = carried.quiet("config", "-z", "--show-scope", "--get-regexp", _CARRIED, ok=(0, 1)).out.split(b"\0")
    for scope, item in zip(rows[0::2], rows[1::2], strict=False):
        if scope in (b"local", b"worktree"):
            key, _, value = os.fsdecode(item).partition("\n")
            carried.quiet("config", "--file", str(config), "--add", key, value)
    if (place.common_dir / "lfs").is_dir():
        carried.quiet("config", "--file", str(config), "lfs.storage", str(place.common_dir / "lfs"))
    if (place.common_dir / "shallow").exists():
        shutil.copyfile(place.common_dir / "shallow", path / "shallow")


def _visible(place: Place, made: Clone) -> Path:
    """``work/.git``, which the program sees: its own git directory, with an index that knows the files."""
    git_dir = made.path / ".git"
    _git_dir(place, git_dir)
    shutil.copyfile(made.folder / "control/index", git_dir / "index")
    return git_dir


def _check_out(made: Clone, tree: str) -> None:
    """Index and working tree as ``tree``, whatever they were."""
    try:
        made.control.quiet("read-tree", "--reset", "-u", "--no-recurse-submodules", tree)
    except GitFailed as failed:
        if "unable to read" in failed.stderr or "missing" in failed.stderr or "promisor" in failed.stderr:
            raise Incomplete(
                f"not all files of {tree[:12]} are here (a partial clone, or damage): {failed.message}",
                "fetch them with git fetch --refetch --no-filter, or check with git fsck",
            ) from failed
        raise


def _commit(git_dir: Path, made: Clone, tree: str, parents: Sequence[str]) -> str:
    """A commit of ``tree`` in the clone only; the same input gives the same oid."""
    who = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in _NOBODY}
    git = Git(made.path, {"GIT_DIR": str(git_dir), **who})
    named = [arg for parent in parents for arg in ("-p", parent)]
    return git.quiet("commit-tree", "-m", "what the merge would give", *named, tree).text


_NOBODY = (("NAME", "git tiny"), ("EMAIL", "git-tiny@localhost"), ("DATE", "@1 +0000"))


def _link(place: Place, made: Clone, link: str) -> None:
    """Link to a path of the user's working tree, where neither the tree nor one of its links is in the way."""
    clean = os.path.normpath(link)
    if place.worktree is None or clean.startswith(("..", "/")) or clean == "." or ".git" in Path(clean).parts:
        raise Refused(f"cannot link {link!r} into a throwaway clone", "name a path inside the working tree")
    source = place.worktree / clean
    if not source.exists():
        raise Refused(f"{link} is not there to be linked: {source}", "make it, or unset it in tiny.checkLink")
    at = made.path
    for part in Path(clean).parts:
        if at.is_symlink():
            raise Refused(f"cannot link {link}: {at.relative_to(made.path)} is a link itself")
        at /= part
    if os.path.lexists(at):
        raise Refused(f"cannot link {link}: the plan's tree has it", "unset it in tiny.checkLink")
    at.parent.mkdir(parents=True, exist_ok=True)
    at.symlink_to(source)


# Where they are


def room(place: Place) -> Path:
    """The folder of all throwaway clones; outside of the repository, also where that is the user's home itself."""
    import platformdirs

    temporary = Path(tempfile.gettempdir()) / f"git-tiny-{os.getuid()}"
    for base in (platformdirs.user_cache_path("git-tiny"), temporary):
        if not any(_inside(base, top) for top in (place.worktree, place.common_dir) if top is not None):
            folder = base / "clones"
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if folder.stat().st_uid == os.getuid():
                return folder
    raise Refused("there is no folder outside the repository for a throwaway clone", "set XDG_CACHE_HOME or TMPDIR")


def _inside(path: Path, top: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(top))


def _key(place: Place) -> str:
    return blake2b(os.fsencode(place.common_dir.resolve()), digest_size=8).hexdigest()


@contextmanager
def _folder(place: Place, key: str | None) -> Iterator[Path]:
    """A folder that is locked as long as the block runs: the one kept under ``key``, or one that is removed after."""
    top = room(place)
    collect(top)
    with _locked(top / "lock"):
        if key is not None and (kept := _take(top / f"kept-{key}")) is not None:
            folder, descriptor = top / f"kept-{key}", kept
        else:
            folder = Path(tempfile.mkdtemp(prefix="once-", dir=top))
            taken = _take(folder)
            assert taken is not None
            descriptor = taken
    try:
        (folder / "source").write_bytes(path_bytes(str(place.common_dir)))
        yield folder
    finally:
        if folder.name.startswith("once-"):
            remove(folder)
        os.close(descriptor)


def _take(folder: Path) -> int | None:
    """Lock a folder; the descriptor that holds the lock, or None where another process holds it."""
    folder.mkdir(exist_ok=True, mode=0o700)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def collect(top: Path, *, older_than_days: float = KEPT_DAYS) -> int:
    """Remove what crashed processes left, and checkouts that nobody used for a while or whose repository is gone."""
    count, limit = 0, time.time() - older_than_days * 86_400
    with _locked(top / "lock"):
        for folder in sorted(top.glob("*-*")):
            descriptor = _take(folder)
            if descriptor is None:
                continue
            if folder.name.startswith("once-") or _unused(folder, limit):
                remove(folder)
                count += 1
            os.close(descriptor)
    return count


def _unused(folder: Path, limit: float) -> bool:
    try:
        source = folder / "source"
        return source.stat().st_mtime < limit or not Path(os.fsdecode(source.read_bytes())).is_dir()
    except FileNotFoundError:
        return False


def _empty(folder: Path) -> None:
    for name in ("control", "work", "scratch"):
        remove(folder / name)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it, whatever a program did to the modes in there."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    try:
        shutil.rmtree(path)
    except PermissionError:
        path.chmod(stat.S_IRWXU)
        for here, folders, _ in os.walk(path):
            for folder in folders:
                below = Path(here, folder)
                if not below.is_symlink():
                    below.chmod(stat.S_IRWXU)
        shutil.rmtree(path)
