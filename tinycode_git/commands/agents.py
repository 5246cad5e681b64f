"""Running an agent for ``propose``: the user's repository is looked at before and after; a difference fails it."""

from __future__ import annotations

import sys
from pathlib import Path

from tinycode_git import config
from tinycode_git.commands.limits import limits_of
from tinycode_git.commands.opening import say
from tinycode_git.errors import Refused
from tinycode_git.git.execute import ExecuteRepo
from tinycode_git.git.fingerprint import Fingerprint, difference
from tinycode_git.git.process import GitFailed
from tinycode_git.git.refs import RefMove
from tinycode_git.git.sandbox import Sandbox
from tinycode_git.git.write import PlanRepo
from tinycode_git.planners.agent import Agent, AgentRun, run_agent
from tinycode_git.render.escape import visible


def run(repo: PlanRepo, base: str, command: str, task: str) -> tuple[AgentRun, Refused | None]:
    """Run the agent; what it did, and the refusal where the user's repository is not as it was before.

    Without a sandbox what can be put back is: refs and the configuration file.
    """
    sandbox = Sandbox.find()
    if sandbox is None:
        say("no sandbox here (bubblewrap): what the agent changes of yours is detected afterwards, not prevented")
    agent = Agent(command, task, limits_of(config.read(repo.git)), sandbox)
    before = Fingerprint.take(repo.place.worktree or repo.place.git_dir, quick=True)
    settings = repo.place.common_dir / "config"
    text = settings.read_bytes()
    done = run_agent(repo, base, agent, _shown)
    changed = difference(before, before.again())
    if not changed:
        return done, None
    restored = _put_back(repo, before, settings, text)
    return done, Refused(
        f"your repository was changed while the agent ran ({len(changed)} difference{'s' * (len(changed) != 1)})",
        "look at each, and put back what is not; what it proposed, if anything, is a draft plan",
        detail="\n".join([*(f"  {line}" for line in changed), *(f"  put back: {what}" for what in restored)]),
    )


def _shown(line: str) -> None:
    sys.stderr.write(f"| {visible(line)}\n")
    sys.stderr.flush()


def _put_back(repo: PlanRepo, before: Fingerprint, settings: Path, text: bytes) -> list[str]:
    """Restore the configuration file and every ref that moved, appeared or went; what was restored."""
    restored = []
    try:
        if settings.read_bytes() != text:
            settings.write_bytes(text)
            restored.append("the configuration")
        now = before.again().refs
        moves = [
            RefMove(name, now.get(name, ""), before.refs.get(name, ""))
            for name in sorted({*now, *before.refs})
            if name.startswith("refs/") and now.get(name) != before.refs.get(name)
        ]
        if moves:
            ExecuteRepo(repo.git, repo.place).move_branches(moves, "tiny: put back what an agent moved")
            restored += [move.ref for move in moves]
    except (OSError, GitFailed, Refused) as failed:
        restored.append(f"not everything ({failed})")
    return restored
