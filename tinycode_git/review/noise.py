"""What became of flagged lines: a rule whose findings nobody ever acts on is noise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tinycode_git.git.patches import FilePatch, patch_trees
from tinycode_git.git.read import ReadRepo
from tinycode_git.review.finding import Finding, State
from tinycode_git.review.record import Note


@dataclass(frozen=True, slots=True)
class Noise:
    """One rule: findings with a line, how many of these lines later commits touched, how many were dismissed."""

    rule: str
    flagged: int
    touched: int
    dismissed: int


def noise_of(repo: ReadRepo, notes: Sequence[Note], tip: str) -> tuple[Noise, ...]:
    """The rules of the notes, most findings first; a finding that several reviews keep counts once, in its last."""
    newest: dict[str, tuple[Note, Finding]] = {}
    for note in sorted(notes, key=lambda note: note.head.at):
        for one in note.findings:
            if one.where == "content":
                newest[one.fingerprint] = note, one
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    diffs: dict[tuple[str, str], tuple[FilePatch, ...]] = {}
    for note, one in newest.values():
        key = note.head.tip, one.path
        if key not in diffs:
            diffs[key] = patch_trees(repo.git, note.head.tip, tip, one.path)
        row = counts[one.rule]
        row[0] += 1
        row[1] += any(_touches(patch, one) for patch in diffs[key])
        row[2] += one.state is State.DISMISSED
    found = [Noise(rule, *row) for rule, row in counts.items()]
    return tuple(sorted(found, key=lambda one: (-one.flagged, one.rule)))


def _touches(patch: FilePatch, one: Finding) -> bool:
    """Whether a change takes one of the finding's lines away."""
    return any(hunk.old_start <= one.end_line and one.line <= hunk.old_span[1] for hunk in patch.hunks if hunk.removed)
