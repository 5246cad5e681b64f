"""What was looked at in a review: each hunk by whom, and by whom not and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinycode_git.git.patches import FilePatch
from tinycode_git.history.past import MOST_PATHS
from tinycode_git.pathkinds import Kind, kind_of
from tinycode_git.review.place import spans
from tinycode_git.review.record import Looked

UNREAD = {Kind.GENERATED: "generated", Kind.LOCK: "a lock file"}
Unread = Mapping[str, Mapping[int, str]]


def readable(patches: Sequence[FilePatch]) -> list[FilePatch]:
    """The files that history is asked about: none where there are too many."""
    read = [one for one in patches if kind_of(one.path) not in UNREAD]
    return read if len(read) <= MOST_PATHS // 2 else []


def coverage(
    patches: Sequence[FilePatch], skipped: Mapping[str, str], by_model: Unread | None = None
) -> tuple[Looked, ...]:
    """What was looked at. ``skipped``: what the validator did not read; ``by_model``: the hunks of each path that a
    model did not (None: none was asked)."""
    unread = {one.path: UNREAD[kind] for one in patches if (kind := kind_of(one.path)) in UNREAD}
    if len(patches) - len(unread) > MOST_PATHS // 2:
        unread = {one.path: f"the change has more than {MOST_PATHS // 2} files" for one in patches}
    found: list[Looked] = []
    for patch in patches:
        found += _looked(patch, skipped.get(patch.path, ""), unread.get(patch.path, ""), by_model)
    return tuple(found)


def _looked(patch: FilePatch, skipped: str, unread: str, by_model: Unread | None) -> list[Looked]:
    """One record, or one for each reason why a model read only some of the hunks."""
    no_lines = "binary" if patch.binary else "" if patch.hunks else "no line of it changed"
    plain = [("validator", skipped), ("history", unread or no_lines)]
    if by_model is None:
        return [_record(patch, range(len(patch.hunks)), plain)]
    missed = by_model.get(patch.path, {})
    groups: dict[str, list[int]] = {} if patch.hunks else {no_lines: []}
    for number in range(len(patch.hunks)):
        groups.setdefault(missed.get(number, ""), []).append(number)
    return [_record(patch, numbers, [*plain, ("model", why)]) for why, numbers in groups.items()]


def _record(patch: FilePatch, numbers: Sequence[int], who: Sequence[tuple[str, str]]) -> Looked:
    shown = list(spans(patch))
    return Looked(
        patch.path,
        tuple(shown[number] for number in numbers),
        sum(len(patch.hunks[number].added) + len(patch.hunks[number].removed) for number in numbers),
        tuple(name for name, why in who if not why),
        tuple((name, why) for name, why in who if why),
    )
