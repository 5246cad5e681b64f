"""``git tiny bot``: every tip once, in order, whatever kills it; in a clone, on a server, behind a push."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.llm.server import Say, serving
from tests.repos import ROOT, TINY, Repo
from tinycode_git.review.queue import JobState, Queue


def reviewed(repo: Repo) -> list[str]:
    """The tips in the order in which their reviews were written, each as often as it was."""
    done = repo.git("log", "--reverse", "--format=%s", "refs/notes/tiny-review", check=False)
    return [line.split()[1].rstrip(":") for line in done.out.splitlines() if line.startswith("review ")]


def states(repo: Repo) -> dict[str, str]:
    """Tip to what became of it."""
    return {job["tip"]: job["state"] for job in repo.tiny("bot", "status", "--json").json["jobs"]}


@pytest.fixture
def branches(repo: Repo) -> dict[str, str]:
    """Two branches with a commit of their own, one without."""
    tips = {}
    for name in ("one", "two"):
        repo.git("checkout", "-q", "-b", name, "main")
        tips[name] = repo.commit(name, {f"{name}.py": f"{name} = 1\n"})
    repo.git("branch", "same", "main")
    repo.git("checkout", "-q", "main")
    return tips


def test_every_new_tip_once(repo: Repo, branches: dict[str, str]) -> None:
    repo.tiny("bot", "run", "--once")
    assert sorted(reviewed(repo)) == sorted([branches["one"][:12], branches["two"][:12]])
    assert states(repo) == {branches["one"]: "done", branches["two"]: "done", repo.oid("main"): "skipped"}
    repo.tiny("bot", "run", "--once")
    assert len(reviewed(repo)) == 2
    new = repo.commit("on main", {"m.py": "m = 1\n"})
    repo.tiny("bot", "run", "--once")
    assert reviewed(repo)[2:] == [new[:12]]
    note = json.loads(repo.git("notes", "--ref=tiny-review", "show", new).out.splitlines()[0])
    assert (note["base"], note["branch"]) == (repo.oid("main~1"), "refs/heads/main")


def test_the_status_file(repo: Repo, branches: dict[str, str], world: Path) -> None:
    repo.git("checkout", "-q", "one")
    repo.commit("key", {"k.py": 'KEY = "ghp' + '_1234567890abcdefghijABCDEFGHIJ0DgcSv"\n'})
    repo.git("checkout", "-q", "main")
    repo.tiny("bot", "run", "--once", "--status", world / "status.json")
    status = json.loads((world / "status.json").read_text())
    assert status["queue"] == {"waiting": 0, "running": 0, "done": 2, "failed": 0, "skipped": 2}
    assert status["branches"]["one"]["said"].startswith("1 finding, worst ")
    assert status["branches"]["two"]["said"] == "0 findings"


def test_a_queue_that_was_deleted_is_filled_anew(repo: Repo, branches: dict[str, str]) -> None:
    repo.tiny("bot", "run", "--once")
    (repo.git_dir() / "tiny/bot/queue.db").unlink()
    repo.tiny("bot", "run", "--once")
    assert len(reviewed(repo)) == 2
    assert set(states(repo).values()) == {"done", "skipped"}


def test_a_remote_is_watched_in_a_space_of_its_own(repo: Repo, branches: dict[str, str], world: Path) -> None:
    clone = repo.clone(world / "clone")
    before = clone.refs()
    repo.git("checkout", "-q", "one")
    newer = repo.commit("newer", {"one.py": "one = 2\n"})
    clone.tiny("bot", "run", "--once", "--fetch", "origin")
    assert sorted(reviewed(clone)) == sorted([newer[:12], branches["two"][:12]])
    kept = {name: oid for name, oid in clone.refs().items() if not name.startswith(("refs/tiny/", "refs/notes/"))}
    assert kept == before
    done = clone.tiny("bot", "run", "--once", "--fetch", "nowhere", check=False)
    assert (done.code, "there is no remote 'nowhere'" in done.err) == (2, True)


def test_the_gate_runs_on_the_tip(repo: Repo, branches: dict[str, str]) -> None:
    repo.config("tiny.check", "test -e one.py")
    repo.tiny("bot", "run", "--once")
    gates = {
        name: json.loads(repo.git("notes", "--ref=tiny-review", "show", tip).out.splitlines()[0])["gate"]
        for name, tip in branches.items()
    }
    assert gates["one"].startswith("passed: ")
    assert gates["two"].startswith("failed: ")


def test_a_review_that_takes_too_long_is_ended(repo: Repo, branches: dict[str, str]) -> None:
    repo.config("tiny.check", "sleep 300")
    done = repo.tiny("bot", "run", "--once", "--seconds", "2", check=False)
    assert done.code == 1
    assert "ended: it took more than 2 s" in done.err
    assert reviewed(repo) == []
    assert repo.tiny("bot", "run", "--once").code == 0  # nothing new


def test_a_review_that_takes_too_much_memory_is_ended(repo: Repo, branches: dict[str, str]) -> None:
    hog = "x = bytearray(400 << 20); import time; time.sleep(300)"
    repo.config("tiny.check", f"{sys.executable} -c '{hog}'")
    done = repo.tiny("bot", "run", "--once", "--memory", "300", check=False)
    assert done.code == 1
    assert "ended: it used more than 300 MB" in done.err
    assert reviewed(repo) == []
    assert not [p for p in psutil.process_iter(["cmdline"]) if "400 << 20" in " ".join(p.info["cmdline"] or ())]


def test_a_bug_is_written_down_and_the_others_are_reviewed(repo: Repo, branches: dict[str, str]) -> None:
    queue = Queue(repo.git_dir() / "tiny/bot/queue.db")
    queue.push("refs/heads/odd", "", "not an oid\0")  # what nothing but a broken file could hold
    done = repo.tiny("bot", "run", "--once", check=False)
    assert (done.code, "Traceback" in done.err) == (1, False)
    (log,) = (repo.git_dir() / "tiny/bot").glob("bug-*.log")
    assert f"its process ended with 1: a bug, see {log} (3 times)" in done.err
    assert "Traceback" in log.read_text()
    assert sorted(reviewed(repo)) == sorted(tip[:12] for tip in branches.values())


def test_a_gate_ends_with_the_bot(repo: Repo, branches: dict[str, str]) -> None:
    repo.config("tiny.check", "exec sleep 4711")
    child = bot(repo)
    _until(_sleeping)
    child.kill()
    child.communicate()
    _until(lambda: not _sleeping())


def _sleeping() -> bool:
    return any(p.info["cmdline"] == ["sleep", "4711"] for p in psutil.process_iter(["cmdline"]))


def test_a_remote_that_is_gone_for_a_while(repo: Repo, branches: dict[str, str], world: Path) -> None:
    """It ends one that looks once; one that watches says so, goes on, and takes up what came meanwhile."""
    clone = repo.clone(world / "clone")
    away = repo.path.rename(world / "away")
    done = clone.tiny("bot", "run", "--once", "--fetch", "origin", check=False)
    assert (done.code, "git could not fetch from origin" in done.err) == (1, True)
    argv = [*TINY, "bot", "run", "--every", "1", "--fetch", "origin"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (world / "said").open("w+") as said:
        child = subprocess.Popen(argv, cwd=clone.path, env=env, stderr=said)
        _until(lambda: "git could not fetch from origin, and tries again later: " in (world / "said").read_text())
        away.rename(repo.path)
        _until(lambda: len(reviewed(clone)) == 2)
        child.terminate()
        assert child.wait(timeout=60) == 130
    assert sorted(reviewed(clone)) == sorted(tip[:12] for tip in branches.values())


def test_a_long_review_keeps_none_waiting(repo: Repo, branches: dict[str, str]) -> None:
    repo.config("tiny.check", "if test -e one.py; then sleep 300; fi")
    argv = [*TINY, "bot", "run", "--every", "1"]
    child = subprocess.Popen(argv, cwd=repo.path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE)
    _until(lambda: branches["two"][:12] in reviewed(repo))
    late = repo.git("commit-tree", "-p", "main", "-m", "late", "two^{tree}").text
    repo.git("update-ref", "refs/heads/late", late)
    _until(lambda: late[:12] in reviewed(repo))
    assert states(repo)[branches["one"]] == "running"
    child.terminate()
    child.communicate(timeout=60)
    assert child.returncode == 130


def test_a_main_branch_that_is_not_there(repo: Repo, branches: dict[str, str], world: Path) -> None:
    clone = repo.clone(world / "clone")
    for more in ((), ("--fetch", "origin")):
        done = clone.tiny("bot", "run", "--once", "--onto", "nowhere", *more, check=False)
        assert (done.code, "there is no branch 'nowhere'" in done.err) == (2, True)
    empty = Repo.create(world / "empty.git", bare=True)
    assert empty.tiny("bot", "run", "--once").code == 0


def test_on_a_servers_bare_repository(repo: Repo, server: Repo, branches: dict[str, str]) -> None:
    repo.git("push", "-q", "origin", "one", "two")
    server.tiny("bot", "run", "--once")
    assert sorted(reviewed(server)) == sorted(tip[:12] for tip in branches.values())


def test_a_model_is_asked_where_it_is_named(repo: Repo, branches: dict[str, str]) -> None:
    with serving() as script:
        repo.git("config", "--global", "tiny.modelHost", script.url)
        repo.git("config", "--global", "tiny.model", "coder:7b")
        script.fallback = Say('{"findings": []}')
        repo.tiny("bot", "run", "--once", "--model", "coder:7b")
        note = json.loads(repo.git("notes", "--ref=tiny-review", "show", "one").out.splitlines()[0])
        assert (note["model"], note["asked"]) == ("coder:7b@a1b2c3d4e5f6", 1)
        asked = len(script.chats())
        assert asked == 4
        repo.git("checkout", "-q", "one")
        repo.commit("more", {"more.py": "more = 1\n"})
        repo.tiny("bot", "run", "--once", "--onto", "main")
        assert len(script.chats()) == asked


def test_a_branch_is_reviewed_in_order(repo: Repo) -> None:
    repo.branch("topic")
    tips = [repo.commit(f"{n}", {"a.py": f"a = {n}\n"}) for n in range(4)]
    other = repo.git("commit-tree", "-p", "main", "-m", "other", "topic^{tree}").text
    queue = Queue(repo.git_dir() / "tiny/bot/queue.db")
    for old, new in zip(["", *tips], tips, strict=False):
        assert queue.push("refs/heads/topic", old, new)
    assert not queue.push("refs/heads/topic", "", tips[0])
    queue.push("refs/heads/other", "", other)
    repo.tiny("bot", "run", "--once", "--jobs", "3", "--onto", "main")
    done = reviewed(repo)
    assert [oid for oid in done if oid != other[:12]] == [oid[:12] for oid in tips]
    assert sorted(done) == sorted(oid[:12] for oid in (*tips, other))


def bot(repo: Repo, *args: str) -> subprocess.Popen[bytes]:
    """The bot as a process that can be killed."""
    return subprocess.Popen(
        [*TINY, "bot", "run", "--once", *args],
        cwd=repo.path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def test_killed_at_any_moment_nothing_is_lost_or_done_twice(repo: Repo) -> None:
    tips = []
    for n in range(5):
        repo.git("checkout", "-q", "-b", f"b{n}", "main")
        tips.append(repo.commit(f"{n}", {f"{n}.py": f"n = {n}\n"})[:12])
    repo.git("checkout", "-q", "main")
    chance = random.Random(7)
    for _ in range(6):
        child = bot(repo)
        try:
            _, said = child.communicate(timeout=0.4 + chance.random() * 1.6)
            assert child.returncode == 0, said
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
    child = bot(repo)
    _, said = child.communicate(timeout=120)
    assert child.returncode == 0, said
    assert Counter(reviewed(repo)) == Counter(tips)
    repo.tiny("recover")
    entries = repo.tiny("audit", "log", "--timeline", "--json").json["entries"]
    assert {one["outcome"] for one in entries if one["action"] == "review"} <= {"done", "failed", "recovered"}
    written = [one for one in entries if one["outcome"] in ("done", "recovered") and one["action"] == "review"]
    assert len(written) >= len(tips)


def test_a_request_to_end_is_obeyed_and_what_runs_waits(repo: Repo, branches: dict[str, str]) -> None:
    repo.config("tiny.check", "sleep 300")
    child = bot(repo)
    queue = Queue(repo.git_dir() / "tiny/bot/queue.db")
    _until(lambda: queue.path.exists() and any(job.state is JobState.RUNNING for job in queue.jobs()))
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=60)
    assert child.returncode == 130
    assert {job.state for job in queue.jobs()} <= {JobState.WAITING, JobState.SKIPPED}
    repo.git("config", "--unset", "tiny.check")
    repo.tiny("bot", "run", "--once")
    assert sorted(reviewed(repo)) == sorted(tip[:12] for tip in branches.values())


def test_one_bot_at_a_time(repo: Repo, branches: dict[str, str]) -> None:
    repo.config("tiny.check", "sleep 5")
    child = bot(repo)
    queue = Queue(repo.git_dir() / "tiny/bot/queue.db")
    _until(lambda: queue.path.exists() and any(job.state is JobState.RUNNING for job in queue.jobs()))
    assert "another bot is at work" in repo.tiny("bot", "run", "--once").err
    child.communicate(timeout=60)
    assert len(reviewed(repo)) == 2


@pytest.fixture
def server(repo: Repo, world: Path) -> Repo:
    """A bare repository that ``repo`` pushes to."""
    bare = Repo.create(world / "server.git", bare=True)
    repo.git("remote", "add", "origin", bare.path)
    repo.git("push", "-q", "origin", "main")
    return bare


def hook(server: Repo, *options: str) -> None:
    words = " ".join([sys.executable, "-P", "-m", "tinycode_git", "bot", "hook", *options])
    server.hook("post-receive", f"PYTHONPATH={ROOT} exec {words}")


def test_a_push_is_reviewed_before_it_ends(repo: Repo, server: Repo, branches: dict[str, str]) -> None:
    hook(server, "--wait")
    repo.git("push", "-q", "origin", "one", "two")
    assert sorted(reviewed(server)) == sorted(tip[:12] for tip in branches.values())
    repo.commit("m", {"m.py": "m = 1\n"})
    repo.git("push", "-q", "origin", "main", ":two")
    assert reviewed(server)[2:] == [repo.oid("main")[:12]]


def test_pushes_are_reviewed_behind_them(repo: Repo, server: Repo) -> None:
    hook(server)
    tips = []
    repo.git("checkout", "-q", "-b", "topic")
    for n in range(4):
        tips.append(repo.commit(f"{n}", {"a.py": f"a = {n}\n"})[:12])
        repo.git("push", "-q", "origin", "topic")
    _until(lambda: len(reviewed(server)) == 4)
    assert reviewed(server) == tips
    _until(lambda: not _at_work(server))


def _at_work(server: Repo) -> bool:
    return any(s in ("running", "waiting") for s in states(server).values())


def _until(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)


def test_without_a_name_the_bot_does_not_start(repo: Repo, branches: dict[str, str], world: Path) -> None:
    done = repo.tiny("bot", "run", "--once", env={"TINY_MODE": "chat"}, check=False)
    assert (done.code, "needs mode propose" in done.err) == (1, True)
    repo.git("checkout", "-q", "--detach")
    done = repo.tiny("bot", "run", "--once", check=False)
    assert (done.code, "--onto" in done.err) == (2, True)
