"""The questions that a plan by a model is made of: as much of the repository as fits beside the task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinycode_git.dialogue import Context, Piece, Talk
from tinycode_git.planners.model_plan import MOST_FILES, PlannedStep
from tinycode_git.planners.model_text import data, excerpt, fenced, fit
from tinycode_git.proposal import Change, Delete, Put

_BLOCK_TOKENS = 2048


def listed(talk: Talk, paths: Sequence[str]) -> list[str]:
    """As many of ``paths`` as may be offered for a plan: a quarter of the room goes to their names."""
    room = talk.room // 4
    found: list[str] = []
    for path in paths[:MOST_FILES]:
        room -= talk.count(path)
        if room < 0 and found:
            break
        found.append(path)
    return found


def plan_parts(
    talk: Talk, task: str, context: Context, ids: Mapping[str, str], most: int, answer: int, problem: str
) -> dict[str, str]:
    """The parts of the question, as many as fit."""
    files = "\n".join(f"{name} {path}" for name, path in ids.items())
    room = talk.room - answer - talk.frame("plan") - talk.count(task) - talk.count(problem) - talk.count(files)
    outline = _cut_to(talk, context.outline, room // 2)
    room -= talk.count(outline)
    pieces = fit(talk, context.pieces, room)
    room -= sum(talk.count(piece.text) for piece in pieces)
    commits = "\n".join(context.commits)
    return {
        "most": str(most),
        "files": files,
        "outline": outline,
        "pieces": "\n\n".join(
            data(f"{piece.path}, lines {piece.first} to {piece.last}", piece.text) for piece in pieces
        ),
        "commits": data("Recent commits", commits) if commits and talk.count(commits) < room // 2 else "",
        "problem": problem,
        "task": task,
    }


def _cut_to(talk: Talk, text: str, room: int) -> str:
    """The first lines of ``text`` that fit into ``room`` tokens."""
    lines = text.split("\n")
    while lines and talk.count("\n".join(lines)) > room:
        lines = lines[: len(lines) * 3 // 4]
    return "\n".join(lines)


def edit_question(
    talk: Talk,
    task: str,
    context: Context,
    step: PlannedStep,
    path: str,
    text: str,
    wanted: str,
    problem: str,
    before: Sequence[Change],
) -> tuple[str, dict[str, str], int] | None:
    """Prompt, parts and size of the answer; None where the file does not fit in this format."""
    size = talk.count(text)
    told = talk.count(task) + talk.count(step.title + step.intent) + talk.count(problem)
    most = max(512, size * 5 // 4 + 256) if wanted == "whole" else min(_BLOCK_TOKENS, talk.room // 3)
    if not text and wanted == "whole":
        most = min(_BLOCK_TOKENS, talk.room // 2)
    room = talk.room - most - talk.frame(wanted) - told
    if size > room and wanted == "blocks":
        text = excerpt(text, f"{task} {step.title} {step.intent}", room, talk.count)
        size = talk.count(text)
    if size > room or (wanted == "blocks" and not text):
        return None
    room -= size
    done = _done_text([change for change in before if change.path != path])
    done = done if talk.count(done) < room // 3 else ""
    room -= talk.count(done)
    # What was changed since is shown as it is now, or not at all.
    stale = {path, *(change.path for change in before)}
    others: list[Piece] = [piece for piece in context.pieces if piece.path not in stale]
    pieces = fit(talk, others, room * 2 // 3)
    parts = {
        "task": task,
        "step": f"{step.title}. {step.intent}",
        "path": path,
        "file": fenced(text) if text else "(it does not exist yet)",
        "pieces": "\n\n".join(
            data(f"{piece.path}, lines {piece.first} to {piece.last}", piece.text) for piece in pieces
        ),
        "done": done,
        "problem": problem,
    }
    return wanted, parts, most


def _done_text(before: Sequence[Change]) -> str:
    """What was changed already in other files: the next file must fit to it."""
    rows = []
    for change in {change.path: change for change in before}.values():
        if isinstance(change, Delete):
            rows.append(f"{change.path} was deleted")
        elif isinstance(change, Put):
            rows.append(
                data(f"{change.path} as it is after the changes so far", change.content.decode("utf-8", "replace"))
            )
    return "\n\n".join(rows)
