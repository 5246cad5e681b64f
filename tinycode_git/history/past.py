"""The recent past of some paths: each commit that touched one of them, with everything that it changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tinycode_git.git.blame import path_arg
from tinycode_git.git.read import ReadRepo
from tinycode_git.history.links import Link, LinkKind, links_in
from tinycode_git.proposal import path_str

# How far back: a bound on commits, not on time, so that the answer is the same today and tomorrow.
DEPTH = 3000
MOST_PATHS = 300


@dataclass(frozen=True, slots=True)
class PastCommit:
    """A commit that is not a merge. ``paths`` are all that it changed, ``created`` those that it added."""

    oid: str
    when: int
    message: str
    links: tuple[Link, ...]
    paths: tuple[str, ...]
    created: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.lstrip("\n").split("\n", 1)[0]

    @property
    def reverts(self) -> bool:
        """Whether its message says that it takes a commit back."""
        return any(link.kind is LinkKind.REVERTS for link in self.links)


@dataclass(frozen=True, slots=True)
class Past:
    """Commits, newest first; ``start`` is the commit before the oldest that was looked at (empty: all were)."""

    commits: tuple[PastCommit, ...]
    start: str

    def of_path(self, path: str) -> tuple[PastCommit, ...]:
        """The commits that changed a path, newest first."""
        return tuple(commit for commit in self.commits if path in commit.paths)


@contextmanager
def past_of(repo: ReadRepo, base: str, paths: Sequence[str], depth: int = DEPTH) -> Iterator[Callable[[], Past]]:
    """What touched ``paths`` in the last ``depth`` commits that ``base`` holds; git reads while the block runs.

    Nothing where there are no paths, or more than MOST_PATHS.
    """
    if not paths or len(paths) > MOST_PATHS:
        yield lambda: Past((), "")
        return
    start = repo.git.quiet("rev-list", "-n", "1", f"--skip={depth}", base).text
    revisions = [base, *([f"^{start}"] if start else [])]
    literal = repo.git.setting(GIT_LITERAL_PATHSPECS="1")
    with literal.beside("log", *SHOWN, *revisions, "--", *map(path_arg, paths)) as ended:
        yield lambda: Past(tuple(parse_past(ended().out)), start)


# How git log is asked for what ``parse_past`` reads.
SHOWN = (
    *("--no-merges", "--full-diff", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-color"),
    "--format=%x01%H %ct%x00%B",
)


def parse_past(out: bytes) -> Iterator[PastCommit]:
    """What ``git log --raw -z`` printed in that format."""
    head, message = b"", ""
    paths: list[str] = []
    created: set[str] = set()
    parts = iter(out.split(b"\0"))
    for part in parts:
        row = part.lstrip(b"\n")
        if row.startswith(b"\x01"):
            if head:
                yield _commit(head, message, paths, created)
            head, paths, created = row[1:], [], set()
            message = next(parts, b"").decode("utf-8", "replace")
        elif row.startswith(b":"):
            path = path_str(next(parts, b""))
            paths.append(path)
            if row.endswith(b" A"):
                created.add(path)
    if head:
        yield _commit(head, message, paths, created)


def _commit(head: bytes, message: str, paths: list[str], created: set[str]) -> PastCommit:
    oid, _, when = head.decode().partition(" ")
    return PastCommit(oid, int(when), message, links_in(message), tuple(paths), frozenset(created))
