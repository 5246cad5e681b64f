"""The lowest handle: a repository that can be looked at. Nothing here writes."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tinycode_git.errors import Incomplete, Refused, UsageError
from tinycode_git.git.objects import missing
from tinycode_git.git.process import Git
from tinycode_git.proposal import Identity, path_str

if TYPE_CHECKING:
    import pygit2

    from tinycode_git.git.snapshot import TreeSnapshot

# Extensions that change nothing in how objects are stored; libgit2 1.9 refuses to open a repository that names them.
_HARMLESS_EXTENSIONS = ["noop", "objectformat", "partialclone", "preciousobjects", "worktreeconfig"]


# One operation asks for the identity several times; within this many seconds it is the same moment.
_SAME_MOMENT = 0.5


class NoRepository(Refused):
    """There is no repository here."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a repository is: ``worktree`` is None for a bare one; ``prefix`` is where in it we started."""

    git_dir: Path
    common_dir: Path
    worktree: Path | None
    object_format: str
    prefix: str = ""

    @property
    def tiny_dir(self) -> Path:
        """The folder of git tiny's own files, shared by all worktrees of a clone. It may not exist yet."""
        return self.common_dir / "tiny"


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit as it is stored: hex oids, whole message, author and committer."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    author: Identity
    committer: Identity
    message: str

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.lstrip("\n").split("\n", 1)[0]


class ReadRepo:
    """A repository opened for reading. Objects are read through git or libgit2, refs through git."""

    def __init__(self, git: Git, place: Place) -> None:
        self.git = git
        self.place = place
        self._identities: dict[str, tuple[Identity, float]] = {}

    @classmethod
    def discover(cls, cwd: Path | None = None) -> Self:
        """The repository that git finds from ``cwd``. Raises Refused where there is none or git does not trust it."""
        start = Path.cwd() if cwd is None else cwd
        named = {k: os.environ[k] for k in ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR") if os.environ.get(k)}
        git = Git(start, named)
        wanted = ("--is-bare-repository", "--is-inside-work-tree", "--show-object-format")
        paths = ("--absolute-git-dir", "--git-common-dir", "--show-prefix", "--show-toplevel")
        done = git.quiet("rev-parse", "--path-format=absolute", *wanted, *paths, ok=(0, 128, 129))
        rows = done.text.split("\n")
        if len(rows) < 5:
            raise _not_found(start, done.err.decode("utf-8", "replace"))
        inside = rows[1] == "true"
        place = Place(
            git_dir=Path(rows[3]),
            common_dir=Path(rows[4]),
            worktree=Path(rows[6]) if inside and len(rows) > 6 else None,
            object_format=rows[2],
            prefix=rows[5] if inside and len(rows) > 5 else "",
        )
        env = {"GIT_DIR": str(place.git_dir)} if "GIT_DIR" in named else {}
        if "GIT_WORK_TREE" in named and place.worktree is not None:
            env["GIT_WORK_TREE"] = str(place.worktree)
        return cls(Git(place.worktree or place.git_dir, env), place)

    @cached_property
    def objects(self) -> pygit2.Repository:
        """libgit2's view, for objects only. Refused for SHA-256 repositories, Incomplete where it cannot open."""
        if self.place.object_format != "sha1":
            raise Refused(
                f"plans need a SHA-1 repository; this one uses {self.place.object_format}",
                "the scan, the hooks and the audit chain work here; plans do not",
            )
        import pygit2

        pygit2.settings.set_extensions(_HARMLESS_EXTENSIONS)
        pygit2.settings.enable_fsync_gitdir(True)
        try:
            return pygit2.Repository(str(self.place.git_dir), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
        except pygit2.GitError as error:
            raise Incomplete(f"libgit2 cannot open this repository: {error}") from error

    @cached_property
    def settings(self) -> dict[str, str]:
        """git's whole configuration as it counts here, read once: section and name in lower case."""
        settings: dict[str, str] = {}
        for row in self.git.lines("config", "-z", "--list"):
            key, newline, value = row.partition("\n")
            settings[key] = value if newline else "true"
        return settings

    def config(self, key: str) -> str | None:
        """The value that git uses for ``key`` (without a subsection, in any case); None where it is not set."""
        return self.settings.get(key.lower())

    def config_flag(self, key: str) -> bool:
        """Whether a boolean setting is on, spelt as git allows."""
        value = (self.config(key) or "").lower()
        return value in ("true", "yes", "on") or (value.lstrip("-").isdigit() and int(value) != 0)

    def resolve(self, revision: str) -> str:
        """The commit that ``revision`` names. Raises UsageError where it names none.

        Incomplete where it may lie in what a shallow clone has not.
        """
        oid = self.find(revision)
        if oid is not None:
            return oid
        if (self.place.common_dir / "shallow").exists() and re.search(r"[~^]|^[0-9a-f]{7,64}$", revision):
            raise Incomplete(
                f"{revision!r} names no commit in this shallow clone", "git fetch --unshallow brings the rest"
            )
        raise UsageError(f"{revision!r} names no commit here", self._nearest(revision))

    def find(self, revision: str) -> str | None:
        """The commit that ``revision`` names, or None."""
        if not revision or "\0" in revision:
            return None
        peeled = f"{revision}^{{commit}}"
        done = self.git.quiet("rev-parse", "--verify", "--quiet", "--end-of-options", peeled, ok=(0, 1, 128))
        return done.text if done.code == 0 else None

    def _nearest(self, name: str) -> str:
        from difflib import get_close_matches

        refs = self.git.quiet("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags").text.split("\n")
        near = get_close_matches(name, refs, n=3)
        return f"did you mean {', '.join(near)}?" if near else "see git branch --all"

    def refs(self, *prefixes: str) -> dict[str, str]:
        """Full ref names below the prefixes, with the oids that they hold."""
        rows = self.git.quiet("for-each-ref", "--format=%(objectname) %(refname)", *prefixes).text
        pairs = (row.split(" ", 1) for row in rows.split("\n") if row)
        return {name: oid for oid, name in pairs}

    def ref(self, name: str) -> str | None:
        """The oid that a full ref name holds, or None."""
        done = self.git.quiet("rev-parse", "--verify", "--quiet", "--end-of-options", name, ok=(0, 1, 128))
        return done.text if done.code == 0 else None

    def head_branch(self) -> str | None:
        """The full name of the branch that HEAD points at (it may be unborn); None where HEAD is detached."""
        done = self.git.quiet("symbolic-ref", "--quiet", "HEAD", ok=(0, 1))
        return done.text if done.code == 0 else None

    def read_many(self, names: Iterable[str]) -> list[bytes | None]:
        """The contents of objects, in order, by one git process; None for what is missing.

        Names are oids or ``<commit>:<path>`` (the path without a newline).
        """
        wanted = list(names)
        if not wanted:
            return []
        out = self.git.quiet("cat-file", "--batch", stdin="".join(f"{n}\n" for n in wanted).encode()).out
        return _batch(out, len(wanted))

    def commits(self, oids: Iterable[str]) -> list[Commit]:
        """The commits named, in order. Raises Incomplete where one is missing (a shallow or partial clone)."""
        wanted = list(oids)
        found = []
        for oid, data in zip(wanted, self.read_many(wanted), strict=True):
            if data is None:
                raise missing(oid)
            found.append(parse_commit(oid, data))
        return found

    def commit(self, oid: str) -> Commit:
        """One commit; see ``commits``."""
        return self.commits([oid])[0]

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether ``old`` can be reached from ``new``."""
        return self.git.quiet("merge-base", "--is-ancestor", old, new, ok=(0, 1)).code == 0

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor, or None."""
        done = self.git.quiet("merge-base", one, other, ok=(0, 1))
        return done.text.split("\n")[0] if done.code == 0 else None

    def snapshot(self, commit: str) -> TreeSnapshot:
        """The tree of a commit, to be read by planners."""
        from tinycode_git.git.snapshot import TreeSnapshot

        return TreeSnapshot.of(self.objects, commit)

    def identity(self, role: str = "COMMITTER") -> Identity:
        """Who the user is by git's own rules, now. Raises Refused where git does not know."""
        kept, at = self._identities.get(role, (None, 0.0))
        if kept is not None and time.monotonic() - at < _SAME_MOMENT:
            return kept
        done = self.git.quiet("var", f"GIT_{role}_IDENT", ok=(0, 128))
        if done.code:
            raise Refused(
                "git does not know who you are",
                "run: git config --global user.name NAME && git config --global user.email MAIL",
            )
        found = parse_identity(done.out.rstrip(b"\n"))
        self._identities[role] = (found, time.monotonic())
        return found


def _not_found(start: Path, said: str) -> Refused:
    first = said.strip().split("\n")[0].removeprefix("fatal: ")
    if "dubious ownership" in said:
        named = re.search(r"safe\.directory (\S.*)", said)
        return Refused(
            f"git does not trust this repository: {first}",
            f"if you trust its owner: git config --global --add safe.directory {named[1] if named else start}",
        )
    if "not a git repository" in said:
        return NoRepository(f"{start} is not inside a git repository", "change into one, or name it with -C DIR")
    return Refused(f"git cannot open the repository at {start}: {first}")


def _batch(out: bytes, count: int) -> list[bytes | None]:
    found: list[bytes | None] = []
    at = 0
    for _ in range(count):
        end = out.index(b"\n", at)
        header = out[at:end]
        if header.endswith((b" missing", b" ambiguous")):
            found.append(None)
            at = end + 1
            continue
        size = int(header.rsplit(b" ", 1)[1])
        found.append(out[end + 1 : end + 1 + size])
        at = end + 1 + size + 1
    return found


def parse_identity(raw: bytes) -> Identity:
    """``Name <mail> seconds +hhmm`` as git writes it; what does not parse counts as time 0 (git's own reading)."""
    head, _, stamp = raw.rpartition(b"> ")
    name, _, email = head.partition(b"<")
    seconds, _, zone = stamp.partition(b" ")
    try:
        when, hours = int(seconds), int(zone or b"0")
    except ValueError:
        when, hours = 0, 0
    sign = -1 if zone.startswith(b"-") else 1
    offset = sign * (abs(hours) // 100 * 60 + abs(hours) % 100)
    return Identity(path_str(name.strip()), path_str(email), when, offset)


def parse_commit(oid: str, data: bytes) -> Commit:
    """A commit object's content (gitformat: headers, blank line, message)."""
    head, _, message = data.partition(b"\n\n")
    fields: dict[str, list[bytes]] = {}
    for line in head.split(b"\n"):
        if not line.startswith(b" "):
            key, _, value = line.partition(b" ")
            fields.setdefault(key.decode("ascii", "replace"), []).append(value)
    encoding = fields.get("encoding", [b"utf-8"])[0].decode("ascii", "replace")
    return Commit(
        oid=oid,
        tree=fields["tree"][0].decode(),
        parents=tuple(p.decode() for p in fields.get("parent", [])),
        author=parse_identity(fields["author"][0]),
        committer=parse_identity(fields["committer"][0]),
        message=_decode(message, encoding),
    )


def _decode(message: bytes, encoding: str) -> str:
    try:
        return message.decode(encoding)
    except (LookupError, UnicodeDecodeError):
        return message.decode("utf-8", "surrogateescape")


def by_prefix(names: Mapping[str, str], prefix: str) -> list[str]:
    """The keys that start with ``prefix``; the exact one alone where it is there."""
    return [prefix] if prefix in names else sorted(n for n in names if n.startswith(prefix))
