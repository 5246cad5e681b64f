"""From what texts hold to what a change does: new findings, guards that are gone, exceptions that count. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from tinycode_git.safety.engine import NOTHING, Engine, Looked
from tinycode_git.safety.finding import Finding, finding
from tinycode_git.safety.look import Text, text_of
from tinycode_git.safety.novelty import Placed, added, removed
from tinycode_git.safety.surface import Change, ChangeSet, Side

ALLOW = "inline-allow"
_ALLOWED = r"tiny:\s*allow\s+([a-z0-9-]+(?:\s*,\s*[a-z0-9-]+)*)\s+--\s*(\S.*)"


def judged(
    engine: Engine,
    changes: ChangeSet,
    looked: Mapping[Text, Looked],
    *,
    paths: bool = True,
    guards: bool = True,
) -> list[Finding]:
    """The findings of one change set, in the order of paths and lines.

    ``looked`` has what the engine saw in the texts of both sides; a text that is missing could not be read. What an
    inline exception that stood in the text before covers is marked as excused; whether that counts is not asked here.
    """
    new = [placed for change in changes.changes for placed in _placed(engine, change.path, change.new, looked)]
    width = max((len(change.olds) for change in changes.changes), default=0)
    olds = [
        [
            placed
            for change in changes.changes
            if nth < len(change.olds)
            for placed in _placed(engine, change.path, change.olds[nth], looked)
        ]
        for nth in range(width)
    ]
    fresh = added(
        [p for p in new if not _guard(engine, p)], [[p for p in old if not _guard(engine, p)] for old in olds]
    )
    gone = removed([p for p in new if _guard(engine, p)], [[p for p in old if _guard(engine, p)] for old in olds])
    allowed = _allows(new, fresh)
    found = [*_findings(engine, (*fresh, *(gone if guards else ())), changes.commit, allowed)]
    found += _paths(engine, changes) if paths else ()
    return sorted(found, key=lambda f: (f.path, f.line, f.column, f.rule))


def _placed(engine: Engine, path: str, side: Side, looked: Mapping[Text, Looked]) -> Iterator[Placed]:
    text = text_of(side, path)
    if text is None:
        return
    for match in looked.get(text, NOTHING).matches:
        if engine.concerns(match, path):
            yield Placed(path, side.oid, text.where, match)


def _guard(engine: Engine, placed: Placed) -> bool:
    return engine.rule(placed.match.rule).removed


def _allows(new: Iterable[Placed], fresh: Iterable[Placed]) -> dict[tuple[str, int], list[tuple[str, str]]]:
    """Inline exceptions that are not new: (path, line) to rules and reasons. Each covers its line and the next."""
    fresh_ones = set(fresh)
    found: dict[tuple[str, int], list[tuple[str, str]]] = {}
    for placed in new:
        said = re.search(_ALLOWED, placed.match.redacted) if placed.match.rule == ALLOW else None
        if said is None or placed in fresh_ones:
            continue
        for rule in re.split(r"\s*,\s*", said[1]):
            for line in (placed.match.line, placed.match.line + 1):
                found.setdefault((placed.path, line), []).append((rule, said[2].strip()))
    return found


def _findings(
    engine: Engine,
    placed: Iterable[Placed],
    commit: str,
    allowed: Mapping[tuple[str, int], list[tuple[str, str]]],
) -> Iterator[Finding]:
    count: Counter[tuple[str, str, str]] = Counter()
    for path, oid, where, match in placed:
        key = (match.rule, path, match.excerpt)
        one = finding(engine.rule(match.rule), match, path=path, oid=oid, where=where, commit=commit, nth=count[key])
        count[key] += 1
        reason = next((why for rule, why in allowed.get((path, match.line), ()) if rule == match.rule), "")
        yield one._replace(excused=f"allowed in the file: {reason}") if reason else one


def _paths(engine: Engine, changes: ChangeSet) -> Iterator[Finding]:
    """What paths themselves say: dangerous ones when they appear, ones that need an approval whenever they change."""
    for change in changes.changes:
        yield from path_findings(engine, change, changes.commit)


def path_findings(engine: Engine, change: Change, commit: str) -> Iterator[Finding]:
    """The findings of one changed path."""
    side = change.new if change.new.mode else next((old for old in change.olds if old.mode), change.new)
    raw = change.path.encode("utf-8", "surrogateescape")
    for match in engine.look(raw, "path", change.path, side.mode).matches:
        rule = engine.rule(match.rule)
        if (change.added or rule.approval) and engine.concerns(match, change.path):
            place = match._replace(line=1, end_line=1)
            yield finding(rule, place, path=change.path, oid=side.oid, where="path", commit=commit)


def text_findings(engine: Engine, looked: Looked, *, oid: str, where: str, commit: str) -> Iterator[Finding]:
    """The findings of a message or an identity."""
    placed = [Placed("", oid, where, match) for match in looked.matches if engine.concerns(match, "")]
    yield from _findings(engine, [p for p in placed if not _guard(engine, p)], commit, {})
