"""The scans: what is staged, a range of commits, the working tree, plain files. Each gives findings and a receipt."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tinycode_git.errors import UsageError
from tinycode_git.rows import NamedTuple
from tinycode_git.safety import objects, surface
from tinycode_git.safety.judge import judged, text_findings
from tinycode_git.safety.look import Cache, NoCache, Receipt, Skip, Text, look_at, look_large, texts_of
from tinycode_git.safety.objects import Reader
from tinycode_git.safety.opening import POLICY
from tinycode_git.safety.surface import LINK, Change, ChangeSet, Side

if TYPE_CHECKING:
    from tinycode_git.git.process import Git
    from tinycode_git.safety.engine import Engine, Looked
    from tinycode_git.safety.finding import Finding


class ScanResult(NamedTuple):
    """What a scan tells: findings (with the excused ones), the receipt, lines for the user, and which files of the
    project's policy the change touches.
    """

    findings: tuple[Finding, ...] = ()
    receipt: Receipt = Receipt()
    notes: tuple[str, ...] = ()
    policy: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The documented shape."""
        return {
            "findings": [finding.to_json() for finding in self.findings],
            "receipt": {
                "scanned": self.receipt.scanned,
                "cached": self.receipt.cached,
                "paths": self.receipt.paths,
                "bytes": self.receipt.bytes,
                "skipped": [{"what": skip.what, "reason": skip.reason} for skip in self.receipt.skipped],
            },
            "notes": list(self.notes),
        }

    def plus(self, other: ScanResult) -> ScanResult:
        """Both results as one."""
        return ScanResult(
            self.findings + other.findings,
            self.receipt + other.receipt,
            tuple(dict.fromkeys(self.notes + other.notes)),
            tuple(dict.fromkeys(self.policy + other.policy)),
        )


class Scanner(NamedTuple):
    """What every scan needs: a repository, the rules, what is known already."""

    git: Git
    engine: Engine
    cache: Cache = NoCache()
    reader: Reader | None = None

    @property
    def source(self) -> Git | Reader:
        """What objects are read from."""
        return self.reader or self.git


def scan_staged(scanner: Scanner) -> ScanResult:
    """What the next commit would add."""
    return scan_sets(scanner, [surface.staged(scanner.git)])


def scan_between(scanner: Scanner, old: str, new: str) -> ScanResult:
    """What one tree-ish adds to another, as one change."""
    return scan_sets(scanner, [surface.between(scanner.git, old, new)])


def scan_sets(scanner: Scanner, sets: Sequence[ChangeSet]) -> ScanResult:
    """Change sets, each judged on its own."""
    looked, receipt = look_at(scanner.source, scanner.engine, texts_of(sets, olds=True), scanner.cache)
    findings = [one for each in sets for one in (*judged(scanner.engine, each, looked), *_policy(scanner, each))]
    paths = [change.path for each in sets for change in each.changes if change.path.startswith(POLICY)]
    receipt += Receipt(paths=sum(len(each.changes) for each in sets))
    return ScanResult(tuple(findings), receipt, policy=tuple(dict.fromkeys(paths)))


def _policy(scanner: Scanner, changes: ChangeSet) -> Iterator[Finding]:
    """Exceptions and policy that arrive with the change."""
    if any(change.path.startswith((".tiny", ".gitleaks.toml")) for change in changes.changes):
        from tinycode_git.safety.policychange import policy_findings

        yield from policy_findings(scanner.git, changes)


def scan_commits(scanner: Scanner, commits: Sequence[str]) -> ScanResult:
    """Each commit against its parents, with its message and identities; findings are in the order of ``commits``."""
    sets = list(surface.history(scanner.git, commits))
    contents = scan_sets(scanner, sets)
    texts = scan_texts(scanner, commits)
    order = {commit: at for at, commit in enumerate(commits)}
    both = contents.plus(texts)
    return both._replace(findings=tuple(sorted(both.findings, key=lambda finding: order[finding.commit])))


def scan_range(scanner: Scanner, *revisions: str, tags: Sequence[str] = ()) -> ScanResult:
    """The commits of a rev-list question (``A..B``), oldest first, and annotated tags by oid. Raises UsageError."""
    commits = surface.commits_of(scanner.git, *revisions)
    result = scan_commits(scanner, commits[::-1])
    return result.plus(scan_texts(scanner, tags)) if tags else result


def scan_texts(scanner: Scanner, names: Sequence[str]) -> ScanResult:
    """The messages and identities of commits and annotated tags."""
    findings: list[Finding] = []
    skipped: list[Skip] = []
    count = size = 0
    for loaded in objects.read(scanner.source, names):
        if isinstance(loaded, objects.Large) or loaded.content is None:
            reason = "larger than a message can be" if isinstance(loaded, objects.Large) else loaded.problem
            skipped.append(Skip(loaded.name, reason))
            continue
        count += 1
        size += len(loaded.content)
        commit = loaded.name if loaded.type == "commit" else ""
        for where, text in written(loaded.content):
            looked = scanner.engine.look(text, where)
            findings += text_findings(scanner.engine, looked, oid=loaded.name, where=where, commit=commit)
    return ScanResult(tuple(findings), Receipt(count, 0, tuple(skipped), 0, size))


def written(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """What people wrote in a commit or tag object: (``identity`` or ``message``, text)."""
    head, _, message = raw.partition(b"\n\n")
    identities = dict.fromkeys(
        line.split(b" ", 1)[1].rsplit(b" ", 2)[0]
        for line in head.split(b"\n")
        if line.startswith((b"author ", b"committer ", b"tagger ", b"tag "))
    )
    yield from (("identity", identity) for identity in identities)
    yield "message", message


def scan_message(engine: Engine, message: bytes) -> ScanResult:
    """A message that is about to be a commit's."""
    looked = engine.look(message, "message")
    findings = tuple(text_findings(engine, looked, oid="", where="message", commit=""))
    return ScanResult(findings, Receipt(1, 0, (), 0, len(message)))


def scan_files(engine: Engine, files: Iterable[tuple[str, str]]) -> ScanResult:
    """Files as they are on disk: pairs of where to read and the path to call it. Links are looked at, not followed."""
    changes: list[Change] = []
    looked: dict[Text, Looked] = {}
    skipped: list[Skip] = []
    size = 0
    for file, path in files:
        try:
            mode, seen, length = _look_on_disk(engine, file, path)
        except OSError as bad:
            skipped.append(Skip(path, f"cannot be read: {bad.strerror}"))
            continue
        change = Change(path, Side(mode, path), ())
        for text in texts_of([ChangeSet("", (change,))], olds=False):
            looked[text] = seen
        skipped += [Skip(path, gap) for gap in seen.gaps]
        size += length
        changes.append(change)
    findings = judged(engine, ChangeSet("", tuple(changes)), looked)
    receipt = Receipt(len(looked), 0, tuple(skipped), len(changes), size)
    return ScanResult(tuple(finding._replace(oid="") for finding in findings), receipt)


def _look_on_disk(engine: Engine, file: str, path: str) -> tuple[int, Looked, int]:
    """Mode, what the engine sees, and the size of a file or link. Raises OSError."""
    found = os.lstat(file)
    if stat.S_ISLNK(found.st_mode):
        target = os.fsencode(os.readlink(file))
        return LINK, engine.look(target, "symlink", path), len(target)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(0, "not a file")
    mode = 0o100755 if found.st_mode & 0o111 else 0o100644
    with open(file, "rb") as stream:
        if found.st_size > objects.WHOLE:
            large = objects.Large(path, "blob", found.st_size, objects.in_chunks(stream, found.st_size))
            text = Text(path, "content")
            return mode, look_large(engine, large, [text], {text: path})[text], found.st_size
        content = stream.read()
    return mode, engine.look(content, "content", path), len(content)


def files_below(paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every file below the given ones, ``.git`` folders left out. Raises UsageError for a path that does not exist."""
    for path in paths:
        if not os.path.lexists(path):
            raise UsageError(f"there is no {path}")
        if not os.path.isdir(path) or os.path.islink(path):
            yield path, os.path.relpath(path) if os.path.isabs(path) else path
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if name != ".git")
            links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
            for name in sorted([*names, *links]):
                file = os.path.join(folder, name)
                yield file, os.path.relpath(file, path)


def worktree_files(git: Git) -> Iterator[tuple[str, str]]:
    """Tracked files and those that are neither tracked nor ignored, as they are on disk."""
    top = git.quiet("rev-parse", "--show-toplevel").text
    for path in git.at(git.cwd).lines(
        "-C", top, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"
    ):
        file = os.path.join(top, path)
        if os.path.lexists(file) and (os.path.islink(file) or not os.path.isdir(file)):
            yield file, path
