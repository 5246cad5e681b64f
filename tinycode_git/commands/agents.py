"""Running an agent for ``propose``: the user's repository is looked at before and after; a difference fails it."""

from __future__ import annotations

import sys

from tinycode_git import config
from tinycode_git.commands.limits import limits_of
from tinycode_git.commands.opening import say
from tinycode_git.errors import Refused
from tinycode_git.git.sandbox import Sandbox
from tinycode_git.git.trespass import Before
from tinycode_git.git.write import PlanRepo
from tinycode_git.planners.agent import Agent, AgentRun, run_agent
from tinycode_git.render.escape import visible


def run(repo: PlanRepo, base: str, command: str, task: str) -> tuple[AgentRun, Refused | None]:
    """Run the agent; what it did, and the refusal where the user's repository is not as it was before.

    Without a sandbox what can be put back is. In one nothing is put back: what changed there meanwhile cannot be the
    agent's doing, and is somebody's work. Raises as ``run_agent`` does, and Refused where that failed and the
    repository is another besides.
    """
    settings = config.read(repo.git)
    choice = settings.choice("tiny.sandbox", ("auto", "require", "off"), "auto")
    sandbox = Sandbox.chosen(choice)
    if sandbox is None:
        why = "no sandbox (tiny.sandbox is off)" if choice == "off" else "no sandbox here (bubblewrap)"
        say(f"{why}: what the agent changes of yours is detected afterwards, not prevented")
    before = Before.take(repo)
    try:
        done = run_agent(repo, base, Agent(command, task, limits_of(settings), sandbox), _shown)
    except BaseException as failed:
        trespass = before.compare(undo=sandbox is None)
        if trespass:
            raise trespass.refusal(
                "agent", f"look at each difference; it left no plan: {failed or 'interrupted'}"
            ) from failed
        raise
    trespass = before.compare(undo=sandbox is None)
    hint = "look at each difference; what it proposed, if anything, is a draft plan"
    return done, trespass.refusal("agent", hint) if trespass else None


def _shown(line: str) -> None:
    sys.stderr.write(f"| {visible(line)}\n")
    sys.stderr.flush()
