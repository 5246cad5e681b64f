"""``git tiny bot``: reviews every new tip of a repository's branches, once, in order, whatever ends it half-way."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from tinycode_git import config, modes
from tinycode_git.commands.app import new_app
from tinycode_git.commands.botting import (
    HEADS,
    Bot,
    Bounds,
    alone,
    discover,
    fetch,
    folder,
    space_of,
    write_status,
)
from tinycode_git.commands.botwork import work
from tinycode_git.commands.opening import say
from tinycode_git.errors import Exit, Incomplete, Refused, UsageError
from tinycode_git.git.write import PlanRepo
from tinycode_git.modes import Mode
from tinycode_git.render import console, jsonout
from tinycode_git.render.table import Column, table
from tinycode_git.review.queue import JobState, Queue
from tinycode_git.review.store import keepable

app = new_app("Review every new tip of the branches of this repository: in a clone that fetches, or on a server.")
_ZERO = set("0")


@app.command()
def run(
    once: Annotated[bool, typer.Option("--once", help="Review what is new, then end.")] = False,
    every: Annotated[float, typer.Option("--every", min=1, metavar="SECONDS", help="How often to look.")] = 30.0,
    remote: Annotated[str, typer.Option("--fetch", metavar="REMOTE", help="Fetch and watch its branches.")] = "",
    onto: Annotated[str, typer.Option("--onto", metavar="BRANCH", help="The main branch (default: HEAD's).")] = "",
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Reviews at a time.")] = 2,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="How long one review may take.")] = 300.0,
    memory: Annotated[int, typer.Option("--memory", min=64, metavar="MB", help="How much it may use.")] = 2048,
    model: Annotated[str, typer.Option("--model", metavar="MODEL", help="Ask this model too.")] = "",
    status: Annotated[str, typer.Option("--status", metavar="FILE", help="Where to write the status file.")] = "",
) -> None:
    """Watch the branches and review every new tip, each once, those of a branch in the order in which they came.

    Reviews are kept as git tiny review keeps them; where tiny.check is set it runs on the tip's tree. The bot may be
    killed at any moment: the queue outlives it, nothing is reviewed twice, nothing is missed. Of the main branch what
    is there at first is the beginning. One bot works in a repository at a time.

    Examples:

    \b
      git tiny bot run
      git tiny bot run --once --fetch origin
      git -C /srv/git/project.git tiny bot run --jobs 4

    Exit codes:

    \b
      0  done (with --once), or another bot is at work
      1  some review failed or git could not fetch (with --once)
      2  no such remote or branch
      4  the queue cannot be used
    """
    bot = _bot(remote, onto, jobs=jobs, bounds=Bounds(seconds, memory << 20), status=status, model=model)
    before = {job.id for job in bot.queue.jobs() if job.state is JobState.FAILED}
    while True:
        done = _round(bot, remote, once=once, every=every)
        if done < 0:
            say("another bot is at work in this repository")
        elif done:
            say(f"{done} tip{'s' * (done != 1)} looked at")
        if once:
            break
        time.sleep(every)
    failed = [job for job in bot.queue.jobs() if job.state is JobState.FAILED and job.id not in before]
    for job in failed:
        say(f"failed: {job.ref} at {job.tip[:12]}: {job.said}")
    raise typer.Exit(Exit.REFUSED if failed else Exit.DONE)


@app.command()
def hook(
    wait: Annotated[bool, typer.Option("--wait", help="Review before the push ends, not behind it.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Reviews at a time.")] = 2,
    model: Annotated[str, typer.Option("--model", metavar="MODEL", help="Ask this model too.")] = "",
) -> None:
    """Queue what a push moved and start the bot behind it: call it in the hook post-receive of a server.

    Reads the lines that git gives the hook, and returns at once; a bot that is at work takes the new tips up.

    Examples:

    \b
      exec git tiny bot hook

    Exit codes:

    \b
      0  queued
      4  the queue cannot be used
    """
    bot = _bot("", "", jobs=jobs, bounds=Bounds(), status="", model=model)
    count = 0
    for line in sys.stdin:
        old, _, rest = line.rstrip("\n").partition(" ")
        new, _, ref = rest.partition(" ")
        if ref.startswith(HEADS) and not bot.repo.own(ref) and set(new) != _ZERO and new:
            count += bot.queue.push(ref, "" if set(old) == _ZERO else old, new)
    if not count:
        return
    if wait:
        alone(bot, lambda: work(bot))
        return
    _start_behind(bot)
    say(f"{count} tip{'s' * (count != 1)} queued for review")


@app.command("status")
def status_(json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Show the queue and what became of the newest tips.

    Examples:

    \b
      git tiny bot status

    Exit codes:

    \b
      0  done
      4  the queue cannot be used
    """
    repo = PlanRepo.discover()
    place = folder(repo) / "queue.db"
    jobs = Queue(place).jobs() if place.exists() else []
    if json:
        jsonout.write({"jobs": jobs})
        return
    rows = [(job.ref.removeprefix(HEADS), job.tip[:12], job.state.value, job.said) for job in jobs[-50:]]
    columns = [Column("BRANCH", shrinks=True), Column("TIP"), Column("STATE"), Column("", shrinks=True)]
    sys.stdout.write(table(columns, rows, console.for_stdout(repo.git)) if rows else "nothing was queued yet\n")


def _bot(remote: str, onto: str, *, jobs: int, bounds: Bounds, status: str, model: str = "") -> Bot:
    repo = PlanRepo.discover()
    held = modes.ceiling(os.environ, config.read(repo.git).mode)
    modes.require(held, Mode.PROPOSE, "the bot")
    keepable(repo)
    repo.identity()  # it signs what it keeps: better refused now than at every tip
    if remote and remote not in repo.git.quiet("remote").text.split("\n"):
        raise UsageError(f"there is no remote {remote!r}", "git remote -v lists them")
    space = space_of(remote)
    name = onto or (repo.head_branch() or "").removeprefix(HEADS)
    if not name:
        raise UsageError("HEAD is on no branch", "name the main branch with --onto")
    if onto and not remote:
        _there(repo, space + name.removeprefix(HEADS), space)
    place = Path(status) if status else folder(repo) / "status.json"
    folder(repo).mkdir(parents=True, exist_ok=True)
    queue = Queue(folder(repo) / "queue.db")
    return Bot(repo, queue, space, space + name.removeprefix(HEADS), place.absolute(), bounds, jobs, held.mode, model)


def _round(bot: Bot, remote: str, *, once: bool, every: float) -> int:
    """Look once, work off what is there; how many tips, -1 where another bot is at work."""

    def look() -> None:
        if remote:
            _fetched(bot, remote, once=once)
            _there(bot.repo, bot.main, bot.space)
        discover(bot)

    def looked() -> int:
        look()
        done = work(bot, None if once else look, every)
        write_status(bot)
        return done

    return alone(bot, looked)


def _there(repo: PlanRepo, main: str, space: str) -> None:
    """Refuse a main branch that is not there, unless nothing is yet."""
    if repo.ref(main) is None and repo.refs(space):
        raise UsageError(f"there is no branch {main.removeprefix(space)!r}", "name the main branch with --onto")


def _fetched(bot: Bot, remote: str, *, once: bool) -> None:
    """Fetch. A bot that goes on watching outlives a remote that cannot be reached for a while."""
    try:
        fetch(bot.repo, remote)
    except Refused as failed:
        if once:
            raise
        why = failed.detail.strip().splitlines()
        say(f"{failed.message}, and tries again later" + (f": {why[-1]}" if why else ""))


def _start_behind(bot: Bot) -> None:
    """Start ``git tiny bot run --once`` free of this process and of the push that waits for it."""
    argv = [sys.executable, "-P", "-m", "tinycode_git", "bot", "run", "--once", "--jobs", str(bot.jobs)]
    argv += ["--model", bot.model] if bot.model else []
    env = bot.repo.git.environment(parsed=False)
    env.pop("GIT_QUARANTINE_PATH", None)
    try:
        subprocess.Popen(
            argv,
            cwd=bot.repo.git.cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as failed:
        raise Incomplete(f"the bot could not be started: {failed.strerror}", "git tiny bot run takes it up") from failed
