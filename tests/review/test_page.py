"""The page of a review in a real browser: it shows everything, runs nothing, asks for nothing, whatever the width."""

from __future__ import annotations

from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from tests.browser import drawn, probed, seen
from tests.repos import Repo
from tests.review.test_review import lint, report
from tinycode_git.commands.review_changes import Format, rendered
from tinycode_git.commands.reviewable import wanted_of
from tinycode_git.commands.reviewing import Options, conduct
from tinycode_git.git.write import PlanRepo
from tinycode_git.review.ingest import read_report

OWNED = "document.title='owned'"
HOSTILE = (
    f'</pre></style></title><script>{OWNED}</script><img src=http://evil.example/x onerror="{OWNED}">'
    f"<svg onload={OWNED}><iframe src=http://evil.example/f></iframe><link rel=stylesheet href=http://evil.example/c>"
    f"<body onload={OWNED}><base href=http://evil.example/>"
)
LONG = "value = " + " + ".join(f"number_{n}" for n in range(80))


@pytest.fixture
def page(repo: Repo, world: Path) -> Path:
    """The page of a review whose file names, lines, messages and fix would all do harm if they could."""
    name = "a'\"><script>document.title=1<script>.py"
    repo.branch("topic")
    repo.commit(HOSTILE, {name: f"x = 1 # {HOSTILE}\n", "plain.py": f"def run():\n    {LONG}\n    return value\n"})
    given = report(lint(name, 1, f"bad {HOSTILE}", "ERROR"), lint("plain.py", 2, "too much at once", "INFO"))
    handle = PlanRepo.discover(repo.path)
    options = Options(reports=read_report(given.encode(), "given", str(repo.path)))
    made = conduct(handle, wanted_of(handle, "", staged=False), options)
    findings = tuple(replace(one, fix=f"y = 2 # {HOSTILE}") for one in made.review.findings)
    made = replace(made, review=replace(made.review, findings=findings))
    place = world / "review.html"
    place.write_text(rendered(handle, made, Format.HTML), encoding="utf-8")
    return place


def test_it_shows_everything_and_obeys_nothing(page: Path) -> None:
    shown = seen(page)
    assert (shown.asked, shown.console) == ((), ())
    assert shown.title == "Review of topic"
    assert not any(f"<{tag}" in shown.document for tag in ("script", "img", "svg", "iframe", "link", "base"))
    text = unescape(shown.document)
    for words in ("too much at once", "bad </pre></style>", f"x = 1 # {HOSTILE}", "y = 2 # </pre>", "plain.py:2"):
        assert words in text
    # Without the policy too: what is escaped needs none.
    assert probed(page, "document.title + document.querySelectorAll('body *[onload], body img').length") == (
        "Review of topic0"
    )


def test_the_browser_would_tell(world: Path) -> None:
    place = world / "bad.html"
    place.write_text(f"<title>fine</title><img src=http://evil.example/x><script>console.error('oh');{OWNED}</script>")
    shown = seen(place)
    assert (shown.title, shown.console) == ("owned", ("oh",))
    assert shown.asked == ("http://evil.example/x",)


@pytest.mark.parametrize("width", [500, 1400])
def test_it_fits(page: Path, width: int) -> None:
    sizes = "[document.documentElement.scrollWidth, innerWidth, Math.max(...[...document.querySelectorAll("
    sizes += "'article, h1, p')].map(one => one.getBoundingClientRect().right))]"
    whole, window, most = map(float, probed(page, sizes, width=width).split(","))
    assert whole <= window == width and most <= window
    code = probed(page, "[...document.querySelectorAll('pre')].some(one => one.scrollWidth > one.clientWidth)")
    assert code == "true", "a long line scrolls in its own box"


def test_light_and_dark(page: Path, world: Path) -> None:
    for dark in (False, True):
        rows = drawn(page, world / "picture.png", dark=dark)
        flat = [sum(pixel) / 3 for row in rows[::16] for pixel in row[::16]]
        ground = sorted(flat)[len(flat) // 2]
        assert ground < 60 if dark else ground > 200
        ink = max(flat) if dark else min(flat)
        assert abs(ink - ground) > 120, "what is written can be told from what it is written on"
