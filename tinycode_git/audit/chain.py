"""Following a log from its first entry to its last, recomputing every hash: order, chain, tree, details.

One pass in little memory. Roots are compared wherever somebody once named one; what the log says about itself (its
keys, its peers, what was erased, which commits it made) is gathered on the way.
"""

from __future__ import annotations

from binascii import hexlify, unhexlify
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice

from tinycode_git.audit.details import hmac_hex
from tinycode_git.audit.entry import (
    ACTION,
    DATA,
    DIGEST,
    LARGEST_ENTRY,
    LOG,
    PREVIOUS,
    SEQ,
    Altered,
    Entry,
    entry_pattern,
    is_entry,
    parse,
    why_not,
)
from tinycode_git.audit.line import BODY, SALT, line_pattern, split
from tinycode_git.audit.remembered import KEY_ACTIONS
from tinycode_git.audit.report import Kind, Report
from tinycode_git.audit.tiles import Edge
from tinycode_git.audit.upload import MERGES
from tinycode_git.ledger import Anchor

# Actions whose entries say something that a verification relies on.
TELLING = frozenset(
    action.encode() for action in (*KEY_ACTIONS, *MERGES, "land", "audit-peer", "audit-erase", "audit-restore")
)
# Entries between two extensions of the tree.
BATCH = 4096


@dataclass(frozen=True, slots=True)
class Named:
    """A state of a log that somebody named, and who."""

    anchor: Anchor
    source: str


@dataclass(frozen=True, slots=True)
class KeyChange:
    """The log names the key that signs from entry ``seq`` on."""

    seq: int
    vkey: str
    revokes: bool


@dataclass(frozen=True, slots=True)
class Merge:
    """That ``action`` made or brought back ``commit`` for ``plan``, between the entries ``first`` and ``last``."""

    action: str
    plan: str
    commit: str
    first: int
    last: int


@dataclass(slots=True)
class Chain:
    """What was recomputed of one log, and what its entries say that others rely on."""

    log: str = ""
    size: int = 0
    edge: Edge = field(default_factory=Edge)
    last_hash: bytes = bytes(32)
    keys: list[KeyChange] = field(default_factory=list)
    peers: list[Named] = field(default_factory=list)
    made: set[tuple[str, str]] = field(default_factory=set)
    merges: list[Merge] = field(default_factory=list)
    begun: dict[str, int] = field(default_factory=dict)
    gone: list[int] = field(default_factory=list)
    erased: set[int] = field(default_factory=set)
    restored: int = 0
    matched: int = 0

    @property
    def root(self) -> str:
        """The tree head, in hex."""
        return self.edge.root().hex()


def follow(
    items: Iterable[bytes],
    named: Sequence[Named],
    report: Report,
    source: str,
    log: str,
    tile: Callable[[str, bytes], None] | None = None,
    *,
    lines: bool = False,
) -> Chain:
    """Recompute ``log``. Problems go to ``report``; the rest of the log is followed past each of them.

    ``items`` are entries, or (``lines``) the journal's lines, which hold details too.
    ``tile`` is called with the path and content of every tile: the full ones, and the partial ones at a named size.
    """
    chain = Chain(log)
    waiting = sorted((n for n in named if n.anchor.size > 0), key=lambda n: n.anchor.size)
    stops = sorted({n.anchor.size for n in waiting})
    rest = iter(items)
    hashes: list[bytes] = []
    while True:
        room = min([BATCH, *(stop - chain.size for stop in stops[:1])])
        found = _batch(islice(rest, room), chain, report, source, hashes, lines)
        chain.edge, full = chain.edge.extend(hashes)
        hashes.clear()
        if tile is not None:
            for path, data in [*full.items(), *(chain.edge.partial().items() if chain.size in stops else ())]:
                tile(path, data)
        while stops and stops[0] <= chain.size:
            stops.pop(0)
        waiting = _compare(chain, waiting, report)
        if found < room:
            break
    for late in waiting:
        report.problem(
            Kind.CUT,
            late.anchor.log,
            chain.size,
            f"{late.source} names {late.anchor.size} entries; {source} has {chain.size}: its end is cut off",
            late.source,
        )
    return chain


def _batch(items: Iterable[bytes], chain: Chain, report: Report, source: str, hashes: list[bytes], lines: bool) -> int:
    """Check some entries, adding their hashes; how many there were. Most of a verification's time is spent here."""
    seq, previous, log = chain.size, hexlify(chain.last_hash), chain.log.encode()
    start = seq
    match, hashed, add = (line_pattern() if lines else entry_pattern()).fullmatch, sha256, hashes.append
    for item in items:
        found = match(item)
        if found is None or not ((item.isascii() and len(item) < LARGEST_ENTRY) or is_entry(found)):
            data, reason = _odd(item, lines)
            report.problem(Kind.ALTERED, chain.log, seq, f"entry {seq}: {reason}", source)
        else:
            data, action, committed, named, before, number = found.group(DATA, ACTION, DIGEST, LOG, PREVIOUS, SEQ)
            if before != previous or number != b"%d" % seq or (log and named != log):
                _explain(before, int(number), named, seq, previous, log, report, source)
            log = log or named
            if lines:
                salt, body = found.group(SALT, BODY)
                if salt is None:
                    chain.gone.append(seq)
                elif hmac_hex(unhexlify(salt), body) != committed:
                    report.problem(Kind.DETAILS, chain.log, seq, f"the details of entry {seq} are others", source)
            if action in TELLING:
                _gather(chain, data, seq)
        digest = hashed(b"\x00" + data).digest()
        add(digest)
        previous = hexlify(digest)
        seq += 1
    chain.size, chain.last_hash, chain.log = seq, unhexlify(previous), log.decode()
    return seq - start


def _odd(item: bytes, lines: bool) -> tuple[bytes, str]:
    """The entry of an item that is none, and why it is none; a line that is none counts as an entry."""
    if lines:
        try:
            item, _ = split(item)
        except Altered as odd:
            return item, odd.message
    return item, why_not(item)


def _explain(
    before: bytes, number: int, theirs: bytes, seq: int, previous: bytes, log: bytes, report: Report, source: str
) -> None:
    """Say what is wrong with the place of an entry: the sequence number tells removed from inserted from swapped."""
    name = log.decode()
    if log and theirs != log:
        report.problem(Kind.INSERTED, name, seq, f"entry {seq} belongs to the log {theirs.decode()}", source)
    elif number > seq:
        report.problem(Kind.MISSING, name, seq, f"entry {number} stands where entry {seq} belongs", source)
    elif number < seq:
        report.problem(Kind.INSERTED, name, seq, f"entry {number} stands where entry {seq} belongs", source)
    elif before != previous:
        at = max(seq - 1, 0)
        report.problem(Kind.ALTERED, name, at, f"entry {at} is not the one that entry {seq} follows", source)


def _compare(chain: Chain, waiting: list[Named], report: Report) -> list[Named]:
    """Hold the root against every state named at this size; what is still to come."""
    at = 0
    root = chain.root if waiting and waiting[0].anchor.size == chain.size else ""
    while at < len(waiting) and waiting[at].anchor.size <= chain.size:
        claim = waiting[at]
        if claim.anchor.root == root:
            chain.matched += 1
        else:
            report.problem(
                Kind.FORKED,
                claim.anchor.log,
                claim.anchor.size - 1,
                f"the first {claim.anchor.size} entries are not those that {claim.source} names",
                claim.source,
            )
        at += 1
    return waiting[at:]


def _gather(chain: Chain, data: bytes, seq: int) -> None:
    entry = parse(data)
    if entry.action in KEY_ACTIONS:
        chain.keys.append(KeyChange(seq, entry.new, entry.action.endswith("revoke")))
    elif entry.action == "audit-peer":
        anchor = parse_anchor(entry.step)
        if anchor is not None:
            chain.peers.append(Named(anchor, f"entry {seq} of {entry.log}"))
    elif entry.action == "audit-erase" and entry.step.isdigit():
        chain.erased.add(int(entry.step))
    elif entry.action == "audit-restore" and entry.step.isdigit():
        chain.restored = max(chain.restored, int(entry.step))
    elif entry.action in (*MERGES, "land"):
        _gather_merge(chain, entry)


def _gather_merge(chain: Chain, entry: Entry) -> None:
    if entry.new:
        chain.made.add((entry.ref, entry.new))
    if entry.action == "land":
        return
    if entry.phase == "intent":
        chain.begun[entry.id] = entry.seq
    elif entry.new:
        first = chain.begun.pop(entry.id, entry.seq)
        chain.merges.append(Merge(entry.action, entry.plan, entry.new, first, entry.seq))


def parse_anchor(text: str) -> Anchor | None:
    """``<log>/<size>/<root>``, as trailers write it; None where it is not that."""
    log, _, rest = text.strip().partition("/")
    size, _, root = rest.partition("/")
    if not (log.isalnum() and size.isascii() and size.isdigit() and len(size) < 16 and len(root) == 64):
        return None
    return Anchor(log, int(size), root.lower())
