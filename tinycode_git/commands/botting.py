"""The bot at work: refs watched, every new tip queued, reviewed once in a process of its own with limits, kept."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tinycode_git.commands.gates import check_of
from tinycode_git.commands.opening import ledger_of, say
from tinycode_git.commands.reviewing import MOST, Options, Wanted, conduct, note_of
from tinycode_git.errors import Refused, TinyError
from tinycode_git.git.process import GitFailed
from tinycode_git.git.trees import EMPTY_TREE
from tinycode_git.git.write import PlanRepo
from tinycode_git.modes import Mode
from tinycode_git.plan.gate import run_gate
from tinycode_git.review.finding import SEVERITIES
from tinycode_git.review.queue import TRIES, Job, JobState, Queue
from tinycode_git.review.record import Note
from tinycode_git.review.store import keep
from tinycode_git.review.store import note_of as kept_note

if TYPE_CHECKING:
    from tinycode_git.commands.review_model import Asking

HEADS = "refs/heads/"
FETCHED = "refs/tiny/bot/"
_POLL = 0.02
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


def work(bot: Bot) -> int:
    """Work the queue off, several reviews at a time; how many ended. A job whose process is gone is taken up again."""
    began = _own_beginning()
    _take_back(bot.queue)
    ended = 0
    running: list[_Running] = []
    try:
        while True:
            while len(running) < bot.jobs:
                job = bot.queue.claim(os.getpid(), began)
                if job is None:
                    break
                running.append(_start(bot, job, running))
            if not running:
                return ended
            time.sleep(_POLL)
            for one in [one for one in running if _settled(bot, one)]:
                running.remove(one)
                ended += 1
                write_status(bot)
    finally:
        for one in running:
            _end(one.pid)
            bot.queue.give_back(one.job, "interrupted")


def _own_beginning() -> float:
    import psutil

    return float(psutil.Process().create_time())


def _take_back(queue: Queue) -> None:
    """Jobs of bots that are gone wait again."""
    import psutil

    for job, pid, began in queue.running():
        try:
            gone = abs(psutil.Process(pid).create_time() - began) > 1
        except psutil.NoSuchProcess:
            gone = True
        if gone:
            queue.give_back(job, "its bot was ended")


def _again(queue: Queue, job: Job, why: str) -> None:
    """A review whose process died waits again; the third time it is given up."""
    state = JobState.WAITING if job.tries < TRIES else JobState.FAILED
    queue.end(job, state, why if state is JobState.WAITING else f"{why} ({job.tries} times)")


@dataclass(slots=True)
class _Running:
    """A review in its own process: its answer comes through ``answer``; ``alive`` tells it that we still are."""

    job: Job
    pid: int
    answer: int
    alive: int
    until: float


def _start(bot: Bot, job: Job, others: list[_Running]) -> _Running:
    sys.stdout.flush()
    sys.stderr.flush()
    answer, give = os.pipe()
    watch, alive = os.pipe()
    pid = os.fork()
    if pid == 0:
        for descriptor in (answer, alive, *(end for one in others for end in (one.answer, one.alive))):
            os.close(descriptor)
        _child(bot, job, give, watch)
    os.close(give)
    os.close(watch)
    return _Running(job, pid, answer, alive, time.monotonic() + bot.bounds.seconds)


def _child(bot: Bot, job: Job, give: int, watch: int) -> NoReturn:
    """In the process of one review. It ends when the bot does, and never returns."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(watch,), daemon=True).start()
    code = 1
    try:
        said = _review(bot, job)
        os.write(give, json.dumps(said).encode())
        code = 0
    except TinyError as failed:
        os.write(give, json.dumps({"state": "failed", "said": failed.message}).encode())
        code = 0
    finally:
        os._exit(code)


def _end_with(watch: int) -> None:
    os.read(watch, 1)  # nothing is ever written: it returns when the bot is gone
    os._exit(1)


def _review(bot: Bot, job: Job) -> dict[str, str]:
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
    return {"state": "done", "said": summed_up(note)}


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


def summed_up(note: Note) -> str:
    """One line on a review."""
    standing = [one for one in note.findings if one.counts]
    worst = max((one.severity for one in standing), key=SEVERITIES.index, default="")
    words = f"{len(standing)} finding{'s' * (len(standing) != 1)}" + (f", worst {worst}" if worst else "")
    return f"{words}; gate {note.head.gate.partition(':')[0]}" if note.head.gate else words


def _settled(bot: Bot, one: _Running) -> bool:
    """Whether a review has ended, by itself or by its limits; then its job is."""
    done, status = os.waitpid(one.pid, os.WNOHANG)
    why = "" if done else _exceeds(one, bot.bounds)
    if not done and not why:
        return False
    if why:
        _end(one.pid)
    answer = b"" if why else _drained(one.answer)
    os.close(one.answer)
    os.close(one.alive)
    if why:
        bot.queue.end(one.job, JobState.FAILED, why)
    elif answer:
        told: dict[str, Any] = json.loads(answer)
        bot.queue.end(one.job, JobState(told["state"]), told["said"])
    else:
        _again(bot.queue, one.job, f"its process ended with {os.waitstatus_to_exitcode(status)}")
    return True


def _drained(descriptor: int) -> bytes:
    data = b""
    while block := os.read(descriptor, 65536):
        data += block
    return data


def _exceeds(one: _Running, bounds: Bounds) -> str:
    import psutil

    if time.monotonic() > one.until:
        return f"ended: it took more than {bounds.seconds:.0f} s"
    try:
        process = psutil.Process(one.pid)
        family = [process, *process.children(recursive=True)]
        used = sum(member.memory_info().rss for member in family)
    except psutil.Error:
        return ""
    return f"ended: it used more than {bounds.memory >> 20} MB" if used > bounds.memory else ""


def _end(pid: int) -> None:
    """End a review and the git processes that it started."""
    import psutil

    try:
        process = psutil.Process(pid)
        family = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        pass


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
