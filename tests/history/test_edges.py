"""Histories with something missing or odd: what is not there is said, what is not believed is not shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.inside import inside
from tests.llm.inside import refused
from tests.repos import Repo
from tests.world import tick

GAP = "this clone is shallow: what is older than its history was not looked at (git fetch --unshallow)"


def roles(found: dict[str, Any]) -> dict[str, list[str]]:
    """Title to roles."""
    return {one["title"]: one["roles"] for one in found["evidence"]}


@pytest.fixture
def lines(repo: Repo) -> list[str]:
    """A file whose first line changes three times; the commits, oldest first."""
    return [repo.commit(f"change {n}", {"f": f"{n}\nx\n"}) for n in range(1, 5)]


def test_where_a_shallow_clone_ends_nothing_began(repo: Repo, lines: list[str], world: Path) -> None:
    clone = repo.clone(world / "shallow", "--depth=2", "--no-local")
    found = clone.tiny("explain", "f:2", "--json", check=False)
    assert (found.code, found.json["gaps"]) == (4, [GAP])
    assert roles(found.json) == {"change 3": ["the oldest that this clone has"]}
    story = clone.tiny("story", "f", "--json", check=False)
    assert (story.code, story.json["gaps"]) == (4, [GAP])
    assert story.json["turns"][0]["why"] == "the oldest that this clone has, with 2 lines"
    numbers = clone.tiny("insights", "--json", check=False)
    assert (numbers.code, numbers.json["gaps"], numbers.json["commits"]) == (4, [GAP], 2)
    oldest = inside(clone, "explain", "HEAD~1", "--json", code=4)
    assert "what it replaces is not in this clone" in oldest["notes"]
    clone.git("fetch", "-q", "--unshallow")
    assert inside(clone, "insights", "--json")["commits"] == 5, "what was counted before is not kept"


def test_a_partial_clone_whose_remote_is_away(repo: Repo, lines: list[str], world: Path) -> None:
    repo.config("uploadpack.allowFilter", "true")
    clone = repo.clone(world / "partial", "--filter=blob:none", "--no-checkout", "--no-local")
    assert roles(inside(clone, "explain", "f:1", "--json"))["change 1"] == ["introduced"], "fetched as git does"
    other = repo.clone(world / "other", "--filter=blob:none", "--no-checkout", "--no-local")
    repo.path.rename(world / "away")
    for args in (("explain", "f:1"), ("explain", "HEAD"), ("explain", "f"), ("story", "f")):
        done = other.tiny(*args, check=False)
        assert done.code == 4, args
        assert "objects that this partial clone left out could not be fetched" in done.err
    assert inside(other, "insights", "--json")["commits"] == 5, "it needs no file's content"


def test_a_path_that_is_gone(repo: Repo, lines: list[str]) -> None:
    oid = repo.commit("delete it", {"f": None})
    found = inside(repo, "explain", "f", "--json")
    assert roles(found)["delete it"] == ["deleted"]
    assert roles(found)["change 1"] == ["introduced"]
    done = repo.tiny("explain", "f:1", check=False)
    assert done.code == 2
    assert f"f is gone from HEAD since {oid[:7]}" in done.err and f"explain f:1 --at {oid[:7]}~1" in done.err
    done = repo.tiny("story", "f", check=False)
    assert (done.code, f"story f --at {oid[:7]}~1" in done.err) == (2, True)
    assert inside(repo, "story", "f", "--at", "HEAD~1", "--json")["path"] == "f"


def test_a_folder_that_is_gone(repo: Repo) -> None:
    repo.commit("more", {"src/b.py": "b\n"})
    repo.commit("less", {"src/b.py": None})
    repo.commit("none", {"src/app.py": None})
    found = inside(repo, "explain", "src", "--json")
    assert roles(found) == {"first": ["introduced"], "more": ["changed"], "less": ["changed"], "none": ["changed"]}


def test_a_deletion_names_who_wrote_what_went(repo: Repo, lines: list[str]) -> None:
    repo.commit("delete it", {"f": None})
    found = inside(repo, "explain", "HEAD", "--json")
    assert roles(found)["change 4"] == ["wrote what it replaces"]
    assert roles(found)["change 1"] == ["wrote what it replaces"]


def test_a_revision_before_the_path_as_git_writes_it(repo: Repo, lines: list[str]) -> None:
    found = inside(repo, "explain", "HEAD~2:f:1", "--json")
    assert (found["asked"]["words"], found["asked"]["path"], found["asked"]["first"]) == ("HEAD~2:f:1", "f", 1)
    assert "change 3" not in roles(found)
    below = inside(Repo(repo.path / "src"), "explain", "HEAD~1:f", "--json")
    assert below["asked"]["path"] == "f", "it counts from the top"


def test_names_follow_the_mailmap(repo: Repo, lines: list[str]) -> None:
    before = inside(repo, "insights", "--json")["owners"][0]["author"]
    repo.write(".mailmap", "Grace Real <grace@example.com> <ada@example.com>\n")
    for words in ("f:1", "f", "HEAD", "HEAD~2..HEAD"):
        found = inside(repo, "explain", words, "--json")["evidence"][0]
        assert (found["author"], found["email"]) == ("Grace Real", "grace@example.com")
    assert before == "Ada Example"
    assert inside(repo, "insights", "--json")["owners"][0]["author"] == "Grace Real", "what was kept is counted anew"
    assert inside(repo, "story", "f", "--json")["holders"][0]["author"] == "Grace Real"


def test_replacements_and_grafts_are_not_believed(repo: Repo, lines: list[str]) -> None:
    plain = inside(repo, "explain", "f:1", "--json")
    repo.git("replace", lines[3], lines[1])
    assert inside(repo, "explain", "f:1", "--json") == plain
    repo.git("replace", "-d", lines[3])
    (repo.path / ".git/info").mkdir(exist_ok=True)
    (repo.path / ".git/info/grafts").write_text(f"{lines[3]}\n")
    done = repo.tiny("explain", "f:1", "--json")
    assert (done.json, done.err) == (plain, "")
    assert len(inside(repo, "story", "f", "--json")["changes"]) == 4
    assert inside(repo, "insights", "--json")["commits"] == 5


def test_commits_of_the_same_second_stay_in_order(repo: Repo) -> None:
    for n in range(4):
        tick(-60)
        repo.write("g", f"{n}\n")
        repo.git("add", "g")
        tick(-60)
        repo.git("commit", "-q", "-m", f"at once {n}")
    found = inside(repo, "explain", "g:1", "--json")
    assert len({one["when"] for one in found["evidence"]}) == 1
    assert [one["title"] for one in found["evidence"]] == [f"at once {n}" for n in range(4)]


def test_a_submodule_is_a_path_without_lines(repo: Repo, world: Path) -> None:
    other = Repo.create(world / "other")
    other.commit("x", {"x": "x\n"})
    repo.git("submodule", "--quiet", "add", other.path, "sub")
    repo.git("commit", "-q", "-m", "Add sub")
    assert roles(inside(repo, "explain", "sub", "--json")) == {"Add sub": ["introduced"]}
    for verb, words in (("explain", "sub:1"), ("story", "sub")):
        assert repo.tiny(verb, words, check=False).code == 1


def test_lines_that_end_in_crlf(repo: Repo) -> None:
    repo.commit("dos", {"a.txt": "one\r\ntwo\r\n"})
    repo.commit("Say three", {"a.txt": "one\r\nthree\r\n"})
    assert "E2   three\n" in repo.tiny("explain", "a.txt:2").out
    repo.commit("unix", {"a.txt": "one\nthree\n"})
    found = inside(repo, "explain", "a.txt:2", "--json")
    assert "wrote the lines as they stand" in roles(found)["Say three"], "ends of lines are white space"


def test_a_repository_of_sha256(world: Path) -> None:
    repo = Repo.create(world / "long", object_format="sha256")
    oid = repo.commit("Begin\n\nSomebody had to.", {"f": "1\n"})
    repo.commit(f"Go on\n\nFixes: {oid[:12]}", {"f": "2\n"})
    found = inside(repo, "explain", "f:1", "--json")
    assert roles(found) == {"Begin": ["introduced"], "Go on": ["wrote the lines as they stand", "changed", "fixes"]}
    assert len(found["evidence"][0]["oid"]) == 64
    assert inside(repo, "story", "f", "--json")["tip"] == repo.oid()
    assert inside(repo, "insights", "--json")["commits"] == 2


@pytest.mark.parametrize("args", [("explain", "f"), ("explain", "HEAD"), ("story", "f"), ("insights",)])
def test_a_repository_without_a_commit(world: Path, args: tuple[str, ...]) -> None:
    done = Repo.create(world / "empty").tiny(*args, check=False)
    assert (done.code, done.err.split("\n")[0]) == (1, "error: there is no commit yet")


def test_messages_that_are_not_utf8(repo: Repo) -> None:
    repo.write("a.txt", "1\n")
    repo.git("add", "a.txt")
    repo.git("commit", "-q", "-F", "-", input=b"caf\xe9\n\nIt was closed \xff before.\n")
    latin = repo.git(
        "-c", "i18n.commitEncoding=ISO-8859-1", "commit", "-q", "--allow-empty", "-F", "-", input=b"caf\xe9\n"
    )
    assert latin.code == 0
    assert "It was closed" in repo.tiny("explain", "a.txt:1").out
    assert inside(repo, "explain", "HEAD", "--json")["evidence"][-1]["title"] == "café"


def test_a_bare_repository(repo: Repo, lines: list[str], world: Path) -> None:
    bare = repo.clone(world / "bare.git", "--bare")
    assert roles(inside(bare, "explain", "f:1", "--json"))["change 1"] == ["introduced"]
    assert inside(bare, "story", "f", "--json")["path"] == "f"
    assert inside(bare, "insights", "--json")["commits"] == 5


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("explain", "src/App.py"), "did you mean src/app.py?"),
        (("explain", "app.py:2"), "did you mean src/app.py:2?"),
        (("explain", "helo.txt"), "did you mean hello.txt?"),
        (("explain", "main_"), "a symbol is named with its file, PATH:main_"),
        (("explain", "."), "git tiny insights shows it in numbers"),
        (("explain", "src/app.py:mian"), "did you mean main?"),
        (("story", "src/App.py"), "did you mean src/app.py?"),
        (("story", "src/app.py:1"), "git tiny explain src/app.py:1"),
        (("story", "src/app.py", "--json", "--html", "x"), "--json and --html exclude each other"),
    ],
)
def test_what_was_meant_is_said(repo: Repo, args: tuple[str, ...], said: str) -> None:
    error = refused(repo.path, *args)
    assert said in f"{error.message} {error.hint}"


def test_a_range_the_wrong_way_round(repo: Repo, lines: list[str]) -> None:
    found = inside(repo, "explain", "HEAD..HEAD~2", "--json")
    assert found["notes"] == ["HEAD..HEAD~2 holds no commits: HEAD~2..HEAD is the other way round"]
    assert inside(repo, "explain", "HEAD..HEAD", "--json")["notes"] == ["HEAD..HEAD holds no commits"]


def test_a_tag_may_mean_what_came_with_it(repo: Repo, lines: list[str]) -> None:
    repo.git("tag", "v1", lines[0])
    repo.git("tag", "v2", lines[2])
    notes = inside(repo, "explain", "v2", "--json")["notes"]
    assert notes[-1] == "this is the commit that the tag is on; v1..v2 asks what came with it"
    assert inside(repo, "explain", lines[2], "--json")["notes"] == []


def test_summaries_say_a_thing_once_and_at_length_only_for_notes(repo: Repo) -> None:
    base = repo.oid()
    for n in range(25):
        body = "".join(f"x{n}{row} = {row}\n" for row in range(12))
        repo.commit(f"Support {n}\n\nSomebody had wanted it.", {f"one/a{n}.py": body, f"two/b{n}.py": body})
    repo.commit("Create a security policy", {"SECURITY.md": "s\n"})
    newcomer = inside(repo, "explain", f"{base}..", "--for", "newcomer", "--json")["groups"]
    told = [bullet["text"] for group in newcomer for bullet in group["bullets"][1:]]
    assert len(told) == len(set(told)) > 3
    reviewer = repo.tiny("explain", f"{base}..", "--for", "reviewer").out
    assert "  and 5 more (--limit 0 shows all)\n" in reviewer
    notes = repo.tiny("explain", f"{base}..", "--for", "release-notes").out
    assert notes.count("- Support") == 25
    assert "Security" not in notes.split("\n") and "1 commit to tests, documentation" in notes
