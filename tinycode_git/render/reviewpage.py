"""A review as one page of HTML that stands alone: no script, no request to anywhere, readable in the dark and in print.

The policy in its head forbids both, so that text from a repository could do nothing even where it were not escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tinycode_git.render.markup import html, html_block
from tinycode_git.render.reviewtext import SEVERITY_STYLE, Texts, dropped_words, frame, place, summary

if TYPE_CHECKING:
    from tinycode_git.review.finding import Finding
    from tinycode_git.review.record import Review

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#59636e;--back:#fff;--card:#f6f8fa;--line:#d1d9e0;--about:#fff3c4;
--critical:#8b0a1a;--high:#cf222e;--medium:#9a5b00;--low:#0a6cbd;--good:#1a7f37}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa5b1;--back:#0d1117;--card:#161b22;--line:#30363d;
--about:#4a3b0a;--critical:#ff7b8a;--high:#ff6b64;--medium:#e3a53d;--low:#6cb6ff;--good:#57ab5a}}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);max-width:62rem;margin:0 auto;
padding:2rem 1rem 4rem;overflow-wrap:anywhere}
h1{font-size:1.5rem;margin:0 0 .3rem}h2{font-size:1.05rem;margin:2rem 0 .5rem}h3{font-size:1rem;margin:0}
p{margin:.4rem 0}code,pre{font:13px/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.soft{color:var(--soft);font-size:.87rem}
.tag{display:inline-block;border:1px solid;border-radius:1rem;padding:0 .6rem;font-size:.8rem;font-weight:600}
.tags .tag{margin-right:.3rem}
article{border:1px solid var(--line);border-radius:.5rem;margin:1.2rem 0;overflow:hidden}
header,footer{background:var(--card);padding:.6rem .9rem}
header{border-bottom:1px solid var(--line)}footer{border-top:1px solid var(--line)}
header .tag{float:right;margin-left:.8rem}header code{color:var(--soft)}
.critical{color:var(--critical)}.high{color:var(--high)}.medium{color:var(--medium)}.low{color:var(--low)}
.good{color:var(--good)}
pre{margin:0;padding:.5rem 0;overflow-x:auto;tab-size:4}
pre span{display:block;width:max-content;min-width:100%;padding:0 .9rem}
pre i{display:inline-block;width:3.2rem;padding-right:1rem;text-align:right;color:var(--soft);font-style:normal;
user-select:none}
.about{background:var(--about)}.fix span{color:var(--good)}.fix{border-top:1px dashed var(--line)}
ul{margin:.3rem 0;padding-left:1.2rem}.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.87rem}td,th{border-top:1px solid var(--line);padding:.25rem .9rem .25rem 0;
text-align:left;vertical-align:top}summary{cursor:pointer}
@media print{article{break-inside:avoid}}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(review: Review, texts: Texts) -> str:
    """The whole page."""
    title = f"Review of {(review.head.branch or review.head.tip[:12]).removeprefix('refs/heads/')}"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{html(title)}</title><style>{_STYLE}</style></head><body><main>",
            f"<h1>{html(title)}</h1>",
            _tags(review),
            f"<p>{html(summary(review))}</p>",
            f'<p class="soft">from <code>{html(review.head.base[:12])}</code>'
            f" to <code>{html(review.head.tip[:12])}</code></p>",
            *(_article(one, texts) for one in review.standing),
            *_fixed(review),
            *_coverage(review),
            "</main></body></html>",
            "",
        ]
    )


def _tags(review: Review) -> str:
    """How many findings there are of each severity."""
    counts = Counter(one.severity for one in review.standing)
    tags = [f'<span class="tag {name}">{counts[name]} {name}</span>' for name in SEVERITY_STYLE if counts[name]]
    return f'<p class="tags">{"".join(tags) or _NONE}</p>'


_NONE = '<span class="tag good">no findings</span>'


def _article(one: Finding, texts: Texts) -> str:
    state = f" <em>({html(one.state.value)})</em>" if one.state.value != "new" else ""
    word = html(one.severity)
    rows = [
        f'<article id="{html(one.fingerprint)}"><header><span class="tag {word}">{word}</span>',
        f"<h3>{html(one.message)}{state}</h3><code>{html(place(one))}</code></header>",
        *_code(one, texts),
        "<footer>",
    ]
    rows += [f"<p>{html(one.advice)}</p>"] if one.advice else []
    if one.commits:
        cited = "".join(f"<li><code>{html(c.oid[:12])}</code> {html(c.title)}</li>" for c in one.commits)
        rows.append(f"<ul>{cited}</ul>")
    rows.append(f'<p class="soft">{html(one.tool)} &middot; {html(one.rule)} &middot; {html(one.fingerprint[:12])}</p>')
    return "\n".join([*rows, "</footer></article>"])


def _code(one: Finding, texts: Texts) -> Iterator[str]:
    """The lines around a finding, and those that it would put in their place."""
    shown = [
        f"<span{' class=about' if about else ''}><i>{number}</i>{html_block(text)}</span>"
        for number, text, about in frame(one, texts)
    ]
    if shown:
        yield f"<pre>{''.join(shown)}</pre>"
    if one.fix:
        rows = "".join(f"<span><i>+</i>{html_block(row)}</span>" for row in one.fix.split("\n"))
        yield f'<pre class="fix">{rows}</pre>'


def _fixed(review: Review) -> Iterator[str]:
    if review.fixed:
        yield "<h2>Fixed since the last review</h2><ul>"
        yield from (f"<li><code>{html(place(one))}</code> {html(one.message)}</li>" for one in review.fixed)
        yield "</ul>"


def _coverage(review: Review) -> Iterator[str]:
    yield '<h2>What was read</h2><details><summary>by file</summary><div class="wide"><table>'
    yield "<tr><th>file</th><th>hunks</th><th>by</th><th>not</th></tr>"
    for one in review.coverage:
        missed = "; ".join(f"{who}: {why}" for who, why in one.not_by)
        cells = (one.path, str(len(one.hunks)), ", ".join(one.by) or "nobody", missed)
        yield "<tr>" + "".join(f"<td>{html(cell)}</td>" for cell in cells) + "</tr>"
    yield "</table></div></details>"
    yield from (f"<p>Not looked at: {html(gap)}</p>" for gap in review.gaps)
    words = dropped_words(review.said) if review.said else ""
    if words and review.said:
        yield f'<p class="soft">Said by {html(review.said.model)} and not shown: {html(words)}</p>'
