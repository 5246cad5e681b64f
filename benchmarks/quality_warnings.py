"""Are history's remarks worth their noise? Precision of each kind: warned from the past, judged by what came after.

    python benchmarks/quality_warnings.py [--most N] [NAME=GIT_DIR ...]

Every one of the newest commits (but the last, whose future is short) is reviewed as if it were proposed, with nothing
but the commits before it. A remark counts as right where, within ``DAYS`` after,

- changes-together: the path that was left out changed after all, in a commit by the same author or together with the
  path that it goes with;
- the other kinds: the commit was reverted, or a commit that says it fixes something took away a line which it added to
  that file.

Beside it stands how often the same holds for changes of which history said nothing: a kind that is no better than that
says nothing. A kind below 0.3 is not on by default (``history.remarks.DEFAULT``).
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tinycode_git.git.patches import FilePatch, patch_commits
from tinycode_git.git.read import ReadRepo
from tinycode_git.history.links import is_fix
from tinycode_git.history.past import DEPTH, SHOWN, Past, PastCommit, parse_past
from tinycode_git.history.remarks import (
    DEFAULT,
    Remark,
    RemarkKind,
    remarks,
)

CACHE = Path(__file__).parent / ".cache"
SOURCES = {
    "git": "https://github.com/git/git",
    "redis": "https://github.com/redis/redis",
    "flask": "https://github.com/pallets/flask",
}
MOST = 500
RARE_MOST = 6  # times as many commits for the kinds that need a revert in the past
RARE = frozenset((RemarkKind.BROUGHT_BACK, RemarkKind.UNSTABLE))
DAYS = 90
FLOOR = 0.3


def opened(name: str, given: dict[str, str]) -> ReadRepo:
    """The repository, cloned once where no copy is named."""
    place = Path(given[name]) if name in given else CACHE / f"{name}.git"
    if not place.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "clone", "-q", "--bare", SOURCES[name], str(place)], check=True)
    return ReadRepo.discover(place)


class Story:
    """A repository's commits, newest first, with what they changed."""

    def __init__(self, repo: ReadRepo, most: int) -> None:
        self.repo = repo
        self.commits = list(
            parse_past(repo.git.quiet("log", *SHOWN, "-n", str(most * (RARE_MOST + 2) + DEPTH), "HEAD").out)
        )
        authors = repo.git.quiet(
            "log", "--no-merges", "-n", str(most * (RARE_MOST + 2) + DEPTH), "--format=%H %ae", "HEAD"
        ).text
        self.author = dict(row.split(" ", 1) for row in authors.split("\n"))
        self._patches: dict[str, tuple[FilePatch, ...]] = {}

    def patches(self, oid: str) -> tuple[FilePatch, ...]:
        """What a commit changes, line by line."""
        if oid not in self._patches:
            self._patches[oid] = patch_commits(self.repo.git, [oid], []).get(oid, ())
        return self._patches[oid]

    def after(self, at: int) -> list[PastCommit]:
        """The commits within ``DAYS`` after one, oldest first."""
        until = self.commits[at].when + DAYS * 86400
        return [commit for commit in reversed(self.commits[:at]) if commit.when <= until]

    def remarks(self, at: int, *, rare: bool) -> list[Remark]:
        """What history says of a commit, from the commits before it alone; ``rare``: the kinds that need a revert."""
        commit = self.commits[at]
        past = Past(tuple(self.commits[at + 1 : at + 1 + DEPTH]), "")
        if not rare:
            return remarks(self.repo, f"{commit.oid}^", past, self.patches(commit.oid), frozenset(RemarkKind))
        touched = set(commit.paths)
        if not any(one.reverts and touched & set(one.paths) for one in past.commits):
            return []
        return remarks(self.repo, f"{commit.oid}^", past, self.patches(commit.oid), RARE)

    def taken_back(self, at: int, path: str) -> bool:
        """Whether what a commit did to a path was reverted or repaired soon after."""
        commit = self.commits[at]
        added = _added(self.patches(commit.oid), path)
        for later in self.after(at):
            if any(link.oid and commit.oid.startswith(link.oid) for link in later.links if later.reverts):
                return True
            gone = _removed(self.patches(later.oid), path) if path in later.paths else set()
            if gone & added and (is_fix(later.message) or later.reverts):
                return True
        return False

    def followed(self, at: int, path: str, other: str) -> bool:
        """Whether the path that was left out changed after all."""
        who = self.author[self.commits[at].oid]
        return any(
            other in later.paths and (self.author[later.oid] == who or path in later.paths) for later in self.after(at)
        )


def _added(patches: Sequence[FilePatch], path: str) -> set[bytes]:
    return {b" ".join(n.split()) for p in patches if p.path == path for h in p.hunks for n in h.added if len(n) > 12}


def _removed(patches: Sequence[FilePatch], path: str) -> set[bytes]:
    return {b" ".join(n.split()) for p in patches if p.old_path == path for h in p.hunks for n in h.removed}


def judged(story: Story, most: int, counts: Counter[tuple[str, bool]]) -> None:
    """Count remarks, right and wrong, and under ``base`` what holds of changes without one."""
    begin = next(n for n, c in enumerate(story.commits) if c.when < story.commits[0].when - DAYS * 86400)
    for at in range(begin, min(begin + most * RARE_MOST, len(story.commits) - 1)):
        rare = at >= begin + most
        said = story.remarks(at, rare=rare)
        for one in said:
            if one.kind is RemarkKind.TOGETHER:
                right = story.followed(at, one.path, one.key.split("\0")[1])
            else:
                right = story.taken_back(at, one.path)
            counts[one.kind.value, right] += 1
        if rare:
            continue
        quiet = {patch.path for patch in story.patches(story.commits[at].oid)} - {one.path for one in said}
        for path in sorted(quiet)[:5]:
            counts["base: taken back", story.taken_back(at, path)] += 1


def main(arguments: list[str]) -> int:
    """Print precision by kind; 1 where a kind that is on by default is below the floor."""
    given = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    most = int(arguments[arguments.index("--most") + 1]) if "--most" in arguments else MOST
    whole: Counter[tuple[str, bool]] = Counter()
    for name in SOURCES:
        counts: Counter[tuple[str, bool]] = Counter()
        judged(Story(opened(name, given), most), most, counts)
        print(f"{name}: {most} commits", flush=True)
        _told(counts)
        whole += counts
    print("all")
    _told(whole)
    low = [
        kind.value
        for kind in DEFAULT
        if (said := whole[kind.value, True] + whole[kind.value, False]) and whole[kind.value, True] / said < FLOOR
    ]
    print(f"{'MISSED' if low else 'holds '} | what is on by default is right {FLOOR} of the time | {', '.join(low)}")
    return int(bool(low))


def _told(counts: Counter[tuple[str, bool]]) -> None:
    for kind in sorted({kind for kind, _ in counts}):
        right, wrong = counts[kind, True], counts[kind, False]
        print(f"  {kind}: {right} of {right + wrong} right: {right / (right + wrong):.2f}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
