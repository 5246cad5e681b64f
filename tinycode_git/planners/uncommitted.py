"""Plans from the user's uncommitted work, read by way of a temporary index: files and index stay as they are."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory

from tinycode_git.errors import Refused, UsageError
from tinycode_git.git.diff import FileDiff, diff_trees
from tinycode_git.git.process import GitFailed
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.worktrees import Worktree, under_way
from tinycode_git.planners.commits import changes_of
from tinycode_git.proposal import MODE_GITLINK, Proposal, StepDraft


def plan_worktree(repo: ReadRepo, paths: Sequence[str], groups: Sequence[str] = ()) -> tuple[str, Proposal]:
    """HEAD's commit, and the work on ``paths`` (all where none is given; relative to the working tree's top) as steps.

    Staged, unstaged and untracked work counts, ignored files do not. ``groups`` are ``title:glob`` in order; what no
    glob takes, and everything without groups, is grouped by top folder. Raises Refused where there is nothing.
    """
    worktree = repo.place.worktree
    if worktree is None:
        raise Refused("there is no working tree here", "run git tiny in the working tree whose changes you mean")
    doing = under_way(Worktree(worktree, repo.place.git_dir, None))
    if doing is not None:
        raise Refused(f"{doing[0]} is under way: what is uncommitted is not all yours", f"end it first: {doing[1]}")
    base = repo.find("HEAD")
    if base is None:
        raise Refused("HEAD has no commit yet", "make a first commit: a plan needs one to stand on")
    rules = [_rule(text) for text in groups]
    files = _work(repo, worktree, base, paths)
    notes = tuple(f"{file.path} is a repository of its own and was left out" for file in files if _embedded(file))
    found = [file for file in files if not _embedded(file)]
    if not found:
        where = " ".join(paths) or "the working tree"
        raise Refused(f"nothing is uncommitted in {where}", "git status shows what is")
    grouped = _grouped(found, rules)
    notes += tuple(f"no changed file was left for step {title}" for title, _ in rules if not grouped[title])
    steps = tuple(StepDraft(title, changes_of(tuple(group))) for title, group in grouped.items() if group)
    return base, Proposal("uncommitted work", "worktree", steps, notes=notes)


def _work(repo: ReadRepo, worktree: Path, base: str, paths: Sequence[str]) -> tuple[FileDiff, ...]:
    """What differs from HEAD, staged or not. A copy of the index takes it in; blobs are the only thing stored."""
    with TemporaryDirectory(prefix="git-tiny-") as folder:
        index = Path(folder) / "index"
        real = Path(repo.git.quiet("rev-parse", "--path-format=absolute", "--git-path", "index").text)
        if real.exists():
            shutil.copyfile(real, index)
        git = repo.git.at(worktree).setting(GIT_INDEX_FILE=str(index), GIT_LITERAL_PATHSPECS="1")
        quiet = ("-c", "core.fsmonitor=false", "-c", "advice.addEmbeddedRepo=false", "-c", "core.safecrlf=false")
        try:
            git.user(*quiet, "add", "--all", "--", *(paths or ["."]), own_session=True)
            tree = git.user("write-tree").text
        except GitFailed as failed:
            if "did not match any files" in failed.stderr:
                raise UsageError(
                    failed.stderr.splitlines()[0].removeprefix("fatal: "), "git status lists them"
                ) from failed
            raise Refused(
                f"git could not read the uncommitted work: {failed.message}", detail=failed.detail
            ) from failed
        # What is staged elsewhere is in the copied index as well; only the paths that were asked for count.
        limit = ["--", *paths] if paths else []
        return diff_trees(git, base, tree, *limit) if not limit else _limited(diff_trees(git, base, tree), paths)


def _limited(files: tuple[FileDiff, ...], paths: Sequence[str]) -> tuple[FileDiff, ...]:
    tops = [path.rstrip("/") for path in paths]
    inside = (f for f in files if any(t in (".", "") or p == t or p.startswith(t + "/") for t in tops for p in f.paths))
    return tuple(inside)


def _embedded(file: FileDiff) -> bool:
    return file.status == "A" and file.new_mode == MODE_GITLINK


def _rule(text: str) -> tuple[str, str]:
    title, colon, glob = text.rpartition(":")
    if not colon or not title.strip() or not glob.strip():
        raise UsageError(f"--step takes 'title:glob', not {text!r}", "for example --step 'docs:docs/*'")
    return title.strip(), glob.strip()


def _grouped(files: Sequence[FileDiff], rules: Sequence[tuple[str, str]]) -> dict[str, list[FileDiff]]:
    groups: dict[str, list[FileDiff]] = {title: [] for title, _ in rules}
    for file in files:
        title = next((t for t, glob in rules if any(_matches(path, glob) for path in file.paths)), None)
        groups.setdefault(title or _folder_title(file.path), []).append(file)
    return groups


def _matches(path: str, glob: str) -> bool:
    return fnmatchcase(path, glob) or path.startswith(glob.rstrip("/") + "/")


def _folder_title(path: str) -> str:
    folder, slash, _ = path.partition("/")
    return f"Change {folder}/" if slash else "Change files at the top"
