"""How a file came to be: its size over time, its phases, who owned it when, where it turned. From git log and blame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tinycode_git.errors import Refused
from tinycode_git.git.blame import ignored_revisions, parse_blame, path_arg
from tinycode_git.git.read import ReadRepo
from tinycode_git.history.asking import kind_at
from tinycode_git.history.gather import shallow_ends, shallow_gap
from tinycode_git.history.links import LinkKind, is_fix, links_in
from tinycode_git.proposal import path_str

MOST_TURNS = 14
_MONTH = 30 * 86400
_CALM = 180 * 86400
_LARGE, _GREAT = 60, 100


@dataclass(frozen=True, slots=True)
class Change:
    """A commit that changed the file: lines added and removed, and how many it had then. ``at`` is when it was
    committed: by the authors' clocks, changes stand in another order than they came in."""

    oid: str
    at: int
    author: str
    title: str
    path: str
    added: int
    removed: int
    size: int
    renamed_path: str = ""


@dataclass(frozen=True, slots=True)
class Phase:
    """A time in the file's life. ``kind`` is beginning, growth, work, shrinking or calm."""

    kind: str
    begun: int
    ended: int
    commits: int
    added: int
    removed: int
    owner: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A commit after which the file was another one, and why it counts as one."""

    oid: str
    at: int
    author: str
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Who wrote how many of the lines that are there now."""

    author: str
    lines: int
    share: float


@dataclass(frozen=True, slots=True)
class Story:
    """The whole, oldest first."""

    path: str
    tip: str
    changes: tuple[Change, ...]
    phases: tuple[Phase, ...]
    turns: tuple[Turn, ...]
    holders: tuple[Holder, ...]
    gaps: tuple[str, ...] = ()


def story(repo: ReadRepo, tip: str, path: str) -> Story:
    """The story of a file of ``tip``. Raises Refused for what is no file with lines."""
    kind = kind_at(repo, tip, path)
    blob = kind == "blob" and repo.git.quiet("cat-file", "blob", f"{tip}:{path_arg(path)}").out
    if blob is False or b"\0" in blob[:8000]:
        what = "is no text file" if blob else "is a folder" if kind == "tree" else "is no file of this repository"
        raise Refused(f"{path} {what}", f"git tiny explain {path} tells of it")
    with ignored_revisions(repo, tip) as ignore:
        ignoring = [f"--ignore-revs-file={ignore}"] if ignore else []
        blaming = repo.git.beside("blame", "--porcelain", "-w", "-M", *ignoring, tip, "--", path_arg(path))
        with blaming as blamed:
            changes = _ending(tuple(_changes(repo, tip, path)), blob)
            holders = _holders(blamed().out)
    ends = shallow_ends(repo)
    told = tuple(turns(changes, ends))
    return Story(path, tip, changes, tuple(phases(changes)), told, holders, shallow_gap(repo))


def _ending(changes: tuple[Change, ...], blob: bytes) -> tuple[Change, ...]:
    """The last size as the file has it: what merges changed is not in the sum."""
    if not changes:
        return changes
    lines = blob.count(b"\n") + (not blob.endswith(b"\n") and bool(blob))
    return (*changes[:-1], replace(changes[-1], size=lines))


def _changes(repo: ReadRepo, tip: str, path: str) -> Iterator[Change]:
    literal = repo.git.setting(GIT_LITERAL_PATHSPECS="1")
    out = literal.quiet(
        *("log", "--follow", "-M", "--numstat", "-z", "--no-color", "--no-ext-diff", "--no-textconv"),
        *("--no-merges", "--format=%x01%H%x02%ct%x02%aN%x02%s", tip, "--", path_arg(path)),
    ).out
    rows = list(_parsed(out))[::-1]
    size = 0
    for oid, at, author, title, added, removed, name, old in rows:
        size = max(0, size + added - removed)
        yield Change(oid, at, author, title, name, added, removed, size, old)


_Row = tuple[str, int, str, str, int, int, str, str]


def _parsed(out: bytes) -> Iterator[_Row]:
    parts = iter(out.split(b"\0"))
    head: list[str] = []
    for part in parts:
        row = part.lstrip(b"\n")
        if row.startswith(b"\x01"):
            head = row[1:].decode("utf-8", "replace").split("\x02")
        elif row and head:
            added, removed, name = row.split(b"\t", 2)
            old = b""
            if not name:
                old, name = next(parts), next(parts)
            counts = [int(word) if word.isdigit() else 0 for word in (added, removed)]
            yield head[0], int(head[1]), head[2], head[3], counts[0], counts[1], path_str(name), path_str(old)
            head = []


def _holders(out: bytes) -> tuple[Holder, ...]:
    names: dict[str, str] = {}
    oid = ""
    for row in out.split(b"\n"):
        if row.startswith(b"author "):
            names[oid] = row.removeprefix(b"author ").decode("utf-8", "replace")
        elif row[:1] not in (b"\t", b"") and len(row.split(b" ")[0]) in (40, 64):
            oid = row.split(b" ")[0].decode()
    lines = parse_blame(out)
    counts = Counter(names[line.oid] for line in lines)
    return tuple(Holder(name, n, round(n / len(lines), 3)) for name, n in counts.most_common(8))


def phases(changes: Sequence[Change]) -> Iterator[Phase]:
    """The life cut where it rested for half a year, and where it turned from growing to shrinking. Pure."""
    for group in _cut(changes):
        added, removed = sum(one.added for one in group), sum(one.removed for one in group)
        owner = Counter(one.author for one in group).most_common(1)[0][0]
        kind = "beginning" if group[0] is changes[0] else _kind(added, removed, group[0].size)
        yield Phase(kind, group[0].at, group[-1].at, len(group), added, removed, owner)
        following = next((one for one in changes if one.at > group[-1].at), None)
        if following is not None and following.at - group[-1].at >= _CALM:
            yield Phase("calm", group[-1].at, following.at, 0, 0, 0, "")


def _cut(changes: Sequence[Change]) -> Iterator[list[Change]]:
    group: list[Change] = []
    for one in sorted(changes, key=lambda change: change.at):
        rested = group and one.at - group[-1].at >= _CALM
        long = group and one.at - group[0].at > 24 * _MONTH and len(group) >= 8
        if rested or long:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _kind(added: int, removed: int, size: int) -> str:
    net = added - removed
    if net > max(20, size * 0.2):
        return "growth"
    return "shrinking" if net < -max(20, size * 0.2) else "work"


def turns(changes: Sequence[Change], ends: Collection[str] = ()) -> Iterator[Turn]:
    """The commits that made it another file: the first, renames, rewrites, great growth, reverts, fixes by another
    hand's commit. Pure; the weightiest where there are many, in order of time. At one of ``ends`` nothing began."""
    found: list[tuple[float, Turn]] = []
    for at, one in enumerate(changes):
        weight, why = _weight(one, changes[at - 1].size if at else 0, first=at == 0)
        if at == 0 and one.oid in ends:
            why = f"the oldest that this clone has, with {_lines(one.added)}"
        if why:
            found.append((weight, Turn(one.oid, one.at, one.author, one.title, why)))
    kept = sorted(found, key=lambda pair: -pair[0])[:MOST_TURNS]
    yield from sorted((turn for _, turn in kept), key=lambda turn: turn.at)


def _weight(one: Change, before: int, *, first: bool) -> tuple[float, str]:
    if first:
        return 100.0, f"the beginning, with {_lines(one.added)}"
    if one.renamed_path and one.renamed_path != one.path:
        return 50.0, f"moved here from {one.renamed_path}"
    if before >= 20 and one.removed >= before * 0.4:
        return 40.0 * one.removed / before, f"rewritten: {one.removed:,} of {before:,} lines went, {one.added:,} came"
    net = one.added - one.removed
    if before and (one.added >= max(40, before * 0.3) or net >= max(_GREAT, before * 0.08)):
        return 20.0 * one.added / before, f"grew by {_lines(one.added)} to {one.size:,}"
    if any(link.kind is LinkKind.REVERTS for link in links_in(one.title)):
        return 8.0, "takes a change back"
    if is_fix(one.title) and one.added + one.removed >= _LARGE:
        return 2.0 + (one.added + one.removed) / 1000, f"a large repair: {_lines(one.added)} came, {one.removed:,} went"
    return 0.0, ""


def _lines(count: int) -> str:
    return f"{count:,} line{'s' * (count != 1)}"


def month(at: int) -> str:
    """A moment as ``2026-01``."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m")


def over_time(changes: Sequence[Change], width: int) -> list[float]:
    """The file's size at ``width`` moments from its first commit to its last. Pure."""
    if not changes:
        return []
    ordered = sorted(changes, key=lambda one: one.at)
    begun, ended = ordered[0].at, ordered[-1].at
    if begun == ended:
        return [float(ordered[-1].size)]
    sizes: list[float] = []
    at, size = 0, 0
    for step in range(width):
        until = begun + (ended - begun) * step / max(1, width - 1)
        while at < len(ordered) and ordered[at].at <= until:
            size = ordered[at].size
            at += 1
        sizes.append(float(size))
    return sizes
