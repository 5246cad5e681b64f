"""What a verification works on: every checkpoint, claim and witness here, gathered before anything is judged."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tinycode_git.audit.chain import Chain, Named, parse_anchor
from tinycode_git.audit.entry import Altered, parse
from tinycode_git.audit.journal import Journal
from tinycode_git.audit.keys import LogState, known_logs
from tinycode_git.audit.line import split
from tinycode_git.audit.note import Verifier, parse_checkpoint
from tinycode_git.audit.published import Head, Objects, history, refs
from tinycode_git.audit.report import Kind, Report
from tinycode_git.audit.synced import known_synced
from tinycode_git.audit.tail import load
from tinycode_git.errors import Incomplete, UsageError
from tinycode_git.git.process import Git
from tinycode_git.ledger import Anchor

JOURNAL = "the journal"
FETCH = "git fetch REMOTE 'refs/tiny/audit/*:refs/tiny/audit/*'"


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


def own_log(scene: Scene) -> str:
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


def gather_heads(scene: Scene, remote: str) -> None:
    """Every checkpoint that a log's ref leads to, or ``remote`` does. Raises UsageError where that names nothing."""
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


def gather_peers(scene: Scene, own: str) -> None:
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


def gather_witnesses(scene: Scene, own: str, common_dir: Path) -> None:
    """The highest checkpoints that this user ever saw; a log of this clone that is shorter now was cut."""
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
        if mine and state.log != own:
            _hold_lost(scene, state, own, common_dir, seen.size)


def _hold_lost(scene: Scene, state: LogState, own: str, common_dir: Path, size: int) -> None:
    """A log was written at this path, and is not the one that is written here now."""
    top = scene.highest(state.log)
    held = top.checkpoint.size if top else 0
    if is_younger(common_dir, state.begun_here()):
        if held < size:
            scene.report.could_not(
                f"log {state.log}, which was written at this path: {size} entries, {held} are here",
                "every file of this git directory is younger than that log: either the repository was cloned anew, or"
                f" its git directory was replaced so that the log is gone. {FETCH} brings what was pushed; if you"
                f" deleted the old clone yourself, remove {state.folder / 'clone'}",
            )
        return
    if not own and scene.journal.path.exists():
        scene.report.problem(Kind.CUT, state.log, 0, f"the journal of {size} entries is empty", JOURNAL)
    elif not own:
        scene.report.could_not(f"the journal of log {state.log}", "it is gone: git tiny audit restore")
    if held < size:
        message = f"this clone's log had {size} entries; {held} are here"
        scene.report.problem(Kind.CUT, state.log, held, message, "the witness file")


def is_younger(common_dir: Path, moment: int) -> bool:
    """Whether a git directory was made as a whole after ``moment`` (nanoseconds): all that git keeps in it changed
    since. No program sets that time back (ctime, inode(7)); whoever copies the whole directory gets a younger one, so
    this tells a log that was cut from one that may have been, never from one that is whole.
    """
    for folder, folders, names in os.walk(common_dir):
        if Path(folder) == common_dir and "tiny" in folders:
            folders.remove("tiny")
        for name in (*folders, *names):
            with suppress(FileNotFoundError):
                if (Path(folder) / name).lstat().st_ctime_ns <= moment:
                    return False
    return True


def _same(path: Path | None, other: Path) -> bool:
    return path is not None and os.path.realpath(path) == os.path.realpath(other)
