"""The bot's reviews at work: each in a process of its own with limits, ended with the bot, taken up again after it."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tinycode_git.commands.botting import Bot, Bounds, folder, reviewed, write_status
from tinycode_git.commands.opening import say
from tinycode_git.ending import fork, release_signals
from tinycode_git.errors import TinyError
from tinycode_git.git.write import PlanRepo
from tinycode_git.review.queue import TRIES, Job, JobState, Queue
from tinycode_git.review.store import note_of as kept_note

if TYPE_CHECKING:
    import psutil

_POLL = 0.02
_LOOK = 0.25  # what a review uses is looked at so often: it costs more than to see whether it has ended
_PATIENCE = 1.0  # for git to take its lock files away


def work(bot: Bot, look: Callable[[], object] | None = None, every: float = 30.0) -> int:
    """Work the queue off, several reviews at a time; how many ended. A job whose process is gone is taken up again.

    ``look`` is called each so many seconds meanwhile: what came is not kept waiting by a long review.
    """
    began, looked = _own_beginning(), time.monotonic()
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
            if look is not None and time.monotonic() > looked + every:
                look()
                looked = time.monotonic()
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
    looked: float = 0.0


def _start(bot: Bot, job: Job, others: list[_Running]) -> _Running:
    _bug_of(bot, job).unlink(missing_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    answer, give = os.pipe()
    watch, alive = os.pipe()
    pid = fork()
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
    release_signals()
    threading.Thread(target=_end_with, args=(watch,), daemon=True).start()
    code = 1
    try:
        said = reviewed(bot, job)
        os.write(give, json.dumps(said).encode())
        code = 0
    except TinyError as failed:
        os.write(give, json.dumps({"state": "failed", "said": failed.message}).encode())
        code = 0
    finally:
        if code:
            _write_down(_bug_of(bot, job))
        os._exit(code)


def _bug_of(bot: Bot, job: Job) -> Path:
    """Where it is written down what ended a review that nobody foresaw."""
    return folder(bot.repo) / f"bug-{job.id}.log"


def _write_down(place: Path) -> None:
    import traceback

    try:
        place.write_text(traceback.format_exc(), encoding="utf-8", errors="backslashreplace")
    except OSError as failed:
        say(f"{place.name} cannot be written: {failed.strerror}")


def _end_with(watch: int) -> None:
    import psutil

    os.read(watch, 1)  # nothing is ever written: it returns when the bot is gone
    try:
        _end_all(psutil.Process().children(recursive=True))
    finally:
        os._exit(1)


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
        kept = kept_note(PlanRepo(bot.repo.git, bot.repo.place), one.job.tip) is not None
        bot.queue.end(one.job, JobState.DONE if kept else JobState.FAILED, why)
    elif answer:
        told: dict[str, Any] = json.loads(answer)
        bot.queue.end(one.job, JobState(told["state"]), told["said"])
    else:
        bug = _bug_of(bot, one.job)
        more = f": a bug, see {bug}" if bug.exists() else ""
        _again(bot.queue, one.job, f"its process ended with {os.waitstatus_to_exitcode(status)}{more}")
    return True


def _drained(descriptor: int) -> bytes:
    data = b""
    while block := os.read(descriptor, 65536):
        data += block
    return data


def _exceeds(one: _Running, bounds: Bounds) -> str:
    import psutil

    now = time.monotonic()
    if now > one.until:
        return f"ended: it took more than {bounds.seconds:.0f} s"
    if now < one.looked + _LOOK:
        return ""
    one.looked = now
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
        family = process.children(recursive=True)
        process.kill()  # first: it starts nothing more
    except psutil.NoSuchProcess:
        return
    _end_all(family)
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        pass


def _end_all(family: Sequence[psutil.Process]) -> None:
    """End what a review started: first as git likes it, which takes its lock files away, then for certain."""
    import psutil

    for end in (psutil.Process.terminate, psutil.Process.kill):
        for member in family:
            try:
                end(member)
            except psutil.NoSuchProcess:
                continue
        _, family = psutil.wait_procs(family, timeout=_PATIENCE)
