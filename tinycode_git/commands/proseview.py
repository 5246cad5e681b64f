"""A model's words as people read them: stated and inferred told apart, each with its commits, then what was removed."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from tinycode_git.history.prose import Kind, Prose, Sentence
from tinycode_git.render.console import Console, Style
from tinycode_git.render.escape import visible

_ABBREVIATED = 9
_INDENT = 12


def in_words(prose: Prose, on: Console) -> str:
    """The sentences that hold, that history does not say why where it does not, one line on what was left out."""
    rows: list[str] = [on.paint(f"in the words of {visible(prose.model)}", Style.STRONG)]
    for one in prose.sentences:
        rows += _sentence(one, on)
    rows += [f"  {on.paint(line, Style.DIM)}" for line in _said(prose)]
    return "\n".join(rows) + "\n\n"


def _sentence(one: Sentence, on: Console) -> Iterator[str]:
    width = max(30, min(on.width or 100, 110) - _INDENT)
    oids = ", ".join(oid[:_ABBREVIATED] for oid in one.oids)
    lines = textwrap.wrap(f"{visible(one.text)} [{oids}]", width, break_long_words=False, break_on_hyphens=False)
    style = Style.GOOD if one.kind is Kind.STATED else Style.WARN
    for at, line in enumerate(lines):
        label = on.paint(f"{one.kind.value:<8}", style) if at == 0 else " " * 8
        yield f"  {label}  {_with_oids(line, one, on)}".rstrip()
    if one.quote:
        quoted = f'"{visible(" ".join(one.quote.split()))}" ({one.quoted[:_ABBREVIATED]})'
        yield from (f"{' ' * _INDENT}{on.paint(row, Style.DIM)}" for row in textwrap.wrap(quoted, width))


def _with_oids(line: str, one: Sentence, on: Console) -> str:
    for oid in one.oids:
        line = line.replace(oid[:_ABBREVIATED], on.paint(oid[:_ABBREVIATED], Style.OID))
    return line


def _said(prose: Prose) -> Iterator[str]:
    if not prose.sentences:
        yield "no sentence of it is borne out by the evidence"
    if not prose.says_why:
        yield "history does not say why" if prose.shown else "there was nothing to show it"
    if prose.removed:
        parts = [f"{count}: {why.value}" for why, count in prose.reasons()]
        yield f"{len(prose.removed)} of its sentences removed ({'; '.join(parts)})"
    if prose.demoted:
        yield f"{prose.demoted} called stated by it, and only inferred"
    if prose.left_out:
        yield f"it was shown {prose.shown} of {prose.shown + prose.left_out} commits"
    if prose.cut:
        yield "its answer broke off"
