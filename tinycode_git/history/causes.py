"""What a change repairs: the commits that wrote the lines which it replaces, ranked.

The idea is that of Sliwerski, Zimmermann and Zeller, "When Do Changes Induce Fixes?" (MSR 2005): a fix takes away what
was wrong, so whoever wrote that is the likely cause. Lines that say nothing (blank, comments, lone braces) and files
that are no code count little; where a change only adds, the lines around it stand in, and count less.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tinycode_git.git.blame import blame, ignored_revisions
from tinycode_git.git.patches import FilePatch, Hunk, patch_trees
from tinycode_git.git.read import ReadRepo
from tinycode_git.pathkinds import Kind, kind_of

MOST_PATHS = 12
MOST_LINES = 400

_SILENT = re.compile(rb"\s*(?:$|//|#(?!include|if|define|else|end)|/\*|\*|--|[{}()\[\];,]*\s*$|import\b|#include\b)")
_WEIGHT = {Kind.CODE: 1.0, Kind.OTHER: 0.7, Kind.BUILD: 0.5, Kind.TEST: 0.1, Kind.DOCS: 0.2}
_NEAR = 0.25
_SAYS_LITTLE = 0.1


@dataclass(frozen=True, slots=True)
class Cause:
    """A commit that wrote what a change replaces; ``share`` is its part of the weight, 0 to 1."""

    oid: str
    share: float
    lines: int


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A line of the parent and how much its writer counts."""

    line: int
    weight: float


def causes(repo: ReadRepo, commit: str, parent: str) -> tuple[Cause, ...]:
    """Who wrote what ``commit`` takes away from or adds to its ``parent``, the likeliest first."""
    weights: dict[str, float] = defaultdict(float)
    lines: dict[str, int] = defaultdict(int)
    newest: dict[str, int] = {}
    with ignored_revisions(repo, parent) as ignore:
        for patch in _chosen(patch_trees(repo.git, parent, commit)):
            wanted = {one.line: one.weight for one in _wanted(patch)}
            if not wanted:
                continue
            spans = _spans(wanted)
            for found in blame(repo, parent, patch.old_path, spans, ignore, copies=False):
                weights[found.oid] += wanted[found.line] * _WEIGHT.get(kind_of(patch.path), 0.1)
                lines[found.oid] += 1
    total = sum(weights.values()) or 1.0
    for one in repo.commits(weights):
        newest[one.oid] = one.committer.when
    ranked = sorted(weights, key=lambda oid: (-weights[oid], -newest[oid], oid))
    return tuple(Cause(oid, weights[oid] / total, lines[oid]) for oid in ranked)


def _chosen(patches: Iterable[FilePatch]) -> list[FilePatch]:
    """The files whose lines are asked for: those that existed, code before the rest."""
    patches = [one for one in patches if one.hunks]
    # A file that goes as a whole counts where nothing else does: most of it was no fault.
    able = [one for one in patches if one.status in "MR"] or [one for one in patches if one.status == "D"]
    able = [one for one in able if kind_of(one.path) not in (Kind.LOCK, Kind.GENERATED)]
    return sorted(able, key=lambda one: -_WEIGHT.get(kind_of(one.path), 0.1))[:MOST_PATHS]


def _wanted(patch: FilePatch) -> list[_Wanted]:
    found: list[_Wanted] = []
    for hunk in patch.hunks:
        found += _of_hunk(hunk)
    return found[:MOST_LINES]


def _of_hunk(hunk: Hunk) -> list[_Wanted]:
    if not hunk.removed:  # the line before and the one after; git cuts a span that begins in the file
        return [_Wanted(at, _NEAR) for at in (hunk.old_start, hunk.old_start + 1) if hunk.old_start > 0]
    return [
        _Wanted(hunk.old_start + at, _SAYS_LITTLE if _SILENT.match(line) else 1.0)
        for at, line in enumerate(hunk.removed)
    ]


def _spans(wanted: Iterable[int]) -> Sequence[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for line in sorted(wanted):
        if spans and line == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], line)
        else:
            spans.append((line, line))
    return spans
