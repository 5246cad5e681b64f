"""Making a checkpoint: sign the log's size and root, and publish it with the tiles and entries since the last one.

Nothing is signed that does not extend what was signed before: the last checkpoint on the ref and the highest one in the
witness file are both prefixes of it. Objects first, the ref last, from the value that was seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tinycode_git.audit.keys import LogState, Signer
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.audit.lock import PATIENCE, locked
from tinycode_git.audit.note import Checkpoint, Note, origin
from tinycode_git.audit.published import LISTING, NAMESPACE, Head, Objects, Places, objects, ref_of, refs_in
from tinycode_git.audit.remembered import Remembered, recall, remember
from tinycode_git.audit.tail import Tail
from tinycode_git.audit.upload import Upload, upload
from tinycode_git.errors import Incomplete, Refused
from tinycode_git.git.process import Git, GitFailed
from tinycode_git.git.refs import RefMove, refusal
from tinycode_git.ledger import Anchor, Operation

# Objects are on the disk before a ref names them (git-config(1), core.fsync).
DURABLE = ("-c", "core.fsync=committed,loose-object,reference")

_SIGNS = ("config", "--type=bool", "--get", "commit.gpgSign")
_IDENTITY = re.compile(r"[^\s<>][^<>\0\n]* <[^<>\0\n]*>")


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint on its ref: ``commit`` holds it; ``made`` is False where the log had not grown."""

    anchor: Anchor
    commit: str
    vkey: str
    made: bool


def checkpoint(
    git: Git, ledger: JournalLedger, *, sign: bool | None = None, key: str = "", patience: float = PATIENCE
) -> Published:
    """Publish the log's state now. ``key``: ``rotate`` signs with a new key from now on, ``revoke`` does so without the
    old one's signature. ``sign``: whether the commit is signed with the user's git key (None: as ``commit.gpgSign``).
    ``patience``: how many seconds to wait for another process that makes one.

    Raises Refused where nothing was ever written, Altered where the log does not extend what was signed before,
    Incomplete where it cannot be written.
    """
    journal = ledger.journal
    log = journal.tail().position.log.decode()
    if not log:
        raise Refused("the audit log is empty", "it begins with the first operation that changes anything")
    try:
        one_at_a_time = locked(journal.folder / "checkpoint.lock", patience=patience)
        with one_at_a_time, git.started(*LISTING) as listed, objects(git) as store:
            if sign is None:
                sign = git.quiet(*_SIGNS, ok=(0, 1, 128)).text == "true"
            return _checkpoint(git, store, ledger, refs_in(listed().text), sign, key)
    except OSError as failed:
        raise Incomplete(
            f"a checkpoint cannot be written: {failed.strerror}",
            "is the repository read-only, or the disk full? the log itself is as it was",
        ) from failed


def _checkpoint(git: Git, store: Objects, ledger: JournalLedger, places: Places, sign: bool, key: str) -> Published:
    journal = ledger.journal
    log = journal.tail().position.log.decode()
    commit = places.get(ref_of(log), ("", ""))[1]
    last = store.head(commit, ref_of(log)) if commit else None
    known = recall(journal, last.checkpoint.size if last else 0)
    known, signers = _with_signers(ledger, log, known, key)
    known = _with_peers(places, store, ledger, log, known)
    tail = journal.settled()
    anchor = Anchor(log, tail.position.size, tail.frontier.root().hex())
    if last is not None and (last.checkpoint.size, last.checkpoint.root) == (anchor.size, tail.frontier.root()):
        return Published(anchor, last.commit, known.vkey, False)
    uploaded = upload(git, store, journal, tail, last, known, LogState(log).witness())
    commit = _publish(git, uploaded, ledger, tail, last, signers, sign)
    remember(journal, known.at(tail))
    return Published(anchor, commit, known.vkey, True)


def _with_signers(ledger: JournalLedger, log: str, known: Remembered, key: str) -> tuple[Remembered, list[Signer]]:
    """The keys to sign with, the current one last; a new one is named in the log before it signs anything."""
    state = LogState(log)
    current = state.signer()
    if current is None or key:
        current = state.make_signer()
    vkey = str(current.verifier())
    before = known.vkey
    if vkey != before:
        action = "audit-key-revoke" if key == "revoke" else "audit-key"
        ledger.note(Operation(action, ref=ref_of(log), old=before, new=vkey))
        known = known.with_key(vkey)
    old = state.signer("key.old")
    endorses = old is not None and vkey != before and key != "revoke" and str(old.verifier()) == before
    return known, [*([old] if old is not None and endorses else []), current]


def _with_peers(places: Places, store: Objects, ledger: JournalLedger, log: str, known: Remembered) -> Remembered:
    """Name the checkpoints of other clones' logs: whoever holds this log can then tell if one of them is cut."""
    for ref, (other, commit) in places.items():
        if other == log or not ref.startswith(NAMESPACE) or known.peers.get(other) == commit:
            continue
        theirs = store.head(commit, ref).checkpoint
        step = str(Anchor(other, theirs.size, theirs.root.hex()))
        ledger.note(Operation("audit-peer", ref=ref, new=commit, step=step))
        known = known.with_peer(other, commit)
    return known


def _publish(
    git: Git,
    uploaded: Upload,
    ledger: JournalLedger,
    tail: Tail,
    last: Head | None,
    signers: list[Signer],
    sign: bool,
) -> str:
    """Sign, write the commit, move the ref, raise the witness; the commit."""
    log = tail.position.log.decode()
    body = Checkpoint(origin(log), tail.position.size, tail.frontier.root())
    note = Note(body.text(), tuple(signer.sign(body.text()) for signer in signers))
    tree, message = uploaded.tree(note.dump()), _message(body, uploaded)
    above = last.commit if last else ""
    if sign:
        uploaded.flush()
        commit = _signed_commit(git, tree, above, message)
    else:
        commit = uploaded.packed.add("commit", _commit(tree, above, message, ledger))
        uploaded.flush()
    common = ledger.journal.folder.parent
    _move(git, common, RefMove(ref_of(log), above, commit))
    LogState(log).raise_witness(note, common)
    return commit


def _move(git: Git, common: Path, move: RefMove) -> None:
    """Move the log's ref, for one process at a time: a lock that our own killed git left there is taken away.

    Raises Refused where somebody holds the ref or moved it, Incomplete where it cannot be written.
    """
    asked = (*DURABLE, "update-ref", "-m", "git tiny audit checkpoint", "--end-of-options", move.ref, move.new)
    for last in (False, True):
        try:
            git.quiet(*asked, move.old or "0" * len(move.new))
            return
        except GitFailed as failed:
            if last or failed.code >= 0:
                raise refusal([move], failed) from failed
            (common / f"{move.ref}.lock").unlink(missing_ok=True)
            if git.quiet("for-each-ref", "--format=%(objectname)", move.ref).text == move.new:
                return


def _message(body: Checkpoint, uploaded: Upload) -> str:
    trailers = [f"Tiny-Audit: {body.log}/{body.size}/{body.root.hex()}"]
    trailers += [f"Tiny-Merge: {oid}" for oid in uploaded.merges]
    return f"Audit checkpoint {body.size} of {body.log}\n\n" + "\n".join(trailers) + "\n"


def _commit(tree: str, above: str, message: str, ledger: JournalLedger) -> bytes:
    """The commit object: by the ledger's user, or in git tiny's own name where git was not told who that is."""
    user = ledger.user if _IDENTITY.fullmatch(ledger.user) else "git tiny <git-tiny@localhost>"
    who = f"{user} {int(ledger.now().timestamp())} +0000"
    rows = [f"tree {tree}", *([f"parent {above}"] if above else []), f"author {who}", f"committer {who}"]
    return ("\n".join(rows) + f"\n\n{message}").encode()


def _signed_commit(git: Git, tree: str, above: str, message: str) -> str:
    parent = ["-p", above] if above else []
    try:
        return git.user(*DURABLE, "commit-tree", "-S", *parent, tree, stdin=message.encode()).text
    except GitFailed as failed:
        raise Refused(
            f"the checkpoint could not be signed with your git key: {failed.message}",
            "git tiny audit checkpoint --no-sign makes one that only the log's own key signs",
            detail=failed.detail,
        ) from failed
