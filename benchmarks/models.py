"""What is not the model: context of 5,000 files, the first word to the server, from the last token to a plan, the chat.

The server is the tests' scripted one, in this process. Each figure is a median, in seconds of the wall clock.
"""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from frame import ROOT, Report, process_environment, tiny
from make_repo import ensure

sys.path.insert(0, str(ROOT))

from tests.llm.answers import plan, whole
from tests.llm.server import Script, serving
from tinycode_git.git.read import ReadRepo
from tinycode_git.llm.tokens import estimate
from tinycode_git.planners.context.gather import Need, gather

ROUNDS = 7
TASK = "load_order must retry, and say how often it did"
repo = ensure("medium")
kept = repo / ".git/tiny"


def context(*, cold: bool) -> float:
    """Seconds from a repository to what a model gets to see of it."""
    folder = kept / "context"
    if cold:
        shutil.rmtree(folder, ignore_errors=True)
    begun = time.perf_counter()
    read = ReadRepo.discover(repo)
    snapshot = read.snapshot(read.resolve("HEAD"))
    found = gather(snapshot, snapshot.tree, Need(TASK, (), 4000, estimate), cache=folder)
    seconds = time.perf_counter() - begun
    assert found.pieces
    return seconds


class Timed(Script):
    """The scripted server's knowledge, and when it was first and last spoken to."""

    first = last = 0.0


def spoken(server: Timed, words: list[str], answers: list[str]) -> tuple[float, float]:
    """Seconds from the start of a command to its first request, and from its last answer to its end."""
    shutil.rmtree(kept / "answers", ignore_errors=True)
    server.asked.clear()
    server.say(*answers)
    environment = {**process_environment(), "OLLAMA_HOST": server.url}
    begun = time.perf_counter()
    child = subprocess.Popen(
        [*tiny(), *words, "--model", "coder:7b"],
        cwd=repo,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    first = last = 0.0
    while child.poll() is None:
        now = time.perf_counter()
        first = first or (now if server.asked else 0.0)
        last = last or (now if server.asked and not server.answers else 0.0)
        time.sleep(0.001)
    ended = time.perf_counter()
    assert child.returncode == 0, child.communicate()
    child.communicate()
    return first - begun, ended - last


def prompted() -> float:
    """Seconds from the start of the chat to its prompt."""
    ours, theirs = pty.openpty()
    environment = {**process_environment(), "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"}
    begun = time.perf_counter()
    child = subprocess.Popen(
        [*tiny(), "chat"], cwd=repo, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    while b"chat main>" not in shown:
        assert select.select([ours], [], [], 30)[0], shown
        shown += os.read(ours, 65536)
    seconds = time.perf_counter() - begun
    os.write(ours, b"\x04")
    child.wait(30)
    os.close(ours)
    return seconds


def often(measure: Callable[[], float]) -> float:
    """The median of some rounds, after one that does not count."""
    measure()
    return median(measure() for _ in range(ROUNDS))


def drop() -> None:
    """The plans that were made."""
    mine = ("refs/heads/tiny/", "refs/tiny/")
    listed = subprocess.run(
        ["git", "for-each-ref", "--format=delete %(refname)", *mine], cwd=repo, capture_output=True, check=True
    )
    subprocess.run(["git", "update-ref", "--stdin"], cwd=repo, input=listed.stdout, check=True)


report = Report()
report.took("context of 5,000 files, cold: under 1 s", "gather", often(lambda: context(cold=True)), most=1.0)
report.took("context of 5,000 files, warm: under 150 ms", "gather", often(lambda: context(cold=False)), most=0.150)
with serving(Timed()) as script:
    assert isinstance(script, Timed)
    asks = [spoken(script, ["ask", TASK], ["It does not."])[0] for _ in range(ROUNDS + 1)][1:]
    path = Path("NOTES.md")
    answers = [plan({"title": "Add notes", "create": [str(path)]}), whole("# Notes\n", "markdown")]
    proposals = [spoken(script, ["propose", TASK], answers) for _ in range(ROUNDS + 1)][1:]
drop()
report.took("ask begins to talk to the server: within 400 ms", "git tiny ask", median(asks), most=0.400)
firsts, lasts = [first for first, _ in proposals], [last for _, last in proposals]
report.took("propose begins to talk to the server: within 400 ms", "git tiny propose", median(firsts), most=0.400)
report.took(
    "from the last answer to an open, validated plan: under 300 ms", "git tiny propose", median(lasts), most=0.300
)
report.took("the chat's prompt: within 300 ms", "git tiny chat", often(prompted), most=0.300)
report.end()
