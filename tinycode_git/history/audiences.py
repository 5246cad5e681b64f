"""A range of commits grouped for who reads it: release notes, a newcomer, a reviewer. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tinycode_git.git.diff import FileDiff
from tinycode_git.history.evidence import Evidence, Role
from tinycode_git.pathkinds import Kind, kind_of

Files = Mapping[str, Sequence[FileDiff]]


class Audience(StrEnum):
    """Who reads the summary."""

    RELEASE_NOTES = "release-notes"
    NEWCOMER = "newcomer"
    REVIEWER = "reviewer"


@dataclass(frozen=True, slots=True)
class Bullet:
    """One line of a summary, with the evidence ids of the commits that it rests on."""

    text: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Bullets under a heading."""

    title: str
    bullets: tuple[Bullet, ...]


_CONVENTIONAL = re.compile(r"^(\w+)(?:\(([^)]*)\))?(!)?:\s+(.*)$", re.S)
_FEATURE = re.compile(r"(?i)\b(?:add(?:s|ed)?|support|implement(?:s|ed)?|introduce(?:s|d)?|new|allow|enable|feature)\b")
_SPEED = re.compile(r"(?i)\b(?:perf(?:ormance)?|faster|speed(?:s|ed)? ?up|optimi[sz]e[sd]?|optimi[sz]ation)\b")
_SECURITY = re.compile(r"(?i)\b(?:cve-\d{4}-\d+|security|vulnerab\w+|exploit|sanitiz?e)\b")
_BREAKING = re.compile(r"(?m)^BREAKING[ -]CHANGE:")
_LEAVING = re.compile(r"(?i)\b(?:deprecat\w+|drop(?:s|ped)? support|backward.incompatible)\b")
_BY_TYPE = {"feat": "New", "fix": "Fixed", "perf": "Faster", "revert": "Taken back"}
_INTERNAL_TYPES = frozenset(("chore", "ci", "build", "test", "tests", "style", "refactor", "docs"))
_ORDER = ("Breaking or deprecated", "Security", "New", "Fixed", "Faster", "Taken back", "Changed", "Internal")


def summary(audience: Audience, evidence: Sequence[Evidence], files: Files) -> tuple[Group, ...]:
    """The groups for ``audience``; ``files`` has what each commit changes."""
    if audience is Audience.RELEASE_NOTES:
        return release_notes(evidence, files)
    return for_newcomer(evidence, files) if audience is Audience.NEWCOMER else for_reviewer(evidence, files)


def release_notes(evidence: Sequence[Evidence], files: Files) -> tuple[Group, ...]:
    """By what changed for a user. A commit that the range itself takes back is left out, and so is what takes it
    back; what changes only tests, documentation or the build is one line at the end."""
    by_oid = {one.oid: one for one in evidence}
    undone = {oid for one in evidence if Role.REVERTS in one.roles for oid in one.about if oid in by_oid}
    undoing = {one.oid for one in evidence if Role.REVERTS in one.roles and set(one.about) & undone}
    groups: dict[str, list[Bullet]] = {title: [] for title in _ORDER}
    internal: list[str] = []
    for one in evidence:
        if one.oid in undone or one.oid in undoing:
            continue
        title = _heading(one, files.get(one.oid, ()))
        if title == "Internal":
            internal.append(one.id)
        else:
            groups[title].append(Bullet(_for_users(one), (one.id,)))
    groups = {title: _merged(bullets) for title, bullets in groups.items()}
    if internal:
        count = len(internal)
        word = f"{count} commit{'s' * (count != 1)} to tests, documentation, build and structure"
        groups["Internal"].append(Bullet(word, tuple(internal)))
    return _groups(groups)


def _merged(bullets: Sequence[Bullet]) -> list[Bullet]:
    """What stands there more than once (it was copied from branch to branch) is told once, with all its commits."""
    found: dict[str, list[str]] = {}
    for one in bullets:
        found.setdefault(one.text, []).extend(one.evidence)
    return [Bullet(text, tuple(ids)) for text, ids in found.items()]


def _heading(one: Evidence, files: Sequence[FileDiff]) -> str:
    named = _CONVENTIONAL.match(one.title)
    kind = named[1].lower() if named else ""
    if (named and named[3]) or _BREAKING.search(one.message):
        return "Breaking or deprecated"
    kinds = {kind_of(file.path) for file in files}
    within = bool(kinds) and kinds <= {Kind.TEST, Kind.DOCS, Kind.BUILD, Kind.LOCK, Kind.GENERATED}
    if any(bug.startswith("CVE-") for bug in one.bugs) or (_SECURITY.search(one.title) and not within):
        return "Security"
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    if kind in _INTERNAL_TYPES or within:
        return "Internal"
    if _LEAVING.search(one.title):
        return "Breaking or deprecated"
    if Role.REVERTS in one.roles or one.title.startswith("Revert "):
        return "Taken back"
    if one.fix:
        return "Fixed"
    for title, pattern in (("Faster", _SPEED), ("New", _FEATURE)):
        if pattern.search(one.title):
            return title
    return "Changed"


def _for_users(one: Evidence) -> str:
    named = _CONVENTIONAL.match(one.title)
    text = named[4] if named and (named[1].lower() in _BY_TYPE or named[1].lower() in _INTERNAL_TYPES) else one.title
    bugs = [bug for bug in one.bugs if bug not in text]
    return f"{text} ({', '.join(bugs[:3])})" if bugs else text


def for_newcomer(evidence: Sequence[Evidence], files: Files) -> tuple[Group, ...]:
    """By area of the tree, the busiest first: who worked there, what the messages give as reasons."""
    areas: dict[str, list[Evidence]] = {}
    for one in evidence:
        for area in sorted({_area(file.path) for file in files.get(one.oid, ())}):
            areas.setdefault(area, []).append(one)
    groups: dict[str, list[Bullet]] = {}
    told: set[str] = set()
    for area, found in sorted(areas.items(), key=lambda item: (-len(item[1]), item[0])):
        people = Counter(one.author for one in found)
        who = ", ".join(f"{name} ({count})" for name, count in people.most_common(3))
        bullets = [Bullet(f"{len(found)} commit{'s' * (len(found) != 1)} by {who}", tuple(o.id for o in found))]
        # What was told of one area is not told again.
        tellers = _tellers([one for one in found if one.id not in told])
        told |= {one.id for one in tellers}
        bullets += [Bullet(f"{o.title.rstrip('.:')}: {o.reason}" if o.reason else o.title, (o.id,)) for o in tellers]
        groups[area] = bullets
    return _groups(groups)


def _area(path: str) -> str:
    folder, slash, _ = path.rpartition("/")
    return "/".join(folder.split("/")[:2]) + "/" if slash else "top of the tree"


def _tellers(found: Sequence[Evidence], most: int = 3) -> list[Evidence]:
    """The commits that say most: a stated reason before none, more files before fewer."""
    ranked = sorted(found, key=lambda one: (not one.reason, -one.file_count, one.when))
    return sorted(ranked[:most], key=lambda one: one.when)


def for_reviewer(evidence: Sequence[Evidence], files: Files) -> tuple[Group, ...]:
    """By what deserves a look first; a commit may stand under several headings."""
    large = sorted(evidence, key=lambda one: -_size(files.get(one.oid, ())))[: max(1, len(evidence) // 10)]
    groups: dict[str, list[Bullet]] = {
        "Takes back or repairs another commit of the range": [
            _bullet(one) for one in evidence if {Role.REVERTS, Role.FIXES} & set(one.roles)
        ],
        "Changes code and no test": [_bullet(one) for one in evidence if _untested(files.get(one.oid, ()))],
        "Changes how it is built, checked or released": [
            _bullet(one) for one in evidence if _kinds(files.get(one.oid, ())) & {Kind.BUILD, Kind.LOCK}
        ],
        "The largest": [
            Bullet(f"{one.title} ({_extent(files[one.oid])})", (one.id,)) for one in large if files.get(one.oid)
        ],
        "Says no reason": [_bullet(one) for one in evidence if not one.reason and _size(files.get(one.oid, ())) > 20],
        "Most changed files": _most_changed(evidence, files),
    }
    return _groups(groups)


def _extent(files: Sequence[FileDiff]) -> str:
    lines, count = _size(files), len(files)
    return f"{lines} line{'s' * (lines != 1)} in {count} file{'s' * (count != 1)}"


def _most_changed(evidence: Iterable[Evidence], files: Files) -> list[Bullet]:
    ids: dict[str, list[str]] = {}
    for one in evidence:
        for file in files.get(one.oid, ()):
            ids.setdefault(file.path, []).append(one.id)
    ranked = sorted(ids.items(), key=lambda item: (-len(item[1]), item[0]))
    return [Bullet(f"{path}: {len(found)} commits", tuple(found)) for path, found in ranked[:5] if len(found) > 1]


def _bullet(one: Evidence) -> Bullet:
    return Bullet(one.title, (one.id,))


def _size(files: Iterable[FileDiff]) -> int:
    return sum((file.added or 0) + (file.removed or 0) for file in files)


def _kinds(files: Iterable[FileDiff]) -> set[Kind]:
    return {kind_of(file.path) for file in files}


def _untested(files: Sequence[FileDiff]) -> bool:
    code = [file for file in files if kind_of(file.path) is Kind.CODE]
    return _size(code) > 5 and Kind.TEST not in _kinds(files)


def _groups(groups: Mapping[str, Sequence[Bullet]]) -> tuple[Group, ...]:
    return tuple(Group(title, tuple(bullets)) for title, bullets in groups.items() if bullets)
