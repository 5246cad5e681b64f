"""The page of a file's story in a real browser: the drawing is there, nothing runs, nothing is asked for."""

from __future__ import annotations

from pathlib import Path

from tests.browser import drawn, probed, seen
from tests.repos import Repo

OWNED = (
    "</title><script>document.title='owned'</script><img src=http://evil.example/x onerror=\"document.title='owned'\">"
)


def test_the_page_of_a_story(repo: Repo, world: Path) -> None:
    for n in range(6):
        repo.commit(f"{n} {OWNED}", {"a.py": "".join(f"line_{k} = {n}\n" for k in range(3 + n * n))})
    place = world / "story.html"
    done = repo.tiny("story", "a.py", "--html", place)
    assert done.code == 0
    shown = seen(place)
    assert (shown.title, shown.asked, shown.console) == ("The story of a.py", (), ())
    assert "<script" not in shown.document and "<img" not in shown.document
    assert "owned" in shown.document, "the titles of the commits are shown as they are"
    box = probed(
        place, "(b => b.width > 300 && b.height > 50)(document.querySelector('svg .area').getBoundingClientRect())"
    )
    assert box == "true"
    rows = drawn(place, world / "story.png", dark=True)
    flat = [sum(pixel) / 3 for row in rows[::16] for pixel in row[::16]]
    assert sorted(flat)[len(flat) // 2] < 60
