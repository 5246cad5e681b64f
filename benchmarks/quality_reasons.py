"""Is the commit that states why a line is there in the evidence of ``explain PATH:LINE``? For 100 lines of a history.

    python benchmarks/quality_reasons.py [redis=GIT_DIR]

Drawn without blame: commits, spread over the whole history, whose message says why ("because", "so that", "otherwise"
...) and which added a line that stands in the same file today, once. The claim: at least 95 of 100.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

from tinycode_git.git.patches import patch_commits
from tinycode_git.git.read import ReadRepo
from tinycode_git.history.evidence import Asked
from tinycode_git.history.lines import explain_lines
from tinycode_git.pathkinds import Kind, kind_of

CACHE = Path(__file__).parent / ".cache"
SOURCE = "https://github.com/redis/redis"
LINES, LEAST = 100, 95
_WHY = re.compile(r"(?i)\b(?:because|so that|otherwise|in order to|to avoid|the reason|this prevents|which caused)\b")
_WORDS = re.compile(rb"[A-Za-z0-9_]{2,}")


def opened(given: dict[str, str]) -> ReadRepo:
    """The repository, cloned once where no copy is named."""
    place = Path(given["redis"]) if "redis" in given else CACHE / "redis.git"
    if not place.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "clone", "-q", "--bare", SOURCE, str(place)], check=True)
    return ReadRepo.discover(place)


def lines(repo: ReadRepo, tip: str) -> Iterator[tuple[str, int, str]]:
    """(path, line today, the commit that states why), at most one line a commit, in an order drawn once."""
    out = repo.git.quiet("log", "-z", "--no-merges", "--format=%H%n%b", tip).out.decode("utf-8", "replace")
    stating = [row.partition("\n")[0] for row in out.split("\0") if _WHY.search(row.partition("\n")[2])]
    Random(7).shuffle(stating)
    for oid in stating:
        for patch in patch_commits(repo.git, [oid], []).get(oid, ()):
            if kind_of(patch.path) is not Kind.CODE:
                continue
            (today,) = repo.read_many([f"{tip}:{patch.path}"])
            rows = (today or b"").split(b"\n")
            added = [line for hunk in patch.hunks for line in hunk.added if len(_WORDS.findall(line)) >= 4]
            once = [line for line in added if rows.count(line) == 1]
            if once:
                yield patch.path, rows.index(once[0]) + 1, oid
                break


def main(arguments: list[str]) -> int:
    """Print how many are found; 1 where the claim does not hold."""
    repo = opened(dict(argument.split("=", 1) for argument in arguments if "=" in argument))
    tip = repo.resolve("HEAD")
    found = count = 0
    for path, line, oid in lines(repo, tip):
        evidence = explain_lines(repo, Asked("lines", f"{path}:{line}", tip, path, line, line)).evidence
        there = oid in {one.oid for one in evidence}
        found, count = found + there, count + 1
        if not there:
            print(f"not in the evidence: {path}:{line} {oid[:12]}", flush=True)
        if count == LINES:
            break
    held = count == LINES and found >= LEAST
    print(f"{'holds ' if held else 'MISSED'} | the stating commit is in the evidence of a line | {found} of {count}")
    return int(not held)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
