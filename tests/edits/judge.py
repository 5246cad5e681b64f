"""Git as the judge of the edit formats: two trees, git's diff of them, and what git itself makes of a patch."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tinycode_git.proposal import Delete, MemorySnapshot, Proposal, Put, path_bytes

Files = dict[str, tuple[int, bytes]]


def sealed(home: Path, **more: str) -> dict[str, str]:
    """An environment in which git reads no configuration of this machine and every date is the same."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "GIT_AUTHOR_NAME": "Ada Example",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_AUTHOR_DATE": "1700000000 +0100",
        "GIT_COMMITTER_NAME": "Ada Example",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
        "GIT_COMMITTER_DATE": "1700000000 +0100",
        **more,
    }


@dataclass(frozen=True, slots=True)
class Judge:
    """A bare repository to ask git in."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> Judge:
        """An empty one at ``path``."""
        judge = cls(path)
        path.mkdir(parents=True)
        judge.git("init", "-q", "--bare")
        return judge

    def run(self, *args: str, data: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
        """Run git; the exit code is the caller's to look at."""
        where = sealed(self.path, **env)
        return subprocess.run(["git", *args], cwd=self.path, env=where, input=data, capture_output=True, check=False)

    def git(self, *args: str, data: bytes = b"", **env: str) -> bytes:
        """Run git, which must succeed; its standard output."""
        done = self.run(*args, data=data, **env)
        assert done.returncode == 0, (args, done.stderr.decode())
        return done.stdout

    def trees(self, *worlds: Files) -> list[str]:
        """The trees that hold the given files, written by one process."""
        out = []
        for number, files in enumerate(worlds):
            out.append(b"commit refs/heads/w%d\ncommitter A <a@b.c> 0 +0000\ndata 0\ndeleteall\n" % number)
            for path, (mode, content) in files.items():
                name = path_bytes(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
                out.append(b'M %o inline "%s"\ndata %d\n%s\n' % (mode, name, len(content), content))
        self.git("fast-import", "--quiet", "--force", data=b"".join(out))
        names = self.git("rev-parse", *(f"refs/heads/w{n}^{{tree}}" for n in range(len(worlds))))
        return names.decode().split()

    def diff(self, before: Files, after: Files, *options: str) -> tuple[bytes, list[str]]:
        """Git's diff of two worlds, and their trees."""
        trees = self.trees(before, after)
        return self.git("diff-tree", "-r", "-p", "--full-index", "--binary", *options, *trees), trees

    def apply(self, tree: str, patch: bytes) -> tuple[str | None, str]:
        """The tree that ``git apply`` makes of ``tree`` and ``patch`` (None where it refuses), and what it says."""
        index = str(self.path / "judge-index")
        # Some damaged patches make git apply of 2.39 crash, which leaves its lock behind.
        Path(index + ".lock").unlink(missing_ok=True)
        self.git("read-tree", tree, GIT_INDEX_FILE=index)
        done = self.run("apply", "--cached", data=patch, GIT_INDEX_FILE=index)
        tree_after = self.git("write-tree", GIT_INDEX_FILE=index).decode().strip() if done.returncode == 0 else None
        return tree_after, f"exit {done.returncode}: {done.stderr.decode('utf-8', 'replace')}"


def result(before: Files, proposal: Proposal) -> Files:
    """The files once every step of ``proposal`` is made."""
    snapshot = MemorySnapshot(dict(before))
    for step in proposal.steps:
        snapshot = snapshot.after(step.changes)
    return snapshot.files


def text(**files: str) -> Files:
    """A world of plain text files."""
    return {path: (0o100644, content.encode()) for path, content in files.items()}


def puts(proposal: Proposal) -> dict[str, bytes | None]:
    """Path to new content (None for a deletion) of a proposal of one step."""
    (step,) = proposal.steps
    found: dict[str, bytes | None] = {}
    for change in step.changes:
        assert isinstance(change, Put | Delete)
        found[change.path] = change.content if isinstance(change, Put) else None
    return found
