"""Links that are kept: the same as those that are read anew, whatever the cache holds."""

from __future__ import annotations

import json
from pathlib import Path

from tests.repos import Repo
from tinycode_git.git.read import ReadRepo
from tinycode_git.history.linkcache import KEPT, WORTH, links_of
from tinycode_git.history.links import link_args, parse_links

LONG = "revert that and this\n" * (WORTH // 20)


def long(repo: Repo) -> str:
    """A commit whose message alone makes it worth to keep what was read."""
    repo.commit("short", {"long.txt": "long\n"})
    message = repo.git_dir() / "message"
    message.write_text(f"Long\n\n{LONG}")
    repo.git("commit", "-q", "--amend", "-F", message)
    return repo.oid()


def reverting(repo: Repo, oid: str) -> str:
    return repo.commit(f'Revert "x"\n\nThis reverts commit {oid}.', {"x.txt": repo.oid()})


def check(repo: Repo, *tips: str) -> None:
    """What the cache answers is what git says without one, for every commit and each tip."""
    handle = ReadRepo.discover(repo.path)
    for tip in tips:
        with links_of(handle, tip) as reading:
            found = reading()
        direct = parse_links(handle.git.quiet(*link_args(tip)).out)
        for commit in handle.commits(repo.git("rev-list", "--all").text.split()):
            told = [list(index.to(commit.oid, commit.title)) for index in (found, direct)]
            assert told[0] == told[1], (tip, commit.title)


def kept(repo: Repo) -> list[Path]:
    return sorted((repo.git_dir() / "tiny/links").glob("*"))


def test_a_short_history_is_not_kept(repo: Repo) -> None:
    check(repo, reverting(repo, repo.oid()))
    assert not kept(repo)


def test_what_came_since_is_added(repo: Repo) -> None:
    first = repo.oid()
    base = long(repo)
    one = reverting(repo, first)
    check(repo, one, one)
    assert [place.name for place in kept(repo)] == [one]
    repo.git("checkout", "-q", "-b", "side", base)
    side = reverting(repo, first)
    repo.git("checkout", "-q", "main")
    two = reverting(repo, one)
    check(repo, two, side, base, first, one, two)


def test_what_cannot_be_used_is_read_again(repo: Repo) -> None:
    tip = reverting(repo, long(repo))
    check(repo, tip)
    (place,) = kept(repo)
    for held in (b"", b"{", b"[]", b'{"rules": "others", "links": []}', b'{"rules": 1}', b"\xff"):
        place.write_bytes(held)
        check(repo, tip, tip)
        assert json.loads(place.read_bytes())["links"]


def test_odd_names_and_what_is_gone_do_no_harm(repo: Repo) -> None:
    tip = reverting(repo, long(repo))
    folder = repo.git_dir() / "tiny/links"
    folder.mkdir(parents=True)
    for name in ("README", "0" * 40, "--all", tip[:12]):
        (folder / name).write_text("{}")
    (folder / ("1" * 40)).mkdir()
    check(repo, tip, tip)


def test_a_few_are_kept(repo: Repo) -> None:
    tips = []
    for n in range(KEPT + 2):
        repo.git("checkout", "-q", "--orphan", f"o{n}")
        tips.append(long(repo))
    check(repo, *tips, *tips)
    assert len(kept(repo)) == KEPT


def test_a_shallow_clone_keeps_nothing(repo: Repo, world: Path) -> None:
    reverting(repo, long(repo))
    repo.git("clone", "-q", "--depth", "2", f"file://{repo.path}", world / "shallow")
    shallow = Repo(world / "shallow")
    check(shallow, shallow.oid())
    assert not kept(shallow)


def test_the_answer_is_the_same(repo: Repo) -> None:
    repo.commit("work", {"a.py": "a = 1\n"})
    work = repo.oid()
    long(repo)
    reverting(repo, work)
    first = repo.tiny("explain", "a.py:1", "--json").out
    assert len(kept(repo)) == 1
    assert repo.tiny("explain", "a.py:1", "--json").out == first
    assert "reverts" in first
