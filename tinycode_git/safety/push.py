"""What a push would publish, or has brought: every commit, tag, tree and blob that the other side does not have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tinycode_git.git.process import Git, GitFailed
from tinycode_git.rows import NamedTuple
from tinycode_git.safety import objects, surface
from tinycode_git.safety.judge import text_findings
from tinycode_git.safety.look import Receipt, Skip
from tinycode_git.safety.scan import Scanner, ScanResult, scan_between, scan_commits, scan_texts


def scan_tips(scanner: Scanner, tips: Sequence[str], known: Iterable[str]) -> ScanResult:
    """What ``tips`` (oids of any type) reach and ``known`` (oids) do not, commits oldest first."""
    peeled = _peeled(scanner.git, tips)
    result = _other_tips(scanner, peeled)
    if peeled.commits:
        result = result.plus(scan_commits(scanner, new_commits(scanner.git, peeled.commits, known)))
    return result


def scan_other_tips(scanner: Scanner, tips: Sequence[str]) -> ScanResult:
    """Of ``tips``, the annotated tags, and the trees and blobs that a ref names itself."""
    return _other_tips(scanner, _peeled(scanner.git, tips))


def _other_tips(scanner: Scanner, peeled: _Peeled) -> ScanResult:
    result = ScanResult(receipt=Receipt(skipped=tuple(peeled.problems)))
    if peeled.tags:
        result = result.plus(scan_texts(scanner, peeled.tags))
    for oid, kind in peeled.others:
        result = result.plus(_other(scanner, oid, kind))
    return result


def new_commits(git: Git, tips: Iterable[str], known: Iterable[str]) -> list[str]:
    """Commits that ``tips`` reach and ``known`` do not, oldest first. Raises Incomplete where history is missing."""
    asked = "".join([*(f"{tip}\n" for tip in tips), *(f"^{one}\n" for one in known)]).encode()
    try:
        out = git.quiet("rev-list", "--topo-order", "--reverse", "--ignore-missing", "--stdin", stdin=asked)
    except GitFailed as bad:
        raise surface.no_such(bad, "the push") from bad
    return out.text.split()


class _Peeled(NamedTuple):
    """Annotated tags on the way, the commits at the end, trees and blobs, and what is not there."""

    tags: list[str]
    commits: list[str]
    others: list[tuple[str, str]]
    problems: list[Skip]


def _peeled(git: Git, tips: Sequence[str]) -> _Peeled:
    """Annotated tags on the way, the commits at the end, trees and blobs, and what is not there."""
    tags: list[str] = []
    commits: list[str] = []
    others: list[tuple[str, str]] = []
    problems: list[Skip] = []
    left = list(dict.fromkeys(tips))
    while left:
        inside: list[str] = []
        for loaded in objects.read(git, left):
            if isinstance(loaded, objects.Loaded) and loaded.content is None:
                problems.append(Skip(loaded.name, loaded.problem))
            elif loaded.type == "commit":
                commits.append(loaded.name)
            elif loaded.type == "tag" and isinstance(loaded, objects.Loaded) and loaded.content is not None:
                tags.append(loaded.name)
                inside.append(loaded.content.split(b"\n", 1)[0].removeprefix(b"object ").decode("ascii"))
            else:
                others.append((loaded.name, loaded.type))
        left = inside
    return _Peeled(tags, commits, others, problems)


def _other(scanner: Scanner, oid: str, kind: str) -> ScanResult:
    if kind == "tree":
        return scan_between(scanner, surface.empty_tree(scanner.git), oid)
    findings = []
    skipped: list[Skip] = []
    for loaded in objects.read(scanner.git, [oid]):
        if isinstance(loaded, objects.Large) or loaded.content is None:
            skipped.append(Skip(oid, "a ref to a very large or damaged blob"))
        else:
            looked = scanner.engine.look(loaded.content, "content", "")
            findings += list(text_findings(scanner.engine, looked, oid=oid, where="content", commit=""))
    return ScanResult(tuple(findings), Receipt(1, 0, tuple(skipped)))
