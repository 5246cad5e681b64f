"""The story of a file as one page of HTML that stands alone: a drawing (SVG) in the page, no script, nothing loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tinycode_git.render.markup import html

if TYPE_CHECKING:
    from tinycode_git.history.story import Change, Story, Turn

_WIDTH, _HEIGHT = 900, 240
_STYLE = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
svg{width:100%;height:auto}.area{fill:#28a6;stroke:#28a;stroke-width:1.5}.turn{stroke:#c60;stroke-width:1.5}
text{fill:currentColor;font-size:12px}table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:left}
tr{border-top:1px solid #8884}code{white-space:nowrap}
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
            drawing(story.changes, story.turns),
            "<h2>Phases</h2>",
            *_table(("from", "to", "", "commits", "lines", "mostly"), _phases(story)),
            "<h2>Who wrote what is there</h2>",
            *_table(("", "lines", "share"), ((h.author, str(h.lines), f"{h.share:.0%}") for h in story.holders)),
            "<h2>Where it turned</h2>",
            *_table(("", "commit", "", "", "by"), _turns(story.turns)),
            "</main></body></html>",
            "",
        ]
    )


def drawing(changes: Sequence[Change], turns: Sequence[Turn]) -> str:
    """The file's size over time, with a mark at each turn, as SVG."""
    ordered = sorted(changes, key=lambda one: one.at)
    begun, ended = ordered[0].at, max(ordered[-1].at, ordered[0].at + 1)
    most = max(one.size for one in ordered) or 1

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
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + 20}" role="img" aria-label="lines over time">'
        f'<polygon class="area" points="{" ".join(points)}"/>{marks}'
        f'<text x="0" y="12">{most} lines</text><text x="0" y="{_HEIGHT + 15}">{_day(begun)}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 15}" text-anchor="end">{_day(ended)}</text></svg>'
    )


def _phases(story: Story) -> Iterator[tuple[str, ...]]:
    for one in story.phases:
        lines = f"+{one.added} -{one.removed}" if one.commits else ""
        yield _day(one.begun), _day(one.ended), one.kind, str(one.commits or ""), lines, one.owner


def _turns(turns: Sequence[Turn]) -> Iterator[tuple[str, ...]]:
    for one in turns:
        yield _day(one.at), one.oid[:12], one.why, one.title, one.author


def _table(heads: Sequence[str], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield "<table><tr>" + "".join(f"<th>{html(head)}</th>" for head in heads) + "</tr>"
    yield from ("<tr>" + "".join(f"<td>{html(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    yield "</table>"


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()
