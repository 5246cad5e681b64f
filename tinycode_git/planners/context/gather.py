"""From a ranking to what a model gets to see, within a budget of tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinycode_git.dialogue import Context, Piece
from tinycode_git.planners.context.index import Index, index_of
from tinycode_git.planners.context.outline import outline
from tinycode_git.planners.context.rank import Ranked, is_test, rank
from tinycode_git.planners.model_plan import MOST_FILES
from tinycode_git.planners.model_text import windows
from tinycode_git.proposal import Snapshot

_OUTLINED = 40
_SMALL = 30
_TESTS = 3
_LEAST = 64
_FRAME = 24
_LONGEST = 2_000_000


@dataclass(frozen=True, slots=True)
class Need:
    """What context is for: the task, the paths that the user names, the tokens there are, how tokens are counted."""

    task: str
    named: tuple[str, ...]
    room: int
    count: Callable[[str], int]


def gather(
    snapshot: Snapshot,
    tree: str,
    need: Need,
    *,
    cache: Path | None = None,
    recent: Callable[[Sequence[str]], Sequence[str]] | None = None,
) -> Context:
    """The context of a task. ``recent`` says which commits touched some paths last."""
    index = index_of(snapshot, tree, cache)
    ranked = rank(index, need.task, need.named)
    ranked = _with_tests(index, ranked)
    paths = [one.path for one in ranked][:MOST_FILES]
    # A small repository is shown whole: every file can be chosen.
    if len(index.files) <= _SMALL:
        paths += [path for path in index.files if path not in paths]
    left_out = []
    if len(ranked) > MOST_FILES:
        left_out.append(f"{len(ranked) - MOST_FILES} files of less weight were left out of the plan's choice")
    drawn, room = _outline(snapshot, index, paths, need)
    pieces = _pieces(snapshot, ranked, need, room)
    whole = {piece.path for piece in pieces}
    named = [one.path for one in ranked if one.why == "named"]
    left_out += [f"{path} did not fit into the context" for path in named if path not in whole][:10]
    commits = tuple(recent(paths[:8])) if recent is not None and paths else ()
    reasons = {one.path: one.why for one in ranked}
    return Context(tuple(paths), drawn, tuple(pieces), commits, tuple(left_out), reasons)


def _with_tests(index: Index, ranked: Sequence[Ranked]) -> list[Ranked]:
    """Beside a weighty file, its tests by name."""
    known = {one.path for one in ranked}
    tests = [path for path in index.files if is_test(path) and path not in known]
    added = []
    for one in ranked[:8]:
        stem = one.path.rpartition("/")[2].partition(".")[0].lower()
        mine = [path for path in tests if len(stem) > 2 and stem in path.rpartition("/")[2].lower()]
        for path in mine[:_TESTS]:
            if path not in known:
                known.add(path)
                added.append(Ranked(path, one.weight * 0.3, f"tests {one.path}"))
    return sorted([*ranked, *added], key=lambda one: (-one.weight, one.path))


def _outline(snapshot: Snapshot, index: Index, paths: Sequence[str], need: Need) -> tuple[str, int]:
    """The map of definitions, at most a third of the room and of one file a quarter of that; what is left."""
    budget = need.room // 3
    each = budget // 4
    rows: list[str] = []
    for path in paths[:_OUTLINED]:
        if budget < _LEAST:
            break
        found = outline(path, snapshot.read(path) or b"") if index.files[path].defines else []
        if not found:
            continue
        block = [f"{path}:", *(f"{one.first:5} {'  ' * one.depth}{one.text}" for one in found)]
        cost = need.count("\n".join(block))
        if cost > min(each, budget):
            block = block[: max(2, len(block) * min(each, budget) // cost)]
            cost = need.count("\n".join(block))
        if cost <= budget:
            rows += block
            budget -= cost
    return "\n".join(rows), need.room - (need.room // 3 - budget)


def _pieces(snapshot: Snapshot, ranked: Sequence[Ranked], need: Need, room: int) -> list[Piece]:
    """The files of most weight, whole where they fit, else the windows that share most words with the task."""
    pieces: list[Piece] = []
    for one in ranked[:_OUTLINED]:
        if room < _LEAST:
            break
        content = snapshot.read(one.path) or b""
        if b"\0" in content[:8000] or not content.strip():
            continue
        for piece in _parts_of(one, content.decode("utf-8", "replace"), need, room):
            pieces.append(piece)
            room -= piece.tokens + _FRAME
    return pieces


def _parts_of(one: Ranked, text: str, need: Need, room: int) -> list[Piece]:
    # A token stands for a dozen characters at most, so that nothing huge is counted.
    cost = need.count(text) if len(text) <= room * 12 else room + 1
    if cost <= room:
        return [Piece(one.path, one.why, text, 1, len(text.splitlines()), True, cost)]
    if len(text) > _LONGEST:
        return []
    # A named file may take what is left; others leave room for the next.
    share = room - _FRAME if one.why == "named" else room // 3
    return [
        Piece(one.path, one.why, part, first, first + part.count("\n"), False, need.count(part))
        for first, part in windows(text, need.task, share, need.count)
    ]


def described(context: Context) -> str:
    """What goes in and why, for a person: a line a piece."""
    rows = []
    for piece in context.pieces:
        part = "whole" if piece.whole else "parts"
        rows.append(f"{piece.path}  {part}, {piece.tokens} tokens: {piece.why}")
    shown = {piece.path for piece in context.pieces}
    rows += [
        f"{path}  by name only: {context.reasons.get(path, 'in the repository')}"
        for path in context.paths
        if path not in shown
    ][:40]
    rows += [f"left out: {what}" for what in context.left_out]
    return "\n".join(rows)
