"""A repository that cannot be written: looking works, anything else is refused with the reason and changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plan.plans import Made, make_plan, untouched
from tests.repos import ROOT, TINY, Repo, Result, run

# Root may write everything; without these two it is bound by modes as everybody is.
_BOUND = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
PATCH = "diff --git a/b b/b\nnew file mode 100644\n--- /dev/null\n+++ b/b\n@@ -0,0 +1 @@\n+x\n"


def bound(repo: Repo, *args: str, given: str = "") -> Result:
    return run([*_BOUND, *TINY, *args], cwd=repo.path, env={"PYTHONPATH": str(ROOT)}, input=given, check=False)


def folders(top: Path) -> list[Path]:
    return [Path(folder) for folder, _, _ in os.walk(top)]


@pytest.fixture
def plan(repo: Repo) -> Made:
    return make_plan(repo, {"hello.txt": "again\n"})


@pytest.fixture
def closed(repo: Repo, plan: Made) -> Iterator[Repo]:
    """The repository, with a ``.git`` in which nothing can be made."""
    found = folders(repo.path / ".git")
    for folder in found:
        folder.chmod(0o555)
    yield repo
    for folder in found:
        folder.chmod(0o755)


@pytest.mark.parametrize("verb", [["plans"], ["show"], ["diff"], ["status"], ["export"]])
def test_looking_works(closed: Repo, verb: list[str]) -> None:
    with untouched(closed):
        answer = bound(closed, *verb)
    assert answer.code == 0, answer
    assert answer.out


@pytest.mark.parametrize("verb", ["propose", "apply", "reject"])
def test_what_would_write_is_refused_with_the_reason(closed: Repo, plan: Made, verb: str) -> None:
    args = {
        "propose": ["propose", "--patch", "-"],
        "apply": ["apply", plan.id, "--yes", "--expect", plan.tip],
        "reject": ["reject", plan.id],
    }[verb]
    with untouched(closed):
        answer = bound(closed, *args, given=PATCH)
    assert answer.code in (1, 4), answer
    assert answer.err.startswith("error: ")
    assert "ermission denied" in answer.err
    assert "hint: " in answer.err
    assert "bug" not in answer.err


def test_a_working_tree_that_cannot_be_written_leaves_the_branch(repo: Repo, plan: Made) -> None:
    (repo.path / "src").chmod(0o555)
    locked = make_plan(repo, {"src/app.py": "new\n", "hello.txt": "again\n", "src/more.py": "m\n"})
    try:
        with_it = bound(repo, "apply", locked.id, "--yes", "--expect", locked.tip)
    finally:
        (repo.path / "src").chmod(0o755)
    assert with_it.code == 4, with_it
    assert "src/" in with_it.err
    assert repo.git("log", "-1", "--format=%s").text == "first"
    assert repo.git("status", "--porcelain").out == ""
    assert "nothing was interrupted" in repo.tiny("recover").out
