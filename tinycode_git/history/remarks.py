"""What history has to say about a change that is proposed now: remarks, each with the commits that show it.

The kinds, with how sure they are by themselves; ``benchmarks/quality_warnings.py`` measures them on real histories.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tinycode_git.git.patches import FilePatch, Hunk, patch_commits
from tinycode_git.git.read import ReadRepo
from tinycode_git.history.links import LinkKind, bugs_in, is_fix
from tinycode_git.history.past import Past, PastCommit
from tinycode_git.pathkinds import Kind, kind_of

WINDOW = 15
LEAST_CHANGES = 8
LEAST_SHARE = 0.8
MOST_FILES_OF_A_COMMIT = 30
MOST_REVERTS = 12
MOST_FIXES = 60

_OWN_NUMBER = re.compile(r"\s*\(#\d+\)\s*$")
_WORDS = re.compile(rb"[A-Za-z0-9_]{2,}")


class RemarkKind(StrEnum):
    """What history says."""

    BROUGHT_BACK = "history/brings-back"
    TOGETHER = "history/changes-together"
    FIXED_LINES = "history/fixed-lines"
    UNSTABLE = "history/keeps-failing"


# What is said without being asked for: the kinds that turned out right at least three times in ten, where measured.
DEFAULT = frozenset([RemarkKind.TOGETHER])


@dataclass(frozen=True, slots=True)
class Cited:
    """A commit that shows it."""

    oid: str
    title: str


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to know about a line of the change. ``certainty`` (0 to 1) orders remarks; ``key`` tells them apart."""

    kind: RemarkKind
    path: str
    line: int
    end_line: int
    message: str
    certainty: float
    commits: tuple[Cited, ...]
    key: str


def remarks(
    repo: ReadRepo, base: str, past: Past, patches: Sequence[FilePatch], kinds: Collection[RemarkKind] = DEFAULT
) -> list[Remark]:
    """What history says of a change to ``base``, the surest first; only the ``kinds`` are looked for."""
    found: list[Remark] = []
    if RemarkKind.BROUGHT_BACK in kinds:
        found += brought_back(repo, past, patches)
    if RemarkKind.UNSTABLE in kinds:
        found += keeps_failing(past, patches)
    if RemarkKind.FIXED_LINES in kinds:
        found += fixed_lines(repo, past, patches)
    if RemarkKind.TOGETHER in kinds:
        found += together(repo, base, past, patches)
    return sorted(found, key=lambda one: (-one.certainty, one.path, one.line))


# What a revert took away, and this change adds again.


def brought_back(repo: ReadRepo, past: Past, patches: Sequence[FilePatch]) -> Iterator[Remark]:
    """Lines that a revert removed and that the change adds again."""
    changed = {one.path: one for one in patches if any(hunk.added for hunk in one.hunks)}
    reverts = [commit for commit in past.commits if commit.reverts and set(commit.paths) & set(changed)]
    took = patch_commits(repo.git, [commit.oid for commit in reverts[:MOST_REVERTS]], list(changed))
    for commit in reverts[:MOST_REVERTS]:
        for taken in took.get(commit.oid, ()):
            match = taken_again(taken, changed[taken.path]) if taken.path in changed else None
            if match is not None:
                yield _brought_back(commit, changed[taken.path].path, *match)


def taken_again(taken: FilePatch, patch: FilePatch) -> tuple[Hunk, int, int] | None:
    """The hunk that adds again what a revert took, how many of the lines, of how many; None for less than half."""
    gone = {_bare(line) for hunk in taken.hunks for line in hunk.removed} - {b""}
    gone -= {_bare(line) for hunk in taken.hunks for line in hunk.added}
    gone = {line for line in gone if _telling(line)}
    best: tuple[Hunk, int] | None = None
    total = 0
    for hunk in patch.hunks:
        again = len({_bare(line) for line in hunk.added} & gone - {_bare(line) for line in hunk.removed})
        total += again
        if again and (best is None or again > best[1]):
            best = hunk, again
    if best is None or total < 2 or total < len(gone) / 2:
        return None
    return best[0], total, len(gone)


def _brought_back(commit: PastCommit, path: str, hunk: Hunk, again: int, of: int) -> Remark:
    named = [link for link in commit.links if link.kind is LinkKind.REVERTS]
    first, last = hunk.new_span
    return Remark(
        RemarkKind.BROUGHT_BACK,
        *(path, first, last),
        f"brings back what {commit.oid[:12]} took back: {again} of its {of} lines are added again",
        min(0.95, 0.6 + 0.35 * again / of),
        (Cited(commit.oid, commit.title), *(Cited(link.oid, link.title) for link in named[:1] if link.oid)),
        commit.oid,
    )


def _bare(line: bytes) -> bytes:
    return b" ".join(line.split())


def _telling(line: bytes, words: int = 2) -> bool:
    """Whether a line says enough that finding it again is no accident."""
    return len(_WORDS.findall(line)) >= words


# A file whose newest changes were all taken back.


def keeps_failing(past: Past, patches: Sequence[FilePatch]) -> Iterator[Remark]:
    """Paths of which the last three changes were reverted."""
    for patch in patches:
        place = place_of(patch)
        life = past.of_path(patch.old_path)
        reverted = {link.oid[:7] for commit in life for link in commit.links if link.kind is LinkKind.REVERTS}
        titles = {link.title for commit in life for link in commit.links if link.kind is LinkKind.REVERTS}
        changes = [commit for commit in life if not commit.reverts][:3]
        if place is None or len(changes) < 3:
            continue
        if all(commit.oid[:7] in reverted or commit.title in titles - {""} for commit in changes):
            yield Remark(
                RemarkKind.UNSTABLE,
                *(patch.path, *place),
                f"the last three changes to {patch.old_path} were reverted",
                0.7,
                tuple(Cited(commit.oid, commit.title) for commit in changes),
                patch.old_path,
            )


# Lines that were written to fix a bug.


def fixed_lines(repo: ReadRepo, past: Past, patches: Sequence[FilePatch]) -> Iterator[Remark]:
    """Lines that the change takes away, added by a commit that names the bug which it fixed."""
    able = {one.old_path: one for one in patches if one.status in "MR" and any(hunk.removed for hunk in one.hunks)}
    able = {path: one for path, one in able.items() if kind_of(path) is Kind.CODE}
    fixes = [commit for commit in past.commits if set(commit.paths) & set(able) and fixed_bugs(commit)]
    added = patch_commits(repo.git, [fix.oid for fix in fixes[:MOST_FIXES]], list(able))
    for fix in fixes[:MOST_FIXES]:
        for wrote in added.get(fix.oid, ()):
            if wrote.path in able:
                yield from _of_fix(fix, wrote, able[wrote.path])


def fixed_bugs(commit: PastCommit) -> tuple[str, ...]:
    """The bugs that a fix names; the number of its own pull request, at the end of its title, is none."""
    if not is_fix(commit.message):
        return ()
    title, newline, body = commit.message.lstrip("\n").partition("\n")
    return bugs_in(_OWN_NUMBER.sub("", title) + newline + body)


def _of_fix(fix: PastCommit, wrote: FilePatch, patch: FilePatch) -> Iterator[Remark]:
    added = {_bare(line) for hunk in wrote.hunks for line in hunk.added}
    added -= {_bare(line) for hunk in wrote.hunks for line in hunk.removed}
    kept = {_bare(line) for hunk in patch.hunks for line in hunk.added}
    gone = [{_bare(line) for line in hunk.removed if _telling(line, 3)} & added - kept for hunk in patch.hunks]
    count = sum(map(len, gone))
    if not count:
        return
    hunk = next(hunk for hunk, lines in zip(patch.hunks, gone, strict=True) if lines)
    lines = "a line" if count == 1 else f"{count} lines"
    yield Remark(
        RemarkKind.FIXED_LINES,
        *(patch.path, *hunk_place(hunk)),
        f"takes away {lines} that {fix.oid[:12]} added to fix {', '.join(fixed_bugs(fix)[:2])}",
        min(0.65, 0.45 + 0.05 * count),
        (Cited(fix.oid, fix.title),),
        fix.oid,
    )


# What always changed together, and does not now.


def together(repo: ReadRepo, base: str, past: Past, patches: Sequence[FilePatch]) -> Iterator[Remark]:
    """Paths that change without another one that nearly always changed with them."""
    changed = {path for one in patches for path in (one.path, one.old_path)}
    found: dict[str, tuple[FilePatch, int, int, tuple[Cited, ...]]] = {}
    for patch in patches:
        if patch.status not in "MR" or place_of(patch) is None:
            continue
        for other, count, of, shown in companions(past, patch.old_path):
            kept = found.get(other)
            if other not in changed and (kept is None or count / of > kept[1] / kept[2]):
                found[other] = patch, count, of, shown
    for other, (patch, count, of, shown) in found.items():
        if repo.git.quiet("cat-file", "-e", f"{base}:{other}", ok=(0, 1, 128)).code:
            continue
        place = place_of(patch)
        assert place is not None
        yield Remark(
            RemarkKind.TOGETHER,
            *(patch.path, *place),
            f"{patch.path} changes without {other}, which changed in {count} of its last {of} changes",
            0.45 * count / of,
            shown,
            f"{patch.path}\0{other}",
        )


def companions(past: Past, path: str) -> Iterator[tuple[str, int, int, tuple[Cited, ...]]]:
    """Paths that changed in nearly all of the last changes of ``path``: path, in how many, of how many, the newest."""
    life = [c for c in past.of_path(path) if len(c.paths) <= MOST_FILES_OF_A_COMMIT and path not in c.created]
    life = life[:WINDOW]
    if len(life) < LEAST_CHANGES:
        return
    counts = Counter(other for commit in life for other in commit.paths if other != path)
    for other, count in counts.items():
        if count / len(life) >= LEAST_SHARE:
            newest = [Cited(commit.oid, commit.title) for commit in life if other in commit.paths]
            yield other, count, len(life), tuple(newest[:3])


def place_of(patch: FilePatch) -> tuple[int, int] | None:
    """The first place of a file's change; None where it has no lines."""
    return hunk_place(patch.hunks[0]) if patch.hunks else None


def hunk_place(hunk: Hunk) -> tuple[int, int]:
    """First and last line of a hunk as the file is now; of lines that are only taken away, the line before them."""
    return hunk.new_span if hunk.added else (hunk.new_start, hunk.new_start)
