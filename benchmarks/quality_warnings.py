"""Are history's remarks worth their noise? Precision of each kind: warned from the past, judged by what came after.

    python benchmarks/quality_warnings.py [--most N] [NAME=GIT_DIR ...]

Every one of the newest commits (but the last, whose future is short) is reviewed as if it were proposed, with nothing
but the commits before it. A remark counts as right where, within ``DAYS`` after,

- changes-together: the path that was left out changed after all, in a commit by the same author or together with the
  path that it goes with;
- the other kinds: the commit was reverted, or a commit that says it fixes something took away a line which it added to
  that file.

Beside it stands the base rate: how often the same holds for changes of which history said nothing, and how often other
files that changed with the path before, drawn at random, would have been right as well. A kind that is no better than
that says nothing. A kind below 0.3 is not on by default (``history.remarks.DEFAULT``).
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from tinycode_git.git.patches import FilePatch, patch_commits
from tinycode_git.git.read import ReadRepo
from tinycode_git.history.links import is_fix
from tinycode_git.history.past import DEPTH, SHOWN, Past, PastCommit, parse_past
from tinycode_git.history.remarks import DEFAULT, MOST_FILES_OF_A_COMMIT, WINDOW, Remark, RemarkKind, remarks

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
BATCH = 100  # commits whose patches are read by one git process
KEPT = 3000
DRAWN = 3
MOST_FILES = 300  # a review reads history for as many files


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
        deep = ("-n", str(most * (RARE_MOST + 2) + DEPTH), "HEAD")
        self.commits = list(parse_past(repo.git.quiet("log", *SHOWN, *deep).out))
        authors = repo.git.quiet("log", "--no-merges", "--format=%H %ae", *deep).text
        self.author = dict(row.split(" ", 1) for row in authors.split("\n"))
        self._at: dict[str, list[int]] = defaultdict(list)
        for at, commit in enumerate(self.commits):
            for path in commit.paths:
                self._at[path].append(at)
        self._number = {commit.oid: at for at, commit in enumerate(self.commits)}
        self._patches: dict[str, tuple[FilePatch, ...]] = {}
        self.takers: dict[str, list[PastCommit]] = defaultdict(list)
        for commit in self.commits:
            for link in commit.links if commit.reverts else ():
                self.takers[link.oid[:7]].append(commit)

    def patches(self, oid: str) -> tuple[FilePatch, ...]:
        """What a commit changes, line by line; its neighbours are read along."""
        if oid not in self._patches:
            at = self._number[oid]
            near = [one.oid for one in self.commits[at : at + BATCH] if len(one.paths) <= MOST_FILES]
            near = [one for one in near if one not in self._patches]
            read = patch_commits(self.repo.git, [oid, *(one for one in near if one != oid)], [])
            if len(self._patches) > KEPT:
                self._patches.clear()
            self._patches |= {one: read.get(one, ()) for one in {oid, *near}}
        return self._patches[oid]

    def past(self, at: int) -> Past:
        """The commits before one that touch what it touches, as a review reads them."""
        touched = {path for patch in self.patches(self.commits[at].oid) for path in (patch.path, patch.old_path)}
        before = sorted({n for path in touched for n in self._at[path] if at < n <= at + DEPTH})
        return Past(tuple(self.commits[n] for n in before), "")

    def after(self, at: int, path: str) -> list[PastCommit]:
        """The commits within ``DAYS`` after one that touch a path, oldest first."""
        until = self.commits[at].when + DAYS * 86400
        return [self.commits[n] for n in reversed(self._at[path]) if n < at and self.commits[n].when <= until]

    def remarks(self, at: int, *, rare: bool) -> list[Remark]:
        """What history says of a commit, from the commits before it alone; ``rare``: the kinds that need a revert."""
        commit = self.commits[at]
        if len(commit.paths) > MOST_FILES:
            return []
        past = self.past(at)
        if not rare:
            return remarks(self.repo, f"{commit.oid}^", past, self.patches(commit.oid), frozenset(RemarkKind))
        if not any(one.reverts for one in past.commits):
            return []
        return remarks(self.repo, f"{commit.oid}^", past, self.patches(commit.oid), RARE)

    def partners(self, at: int, path: str, named: set[str], draw: random.Random) -> list[str]:
        """Files that changed with a path in its last changes and do not now, drawn at random; not the ``named``."""
        now = named | set(self.commits[at].paths)
        life = [c for c in self.past(at).of_path(path) if len(c.paths) <= MOST_FILES_OF_A_COMMIT][:WINDOW]
        others = sorted({other for c in life for other in c.paths if other not in now})
        return draw.sample(others, min(DRAWN, len(others)))

    def taken_back(self, at: int, path: str) -> bool:
        """Whether what a commit did to a path was reverted or repaired soon after."""
        commit = self.commits[at]
        until = commit.when + DAYS * 86400
        for taker in self.takers[commit.oid[:7]]:
            named = any(link.oid and commit.oid.startswith(link.oid) for link in taker.links)
            if named and taker.when <= until and self._number[taker.oid] < at:
                return True
        added = _added(self.patches(commit.oid), path)
        mending = [one for one in self.after(at, path) if one.reverts or is_fix(one.message)]
        return any(_removed(self.patches(later.oid), path) & added for later in mending)

    def followed(self, at: int, path: str, other: str) -> bool:
        """Whether the path that was left out changed after all: by the same author, or with the one that changed."""
        who = self.author[self.commits[at].oid]
        return any(self.author[later.oid] == who or path in later.paths for later in self.after(at, other))


def _added(patches: Sequence[FilePatch], path: str) -> set[bytes]:
    return {b" ".join(n.split()) for p in patches if p.path == path for h in p.hunks for n in h.added if len(n) > 12}


def _removed(patches: Sequence[FilePatch], path: str) -> set[bytes]:
    return {b" ".join(n.split()) for p in patches if p.old_path == path for h in p.hunks for n in h.removed}


def judged(story: Story, most: int, counts: Counter[tuple[str, bool]]) -> None:
    """Count remarks, right and wrong, and under ``base`` what holds of changes without one."""
    draw = random.Random(1)
    begin = next(n for n, c in enumerate(story.commits) if c.when < story.commits[0].when - DAYS * 86400)
    for at in range(begin, min(begin + most * RARE_MOST, len(story.commits) - 1)):
        rare = at >= begin + most
        said = story.remarks(at, rare=rare)
        named = {one.key.split("\0")[1] for one in said if one.kind is RemarkKind.TOGETHER}
        for one in said:
            if one.kind is RemarkKind.TOGETHER:
                right = story.followed(at, one.path, one.key.split("\0")[1])
                for other in story.partners(at, one.path, named, draw):
                    counts["base: another file that changed with it", story.followed(at, one.path, other)] += 1
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
