"""Whole histories: every blob that a commit brought, every path, message, tag; what was looked at before is not again.

A sweep finds the blobs in which a text rule may hold where they are new; only those are read once more and judged
against their parents, as in any other scan. Structural rules need whole files parsed: they run when asked for.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from tinycode_git.errors import Incomplete
from tinycode_git.git.process import Git, GitFailed
from tinycode_git.safety import lineage, objects, surface
from tinycode_git.safety.engine import NOTHING, Engine, Looked
from tinycode_git.safety.finding import Finding
from tinycode_git.safety.judge import ALLOW, judged, path_findings
from tinycode_git.safety.look import Receipt, Skip, Text, look_among, look_at, texts_of
from tinycode_git.safety.moved import brought, perhaps_moved
from tinycode_git.safety.push import new_commits
from tinycode_git.safety.scan import Scanner, ScanResult, scan_texts
from tinycode_git.safety.surface import Change, ChangeSet, Side, parse_raw
from tinycode_git.safety.suspicion import suspicion
from tinycode_git.safety.sweep import EVERY, MOST, Item, sweep
from tinycode_git.safety.verdicts import Verdicts
from tinycode_git.safety.workers import spread

Moved = Callable[[int, int], None]
Sized = dict[str, tuple[str, int]]

_WITHOUT = "structural rules were not run over the history; --structural runs them"


def scan_history(
    scanner: Scanner, *, structural: bool = False, unreachable: bool = False, jobs: int = 0, moved: Moved
) -> ScanResult:
    """Everything that a ref reaches; with ``unreachable`` all else too. ``moved`` hears (more, of how many)."""
    git = scanner.git
    tips = surface.tips(git)
    verdicts = scanner.cache if isinstance(scanner.cache, Verdicts) and not structural else None
    before, known = _known(git, verdicts, tips)
    commits = new_commits(git, tips, known)
    result = _commits(scanner, commits, structural=structural, jobs=jobs or os.cpu_count() or 1, moved=moved)
    result = result.plus(_tips(scanner, tips, known))
    if verdicts is not None:
        verdicts.keep_history(tips, _packed(before.plus(result)))
    whole = before.plus(result)
    if unreachable:
        whole = whole.plus(_unreachable(scanner, tips, moved))
    if os.path.exists(os.path.join(surface.common_dir(git), "shallow")):
        gap = Skip("the history below its shallow boundary", "this is a shallow clone: git fetch --unshallow")
        whole = whole._replace(receipt=whole.receipt + Receipt(skipped=(gap,)))
    return whole if structural else whole._replace(notes=(*whole.notes, _WITHOUT))


def _known(git: Git, verdicts: Verdicts | None, tips: Sequence[str]) -> tuple[ScanResult, tuple[str, ...]]:
    """The result of a history that is part of this one, and its tips; nothing where there is none."""
    for held, raw in verdicts.history() if verdicts is not None else ():
        if not set(held) <= set(tips) and not _reached(git, held, tips):
            continue
        found = _unpacked(raw)
        if found is not None and not _come_back(git, found.receipt.skipped):
            return found, held
    return ScanResult(), ()


def _reached(git: Git, held: Iterable[str], tips: Sequence[str]) -> bool:
    asked = "".join([*(f"{one}\n" for one in held), *(f"^{tip}\n" for tip in tips)]).encode()
    try:
        return not git.quiet("rev-list", "--objects", "-n", "1", "--stdin", stdin=asked).out
    except GitFailed:
        return False


def _come_back(git: Git, skipped: Sequence[Skip]) -> bool:
    """Whether an object that was missing then is there now."""
    gone = [skip.what for skip in skipped if skip.reason == objects.GONE]
    return bool(gone) and len(_sizes(git, gone)[1]) < len(gone)


def _packed(result: ScanResult) -> bytes:
    rows = [tuple(finding) for finding in result.findings]
    receipt = result.receipt
    skipped = [tuple(skip) for skip in receipt.skipped]
    return marshal.dumps((rows, receipt.scanned + receipt.cached, skipped, receipt.paths))


def _unpacked(raw: bytes) -> ScanResult | None:
    try:
        rows, looked, skipped, paths = marshal.loads(raw)  # noqa: S302 - our own file, plain values
        receipt = Receipt(0, looked, tuple(Skip(*row) for row in skipped), paths, 0)
        return ScanResult(tuple(Finding(*row) for row in rows), receipt)
    except (ValueError, EOFError, TypeError):
        return None


def _commits(scanner: Scanner, commits: Sequence[str], *, structural: bool, jobs: int, moved: Moved) -> ScanResult:
    if not commits:
        return ScanResult()
    result = _messages(scanner, commits, moved)
    try:
        for part in lineage.parts(scanner.git, commits):
            result = result.plus(_part(scanner, part, structural=structural, jobs=jobs, moved=moved))
    except GitFailed as bad:
        raise Incomplete(f"the history cannot be read: {bad.message}", "git fsck says what is missing") from bad
    return result


def _part(scanner: Scanner, part: lineage.Part, *, structural: bool, jobs: int, moved: Moved) -> ScanResult:
    git = scanner.git
    order = lineage.in_order(part)
    sizes, missing = _sizes(git, list(dict.fromkeys(one.oid for one in order)))
    items = [
        Item(one.oid, sizes[one.oid][1], one.base, one.paths)
        for one in order
        if one.oid in sizes and sizes[one.oid][1] <= MOST
    ]
    large = {oid for oid, (_, size) in sizes.items() if size > MOST}
    moved(0, len(items))
    suspects, lost, _ = _swept(scanner, "blob", items, jobs=jobs, structural=structural, moved=moved)
    looked_at = {item.oid: item.size for item in items}
    skipped = [Skip(oid, objects.GONE) for oid in missing] + [Skip(oid, objects.DIED) for oid in lost]
    wanted = dict.fromkeys((*large, *(oid.decode("ascii") for oid in part.links)), EVERY) | suspects
    judged_ones = _judged(scanner, part, wanted, structural=structural)
    paths = tuple(_path_findings(scanner.engine, part))
    receipt = Receipt(len(looked_at), 0, tuple(skipped), len(part.paths), sum(looked_at.values()))
    return ScanResult((*paths, *judged_ones.findings), receipt + judged_ones.receipt._replace(scanned=len(large)))


def _sizes(git: Git, oids: Sequence[str]) -> tuple[Sized, list[str]]:
    """Type and size of objects, and which of them are not there."""
    asked = "".join(f"{oid}\n" for oid in oids).encode()
    form = "--batch-check=%(objectname) %(objecttype) %(objectsize)"
    sizes: Sized = {}
    missing: list[str] = []
    with git.fed("cat-file", form, "--buffer", stdin=asked) as out:
        for line in out:
            oid, kind, *size = line.decode("ascii").split()
            if size:
                sizes[oid] = (kind, int(size[0]))
            else:
                missing.append(oid)
    return sizes, missing


def _swept(
    scanner: Scanner, kind: str, items: Sequence[Item], *, jobs: int, structural: bool, moved: Moved
) -> tuple[dict[str, frozenset[str]], list[str], int]:
    """The suspects among objects of one kind, with the rules that may hold in them, over ``jobs`` processes."""
    engine, where = scanner.engine, "content" if kind == "blob" else "message"

    def work(
        part: Sequence[Item], told: Callable[[int], None]
    ) -> tuple[list[tuple[str, tuple[str, ...]]], list[str], int]:
        done = sweep(scanner.git, kind, part, suspicion(engine, where, structural=structural), told)
        return done.suspects, done.lost, done.bytes

    suspects: dict[str, frozenset[str]] = {}
    lost: list[str] = []
    size = 0
    shares = _shares(items, jobs if len(items) > 2000 else 1)
    for some, gone, looked in spread(shares, work, lambda count: moved(count, len(items))):
        for oid, rules in some:
            suspects[oid] = suspects.get(oid, frozenset()) | frozenset(rules)
        lost += gone
        size += looked
    return suspects, lost, size


def _shares(items: Sequence[Item], jobs: int) -> list[list[Item]]:
    """The items in their order, cut into parts of about the same number of bytes."""
    total = sum(item.size for item in items)
    shares: list[list[Item]] = [[] for _ in range(jobs)]
    size = 0
    for item in items:
        shares[min(jobs - 1, size * jobs // max(1, total))].append(item)
        size += item.size
    return shares


def _judged(
    scanner: Scanner, part: lineage.Part, wanted: Mapping[str, frozenset[str]], *, structural: bool
) -> ScanResult:
    """The changes that brought the wanted blobs, judged one by one against their parents by the rules named."""
    if not wanted:
        return ScanResult()
    engine = scanner.engine.without_structure() if not structural else scanner.engine
    names = {name.encode("ascii") for name in wanted}
    suspected = _sets(part.fields, lambda _, new: new in names)
    result, looked = _judged_by(scanner, engine, suspected, wanted if not structural else {})
    # What a commit only moved from another file is nothing new: those that took it away elsewhere are judged whole.
    digests = brought(result.findings, looked)
    if not digests:
        return result
    commits = {commit.encode("ascii") for commit in digests}
    sets = _sets(part.fields, lambda commit, _: commit in commits)
    moved, skipped = perhaps_moved(scanner.source, engine, sets, digests) if not structural else (set(digests), [])
    result = result.plus(ScanResult(receipt=Receipt(skipped=tuple(skipped))))
    if not moved:
        return result
    whole, _ = _judged_by(scanner, engine, [each for each in sets if each.commit in moved], {})
    order = {each.commit: at for at, each in enumerate(sets)}
    both = [*(one for one in result.findings if one.commit not in moved)]
    both += [one for one in whole.findings if one.oid in wanted]
    both.sort(key=lambda one: order[one.commit])
    return ScanResult(tuple(both), result.receipt + Receipt(skipped=whole.receipt.skipped))


def _judged_by(
    scanner: Scanner, engine: Engine, sets: Sequence[ChangeSet], suspected: Mapping[str, frozenset[str]]
) -> tuple[ScanResult, dict[Text, Looked]]:
    """Change sets, each judged by the rules suspected in what is new in it (by oid; where nothing is said, by all)."""
    rules = [_rules(each, suspected) for each in sets]
    asked = {
        (text, among): path
        for each, among in zip(sets, rules, strict=True)
        for text, path in texts_of([each], olds=True).items()
    }
    seen, receipt = look_among(scanner.source, engine, asked)
    findings: list[Finding] = []
    every: dict[Text, Looked] = {}
    by_rules: dict[frozenset[str], dict[Text, Looked]] = {}
    for (text, among), looked in seen.items():
        by_rules.setdefault(among, {})[text] = looked
        every[text] = Looked(every.get(text, NOTHING).matches + looked.matches)
    for each, among in zip(sets, rules, strict=True):
        findings += judged(engine, each, by_rules.get(among, {}), paths=False, guards=False)
    return ScanResult(tuple(findings), receipt), every


def _rules(changes: ChangeSet, suspected: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The rules suspected in what a change set brings; none: all that there are."""
    found: set[str] = {ALLOW}
    for change in changes.changes:
        found |= suspected.get(change.new.oid, EVERY)
    return frozenset() if not EVERY.isdisjoint(found) else frozenset(found)


def _sets(fields: Sequence[bytes], wanted: Callable[[bytes, bytes], bool]) -> list[ChangeSet]:
    """Of raw fields, the changes whose commit and new object are wanted."""
    by_commit: dict[str, list[Change]] = {}
    for item in parse_raw(b"\0".join(_chosen(fields, wanted))):
        if not isinstance(item, str):
            by_commit.setdefault(item.commit, []).append(item)
    return [ChangeSet(commit, tuple(changes)) for commit, changes in by_commit.items()]


def _chosen(fields: Sequence[bytes], wanted: Callable[[bytes, bytes], bool]) -> Iterable[bytes]:
    at, commit = 0, b""
    while at < len(fields):
        field = fields[at]
        if field[:1] != b":":
            if field:
                yield (commit := field)
            at += 1
            continue
        if wanted(commit, field.split(b" ")[-2]):
            yield field
            yield fields[at + 1]
        at += 2


def _path_findings(engine: Engine, part: lineage.Part) -> Iterable[Finding]:
    for raw, (mode, commit) in part.paths.items():
        change = Change(raw.decode("utf-8", "surrogateescape"), Side(mode, ""), (Side(0, ""),), commit)
        for found in path_findings(engine, change, commit):
            if not found.approval:  # who approved a change to CI years ago is no question of today
                yield found


def _messages(scanner: Scanner, commits: Sequence[str], moved: Moved) -> ScanResult:
    """Messages and identities: swept, and those that may hold something read once more."""
    sizes, missing = _sizes(scanner.git, commits)
    items = [Item(oid, sizes[oid][1], "") for oid in commits if oid in sizes and sizes[oid][1] <= MOST]
    moved(0, len(items))
    suspects, lost, size = _swept(scanner, "commit", items, jobs=1, structural=False, moved=moved)
    found = scan_texts(scanner, list(suspects))
    gone = [Skip(oid, objects.GONE) for oid in missing] + [Skip(oid, objects.DIED) for oid in lost]
    return ScanResult(found.findings, Receipt(len(items), 0, (*found.receipt.skipped, *gone), 0, size))


def _tips(scanner: Scanner, tips: Sequence[str], known: Iterable[str]) -> ScanResult:
    """Annotated tags, and refs to something that is no commit."""
    from tinycode_git.safety.push import scan_other_tips

    return scan_other_tips(scanner, [tip for tip in tips if tip not in set(known)])


def _unreachable(scanner: Scanner, tips: Sequence[str], moved: Moved) -> ScanResult:
    """Objects that no ref reaches: what was reset away, dropped stashes, what a filter left behind."""
    git = scanner.git
    asked = "".join(f"{tip}\n" for tip in tips).encode()
    reached = {
        line[:64].split(b" ", 1)[0].decode("ascii")
        for line in git.quiet("rev-list", "--objects", "--missing=allow-any", "--stdin", stdin=asked).out.splitlines()
    }
    form = "--batch-check=%(objectname) %(objecttype) %(objectsize)"
    out = git.quiet("cat-file", form, "--batch-all-objects", "--unordered", "--buffer").out
    rows = [line.split() for line in out.decode("ascii").splitlines()]
    left = [(oid, kind, int(size)) for oid, kind, size in rows if oid not in reached]
    result = scan_texts(scanner, [oid for oid, kind, _ in left if kind in ("commit", "tag")])
    items = [Item(oid, size, "") for oid, kind, size in left if kind == "blob" and size <= MOST]
    moved(0, len(items))
    suspects, lost, size = _swept(scanner, "blob", items, jobs=1, structural=False, moved=moved)
    wanted = {*suspects, *(oid for oid, kind, size in left if kind == "blob" and size > MOST)}
    texts = {Text(oid, "content", ""): f"(unreachable) {oid}" for oid in wanted}
    looked, _ = look_at(scanner.source, scanner.engine, texts, scanner.cache)
    changes = tuple(Change(texts[text], Side(0o100644, text.oid), ()) for text in looked)
    findings = tuple(judged(scanner.engine, ChangeSet("", changes), looked, paths=False))
    skipped = tuple(Skip(oid, objects.DIED) for oid in lost)
    return result.plus(ScanResult(findings, Receipt(len(items), 0, skipped, 0, size)))
