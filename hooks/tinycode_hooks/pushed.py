"""What pushes have in common: which policy counts, what the other side has, plan branches that nobody named."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence

from tinycode_git.errors import Refused, UsageError
from tinycode_git.git.process import Git
from tinycode_git.rows import NamedTuple
from tinycode_git.safety.flow import session
from tinycode_git.safety.outcome import Outcome
from tinycode_git.safety.push import scan_tips


class Update(NamedTuple):
    """A ref that a push moves, as both sides name it; oids of zeros stand for nothing."""

    local: str
    new: str
    remote: str
    old: str

    @property
    def deletes(self) -> bool:
        """Whether the push takes the ref away."""
        return not self.new.strip("0")


def parse_updates(lines: Sequence[str], fields: Callable[[list[str]], Update], count: int) -> list[Update]:
    """The lines that git writes to a hook's standard input. Raises UsageError for one of another form."""
    updates = []
    for line in lines:
        words = line.split(" ")
        if len(words) != count:
            raise UsageError(f"a line that git does not write: {line[:200]!r}")
        updates.append(fields(words))
    return updates


def tips(updates: Sequence[Update]) -> list[str]:
    """What the updates bring."""
    return [update.new for update in updates if not update.deletes]


def judge_push(git: Git, updates: Sequence[Update], known: Sequence[str]) -> Outcome | None:
    """What the updates bring that ``known`` does not reach; None where they bring nothing (deletions only).

    The policy is that of a tip that the other side has; for something all new, that of the tip itself, where everything
    that loosens is a finding of its own.
    """
    brought = tips(updates)
    if not brought:
        return None
    base = next((update.old for update in updates if update.old.strip("0") and _has_commit(git, update.old)), "")
    base = base or next((tip for tip in brought if _has_commit(git, tip)), "")
    return session(git, base, cached=True).run(lambda scanner: scan_tips(scanner, brought, known))


def _has_commit(git: Git, oid: str) -> bool:
    return git.quiet("cat-file", "-e", f"{oid}^{{commit}}", ok=(0, 1, 128)).code == 0


def refs_below(git: Git, *patterns: str) -> list[str]:
    """The oids of the refs below some prefixes."""
    return list(dict.fromkeys(git.quiet("for-each-ref", "--format=%(objectname)", "--", *patterns).text.split()))


def refuse_unnamed_plans(updates: Sequence[Update], prefix: str) -> None:
    """Raise Refused where a push takes plan branches along that its command line does not name (``--all``)."""
    below = f"refs/heads/{prefix}/"
    plans = [update.remote for update in updates if update.remote.startswith(below) and not update.deletes]
    records = {update.remote for update in updates if update.remote.startswith("refs/tiny/plans/")}
    unnamed = [ref for ref in plans if f"refs/tiny/plans/{ref.removeprefix(below)}" not in records]
    if not unnamed or os.environ.get("TINY_PUSH_PLANS") == "1" or _named(unnamed, prefix):
        return
    raise Refused(
        f"the push would publish plan branches that it does not name: {', '.join(unnamed)}",
        f"name what to push: git push REMOTE {unnamed[0].removeprefix('refs/heads/')}, or the other branches",
    )


def _named(refs: Sequence[str], prefix: str) -> bool:
    """Whether the command line of the git push that runs this hook names each of the refs."""
    words = _command_line(os.getppid())
    if not words:
        return False
    said = {part for word in words for part in word.lstrip("+").split(":")}
    return all(ref in said or ref.removeprefix("refs/heads/") in said for ref in refs)


def _command_line(pid: int) -> list[str]:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            words = stream.read().decode("utf-8", "replace").split("\0")
    except OSError:
        done = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, check=False)
        words = done.stdout.decode("utf-8", "replace").split()
    if len(words) > 1 and words[0].rpartition("/")[2] in ("sh", "dash", "bash"):  # the hook's own script
        return _command_line(_parent(pid))
    return words


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            return int(stream.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        done = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, check=False)
        return int(done.stdout.strip() or 0)
