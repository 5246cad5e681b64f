"""The bot: refs watched, every new tip queued, reviewed once and kept, with the gate; what it says of that."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tinycode_git.commands.gates import check_of
from tinycode_git.commands.opening import ledger_of, say
from tinycode_git.commands.reviewing import MOST, Options, Wanted, conduct, note_of
from tinycode_git.errors import Refused
from tinycode_git.git.process import GitFailed
from tinycode_git.git.trees import EMPTY_TREE
from tinycode_git.git.write import PlanRepo
from tinycode_git.modes import Mode
from tinycode_git.plan.gate import run_gate
from tinycode_git.review.finding import SEVERITIES
from tinycode_git.review.queue import Job, JobState, Queue
from tinycode_git.review.record import Note
from tinycode_git.review.store import keep
from tinycode_git.review.store import note_of as kept_note

if TYPE_CHECKING:
    from tinycode_git.commands.review_model import Asking

HEADS = "refs/heads/"
FETCHED = "refs/tiny/bot/"
_FOR_MODEL = 0.6  # of a review's time


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one review may use: seconds, and bytes of memory (its git processes counted)."""

    seconds: float = 300.0
    memory: int = 2 << 30


@dataclass(frozen=True, slots=True)
class Bot:
    """A bot of one repository: ``space`` is where the watched branches are, ``main`` the ref that others go into.

    ``model`` is asked too where it is named.
    """

    repo: PlanRepo
    queue: Queue
    space: str
    main: str
    status: Path
    bounds: Bounds
    jobs: int
    mode: Mode
    model: str = ""


def folder(repo: PlanRepo) -> Path:
    """Where the bot keeps its queue, its lock and its status."""
    return repo.place.tiny_dir / "bot"


def space_of(remote: str) -> str:
    """Where the branches are that the bot watches: the repository's own, or those that it fetched of a remote."""
    return f"{FETCHED}{remote}/" if remote else HEADS


def fetch(repo: PlanRepo, remote: str) -> None:
    """Bring a remote's branches into the bot's own space; the user's remote-tracking branches stay. Raises Refused."""
    quiet = ("--no-tags", "--prune", "--no-write-fetch-head", "--quiet", "--refmap=", "--recurse-submodules=no")
    try:
        repo.git.user("fetch", *quiet, "--end-of-options", remote, f"+{HEADS}*:{space_of(remote)}*")
    except GitFailed as failed:
        raise Refused(
            f"git could not fetch from {remote}", "git says why; git fetch tries the same", detail=failed.stderr
        ) from failed


def discover(bot: Bot) -> int:
    """Queue every branch whose tip was not seen yet; how many. The main branch is taken as it is found first."""
    seen = bot.queue.seen()
    count = 0
    for ref, tip in bot.repo.refs(bot.space).items():
        if ref.startswith(HEADS) and bot.repo.own(ref):  # plans are validated on their own way
            continue
        if seen.get(ref) != tip:
            count += bot.queue.push(ref, seen.get(ref, ""), tip)
    return count


def reviewed(bot: Bot, job: Job) -> dict[str, str]:
    """Review a tip, run the gate, keep the note; what became of it."""
    repo = PlanRepo(bot.repo.git, bot.repo.place)
    if kept_note(repo, job.tip) is not None:
        return {"state": "done", "said": "reviewed before"}
    base = base_of(repo, bot.main, job)
    if not base:
        return {"state": "skipped", "said": "the first that was seen of the main branch"}
    if base == job.tip:
        return {"state": "skipped", "said": "no commit of its own"}
    branch = HEADS + job.ref.removeprefix(bot.space)
    made = conduct(repo, Wanted(base, job.tip, branch), Options(most=MOST, asking=_asking(bot)))
    note = note_of(made.review)
    note = replace(note, head=replace(note.head, gate=_gate(repo, base, job.tip)))
    keep(repo, ledger_of(repo, bot.mode), note, once=True)
    return {"state": "done", "said": summed_up(note, made.review.gaps)}


def _asking(bot: Bot) -> Asking | None:
    """What a model is asked; it gets no question for which the time that a review may take could be too short."""
    if not bot.model:
        return None
    from tinycode_git.commands.review_model import Asking

    return Asking(bot.model, until=time.monotonic() + bot.bounds.seconds * _FOR_MODEL)


def base_of(repo: PlanRepo, main: str, job: Job) -> str:
    """What a tip is compared with: the main branch, or (of itself, or once merged) where its ref stood before."""
    target = repo.ref(main)
    if job.ref != main and target is not None:
        base = repo.merge_base(target, job.tip) or EMPTY_TREE
        if base != job.tip or not job.old:
            return base
    if not job.old or repo.find(job.old) is None:
        return ""
    return repo.merge_base(job.old, job.tip) or job.old


def _gate(repo: PlanRepo, base: str, tip: str) -> str:
    """How the user's check ended on the tip's tree; empty where none is set."""
    check = check_of(repo, "")
    if check is None:
        return ""
    result = run_gate(repo, repo.commit(tip).tree, check, parents=(tip,))
    return ("passed: " if result.passed else "failed: ") + result.words()


def summed_up(note: Note, gaps: Sequence[str] = ()) -> str:
    """One line on a review; ``gaps`` is what it could not look at."""
    standing = [one for one in note.findings if one.counts]
    worst = max((one.severity for one in standing), key=SEVERITIES.index, default="")
    words = f"{len(standing)} finding{'s' * (len(standing) != 1)}" + (f", worst {worst}" if worst else "")
    words += f"; not everything was looked at: {gaps[0]}" if gaps else ""
    return f"{words}; gate {note.head.gate.partition(':')[0]}" if note.head.gate else words


def write_status(bot: Bot) -> None:
    """The status file: how the queue stands, and of each branch the newest tip that ended. Replaced whole."""
    jobs = bot.queue.jobs()
    counts = {state.value: sum(job.state is state for job in jobs) for state in JobState}
    ended = [job for job in jobs if job.state not in (JobState.WAITING, JobState.RUNNING)]
    branches = {
        job.ref.removeprefix(bot.space): {"tip": job.tip, "state": job.state.value, "said": job.said, "at": job.ended}
        for job in ended
    }
    text = json.dumps({"version": 1, "at": time.time(), "pid": os.getpid(), "queue": counts, "branches": branches})
    beside = bot.status.with_name(f".{bot.status.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(bot.status)
    except OSError as failed:
        say(f"the status file cannot be written: {failed.strerror}")


def alone(bot: Bot, action: Callable[[], int]) -> int:
    """Run ``action`` as the only bot of this repository, again as long as something waits; -1 where one runs already.

    Whoever queues a job and finds another bot at work may leave: that one looks once more after it gave the lock back.
    """
    import fcntl

    place = folder(bot.repo) / "lock"
    place.parent.mkdir(parents=True, exist_ok=True)
    total = -1
    while True:
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return total
            total = max(total, 0) + action()
        finally:
            os.close(descriptor)
        if not any(job.state is JobState.WAITING for job in bot.queue.jobs()):
            return total
