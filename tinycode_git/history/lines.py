"""Why some lines are there: who wrote them (through moves, copies and renames), every commit that changed them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

from tinycode_git.errors import Refused, UsageError
from tinycode_git.git.blame import Blamed, blame_args, ignored_revisions, parse_blame
from tinycode_git.git.linelog import LineChange, line_log_args, parse_line_log
from tinycode_git.git.process import GitFailed
from tinycode_git.git.read import ReadRepo
from tinycode_git.history.evidence import Asked, Evidence, Explanation, Gathered, Origin, Role
from tinycode_git.history.gather import add_linked, finished, parse_releases, release_args, shallow_gap
from tinycode_git.history.linkcache import links_of


def explain_lines(repo: ReadRepo, asked: Asked) -> Explanation:
    """The evidence for lines of a path. Raises UsageError where the file has not so many lines.

    The slow questions (the lines' log, blame, messages that name commits) run beside each other.
    """
    span = [(asked.first, asked.last)]
    with ExitStack() as stack:
        ignore = stack.enter_context(ignored_revisions(repo, asked.commit))
        log = stack.enter_context(
            repo.git.beside(*line_log_args(asked.commit, asked.path, asked.first, asked.last), ok=(0, 128))
        )
        blaming = stack.enter_context(repo.git.beside(*blame_args(asked.commit, asked.path, span, ignore)))
        linking = stack.enter_context(links_of(repo, asked.commit))
        try:
            blamed = parse_blame(blaming().out)
        except GitFailed as failed:
            raise _no_lines(failed, asked) from failed
        wrote = Counter(line.oid for line in blamed)
        oldest, *_ = wrote
        holding = stack.enter_context(repo.git.beside(*release_args(oldest)))
        links = linking()
        held = parse_releases(holding().text)
        done = log()
    changes = parse_line_log(done.out) if done.code == 0 else ()
    gathered = _gathered(blamed, changes)
    _note_moves(gathered, blamed, asked)
    add_linked(gathered, repo, links)
    releases = {oldest: held} if held else {}
    evidence = finished(gathered, repo, releases=releases)
    gaps = [*shallow_gap(repo)]
    if done.code:
        gaps.append("the lines' log could not be read: git log -L failed")
    return Explanation(asked, evidence, _origins(blamed, evidence), gaps=tuple(gaps))


def _no_lines(failed: GitFailed, asked: Asked) -> Exception:
    if "has only" in failed.stderr:
        count = failed.stderr.rpartition("has only ")[2].strip()
        return UsageError(
            f"{asked.path} has not so many lines: it has {count.removesuffix(' lines').removesuffix(' line')}",
            "lines count from 1, as the file is in the commit that is asked about",
        )
    if "object name list" in failed.stderr:
        return Refused(
            f"git blame cannot read a list of commits to ignore: {failed.stderr.removeprefix('fatal: ')}",
            "git config --show-origin --get-all blame.ignoreRevsFile says where it is named",
        )
    return failed


def _gathered(blamed: Sequence[Blamed], changes: Sequence[LineChange]) -> Gathered:
    gathered = Gathered()
    total = len(blamed)
    for oid, count in Counter(line.oid for line in blamed).most_common():
        gathered.add(oid, Role.WROTE)
        gathered.shares[oid] = count / total
    for change in changes:
        gathered.add(change.oid, Role.CHANGED)
        gathered.patches[change.oid] = change.patch
    if changes:
        first = changes[-1].oid
        gathered.roles[first] = [role for role in gathered.roles[first] if role is not Role.CHANGED]
        gathered.roles[first].insert(0, Role.INTRODUCED)
    return gathered


def _note_moves(gathered: Gathered, blamed: Sequence[Blamed], asked: Asked) -> None:
    for line in blamed:
        if line.was_path != asked.path:
            gathered.notes.setdefault(line.oid, f"stood at {line.was_path}:{line.was_line} then")


def _origins(blamed: Sequence[Blamed], evidence: Sequence[Evidence]) -> tuple[Origin, ...]:
    ids = {one.oid: one.id for one in evidence}
    return tuple(
        Origin(line.line, ids[line.oid], line.was_path, line.was_line, line.text.decode("utf-8", "surrogateescape"))
        for line in blamed
    )
