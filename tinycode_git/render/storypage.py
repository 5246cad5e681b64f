"""The story of a file as one page of HTML that stands alone: a drawing (SVG) in the page, no script, nothing loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tinycode_git.render.markup import html
from tinycode_git.render.table import counted

if TYPE_CHECKING:
    from tinycode_git.history.story import Change, Story, Turn

_WIDTH, _HEIGHT = 900, 240
_STYLE = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
svg{width:100%;height:auto}.area{fill:#28a6;stroke:#28a;stroke-width:1.5}.turn{stroke:#c60;stroke-width:1.5}
text{fill:currentColor;font-size:12px}table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:left}
tr{border-top:1px solid #8884}td{vertical-align:top}.w{white-space:nowrap;font-variant-numeric:tabular-nums}
.tick{stroke:#8886}.m{font-family:ui-monospace,monospace}.n{text-align:right}.bar{fill:#28a}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(story: Story) -> str:
    """The whole page."""
    title = f"The story of {story.path}"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{html(title)}</title><style>{_STYLE}</style></head><body><main>",
            f"<h1>{html(title)}</h1>",
            f"<p>{html(_summary(story))}</p>",
            *(f"<p><strong>not looked at:</strong> {html(gap)}</p>" for gap in story.gaps),
            drawing(story.changes, story.turns) if story.changes else "",
            "<h2>Phases</h2>",
            *_table(("from", "to", "", "commits", "lines", "mostly"), ("w", "w", "", "n", "w", ""), _phases(story)),
            "<h2>Who wrote what is there</h2>",
            *_table(("", "lines", "share"), ("", "n", "n"), _holders(story)),
            "<h2>Where it turned</h2>",
            *_table(("", "commit", "", "", "by"), ("w", "w m", "", "", ""), _turns(story.turns)),
            "</main></body></html>",
            "",
        ]
    )


def drawing(changes: Sequence[Change], turns: Sequence[Turn]) -> str:
    """The file's size over time, with a mark at each turn, as SVG."""
    ordered = sorted(changes, key=lambda one: one.at)
    begun, ended = ordered[0].at, max(ordered[-1].at, ordered[0].at + 1)
    most = max(one.size for one in ordered) or 1
    scale = counted(most, "line")

    def across(at: int) -> float:
        return round((at - begun) / (ended - begun) * _WIDTH, 1)

    points = [f"0,{_HEIGHT}"]
    height = float(_HEIGHT)
    for one in ordered:
        points.append(f"{across(one.at)},{height}")
        height = round(_HEIGHT - one.size / most * (_HEIGHT - 20), 1)
        points.append(f"{across(one.at)},{height}")
    points += [f"{_WIDTH},{height}", f"{_WIDTH},{_HEIGHT}"]
    marks = "".join(
        f'<line class="turn" x1="{across(t.at)}" x2="{across(t.at)}" y1="14" y2="{_HEIGHT}">'
        f"<title>{html(_day(t.at))}: {html(t.why)}: {html(t.title)}</title></line>"
        for t in turns
    )
    years = "".join(
        f'<line class="tick" x1="{across(at)}" x2="{across(at)}" y1="{_HEIGHT}" y2="{_HEIGHT + 5}"/>'
        + (
            f'<text x="{across(at)}" y="{_HEIGHT + 15}" text-anchor="middle">{year}</text>'
            if _clear(across(at))
            else ""
        )
        for at, year in _years(begun, ended)
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + 20}" role="img" aria-label="lines over time">'
        f'<polygon class="area" points="{" ".join(points)}"/>{marks}{years}'
        f'<text x="0" y="12">{scale}</text><text x="0" y="{_HEIGHT + 15}">{_day(begun)}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 15}" text-anchor="end">{_day(ended)}</text></svg>'
    )


def _clear(across: float) -> bool:
    """Whether a year's number would not stand on the dates at both ends."""
    return 90 < across < _WIDTH - 90


def _phases(story: Story) -> Iterator[tuple[str, ...]]:
    for one in story.phases:
        lines = f"+{one.added} -{one.removed}" if one.commits else ""
        yield _day(one.begun), _day(one.ended), one.kind, str(one.commits or ""), lines, one.owner


def _turns(turns: Sequence[Turn]) -> Iterator[tuple[str, ...]]:
    for one in turns:
        yield _day(one.at), one.oid[:12], one.why, one.title, one.author


def _summary(story: Story) -> str:
    people = len({one.author for one in story.changes})
    lines = story.changes[-1].size if story.changes else 0
    who = f"{people} {'people' if people != 1 else 'person'}"
    return f"{counted(len(story.changes), 'commit')} by {who}, {counted(lines, 'line')} at {story.tip[:12]}"


def _holders(story: Story) -> Iterator[tuple[str, ...]]:
    for one in story.holders:
        yield one.author, f"{one.lines:,}", f"{one.share:.0%}"


def _table(heads: Sequence[str], kinds: Sequence[str], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    """The rows under their heads; ``kinds`` are the classes of the columns."""
    yield "<table><tr>" + "".join(f"<th>{html(head)}</th>" for head in heads) + "</tr>"
    for row in rows:
        cells = (
            f'<td class="{kind}">{html(cell)}</td>' if kind else f"<td>{html(cell)}</td>"
            for kind, cell in zip(kinds, row, strict=True)
        )
        yield "<tr>" + "".join(cells) + "</tr>"
    yield "</table>"


def _years(begun: int, ended: int) -> list[tuple[int, str]]:
    """The beginnings of years between two moments, at most a dozen of them."""
    first, last = (datetime.fromtimestamp(at, UTC).year for at in (begun, ended))
    every = (last - first) // 12 + 1
    years = [year for year in range(first + 1, last + 1) if year % every == 0]
    return [(int(datetime(year, 1, 1, tzinfo=UTC).timestamp()), str(year)) for year in years]


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()
