"""Verifying everything that a clone knows about its logs, without believing any of it.

The journal is recomputed and held against what is published, against the DuckDB store, and against every state that
anybody named: checkpoints on any ref, trailers of commits, peers' logs, the witness file. Logs of other clones are
recomputed from what they published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tinycode_git.audit.chain import Chain, follow
from tinycode_git.audit.claims import Trailer, deeds, is_shallow, trailers
from tinycode_git.audit.entry import Altered, text_of
from tinycode_git.audit.journal import Journal
from tinycode_git.audit.keys import LogState
from tinycode_git.audit.note import Verifier, origin
from tinycode_git.audit.published import Head, objects, refs
from tinycode_git.audit.report import Kind, LogResult, Report
from tinycode_git.audit.scene import FETCH, JOURNAL, Scene, gather_heads, gather_peers, gather_witnesses, own_log
from tinycode_git.audit.signed import check_git_signature, check_signatures
from tinycode_git.errors import Incomplete
from tinycode_git.git.process import Git

BUFFER = 1 << 18
Stored = Callable[[], Iterable[bytes] | None]


def verify(
    git: Git, common_dir: Path, *, remote: str = "", pinned: Verifier | None = None, stored: Stored | None = None
) -> Report:
    """Verify every log that this clone knows. ``remote``: a further ref whose checkpoint must be part of the log.
    ``stored`` gives the journal's lines as DuckDB holds them. Writes nothing.

    Raises UsageError where ``remote`` names nothing, Incomplete where the journal cannot be read at all.
    """
    with objects(git) as store:
        scene = Scene(git, store, Journal(common_dir / "tiny"), Report(), pinned)
        own = own_log(scene)
        gather_heads(scene, remote)
        commits = trailers(git)
        for trailer in commits:
            scene.name(trailer.named)
        gather_peers(scene, own)
        gather_witnesses(scene, own, common_dir)
        if own:
            _verify_own(scene, own, stored)
        for log in sorted(set(scene.heads) - {own}):
            _verify_published(scene, log)
        _absent(scene)
        _hold_commits(scene, own, commits)
        if is_shallow(git):
            scene.report.could_not("commits before the end of this shallow clone", "git fetch --unshallow brings them")
        if pinned is not None and not any(pinned.name == origin(log) for log in scene.chains):
            scene.report.problem(Kind.FORGED, "", None, "no log here names the pinned key")
        return scene.report


def _verify_own(scene: Scene, log: str, stored: Stored | None) -> None:
    report, head = scene.report, scene.highest(log)
    with scene.journal.path.open("rb", buffering=BUFFER) as stream:
        lines = _against_store(_whole_lines(scene, stream), stored, log, report)
        if head is not None:
            lines = _against_published(scene, lines, head)
        tile = _tiles(scene, head) if head is not None else None
        chain = follow(lines, scene.named.get(log, []), report, JOURNAL, log, tile, lines=True)
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
    seq = offset = 0
    for seq, line in enumerate(lines):
        other = next(theirs, None)
        if other is None or other != line:
            # A store that ends here has taken in exactly what comes before; the next question takes in the rest.
            if other is not None and other != b"end %d\n" % offset:
                report.problem(Kind.STORE, log, seq, f"entry {seq} in DuckDB is not the one in the journal", "DuckDB")
            yield line
            break
        offset += len(line)
        yield line
    yield from lines
    if next(theirs, b"").partition(b" ")[0] not in (b"", b"end") and not report.problems:
        report.problem(Kind.STORE, log, seq, "DuckDB holds more entries than the journal", "DuckDB")


def _against_published(scene: Scene, lines: Iterator[bytes], head: Head) -> Iterator[bytes]:
    theirs = scene.store.entries(head.commit, head.checkpoint.size)
    seq = 0
    try:
        for line in lines:
            # Before anything may fail: what is published does not take a line from the journal.
            yield line
            other = next(theirs, None)
            if other is None:
                break
            if not line.startswith(other + b"\t"):
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
    yield from lines


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


def _published_items(scene: Scene, head: Head) -> Iterator[bytes]:
    seq = 0
    try:
        for data in scene.store.entries(head.commit, head.checkpoint.size):
            yield data
            seq += 1
    except Altered as odd:
        scene.report.problem(Kind.ALTERED, head.checkpoint.log, seq, odd.message, head.source)
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
    pinned = scene.pinned if scene.pinned is not None and scene.pinned.name == origin(log) else None
    signed = check_signatures(chain, heads, pinned, scene.report)
    check_git_signature(scene.git, heads, scene.report)
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
        if trailer.commit not in commits and trailer.named.anchor.log in scene.chains:
            _hold_trailer(scene, own, trailer)
    if own:
        _hold_deeds(scene, own, made)


def _hold_trailer(scene: Scene, own: str, trailer: Trailer) -> None:
    """A commit names a log that has no entry for it: a copy of one that has, or made by somebody else."""
    anchor, who = trailer.named.anchor, trailer.named.source
    for merge in scene.chains[anchor.log].merges:
        # The trailer names the log as it was while the merge was being made.
        if merge.plan == trailer.plan and merge.first < anchor.size <= merge.last:
            scene.report.notes.append(
                f"{who} is a copy (rebased, cherry-picked or amended) of {merge.commit[:12]}, which entry {merge.last}"
                " records: the log vouches for that commit, not for the copy"
            )
            return
    if anchor.log == own:
        message = f"{who} carries a trailer of the log and has no entry in it"
        scene.report.problem(Kind.UNRECORDED, own, None, message)
    else:
        scene.report.could_not(who, f"log {anchor.log} as published here has no entry for it yet")


def _hold_deeds(scene: Scene, own: str, made: set[tuple[str, str]]) -> None:
    """What the reflogs say git tiny did has its entry; under any name, because a branch may be renamed."""
    merges = scene.chains[own].merges
    known = {(merge.action, merge.plan, merge.commit) for merge in merges}
    operations = {(merge.action, merge.plan) for merge in merges}
    listed = scene.git.quiet("for-each-ref", "--format=%(refname:lstrip=3)", "refs/tiny/plans/").text
    plans = set(listed.split("\n"))
    for deed in deeds(scene.git):
        if (text_of(deed.ref), deed.commit) in made or (deed.action, text_of(deed.plan), deed.commit) in known:
            continue
        # An approval of some steps moves branches of plans along with the target, which its entry names.
        if deed.ref.rpartition("/")[2] in plans and (deed.action, text_of(deed.plan)) in operations:
            continue
        did = f"tiny: {deed.action} {deed.plan}"
        message = f"{deed.ref} was moved to {deed.commit[:12]} ({did}), and no entry says so"
        scene.report.problem(Kind.UNRECORDED, own, None, message)


def remember_heads(report: Report, git: Git, common_dir: Path) -> None:
    """Raise the witness files to what was verified. To be called only for a report without problems."""
    with objects(git) as store:
        for log, oid in refs(git).values():
            with suppress(Altered, Incomplete):
                own = any(result.log == log and result.source == JOURNAL for result in report.logs)
                LogState(log).raise_witness(store.head(oid, "").note, common_dir if own else None)
