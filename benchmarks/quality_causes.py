"""Does ``explain COMMIT`` name the commit that caused what a fix repairs? On real fixes whose cause is known.

    python benchmarks/quality_causes.py [--most N] [--show] [NAME=GIT_DIR ...]

The cause is known from the commit itself: a ``Fixes: <oid>`` trailer, or ``This reverts commit <oid>``. What is
explained is another commit: the same tree on the same parent, its message without oids, quoted subjects, such trailers
and the cause's own subject, as HEAD of a repository that has no other ref, so that nothing later than the fix can be
seen. The causes that it names are ranked as they are shown, by their share.

Beside it stands what needs no blame: the three newest commits that touched the same files. The claim: the cause is
among the first three for at least six in ten of 200 commits or more. Clones each repository unless a copy on this
machine is named.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from make_repo import environment

from tinycode_git.errors import TinyError
from tinycode_git.git.read import Commit, ReadRepo
from tinycode_git.history.commits import explain_commit
from tinycode_git.history.evidence import Asked, Role
from tinycode_git.history.links import links_in

CACHE = Path(__file__).parent / ".cache"
SOURCES = {
    "iproute2": "https://github.com/iproute2/iproute2",
    "git": "https://github.com/git/git",
    "redis": "https://github.com/redis/redis",
    "util-linux": "https://github.com/util-linux/util-linux",
}
MOST = 150
LEAST = 0.6
_FIXES = re.compile(r"(?mi)^fixes:\s*([0-9a-f]{7,40})\b")
_REVERTS = re.compile(r"This reverts commit ([0-9a-f]{7,40})")


def opened(name: str, given: dict[str, str]) -> ReadRepo:
    """The repository, cloned once where no copy is named."""
    place = Path(given[name]) if name in given else CACHE / f"{name}.git"
    if not place.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "clone", "-q", "--bare", SOURCES[name], str(place)], check=True)
    return ReadRepo.discover(place)


def known(repo: ReadRepo, most: int) -> Iterator[tuple[str, str, str]]:
    """(fix, parent, cause) of commits that name their cause, newest first, spread over the whole history."""
    form = "--format=%H %P%n%B"
    out = repo.git.quiet(
        *("log", "-z", "--no-merges", "-E", "-i", "--grep=^fixes: *[0-9a-f]{7}", "--grep=This reverts commit"), form
    ).out.decode("utf-8", "replace")
    rows = [row for row in out.split("\0") if row]
    found = []
    for row in rows:
        head, _, message = row.partition("\n")
        fix, *parents = head.split()
        named = _FIXES.findall(message) + _REVERTS.findall(message)
        if len(parents) == 1 and len(set(named)) == 1:
            found.append((fix, parents[0], named[0]))
    step = max(1, len(found) // most)
    for fix, parent, name in found[::step][:most]:
        cause = repo.find(name)
        if cause is not None and repo.is_ancestor(cause, parent):
            yield fix, parent, cause


_OID = re.compile(r"\b[0-9a-f]{7,40}\b")
_TRAILER = re.compile(r"(?mi)^(?:fixes|reverts|cherry-picked-from|addresses)\b.*\n?|^This reverts commit.*\n?")
_QUOTED = re.compile(r"\(?\"[^\"]*\"\)?|“[^”]*”")


def disguised(message: str, subject: str) -> str:
    """A fix's message without what names its cause."""
    text = _QUOTED.sub("it", _OID.sub("that", _TRAILER.sub("", message)))
    # A subject is quoted without marks too, and without its prefix.
    for words in (subject, subject.partition(": ")[2]):
        if len(words) > 8:
            text = re.sub(re.escape(words), "it", text, flags=re.I)
    return text


@dataclass(frozen=True, slots=True)
class Blind:
    """A repository that has the objects of another and one commit as its HEAD."""

    repo: ReadRepo

    @classmethod
    def beside(cls, place: Path, repo: ReadRepo) -> Blind:
        """A new one in ``place``."""
        subprocess.run(["git", "init", "-q", "--bare", str(place)], env=environment(), check=True)
        for key, value in {"user.name": "Nobody", "user.email": "nobody@example.com"}.items():
            subprocess.run(["git", "-C", str(place), "config", key, value], env=environment(), check=True)
        (place / "objects/info/alternates").write_text(f"{repo.place.common_dir / 'objects'}\n")
        return cls(ReadRepo.discover(place))

    def explained(self, fix: Commit, message: str) -> list[str]:
        """The oids of the causes that are named for the change of ``fix`` under this message, the likeliest first."""
        text = message.encode("utf-8", "replace")
        made = self.repo.git.quiet("commit-tree", "-p", fix.parents[0], f"{fix.oid}^{{tree}}", stdin=text).text
        self.repo.git.quiet("update-ref", "--no-deref", "HEAD", made)
        found = explain_commit(self.repo, Asked("commit", "HEAD", made)).of_role(Role.CAUSE)
        return [one.oid for one in sorted(found, key=lambda one: -one.share)]

    def newest(self, fix: Commit) -> list[str]:
        """The three newest commits before ``fix`` that touched what it touches."""
        parent = fix.parents[0]
        paths = self.repo.git.lines("diff-tree", "-r", "-z", "--name-only", parent, fix.oid)[:20]
        literal = self.repo.git.setting(GIT_LITERAL_PATHSPECS="1")
        return literal.quiet("log", "-3", "--no-merges", "--format=%H", parent, "--", *paths).text.split("\n")


@dataclass
class Tally:
    """Of how many fixes the cause was first, among the first three, among the newest three."""

    count: int = 0
    first: int = 0
    three: int = 0
    newest: int = 0

    def add(self, ranked: list[str], newest: list[str], cause: str) -> None:
        """One more."""
        self.count += 1
        self.first += ranked[:1] == [cause]
        self.three += cause in ranked[:3]
        self.newest += cause in newest

    def words(self) -> str:
        """The shares."""
        first, three, newest = (f"{n / max(1, self.count):.2f}" for n in (self.first, self.three, self.newest))
        return f"first {first}, first three {three} (three newest commits of the same files: {newest})"


def main(arguments: list[str]) -> int:
    """Print how often the cause is first and in the first three; 1 where the claim does not hold."""
    given = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    most = int(arguments[arguments.index("--most") + 1]) if "--most" in arguments else MOST
    total = Tally()
    for name in SOURCES:
        repo = opened(name, given)
        tally = Tally()
        with TemporaryDirectory() as folder:
            blind = Blind.beside(Path(folder) / "blind", repo)
            for fix, _, cause in known(repo, most):
                commit, caused = repo.commits([fix, cause])
                message = disguised(commit.message, caused.title)
                assert not links_in(message) and cause[:7] not in message, f"{name} {fix}: its message names a commit"
                try:
                    ranked = blind.explained(commit, message)
                except TinyError as failed:
                    print(f"{name} {fix[:12]}: {failed.message}", file=sys.stderr)
                    ranked = []
                newest = blind.newest(commit)
                for one in (tally, total):
                    one.add(ranked, newest, cause)
                if "--show" in arguments and cause not in ranked[:3]:
                    at = ranked.index(cause) if cause in ranked else "-"
                    print(f"{name} {fix[:12]} cause {cause[:12]} at {at}")
        print(f"{name}: {tally.count} fixes with a known cause: {tally.words()}", flush=True)
    held = total.count >= 200 and total.three / total.count >= LEAST
    print(
        f"{'holds ' if held else 'MISSED'} | in the first three for at least {LEAST} of 200 or more | "
        f"{total.words()} | {total.count} commits"
    )
    return int(not held)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
