"""Running an agent for ``propose``: the user's repository is looked at before and after; a difference fails it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
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

    Without a sandbox what can be put back is: refs and the configuration file. In one nothing is put back: what changed
    there meanwhile cannot be the agent's doing, and is somebody's work.
    """
    sandbox = Sandbox.find()
    if sandbox is None:
        say("no sandbox here (bubblewrap): what the agent changes of yours is detected afterwards, not prevented")
    agent = Agent(command, task, limits_of(config.read(repo.git)), sandbox)
    before = Fingerprint.take(repo.place.worktree or repo.place.git_dir, quick=True)
    settings = repo.place.common_dir / "config"
    text = settings.read_bytes()
    ours = repo.refs(*_OURS)
    done = run_agent(repo, base, agent, _shown)
    changed = [*difference(before, before.again()), *_moved(repo, ours)]
    if not changed:
        return done, None
    restored = _put_back(repo, before, ours, settings, text) if sandbox is None else []
    return done, Refused(
        f"your repository was changed while the agent ran ({len(changed)} difference{'s' * (len(changed) != 1)})",
        "look at each difference; what it proposed, if anything, is a draft plan",
        detail="\n".join([*(f"  {line}" for line in changed), *(f"  put back: {what}" for what in restored)]),
    )


def _shown(line: str) -> None:
    sys.stderr.write(f"| {visible(line)}\n")
    sys.stderr.flush()


_OURS = ("refs/heads/tiny/", "refs/tiny/plans/", "refs/tiny/keep/", "refs/tiny/backups/")


def _moved(repo: PlanRepo, ours: Mapping[str, str]) -> list[str]:
    """Plans that were there and are not as they were; new ones may be somebody else's at the same time."""
    now = repo.refs(*_OURS)
    return [f"{ref} {'moved' if ref in now else 'is gone'}" for ref, oid in ours.items() if now.get(ref) != oid]


def _put_back(repo: PlanRepo, before: Fingerprint, ours: Mapping[str, str], settings: Path, text: bytes) -> list[str]:
    """Restore the configuration file and every ref that moved, appeared or went; what was restored."""
    restored = []
    try:
        if settings.read_bytes() != text:
            settings.write_bytes(text)
            restored.append("the configuration")
        now, own = before.again().refs, repo.refs(*_OURS)
        moves = [
            RefMove(name, now.get(name, ""), before.refs.get(name, ""))
            for name in sorted({*now, *before.refs})
            if name.startswith("refs/") and now.get(name) != before.refs.get(name)
        ]
        moves += [RefMove(name, own.get(name, ""), oid) for name, oid in ours.items() if own.get(name) != oid]
        if moves:
            ExecuteRepo(repo.git, repo.place).move_branches(moves, "tiny: put back what an agent moved")
            restored += [f"{move.ref} (it was moved to {move.old[:12] or 'nothing'})" for move in moves]
    except (OSError, GitFailed, Refused) as failed:
        restored.append(f"not everything ({failed})")
    return restored
