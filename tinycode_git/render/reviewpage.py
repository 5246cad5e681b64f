"""A review as one page of HTML that stands alone: no script, no request to anywhere, readable in the dark and in print.

The policy in its head forbids both, so that text from a repository could do nothing even where it were not escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tinycode_git.render.markup import html, html_block
from tinycode_git.render.reviewtext import Texts, frame, place, summary

if TYPE_CHECKING:
    from tinycode_git.review.finding import Finding
    from tinycode_git.review.record import Review

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--about:#fc03}
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
article{border:1px solid var(--line);border-left-width:.4rem;border-radius:.3rem;padding:.6rem 1rem;margin:1rem 0}
.critical{border-left-color:#a00}.high{border-left-color:#d33}.medium{border-left-color:#c80}.low{border-left-color:#28a}
h2{font-size:1rem;margin:0}h2 code{font-weight:normal}
pre{overflow-x:auto;margin:.5rem 0;padding:.4rem;border:1px solid var(--line)}
.about{background:var(--about);display:inline-block;min-width:100%}
.dim{opacity:.7;font-size:.85rem}table{border-collapse:collapse}td,th{border:1px solid var(--line);padding:.2rem .6rem}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(review: Review, texts: Texts) -> str:
    """The whole page."""
    title = f"Review of {review.head.branch or review.head.tip[:12]}"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{html(title)}</title><style>{_STYLE}</style></head><body><main>",
            f"<h1>{html(title)}</h1>",
            f"<p>{html(summary(review))}</p>",
            f'<p class="dim">from <code>{html(review.head.base[:12])}</code>'
            f" to <code>{html(review.head.tip[:12])}</code></p>",
            *(_article(one, texts) for one in review.standing),
            *_fixed(review),
            *_coverage(review),
            "</main></body></html>",
            "",
        ]
    )


def _article(one: Finding, texts: Texts) -> str:
    state = f" <em>({html(one.state.value)})</em>" if one.state.value != "new" else ""
    rows = [
        f'<article class="{html(one.severity)}" id="{html(one.fingerprint)}">',
        f"<h2>{html(one.severity)}: {html(one.message)}{state}<br><code>{html(place(one))}</code></h2>",
    ]
    lines = frame(one, texts)
    if lines:
        shown = [
            f'<span class="{"about" if about else "near"}">{n:>6}  {html_block(text)}</span>'
            for n, text, about in lines
        ]
        rows.append("<pre>" + "\n".join(shown) + "</pre>")
    if one.fix:
        rows.append(f'<p class="dim">instead:</p><pre class="fix">{html_block(one.fix)}</pre>')
    if one.commits:
        cited = "".join(f"<li><code>{html(c.oid[:12])}</code> {html(c.title)}</li>" for c in one.commits)
        rows.append(f"<ul>{cited}</ul>")
    if one.advice:
        rows.append(f"<p>{html(one.advice)}</p>")
    rows.append(f'<p class="dim">{html(one.tool)} {html(one.rule)} {html(one.fingerprint[:12])}</p></article>')
    return "\n".join(rows)


def _fixed(review: Review) -> Iterator[str]:
    if review.fixed:
        yield "<h2>Fixed since the last review</h2><ul>"
        yield from (f"<li><code>{html(place(one))}</code> {html(one.message)}</li>" for one in review.fixed)
        yield "</ul>"


def _coverage(review: Review) -> Iterator[str]:
    yield "<details><summary>What was read</summary><table><tr><th>file</th><th>hunks</th><th>by</th><th>not</th></tr>"
    for one in review.coverage:
        missed = "; ".join(f"{who}: {why}" for who, why in one.not_by)
        cells = (one.path, str(len(one.hunks)), ", ".join(one.by) or "nobody", missed)
        yield "<tr>" + "".join(f"<td>{html(cell)}</td>" for cell in cells) + "</tr>"
    yield "</table></details>"
    yield from (f"<p>Not looked at: {html(gap)}</p>" for gap in review.gaps)
