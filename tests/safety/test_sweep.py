"""Sweeps over histories: what is compared with what, and that nothing new is missed for it."""

from __future__ import annotations

import random

import pytest

from tests.repos import Repo
from tests.safety.conftest import PASSWORD, TOKEN
from tinycode_git.git.process import Git
from tinycode_git.safety import lineage, surface
from tinycode_git.safety.engine import Engine
from tinycode_git.safety.history import scan_history
from tinycode_git.safety.lineage import Part, in_order
from tinycode_git.safety.push import new_commits
from tinycode_git.safety.scan import Scanner, ScanResult, scan_commits

BAD = f"t = '{TOKEN}'\n"
LONG = [f"line {n} {'x' * 60}\n" for n in range(300)]

Told = set[tuple[str, str, str, int]]


def both(repo: Repo, engine: Engine) -> tuple[Told, Told]:
    """What each commit brings, as a sweep tells it and as a scan of each commit does: commit, rule, path, line."""
    git = Git(repo.path, {})
    commits = new_commits(git, surface.tips(git), [])
    fast = scan_history(Scanner(git, engine), jobs=1, moved=lambda done, total: None)
    return told(fast), told(scan_commits(Scanner(git, engine.without_structure()), commits))


def told(result: ScanResult) -> Told:
    return {(one.commit, one.rule, one.path, one.line) for one in result.findings if one.path and not one.approval}


def placed(at: int, text: str) -> str:
    return "".join([*LONG[:at], text, *LONG[at:]])


def test_what_was_taken_out_and_comes_back_is_told_both_times(repo: Repo, engine: Engine) -> None:
    repo.commit("plain", {"a.txt": "".join(LONG)})
    first = repo.commit("a secret", {"a.txt": placed(150, BAD)})
    repo.commit("gone", {"a.txt": "".join(LONG)})
    again = repo.commit("and back", {"a.txt": placed(150, BAD)})
    fast, slow = both(repo, engine)
    assert fast == slow
    assert {commit for commit, rule, *_ in fast if rule == "github-token"} == {first, again}


def test_what_comes_back_from_another_version_is_compared_with_that_one(repo: Repo, engine: Engine) -> None:
    repo.commit("a secret", {"a.txt": placed(150, BAD)})
    repo.commit("a word at the end", {"a.txt": placed(150, BAD) + "end\n"})
    repo.commit("no secret", {"a.txt": "".join(LONG)})
    back = repo.commit("the second version again", {"a.txt": placed(150, BAD) + "end\n"})
    fast, slow = both(repo, engine)
    assert fast == slow
    assert (back, "github-token", "a.txt", 151) in fast


def test_a_copy_at_another_path_is_looked_at_whole(repo: Repo, engine: Engine) -> None:
    repo.commit("a secret", {"a.txt": placed(150, BAD)})
    repo.commit("a word", {"a.txt": placed(150, BAD) + "end\n"})
    copied = repo.commit("a copy", {"b.txt": placed(150, BAD) + "end\n"})
    fast, slow = both(repo, engine)
    assert fast == slow
    assert (copied, "github-token", "b.txt", 151) in fast


def test_a_secret_that_moves_while_another_comes_is_not_told_again(repo: Repo, engine: Engine) -> None:
    repo.commit("a secret", {"a.txt": placed(150, BAD), "b.txt": "".join(LONG)})
    new = f"password = '{PASSWORD}'\n"
    moved = repo.commit("moved", {"a.txt": "".join(LONG), "b.txt": placed(10, BAD + new)})
    fast, slow = both(repo, engine)
    assert fast == slow
    assert "github-token" not in {rule for commit, rule, *_ in fast if commit == moved}
    assert moved in {commit for commit, *_ in fast}


@pytest.mark.parametrize("seed", range(20))
def test_every_pair_of_versions_is_in_the_order_once_and_what_it_came_from_before_it(seed: int) -> None:
    rng = random.Random(seed)
    names = [b"%040x" % n for n in range(1, 12)]
    by_path = {
        b"p%d" % n: {
            name: tuple(rng.sample([*names[:at], b"0" * 40], min(at + 1, rng.randint(1, 3))))
            for at, name in enumerate(names)
            if rng.random() < 0.7
        }
        for n in range(3)
    }
    order = in_order(Part([], set(names), by_path, {}, {}))
    pairs = {(name, base) for olds in by_path.values() for name, bases in olds.items() for base in bases}
    wanted = {(name.decode(), base.decode() if base.strip(b"0") else "") for name, base in pairs}
    assert {(one.oid, one.base) for one in order if one.oid != one.base} == wanted
    whole = {path for one in order if not one.base for path in one.paths}
    assert whole == {path.decode() for path, olds in by_path.items() for bases in olds.values() if b"0" * 40 in bases}
    for at, one in enumerate(order):
        path = one.paths[0].encode()
        if one.base and one.base.encode() in by_path[path]:
            assert one.base in {before.oid for before in order[: at + 1]}


def test_a_path_that_goes_to_and_fro_is_looked_at(repo: Repo, engine: Engine) -> None:
    for n in range(4):
        repo.commit(f"{n}", {"a.txt": placed(150, BAD if n % 2 else "")})
    (part,) = lineage.parts(Git(repo.path, {}), new_commits(Git(repo.path, {}), surface.tips(Git(repo.path, {})), []))
    assert {one.oid for one in in_order(part)} == {blob.decode() for blob in part.blobs}
    fast, slow = both(repo, engine)
    assert fast == slow


def test_each_look_alike_is_looked_for(engine: Engine) -> None:
    from tinycode_git.safety.builtin.texts import _LOOKALIKES

    for letter in sorted(_LOOKALIKES):
        (match,) = engine.look(f"ab{letter}cd = 1\n".encode()).matches
        assert match.rule == "mixed-script-identifier"
