"""``git tiny audit verify`` and ``prove``: what holds, what could not be verified, what was tampered with."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from tinycode_git.audit.note import Verifier
from tinycode_git.audit.prove import Proof, log_of, parse_proof, verify_proof
from tinycode_git.audit.prove import prove as proof_of
from tinycode_git.audit.published import Head, Objects, history, objects, ref_of, refs
from tinycode_git.audit.report import Kind, LogResult, Problem, Report, Unchecked
from tinycode_git.audit.store import Store
from tinycode_git.audit.tiles import WIDTH
from tinycode_git.audit.verify import remember_heads
from tinycode_git.audit.verify import verify as verify_all
from tinycode_git.commands.audit_open import ask, number
from tinycode_git.commands.opening import say
from tinycode_git.errors import Exit, Incomplete, Refused, UsageError
from tinycode_git.git.read import ReadRepo
from tinycode_git.render import jsonout
from tinycode_git.render.escape import visible

_RESULTS = {Exit.DONE: "verified", Exit.REFUSED: "tampered", Exit.INCOMPLETE: "incomplete"}


@dataclass(frozen=True, slots=True)
class Verified:
    """What ``--json`` prints: ``result`` is ``verified``, ``tampered`` or ``incomplete``."""

    result: str
    logs: list[LogResult]
    notes: list[str]
    unchecked: list[Unchecked]
    problems: list[Problem]


def verify(
    remote: Annotated[str, typer.Option("--remote", metavar="REF", help="A ref whose checkpoint must agree.")] = "",
    key: Annotated[str, typer.Option("--key", metavar="LOGKEY", help="Pin the log's key (NAME+ID+KEY).")] = "",
    proof: Annotated[str, typer.Option("--proof", metavar="FILE", help="Verify this proof and nothing else.")] = "",
    entry: Annotated[
        str, typer.Option("--entry", metavar="FILE", help="With --proof: the entry, where the proof does not hold it.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Recompute the audit log and hold it against everything that anybody said of it.

    Every entry's hash and canonical form, the chain, the Merkle tree, every checkpoint and its signature, the tiles and
    entries as published, DuckDB, the trailers of commits, the reflogs of branches, other clones' logs that are here,
    and the witness file in your state directory. Nothing in the repository is written.

    Examples:

    \b
      git tiny audit verify
      git tiny audit verify --remote refs/remotes/origin/tiny/audit/9f86d081884c7d65
      git tiny audit verify --proof apply.tlog-proof --key tiny-audit/9f86d081884c7d65+...
      git tiny audit verify --proof other.tlog-proof --entry entry.json

    Exit codes:

    \b
      0  everything holds
      1  something was tampered with: it is named, with the entry
      2  the arguments make no sense
      4  something could not be verified: it is named, with the reason
    """
    pinned = Verifier.parse(key) if key else None
    if proof:
        if remote:
            raise UsageError("--remote says nothing of a proof", "a proof stands by itself: --key pins who signed it")
        return _verify_proof(proof, entry, pinned, json)
    if entry:
        raise UsageError("--entry goes with --proof", "git tiny audit verify --proof FILE --entry FILE")
    repo = ReadRepo.discover()
    store = Store(repo.place.tiny_dir)
    report = verify_all(repo.git, repo.place.common_dir, remote=remote, pinned=pinned, stored=store.lines)
    if report.exit != Exit.REFUSED:
        remember_heads(report, repo.git, repo.place.common_dir)
    if json:
        found = Verified(_RESULTS[report.exit], report.logs, report.notes, report.unchecked, report.problems)
        jsonout.write(found)
    else:
        _say(report)
    return report.exit


def _say(report: Report) -> None:
    for log in report.logs:
        origin = "signed by the pinned key" if log.pinned else "consistency, not origin: no key was pinned"
        print(f"log {log.log} ({visible(log.source)}): {log.size} entries, root {log.root}")
        if log.checkpoints:
            print(f"  checkpoints: {log.checkpoints}, with a good signature {log.signed} ({origin})")
        else:
            print("  no checkpoint yet: nothing outside of this clone vouches for it (git tiny audit push)")
        print(f"  states named by checkpoints, commits, peers and the witness file that hold: {log.anchors}")
    if not report.logs and not report.problems:
        print("no audit log here yet")
    for note in report.notes:
        print(f"note: {visible(note)}")
    for unchecked in report.unchecked:
        print(f"could not verify: {visible(unchecked.what)}: {visible(unchecked.reason)}")
    for problem in report.problems:
        where = f" [{visible(problem.source)}]" if problem.source else ""
        print(f"TAMPERED ({problem.kind}): {visible(problem.message)}{where}")
    kinds = {problem.kind for problem in report.problems}
    if kinds == {Kind.STORE}:
        say("the journal holds; remove tiny/audit.duckdb from the git directory: it is built anew from the journal")
    elif kinds:
        say("keep this clone as it is; fetch the log from where you pushed it: git tiny audit verify --remote REF")


def _verify_proof(path: str, given: str, pinned: Verifier | None, json: bool) -> int:
    if path == given == "-":
        raise UsageError("the proof and the entry cannot both be standard input")
    proof = parse_proof(_read(path))
    # As ``show --raw`` and ``cut -f1`` write it: a line.
    data = _read(given).removesuffix(b"\n") if given else None
    if data is None and proof.extra is None:
        data = _entry_here(proof)
    proven = verify_proof(proof, [pinned] if pinned else [], data)
    entry = proven.entry
    if json:
        jsonout.write(
            {"entry": entry, "hash": entry.hash.hex(), "size": proven.checkpoint.size, "signers": proven.signers}
        )
        return Exit.DONE
    print(f"entry {entry.seq} of log {visible(entry.log)} is in the tree of {proven.checkpoint.size} entries")
    print(f"  {visible(f'{entry.timestamp} {entry.action} {entry.phase} {entry.plan} {entry.ref} {entry.new}')}")
    unpinned = "inclusion, not origin: no key was pinned (--key)"
    print(f"  {'signed by the pinned key' if proven.signers else unpinned}")
    return Exit.DONE


def _read(path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as failed:
        raise UsageError(f"{path} cannot be read: {failed.strerror}") from failed


def _entry_here(proof: Proof) -> bytes | None:
    """The entry that a proof is of, from a log that this clone has; None where there is none."""
    log = log_of(proof)
    try:
        repo = ReadRepo.discover()
    except Refused:
        return None
    store = Store(repo.place.tiny_dir)
    with objects(repo.git) as found:
        for ref, (name, commit) in refs(repo.git).items():
            if name == log and found.head(commit, ref).checkpoint.size > proof.index:
                size = found.head(commit, ref).checkpoint.size
                return next(islice(found.entries(commit, size, proof.index), proof.index % WIDTH, None))
    if not store.folder.is_dir():
        return None
    rows = ask(store, "SELECT entry FROM log WHERE seq = ?", [proof.index]).rows
    return str(rows[0][0]).encode() if rows else None


def prove(
    what: Annotated[str, typer.Argument(metavar="SEQ|COMMIT", help="An entry's number, or a commit.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Write there, not to stdout.")] = "",
    log: Annotated[str, typer.Option("--log", metavar="LOG", help="Another log that is published here.")] = "",
) -> None:
    """Write a proof that an entry (of a commit: the one that made it) is in the log, under its last checkpoint.

    The proof is a file of its own (C2SP tlog-proof): git tiny audit verify --proof FILE checks it anywhere.

    Examples:

    \b
      git tiny audit prove 41 > apply.tlog-proof
      git tiny audit prove HEAD -o head.tlog-proof

    Exit codes:

    \b
      0  done
      1  no checkpoint reaches the entry yet: git tiny audit checkpoint
      2  no such entry or commit, or a file that cannot be written
      4  the published tiles are not all here
    """
    repo = ReadRepo.discover()
    store = Store(repo.place.tiny_dir)
    index = number(what) if what.isdigit() and len(what) not in (40, 64) else _entry_of(store, repo.resolve(what))
    with objects(repo.git) as found:
        proof = proof_of(found, _head(repo, found, store, log), index)
    if output:
        try:
            Path(output).write_bytes(proof.dump())
        except OSError as failed:
            raise UsageError(f"{output} cannot be written: {failed.strerror}") from failed
    else:
        sys.stdout.buffer.write(proof.dump())


def _head(repo: ReadRepo, found: Objects, store: Store, log: str) -> Head:
    if not log:
        from tinycode_git.audit.journal import Journal

        log = Journal(store.folder).tail().position.log.decode()
    published = refs(repo.git).get(ref_of(log)) if log else None
    if published is None and not log:
        here = ", ".join(sorted({name for name, _ in refs(repo.git).values()}))
        hint = f"--log names one that is published here: {here}" if here else "git tiny audit log lists what there is"
        raise Refused("this clone has no audit log of its own", hint)
    if published is None:
        raise Refused(
            f"log {log} has no checkpoint here yet", "git tiny audit checkpoint makes one of this clone's own"
        )
    return next(history(found, published[1], ref_of(log)))


def _entry_of(store: Store, oid: str) -> int:
    if not store.folder.is_dir():
        raise Incomplete("this clone has no audit log of its own", "give the entry's number, and --log LOG")
    rows = ask(store, "SELECT max(seq) FROM entries WHERE new = ? AND phase = 'done'", [oid]).rows
    if not rows or rows[0][0] is None:
        raise Refused(f"no entry says that git tiny made {oid}", "git tiny audit log lists what it did")
    return int(rows[0][0])
