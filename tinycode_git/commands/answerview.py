"""An answer of a model for a person: its text, made safe, and the places that it rests on."""

from __future__ import annotations

from tinycode_git.commands.asking import Answered
from tinycode_git.render.escape import visible, visible_block


def shown_answer(done: Answered) -> str:
    """The answer, then a line a place; one that does not hold is said to be so."""
    return visible_block(done.answer) + "\n" + places(done)


def places(done: Answered) -> str:
    """The places of an answer, and what else is to be known of it."""
    rows = []
    for place in done.citations:
        where = f"{place.path}:{place.line}" + (f"-{place.end}" if place.end > place.line else "")
        if place.good:
            rows.append(f"  {visible(where)}  {visible(place.text)}")
        else:
            rows.append(f"  {visible(where)}  does not hold: {place.problem}")
    head = f"\nat {done.commit[:12]}:\n" if rows else f"\nat {done.commit[:12]}; the answer names no place\n"
    notes = ["the answer was cut: it ran into the limit"] if done.cut else []
    notes += done.left_out
    return head + "".join(f"{row}\n" for row in rows) + "".join(f"note: {visible(note)}\n" for note in notes)
