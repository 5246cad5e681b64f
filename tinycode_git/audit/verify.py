"""Verifying everything that a clone knows about its logs, without believing any of it.

The journal is recomputed and held against what is published, against the DuckDB store, and against every state that
anybody named: checkpoints on any ref, trailers of commits, peers' logs, the witness file. Logs of other clones are
recomputed from what they published.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from tinycode_git.audit.chain import Chain, Item, Named, follow, journal_items, parse_anchor
from tinycode_git.audit.claims import Trailer, deeds, is_shallow, trailers
from tinycode_git.audit.entry import Altered, parse, text_of
from tinycode_git.audit.journal import Journal
from tinycode_git.audit.keys import LogState, known_logs
from tinycode_git.audit.line import split
from tinycode_git.audit.note import Verifier, parse_checkpoint
from tinycode_git.audit.published import Head, Objects, history, objects, refs
from tinycode_git.audit.report import Kind, LogResult, Report
from tinycode_git.audit.signed import check_signatures
from tinycode_git.audit.synced import known_synced
from tinycode_git.audit.tail import load
from tinycode_git.errors import Incomplete, UsageError
from tinycode_git.git.process import Git
from tinycode_git.ledger import Anchor

JOURNAL = "the journal"
FETCH = "git fetch REMOTE 'refs/tiny/audit/*:refs/tiny/audit/*'"
Stored = Callable[[], Iterable[bytes] | None]


@dataclass(slots=True)
class Scene:
    """What a verification works on: heads and named states by log, and the report that fills up."""

    git: Git
    store: Objects
    journal: Journal
    report: Report
    pinned: Verifier | None
    heads: dict[str, list[Head]] = field(default_factory=dict)
    named: dict[str, list[Named]] = field(default_factory=dict)
    chains: dict[str, Chain] = field(default_factory=dict)

    def name(self, claim: Named) -> None:
        """Somebody named a state."""
        self.named.setdefault(claim.anchor.log, []).append(claim)

    def highest(self, log: str) -> Head | None:
        """The checkpoint of the greatest size that is here."""
        return max(self.heads.get(log, []), key=lambda head: head.checkpoint.size, default=None)


def verify(
    git: Git, common_dir: Path, *, remote: str = "", pinned: Verifier | None = None, stored: Stored | None = None
) -> Report:
    """Verify every log that this clone knows. ``remote``: a further ref whose checkpoint must be part of the log.
    ``stored`` gives the journal's lines as DuckDB holds them. Writes nothing.

    Raises UsageError where ``remote`` names nothing, Incomplete where the journal cannot be read at all.
    """
    with objects(git) as store:
        scene = Scene(git, store, Journal(common_dir / "tiny"), Report(), pinned)
        own = _own_log(scene)
        _gather_heads(scene, remote)
        commits = trailers(git)
        for trailer in commits:
            scene.name(trailer.named)
        _gather_peers(scene, own)
        _gather_witnesses(scene, own, common_dir)
        if own:
            _verify_own(scene, own, stored)
        for log in sorted(set(scene.heads) - {own}):
            _verify_published(scene, log)
        _absent(scene)
        _hold_commits(scene, own, commits)
        if is_shallow(git):
            scene.report.could_not("commits before the end of this shallow clone", "git fetch --unshallow brings them")
        if pinned is not None and not any(result.pinned for result in scene.report.logs):
            scene.report.problem(Kind.FORGED, "", None, "no log here names the pinned key")
        return scene.report


def _own_log(scene: Scene) -> str:
    """The id of the log that this clone writes; empty where it has none. The tail's claim is held against it."""
    tail = load(scene.journal.tail_path)
    try:
        with scene.journal.path.open("rb") as stream:
            first = stream.readline()
            synced = known_synced(scene.journal.folder, stream.fileno())
    except FileNotFoundError:
        if tail is not None and tail.position.size:
            log = tail.position.log.decode()
            scene.report.problem(Kind.CUT, log, 0, f"the journal of {tail.position.size} entries is gone", JOURNAL)
        return ""
    except OSError as failed:
        raise Incomplete(f"the audit journal cannot be read: {failed.strerror}") from failed
    log = tail.position.log.decode() if tail is not None else ""
    with suppress(Altered):
        log = log or parse(split(first)[0]).log
    if tail is not None and tail.position.size and tail.offset <= synced:
        anchor = Anchor(log, tail.position.size, tail.frontier.root().hex())
        scene.name(Named(anchor, "the end that the last append left"))
    if not log and first:
        scene.report.problem(Kind.ALTERED, "", 0, "the first line of the journal is not an entry", JOURNAL)
    return log


def _gather_heads(scene: Scene, remote: str) -> None:
    places = {ref: oid for ref, (_, oid) in refs(scene.git).items()}
    if remote:
        done = scene.git.quiet(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{remote}^{{commit}}", ok=(0, 1)
        )
        if done.code:
            raise UsageError(f"{remote} names no commit here", FETCH)
        places[remote] = done.text
    seen: set[str] = set()
    for ref, oid in places.items():
        try:
            for head in history(scene.store, oid, ref):
                if head.commit in seen:
                    break
                seen.add(head.commit)
                _add_head(scene, ref, head)
        except Altered as odd:
            scene.report.problem(Kind.FORGED, ref.rpartition("/")[2], None, f"{ref}: {odd.message}", ref)
        except Incomplete as missing:
            scene.report.could_not(f"earlier checkpoints of {ref}", missing.message)


def _add_head(scene: Scene, ref: str, head: Head) -> None:
    log, state = head.checkpoint.log, head.checkpoint
    if not log or (ref.rpartition("/")[0].endswith("tiny/audit") and ref.rpartition("/")[2] != log):
        scene.report.problem(Kind.FORGED, log, None, f"{ref} holds a checkpoint of {state.origin}", ref)
        return
    scene.heads.setdefault(log, []).append(head)
    scene.name(Named(Anchor(log, state.size, state.root.hex()), f"checkpoint {head.commit[:12]} on {ref}"))


def _gather_peers(scene: Scene, own: str) -> None:
    """What logs say about each other: read ahead, because a log may be named by one that is verified after it."""
    if not set(scene.heads) - {own}:
        return
    with suppress(Altered, Incomplete, OSError):
        for log in scene.heads:
            head = scene.highest(log)
            if head is not None and log != own:
                _peers_in(scene, scene.store.entries(head.commit, head.checkpoint.size))
    if own:
        with scene.journal.path.open("rb") as stream:
            _peers_in(scene, (line.partition(b"\t")[0] for line in stream))


def _peers_in(scene: Scene, entries: Iterable[bytes]) -> None:
    for data in entries:
        if b'{"action":"audit-peer"' in data:
            with suppress(Altered):
                entry = parse(data)
                anchor = parse_anchor(entry.step)
                if anchor is not None:
                    scene.name(Named(anchor, f"entry {entry.seq} of log {entry.log}"))


def _gather_witnesses(scene: Scene, own: str, common_dir: Path) -> None:
    for state in known_logs():
        mine = state.log == own or _same(state.clone(), common_dir)
        if not mine and state.log not in scene.heads:
            continue
        try:
            note = state.witness()
        except Altered as odd:
            scene.report.could_not(f"the witness file of log {state.log}", odd.message)
            continue
        if note is None:
            continue
        seen = parse_checkpoint(note.text)
        scene.name(Named(Anchor(state.log, seen.size, seen.root.hex()), "the witness file"))
        top = scene.highest(state.log)
        if mine and not own and scene.journal.path.exists():
            scene.report.problem(Kind.CUT, state.log, 0, f"the journal of {seen.size} entries is empty", JOURNAL)
        elif mine and not own:
            scene.report.could_not(f"the journal of log {state.log}", "it is gone: git tiny audit restore")
        if mine and state.log != own and (top is None or top.checkpoint.size < seen.size):
            held = top.checkpoint.size if top else 0
            scene.report.problem(
                Kind.CUT,
                state.log,
                held,
                f"this clone's log had {seen.size} entries; {held} are here",
                "the witness file",
            )


def _same(path: Path | None, other: Path) -> bool:
    return path is not None and os.path.realpath(path) == os.path.realpath(other)


def _verify_own(scene: Scene, log: str, stored: Stored | None) -> None:
    report, head = scene.report, scene.highest(log)
    with scene.journal.path.open("rb") as stream:
        lines = _against_store(_whole_lines(scene, stream), stored, log, report)
        items: Iterator[Item] = journal_items(lines)
        if head is not None:
            items = _against_published(scene, items, head)
        tile = _tiles(scene, head) if head is not None else None
        chain = follow(items, scene.named.get(log, []), report, JOURNAL, log, tile)
    _hold_details(chain, log, report)
    _finish(scene, log, chain, JOURNAL)


def _whole_lines(scene: Scene, lines: Iterable[bytes]) -> Iterator[bytes]:
    """Lines; a last one that was cut short is no entry: nobody was told that it was written."""
    for line in lines:
        if not line.endswith(b"\n"):
            scene.report.notes.append(f"the journal ends in a line that was cut short ({len(line)} bytes)")
            return
        yield line


def _against_store(lines: Iterator[bytes], stored: Stored | None, log: str, report: Report) -> Iterator[bytes]:
    try:
        others = stored() if stored is not None else None
    except Incomplete as failed:
        report.could_not("DuckDB against the journal", failed.message)
        others = None
    return lines if others is None else _compared(lines, iter(others), log, report)


def _compared(lines: Iterator[bytes], theirs: Iterator[bytes], log: str, report: Report) -> Iterator[bytes]:
    seq = 0
    for seq, line in enumerate(lines):
        other = next(theirs, None)
        if other is None or other != line:
            if other is not None:
                report.problem(Kind.STORE, log, seq, f"entry {seq} in DuckDB is not the one in the journal", "DuckDB")
            yield line
            break
        yield line
    yield from lines
    if next(theirs, None) is not None and not report.problems:
        report.problem(Kind.STORE, log, seq, "DuckDB holds more entries than the journal", "DuckDB")


def _against_published(scene: Scene, items: Iterator[Item], head: Head) -> Iterator[Item]:
    theirs = scene.store.entries(head.commit, head.checkpoint.size)
    seq = 0
    try:
        for item in items:
            other = next(theirs, None)
            yield item
            if other is None:
                break
            if other != item[0]:
                scene.report.problem(
                    Kind.ALTERED,
                    head.checkpoint.log,
                    seq,
                    f"entry {seq} of the journal is not the one that was published",
                    head.source,
                )
                break
            seq += 1
    except Altered as odd:
        scene.report.problem(Kind.FORGED, head.checkpoint.log, seq, odd.message, head.source)
    except Incomplete as missing:
        scene.report.could_not("published entries", missing.message)
    yield from items


def _tiles(scene: Scene, head: Head) -> Callable[[str, bytes], None]:
    """Hold the tiles that are published against those that follow from the entries."""

    def hold(path: str, data: bytes) -> None:
        found = scene.store.get(f"{head.commit}:{path}", "blob")
        if found is not None and found != data:
            message = f"{path} is not what the entries give"
            scene.report.problem(Kind.ALTERED, head.checkpoint.log, None, message, head.source)

    return hold


def _verify_published(scene: Scene, log: str) -> None:
    head = scene.highest(log)
    assert head is not None
    size, source = head.checkpoint.size, head.source
    named = scene.named.get(log, [])
    for claim in named:
        if claim.anchor.size > size:
            scene.report.could_not(
                f"log {log} up to entry {claim.anchor.size - 1}, which {claim.source} names",
                f"{size} entries are published here: {FETCH}",
            )
    within = [claim for claim in named if claim.anchor.size <= size]
    items = _published_items(scene, head)
    _finish(scene, log, follow(items, within, scene.report, source, log, _tiles(scene, head)), source)


def _published_items(scene: Scene, head: Head) -> Iterator[Item]:
    try:
        for data in scene.store.entries(head.commit, head.checkpoint.size):
            yield data, None
    except Altered as odd:
        scene.report.problem(Kind.ALTERED, head.checkpoint.log, None, odd.message, head.source)
    except Incomplete as missing:
        scene.report.could_not(f"the entries of log {head.checkpoint.log}", missing.message)


def _hold_details(chain: Chain, log: str, report: Report) -> None:
    """Details may be gone because they were erased, or because the journal was restored; both are on record."""
    lost = [seq for seq in chain.gone if seq not in chain.erased and seq >= chain.restored]
    for seq in lost:
        report.problem(Kind.DETAILS, log, seq, f"the details of entry {seq} are gone, and no entry says so", JOURNAL)
    restored = sum(1 for seq in chain.gone if seq not in chain.erased and seq < chain.restored)
    if restored:
        report.notes.append(f"the details of {restored} entries were lost when the journal was restored")
    if chain.erased - set(chain.gone):
        report.could_not("an erasure", "it was begun and not finished: git tiny audit erase finishes it")


def _finish(scene: Scene, log: str, chain: Chain, source: str) -> None:
    heads = scene.heads.get(log, [])
    before = len(scene.report.problems)
    pinned = scene.pinned if scene.pinned is not None and scene.pinned.name.endswith(log) else None
    signed = check_signatures(chain, heads, pinned, scene.report)
    result = LogResult(log, source, chain.size, chain.root, len(heads), signed, chain.matched)
    scene.report.logs.append(replace(result, pinned=pinned is not None and len(scene.report.problems) == before))
    scene.chains[log] = chain


def _absent(scene: Scene) -> None:
    """Logs that commits name and that are not here at all."""
    for log, claims in scene.named.items():
        if log not in scene.chains and any(claim.source.startswith("commit") for claim in claims):
            first = next(claim.source for claim in claims if claim.source.startswith("commit"))
            scene.report.could_not(f"log {log}, which {first} names", f"it is not in this clone: {FETCH}")


def _hold_commits(scene: Scene, own: str, named: Iterable[Trailer]) -> None:
    """Every commit and every move of a branch by git tiny has its entry."""
    made = {pair for chain in scene.chains.values() for pair in chain.made}
    commits = {new for _, new in made} | {head.commit for heads in scene.heads.values() for head in heads}
    for trailer in named:
        log = trailer.named.anchor.log
        if trailer.commit in commits or log not in scene.chains:
            continue
        if log == own:
            scene.report.problem(
                Kind.UNRECORDED,
                log,
                None,
                f"{trailer.named.source} carries a trailer of the log and has no entry in it",
            )
        else:
            scene.report.could_not(f"{trailer.named.source}", f"log {log} as published here has no entry for it yet")
    if not own:
        return
    for deed in deeds(scene.git):
        if (text_of(deed.ref), deed.commit) not in made:
            scene.report.problem(
                Kind.UNRECORDED,
                own,
                None,
                f"{deed.ref} was moved to {deed.commit[:12]} ({deed.words}), and no entry says so",
            )


def remember_heads(report: Report, git: Git, common_dir: Path) -> None:
    """Raise the witness files to what was verified. To be called only for a report without problems."""
    with objects(git) as store:
        for log, oid in refs(git).values():
            with suppress(Altered, Incomplete):
                own = any(result.log == log and result.source == JOURNAL for result in report.logs)
                LogState(log).raise_witness(store.head(oid, "").note, common_dir if own else None)
