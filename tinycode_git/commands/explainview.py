"""An explanation as people read it: the lines with who wrote them, then the timeline, then what it came from."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from tinycode_git.history.audiences import Group
from tinycode_git.history.evidence import Evidence, Explanation, Role
from tinycode_git.history.exhibits import importance
from tinycode_git.render.console import Console, Style
from tinycode_git.render.diffview import painted
from tinycode_git.render.escape import visible
from tinycode_git.render.table import counted, cut

_MOST_LINES = 12
_EVERY = ((Role.PART,), (Role.STEP,))  # so is every commit there
_STYLES = {
    Role.REVERTS: Style.BAD,
    Role.REVERTED: Style.BAD,
    Role.FIXES: Style.GOOD,
    Role.FIXED: Style.GOOD,
    Role.INTRODUCED: Style.REF,
}


def timeline(found: Explanation, on: Console, limit: int) -> str:
    """The whole, each line ended by a line feed; of many commits the last ``limit`` (0: all) and the key ones."""
    rows = [*_heading(found, on), *_origins(found, on)]
    shown = _chosen(found.evidence, limit)
    if len(shown) < len(found.evidence):
        rows.append(f"  {counted(len(found.evidence) - len(shown), 'more commit')} not shown (--limit 0 shows all)")
    ids = {one.oid: one for one in found.evidence}
    for one in shown:
        rows += _entry(one, ids, on)
    rows += [*_plans(found, on), *_operations(found, on), *_said(found, on)]
    return "\n".join(rows) + "\n"


def _heading(found: Explanation, on: Console) -> Iterator[str]:
    asked = found.asked
    words = visible(asked.words)
    if asked.symbol:
        words += f" (lines {asked.first}-{asked.last})"
    yield on.paint(words, Style.STRONG) + (f" at {asked.commit[:12]}" if asked.kind in ("lines", "path") else "")


def _origins(found: Explanation, on: Console) -> Iterator[str]:
    if not found.origins:
        return
    width = (on.width or 120) - 15
    for origin in found.origins[:_MOST_LINES]:
        text = cut(visible(origin.text.removesuffix("\r").replace("\t", "    ")), max(20, width))
        yield f"  {origin.line:>6} {on.paint(f'{origin.evidence:<4}', Style.OID)} {text}".rstrip()
    left = len(found.origins) - _MOST_LINES
    if left > 0:
        yield f"         ... and {left} more lines"
    yield ""


def _chosen(evidence: Sequence[Evidence], limit: int) -> Sequence[Evidence]:
    """What says most where not all is shown: first what is more than one of many changes, then the newest."""
    if not limit or len(evidence) <= limit:
        return evidence
    ranked = sorted(evidence, key=lambda one: (importance(one), -one.when))
    kept = {one.id for one in ranked[:limit]}
    return [one for one in evidence if one.id in kept]


def _entry(one: Evidence, by_oid: dict[str, Evidence], on: Console) -> Iterator[str]:
    day = datetime.fromtimestamp(one.when, UTC).strftime("%Y-%m-%d")
    yield (
        f"{on.paint(f'{one.id:<4}', Style.OID)} {day}  {on.paint(one.oid[:12], Style.OID)}  "
        f"{on.paint(visible(one.title), Style.STRONG)}  ({visible(one.author)})"
    )
    if one.roles not in _EVERY:
        yield f"     {_roles(one, by_oid, on)}"
    if one.note:
        yield f"     {visible(one.note)}"
    if one.reason:
        width = min(on.width or 100, 110) - 7
        text = textwrap.shorten(
            visible(one.reason), 320 if set(one.roles) - {Role.CHANGED, Role.PART} else 160, placeholder=" ..."
        )
        yield from (f"     | {row}" for row in textwrap.wrap(text, max(30, width)))
    facts = list(_facts(one))
    if facts:
        yield f"     {on.paint('; '.join(facts), Style.DIM)}"
    if one.patch:
        yield from (f"     {row.removesuffix(chr(10))}" for row in painted(one.patch.split("\n"), on))


def _roles(one: Evidence, by_oid: dict[str, Evidence], on: Console) -> str:
    about = [by_oid[oid].id if oid in by_oid else oid[:12] for oid in one.about]
    parts = []
    for role in one.roles:
        text = role.value
        if role in (Role.REVERTS, Role.FIXES, Role.PICKED, Role.REVERTED, Role.FIXED) and about:
            text = _worded(role, ", ".join(about))
        if role in (Role.WROTE, Role.CAUSE) and one.share:
            text += f" ({round(one.share * 100)}%)"
        parts.append(on.paint(text, _STYLES.get(role, Style.PLAIN)))
    return "; ".join(parts)


def _worded(role: Role, names: str) -> str:
    return {
        Role.REVERTED: f"is reverted by {names}",
        Role.FIXED: f"is fixed by {names}",
    }.get(role, f"{role.value} {names}")


def _facts(one: Evidence) -> Iterator[str]:
    if one.bugs:
        yield f"names {', '.join(visible(bug) for bug in one.bugs[:4])}"
    if one.release:
        more = f" and {counted(one.release.count - 1, 'later tag')}" if one.release.count > 1 else ""
        yield f"first in {visible(one.release.first)}{more}"
    if one.test_paths:
        more = f" and {len(one.test_paths) - 2} more" if len(one.test_paths) > 2 else ""
        yield f"tests: {', '.join(visible(path) for path in one.test_paths[:2])}{more}"
    for key, value in one.trailers:
        if key.lower() in ("reviewed-by", "acked-by", "plan-id", "plan-step", "assisted-by", "link", "approved-by"):
            yield f"{key}: {visible(value)}"


def _plans(found: Explanation, on: Console) -> Iterator[str]:
    for plan in found.plans:
        yield f"plan {on.paint(visible(plan['id']), Style.REF)}: {visible(plan['task'])}"
        yield f"     {plan['state']}, risk {plan['risk']}, planner {visible(plan['planner'])}"


def _operations(found: Explanation, on: Console) -> Iterator[str]:
    if found.operations:
        yield "audit log"
    for row in found.operations[-20:]:
        when = str(row["started"])[:19].replace("T", " ")
        who = visible(str(row["user"]))
        yield f"  {row['seq']:>5}  {when}  {visible(str(row['action']))}: {row['outcome']}  ({who})"


def _said(found: Explanation, on: Console) -> Iterator[str]:
    for note in found.notes:
        yield visible(note)
    if found.evidence and not any(one.reason for one in found.evidence):
        yield "no message of these commits states a reason"


def drawn_groups(groups: Sequence[Group], evidence: Sequence[Evidence], on: Console, most: int = 0) -> str:
    """A summary: headings, bullets (of each group the first ``most``; 0: all), the commits of each."""
    oids = {one.id: one.oid[:9] for one in evidence}
    rows: list[str] = []
    for group in groups:
        rows += [*([""] if rows else []), on.paint(visible(group.title), Style.STRONG)]
        for bullet in group.bullets[: most or None]:
            named = ", ".join(oids[name] for name in bullet.evidence[:4])
            more = f" and {len(bullet.evidence) - 4} more" if len(bullet.evidence) > 4 else ""
            text = textwrap.shorten(visible(bullet.text), 300, placeholder=" ...")
            rows.append(f"- {text} ({on.paint(named, Style.OID)}{more})")
        if most and len(group.bullets) > most:
            rows.append(f"  and {len(group.bullets) - most} more (--limit 0 shows all)")
    return "\n".join(rows) + "\n"
