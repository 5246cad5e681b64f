"""Does ``explain COMMIT`` name the commit that caused what a fix repairs? On real fixes whose cause is known.

    python benchmarks/quality_causes.py [--most N] [NAME=GIT_DIR ...]

The cause is known from the commit itself: a ``Fixes: <oid>`` trailer, or ``This reverts commit <oid>``. Neither is
looked at: the ranking reads the change alone (``history.causes``), so oids and quoted subjects in the message cannot
help it. Clones each repository unless a copy on this machine is named. The claim: the cause is among the first three
for at least six in ten of 200 commits or more.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tinycode_git.git.process import GitFailed
from tinycode_git.git.read import ReadRepo
from tinycode_git.history.causes import causes

CACHE = Path(__file__).parent / ".cache"
SOURCES = {
    "iproute2": "https://github.com/iproute2/iproute2",
    "git": "https://github.com/git/git",
    "redis": "https://github.com/redis/redis",
}
MOST = 150
LEAST = 0.6
_FIXES = re.compile(r"(?mi)^fixes:\s*([0-9a-f]{7,40})\b")
_REVERTS = re.compile(r"This reverts commit ([0-9a-f]{7,40})")


def opened(name: str, given: dict[str, str]) -> ReadRepo:
    """The repository, cloned once where no copy is named."""
    place = Path(given[name]) if name in given else CACHE / f"{name}.git"
    if not place.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "clone", "-q", "--bare", SOURCES[name], str(place)], check=True)
    return ReadRepo.discover(place)


def known(repo: ReadRepo, most: int) -> Iterator[tuple[str, str, str]]:
    """(fix, parent, cause) of commits that name their cause, newest first, spread over the whole history."""
    form = "--format=%H %P%n%B"
    out = repo.git.quiet(
        *("log", "-z", "--no-merges", "-E", "-i", "--grep=^fixes: *[0-9a-f]{7}", "--grep=This reverts commit"), form
    ).out.decode("utf-8", "replace")
    rows = [row for row in out.split("\0") if row]
    found = []
    for row in rows:
        head, _, message = row.partition("\n")
        fix, *parents = head.split()
        named = _FIXES.findall(message) + _REVERTS.findall(message)
        if len(parents) == 1 and len(set(named)) == 1:
            found.append((fix, parents[0], named[0]))
    step = max(1, len(found) // most)
    for fix, parent, name in found[::step][:most]:
        cause = repo.find(name)
        if cause is not None and repo.is_ancestor(cause, parent):
            yield fix, parent, cause


def main(arguments: list[str]) -> int:
    """Print how often the cause is first and in the first three; 1 where the claim does not hold."""
    given = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    most = int(arguments[arguments.index("--most") + 1]) if "--most" in arguments else MOST
    total = first = three = 0
    for name in SOURCES:
        repo = opened(name, given)
        count = best = good = 0
        for fix, parent, cause in known(repo, most):
            try:
                ranked = [one.oid for one in causes(repo, fix, parent)]
            except GitFailed as failed:
                print(f"{name} {fix[:12]}: {failed.message}", file=sys.stderr)
                ranked = []
            count += 1
            best += ranked[:1] == [cause]
            good += cause in ranked[:3]
            if "--show" in arguments and cause not in ranked[:3]:
                print(f"{name} {fix[:12]} cause {cause[:12]} at {ranked.index(cause) if cause in ranked else '-'}")
        print(
            f"{name}: {count} fixes with a known cause: first {best / count:.2f}, in the first three {good / count:.2f}"
        )
        total, first, three = total + count, first + best, three + good
    held = total >= 200 and three / total >= LEAST
    print(
        f"{'holds ' if held else 'MISSED'} | in the first three for at least {LEAST} of 200 or more | "
        f"first {first / total:.2f}, first three {three / total:.2f} | {total} commits"
    )
    return int(not held)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
