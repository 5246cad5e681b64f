"""``git tiny insights`` and ``git tiny story``: numbers counted again by hand, kept by oid, right after a rewrite."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.inside import inside
from tests.repos import Entry, Repo
from tests.world import START
from tinycode_git.commands.insights import drawn as drawn_insights
from tinycode_git.commands.story import drawn as drawn_story
from tinycode_git.git.read import ReadRepo
from tinycode_git.history.insights import insights
from tinycode_git.history.story import over_time
from tinycode_git.history.story import story as tell
from tinycode_git.render.console import Console
from tinycode_git.render.table import cell_width

DAY = 86400


def commit(repo: Repo, day: int, title: str, files: dict[str, Entry], who: str = "Ada") -> str:
    """A commit at noon of a day after the start, by somebody."""
    date = f"{START + day * DAY} +0200"
    kept = dict(os.environ)
    os.environ.update({"GIT_AUTHOR_NAME": who, "GIT_AUTHOR_EMAIL": f"{who.lower()}@example.com"})
    for path, content in files.items():
        repo.write(path, content)
    repo.git("add", "-A")
    env = {"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date}
    repo.git("commit", "-q", "--allow-empty", "-m", title, env=env)
    os.environ.clear()
    os.environ.update(kept)
    return repo.oid()


_MADE: dict[str, Path] = {}


def once(name: str, world: Path, folder: Path, make: Callable[[Repo], None]) -> Repo:
    """A copy of a repository that is made once for the whole module."""
    if name not in _MADE:
        made = Repo.create(folder / name)
        make(made)
        _MADE[name] = made.path
    shutil.copytree(_MADE[name], world / name, symlinks=True)
    return Repo(world / name)


@pytest.fixture
def busy(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    return once("busy", world, tmp_path_factory.getbasetemp(), _busy)


def _busy(repo: Repo) -> None:
    for n in range(10):
        commit(repo, n * 10, f"change {n}", {"src/a.c": f"{n}\n", "src/a.h": f"{n}\n"}, "Ada" if n % 2 else "Bob")
    commit(repo, 400, "Fix crash in a", {"src/a.c": "fixed\n"}, "Bob")
    commit(repo, 401, 'Revert "change 9"', {"old.txt": "o\n"})
    commit(repo, 402, "caf\u00e9", {"caf\udce9.txt": "x\n", "gone.txt": "g\n"})
    commit(repo, 403, "go", {"gone.txt": None})


def numbers(repo: Repo, *args: str) -> dict[str, Any]:
    return dict(inside(repo, "insights", "--json", *args))


def test_the_numbers(busy: Repo) -> None:
    found = numbers(busy, "--days", "0")
    assert (found["commits"], found["merges"], found["authors"], found["files"]) == (14, 0, 2, 4)
    assert (found["fixes"], found["reverts"]) == (1, 1)
    assert sum(month["commits"] for month in found["months"]) == 14
    assert found["months"][0]["month"] == "2023-11" and found["months"][-1]["month"] == "2024-12"
    assert len(found["months"]) == 14 and found["months"][8]["commits"] == 0
    assert sum(map(sum, found["hours"])) == 14
    assert found["hours"][1][0] >= 1  # 22:13 UTC on a Tuesday ... is 00:13 on Wednesday at +0200
    src = next(row for row in found["owners"] if row["area"] == "src/")
    assert (src["authors"], src["half"]) == (2, 1)
    assert found["hot"][0] == {"path": "src/a.c", "commits": 11, "fixes": 1, "authors": 2}
    assert found["pairs"] == [{"path": "src/a.c", "other_path": "src/a.h", "together": 10, "share": 1.0}]
    assert sum(age["files"] for age in found["ages"]) == 4
    assert "gone.txt" not in str(found)


def test_branches_and_ages_and_merges(busy: Repo) -> None:
    busy.git("checkout", "-q", "-b", "topic", "HEAD~2")
    commit(busy, 404, "one ahead", {"t": "t\n"})
    busy.git("checkout", "-q", "main")
    busy.git("branch", "old", "HEAD~5")
    found = numbers(busy)
    assert [(row["name"], row["ahead"], row["behind"]) for row in found["branches"]] == [
        ("topic", 1, 2),
        ("main", 0, 0),
        ("old", 0, 5),
    ]
    # src/a.h was last changed on day 90, the others on days 400 to 402; day 403 is the newest.
    assert found["ages"] == [{"since": "1 month", "files": 3}, {"since": "1 year", "files": 1}]
    busy.git("merge", "-q", "--no-ff", "-m", "Merge topic", "topic")
    merged = numbers(busy)
    assert (merged["commits"], merged["merges"]) == (16, 1)
    assert [row["name"] for row in merged["branches"] if row["ahead"] == 0 and row["behind"] == 0] == ["main"]


def test_the_last_days_are_counted_from_the_newest_commit(busy: Repo) -> None:
    assert numbers(busy, "--days", "30")["hot"][0]["commits"] == 1
    assert numbers(busy, "--days", "30")["pairs"] == []


def test_what_is_kept_is_added_to_and_made_anew_after_a_rewrite(busy: Repo) -> None:
    first = numbers(busy)
    assert numbers(busy) == first
    place = busy.git_dir() / "tiny/insights.duckdb"
    assert place.exists()
    for answer in (busy.git_dir() / "tiny/insights").iterdir():
        answer.write_text("{}")
    assert numbers(busy) == first
    commit(busy, 404, "more", {"src/a.c": "more\n"})
    assert numbers(busy)["commits"] == 15
    busy.git("reset", "-q", "--hard", "HEAD~3")
    commit(busy, 405, "another", {"b": "b\n"})
    assert numbers(busy)["commits"] == 13
    busy.git("checkout", "-q", "--detach", "HEAD~1")
    kept = numbers(busy)
    answers = busy.git_dir() / "tiny/insights"
    shutil.rmtree(answers)
    place.unlink()
    assert numbers(busy) == kept
    shutil.rmtree(answers)
    place.write_bytes(b"not a database at all" * 1000)
    assert numbers(busy) == kept


def test_a_repository_that_cannot_be_written_is_counted_all_the_same(busy: Repo) -> None:
    (busy.git_dir() / "tiny").write_text("in the way")
    assert numbers(busy)["commits"] == 14


def test_insights_for_people(busy: Repo) -> None:
    busy.git("branch", "topic", "HEAD~2")
    commit(busy, 404, "\x1b[31mred", {"a\x1b[2Jb": "x\n"}, "Eve\u202e")
    shown = busy.tiny("insights", "--days", "0").out
    assert shown.startswith("15 commits (0 merges) by 3 people, 2023-11-14 to 2024-12-2")
    assert "\x1b" not in shown and "\u202e" not in shown
    assert "hot spots, all the time: commits" in shown
    assert "topic" in shown
    assert busy.tiny("insights", env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}).out.isascii()


def test_no_commit_and_no_such_commit(world: Path, repo: Repo) -> None:
    empty = Repo.create(world / "empty")
    assert empty.tiny("insights", check=False).code == 1
    assert repo.tiny("insights", "nowhere", check=False).code == 2


# The story of a file.


@pytest.fixture
def told(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    return once("told", world, tmp_path_factory.getbasetemp(), _told)


def _told(repo: Repo) -> None:
    lines = [f"line {n} of the file\n" for n in range(60)]
    commit(repo, 0, "Begin", {"old.py": "".join(lines)})
    commit(repo, 5, "More", {"old.py": "".join([*lines, *(f"extra {n} of the file\n" for n in range(50))])}, "Bob")
    commit(repo, 300, "touch", {"old.py": "".join(lines)})
    repo.git("mv", "old.py", "new.py")
    commit(repo, 310, "Move it", {})
    commit(repo, 320, "Write it anew", {"new.py": "".join(f"value_{n} = {n}\n" for n in range(30))}, "Bob")


def test_the_story(told: Repo) -> None:
    found = inside(told, "story", "new.py", "--json")
    assert [(one["title"], one["size"]) for one in found["changes"]] == [
        ("Begin", 60),
        ("More", 110),
        ("touch", 60),
        ("Move it", 60),
        ("Write it anew", 30),
    ]
    assert [phase["kind"] for phase in found["phases"]] == ["beginning", "calm", "shrinking"]
    assert [turn["why"] for turn in found["turns"]] == [
        "the beginning, with 60 lines",
        "grew by 50 lines to 110",
        "rewritten: 50 of 110 lines went, 0 came",
        "moved here from old.py",
        "rewritten: 60 of 60 lines went, 30 came",
    ]
    assert found["holders"] == [{"author": "Bob", "lines": 30, "share": 1.0}]


def test_the_story_for_people(told: Repo) -> None:
    shown = told.tiny("story", "new.py").out
    assert shown.startswith("new.py: 5 commits by 2 people, 30 lines\n")
    assert "2023-11-14 to 2023-11-19  beginning  2 commits, +110 -0, mostly Ada" in shown
    assert "moved here from old.py" in shown


@pytest.mark.parametrize("width", [60, 80])
def test_a_narrow_terminal_is_wide_enough(busy: Repo, told: Repo, width: int) -> None:
    long = commit(told, 340, "A title " * 30, {"new.py": "y = 1\n"}, "Bartholomew Featherstonehaugh-Wolfeschlegel")
    busy.git("branch", "a-branch", "HEAD~3")
    commit(busy, 410, "deep", {"a/folder/with/a/very/long/name/and/more/of/it/so_that_it_is_cut.c": "x\n"})
    story, numbers = ReadRepo.discover(told.path), ReadRepo.discover(busy.path)
    for console in (Console(width=width), Console(width=width, color=True)):
        shown = [*drawn_story(tell(story, long, "new.py"), console)]
        shown += drawn_insights(insights(numbers, busy.oid(), days=0, most=10), console)
        rows = re.sub("\x1b\\[[0-9;]*m", "", "".join(shown)).split("\n")
        assert max(map(cell_width, rows)) <= width, [row for row in rows if cell_width(row) > width]
        assert any("a-branch" in row for row in rows) and any("where it turned" in row for row in rows)
        assert ("\x1b" in "".join(shown)) == console.color


def test_a_chart_is_by_the_time_at_which_commits_came(repo: Repo) -> None:
    body = "".join(f"line {n}\n" for n in range(100))
    commit(repo, 1, "one", {"f": body})
    commit(repo, 2, "two", {"f": body * 2})
    env = {"GIT_AUTHOR_DATE": f"{START - 900 * DAY} +0000", "GIT_COMMITTER_DATE": f"{START + 3 * DAY} +0000"}
    repo.write("f", body * 3)
    repo.git("commit", "-q", "-a", "-m", "written long before", env=env)
    found = tell(ReadRepo.discover(repo.path), repo.oid(), "f")
    assert over_time(found.changes, 5) == sorted(over_time(found.changes, 5))
    assert found.changes[-1].size == 300


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name in ("src", "href")]


def test_the_page_stands_alone(told: Repo, world: Path) -> None:
    commit(told, 330, "</title><script>alert(1)</script>", {"new.py": "x = 1\n"}, "<b>Eve</b>")
    told.tiny("story", "new.py", "--html", world / "story.html")
    page = (world / "story.html").read_text()
    read = _Tags()
    read.feed(page)
    assert {"svg", "polygon", "table"} < read.tags
    assert not {"script", "b", "img", "a", "link"} & read.tags
    assert "default-src 'none'" in page


@pytest.mark.parametrize(("path", "code"), [("nowhere", 2), ("src", 1), ("bin", 1), ("../x", 2)])
def test_what_has_no_story(repo: Repo, path: str, code: int) -> None:
    repo.commit("bin", {"bin": b"\0\1"})
    assert repo.tiny("story", path, check=False).code == code


def test_a_file_of_one_empty_commit(repo: Repo) -> None:
    repo.commit("empty", {"empty": ""})
    found = inside(repo, "story", "empty", "--json")
    assert (len(found["changes"]), found["holders"]) == (1, [])
    assert repo.tiny("story", "empty").code == 0
