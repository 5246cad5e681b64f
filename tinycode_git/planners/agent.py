"""Plans from another program: it works in a throwaway clone; its commits become steps, what it left becomes the last.

Nothing of the user's repository is there to be touched, and with bubblewrap nothing else of the user's either. What the
program prints, its exit code and its time go into the record.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tinycode_git.errors import Refused, UsageError
from tinycode_git.git.diff import FileDiff, diff_commits
from tinycode_git.git.harvest import Harvest, harvest
from tinycode_git.git.read import Commit, ReadRepo
from tinycode_git.git.sandbox import Errand, Outcome, Sandbox, run
from tinycode_git.git.throwaway import clone, remove
from tinycode_git.git.trailers import without_ours
from tinycode_git.git.watch import Limits
from tinycode_git.planners.commits import changes_of
from tinycode_git.proposal import MODE_GITLINK, Proposal, StepDraft

_PLACE = re.compile(r"\{task\}")
_VARIABLE = re.compile(r"[A-Za-z_]\w*=")
_KEPT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Agent:
    """The command as the user gave it (a shell line, ``{task}`` filled in quoted), the task, and what it may use."""

    command: str
    task: str
    limits: Limits = field(default_factory=Limits)
    sandbox: Sandbox | None = None


@dataclass(frozen=True, slots=True)
class AgentRun:
    """What an agent did. ``proposal`` has no steps where it changed nothing; ``printed`` is the end of its output."""

    proposal: Proposal
    outcome: Outcome
    printed: bytes
    interrupted: bool = False

    @property
    def failed(self) -> bool:
        """Whether it did not end by itself with exit code 0, within its limits."""
        return not self.outcome.passed

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        if self.interrupted:
            return "was interrupted"
        if self.outcome.exceeded:
            return f"was ended: {'; '.join(self.outcome.exceeded)}"
        return f"ended with exit code {self.outcome.code}"


def filled(command: str, task: str) -> str:
    """The shell line with ``{task}`` replaced by the task as one quoted word. UsageError for an empty command."""
    if not command.strip():
        raise UsageError("--agent needs a command", "for example --agent 'my-agent --prompt {task}'")
    return _PLACE.sub(lambda _: shlex.quote(task), command)


def run_agent(repo: ReadRepo, base: str, agent: Agent, shown: Callable[[str], object] | None = None) -> AgentRun:
    """Run an agent on ``base`` and take what it made. Ctrl-C ends it; what it had done by then is taken.

    ``shown`` gets each line that it prints. Objects are the only thing that comes into the repository.
    """
    line = filled(agent.command, agent.task)
    with clone(repo.place, base) as place:
        output = place.folder / "output"
        environment = {**_own_environment(), **place.environment(), "TINY_TASK": agent.task}
        errand = Errand(
            argv=("/bin/sh", "-c", line),
            cwd=place.path,
            env=environment,
            output=output,
            limits=agent.limits,
            sandbox=agent.sandbox,
            writable=(place.path, place.scratch),
            readable=(repo.place.common_dir,),
        )
        begun = time.monotonic()
        interrupted = False
        try:
            outcome = run(errand, shown)
        except KeyboardInterrupt:
            interrupted = True
            seconds, held = time.monotonic() - begun, agent.sandbox is not None
            outcome = Outcome(-signal.SIGINT, seconds, 0.0, 0, output, sandboxed=held)
        printed = output.read_bytes()[-_KEPT:] if output.exists() else b""
        remove(place.scratch)
        taken = harvest(place, base, repo.git)
        return AgentRun(_proposal(repo, base, agent, taken, outcome), outcome, printed, interrupted)


def _own_environment() -> dict[str, str]:
    """The user's environment without git's: a variable that names the user's repository would lead back to it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "TINY_"))}


def _proposal(repo: ReadRepo, base: str, agent: Agent, taken: Harvest, outcome: Outcome) -> Proposal:
    name = _name(agent.command)
    steps, notes = _steps(repo, base, taken, name)
    how = f"{name}: exit code {outcome.code}, {outcome.seconds:.1f} s"
    sandboxed = "in a sandbox" if outcome.sandboxed else "without a sandbox"
    ended = tuple(f"{name} went over a limit: {one}" for one in outcome.exceeded)
    left = (f"{name} left {outcome.left} processes running, which were ended",) if outcome.left else ()
    return Proposal(agent.task, "agent", steps, notes=(f"{how}, {sandboxed}", *ended, *left, *taken.notes, *notes))


def _name(command: str) -> str:
    """The program that a shell line begins with, past variables that are set for it."""
    words = [word for word in command.split() if not _VARIABLE.match(word)]
    return Path((words or command.split())[0]).name


def _steps(repo: ReadRepo, base: str, taken: Harvest, name: str) -> tuple[tuple[StepDraft, ...], list[str]]:
    last = taken.rest or taken.tip
    out = repo.git.quiet("rev-list", "--reverse", "--first-parent", last, f"^{base}").text
    commits = repo.commits(out.split("\n")) if out else []
    if commits and commits[0].parents != (base,):
        raise Refused(f"{name} left commits that do not stand on the plan's base", "its work cannot be taken as steps")
    notes: list[str] = []
    steps: list[StepDraft] = []
    for commit, files in zip(commits, diff_commits(repo.git, [one.oid for one in commits]), strict=True):
        kept = tuple(file for file in files if file.new_mode != MODE_GITLINK or file.status == "M")
        notes += [f"{file.path} is a repository of its own and was left out" for file in files if file not in kept]
        if not kept:
            continue
        if commit.oid == taken.rest:
            steps += _leftover(kept, name)
        else:
            steps.append(_step(commit, kept, name))
    return tuple(steps), notes


def _step(commit: Commit, files: tuple[FileDiff, ...], name: str) -> StepDraft:
    title, _, body = without_ours(commit.message).strip("\n").partition("\n")
    return StepDraft(title.strip() or "Change files", changes_of(files), body.strip("\n"), assisted_by=name)


def _leftover(files: tuple[FileDiff, ...], name: str) -> list[StepDraft]:
    """What was not committed, a step for each top folder."""
    groups: dict[str, list[FileDiff]] = {}
    for file in files:
        folder, slash, _ = file.path.partition("/")
        groups.setdefault(f"Change {folder}/" if slash else "Change files at the top", []).append(file)
    return [StepDraft(title, changes_of(tuple(group)), assisted_by=name) for title, group in groups.items()]
