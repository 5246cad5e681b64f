"""Named approvals: a rule, a reason and the very tree they are for, one JSON line each, in the clone's own folder."""

from __future__ import annotations

import json
import os

from tinycode_git.errors import Incomplete
from tinycode_git.git.process import Git
from tinycode_git.rows import NamedTuple

_FILE = "approvals"


class Approval(NamedTuple):
    """Somebody's word that findings of ``rule`` in the tree ``tree`` are meant."""

    tree: str
    rule: str
    reason: str
    user: str
    when: str


def approve(common_dir: str, approval: Approval) -> None:
    """Write an approval, durably. Raises Incomplete."""
    folder = os.path.join(common_dir, "tiny")
    line = json.dumps(approval._asdict(), ensure_ascii=True) + "\n"
    try:
        os.makedirs(folder, exist_ok=True)
        descriptor = os.open(os.path.join(folder, _FILE), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode("ascii"))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as failed:
        raise Incomplete(f"the approval cannot be written: {failed.strerror}", "is the disk full?") from failed


def approvals(common_dir: str, tree: str) -> dict[str, str]:
    """Rule to reason, for one tree. A line that is no approval is left out."""
    found: dict[str, str] = {}
    try:
        with open(os.path.join(common_dir, "tiny", _FILE), encoding="ascii", errors="replace") as stream:
            lines = stream.readlines()
    except OSError:
        return found
    for line in lines:
        if tree not in line:
            continue
        try:
            fields = json.loads(line)
        except ValueError:
            continue
        if isinstance(fields, dict) and fields.get("tree") == tree and fields.get("rule") and fields.get("reason"):
            found[str(fields["rule"])] = str(fields["reason"])
    return found


class ApprovalsOf:
    """Approvals by commit: those for the commit's tree, or for the index where the commit is empty."""

    def __init__(self, git: Git, common_dir: str) -> None:
        self.git = git
        self.common_dir = common_dir
        self.known: dict[str, dict[str, str]] = {}

    def __call__(self, commit: str) -> dict[str, str]:
        if commit not in self.known:
            has_any = os.path.exists(os.path.join(self.common_dir, "tiny", _FILE))
            self.known[commit] = approvals(self.common_dir, self._tree(commit)) if has_any else {}
        return self.known[commit]

    def _tree(self, commit: str) -> str:
        if commit:
            return self.git.quiet("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}").text
        return index_tree(self.git)


def index_tree(git: Git) -> str:
    """The tree that the index would make; empty while it holds conflicts."""
    done = git.quiet("write-tree", ok=(0, 128))
    return done.text if done.code == 0 else ""
