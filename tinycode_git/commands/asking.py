"""A question about the repository, answered by the model from what it is shown; every place it names is checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinycode_git.commands.talking import Talking, context_of
from tinycode_git.dialogue import Message, Shown
from tinycode_git.errors import Incomplete
from tinycode_git.git.read import ReadRepo
from tinycode_git.planners.model_cite import Citation, citations, numbered
from tinycode_git.planners.model_text import data, fit

_MOST = 800
# Numbers of lines take their part of the room.
_NUMBERS = 1.4


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer: its text, the commit it is about, the places it names."""

    answer: str
    commit: str
    citations: tuple[Citation, ...]
    cut: bool
    left_out: tuple[str, ...]


def answer(
    repo: ReadRepo,
    talk: Talking,
    commit: str,
    question: str,
    named: Sequence[str],
    shown: Shown | None = None,
    earlier: Sequence[Message] = (),
) -> Answered:
    """Ask the model. Raises Incomplete where it says nothing."""
    session = talk.session
    most = min(_MOST, session.room // 4)
    spent = sum(session.count(one.content) + 8 for one in earlier)
    room = session.room - most - session.frame("ask") - spent - session.count(question)
    context = context_of(repo, commit, session, question, named, share=max(0.2, room / _NUMBERS / session.room))
    outline = context.outline
    room -= session.count(outline)
    commits = data("Recent commits", "\n".join(context.commits)) if context.commits else ""
    commits = commits if session.count(commits) < room // 4 else ""
    room -= session.count(commits)
    texts = []
    used = []
    for piece in fit(session, context.pieces, room):
        text = data(f"{piece.path}, lines {piece.first} to {piece.last}", numbered(piece))
        cost = session.count(text)
        if cost <= room:
            room -= cost
            texts.append(text)
            used.append(piece)
    parts = {
        "outline": outline,
        "pieces": "\n\n".join(texts),
        "commits": commits,
        "question": question,
    }
    said = session.ask("ask", parts, most=most, shown=shown, earlier=earlier)
    if not said.text.strip():
        raise Incomplete(f"the model said nothing ({said.remark or 'no word'})", "ask again, or try another model")
    mapped = [line[:-1] for line in outline.split("\n") if line.endswith(":") and not line.startswith(" ")]
    places = citations(said.text, repo.snapshot(commit), used, mapped)
    return Answered(said.text.strip(), commit, tuple(places), said.cut, context.left_out)
