"""Making a checkpoint: sign the log's size and root, and publish it with the tiles and entries since the last one.

Nothing is signed that does not extend what was signed before: the last checkpoint on the ref and the highest one in the
witness file are both prefixes of it. Objects first, the ref last, from the value that was seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tinycode_git.audit.journal import Journal
from tinycode_git.audit.keys import LogState, Signer
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.audit.lock import locked
from tinycode_git.audit.note import Checkpoint, Note, origin
from tinycode_git.audit.published import NAMESPACE, Head, Objects, objects, ref_of, refs
from tinycode_git.audit.remembered import Remembered, recall, remember
from tinycode_git.audit.tail import Tail
from tinycode_git.audit.upload import Upload, upload
from tinycode_git.errors import Incomplete, Refused
from tinycode_git.git.process import Git, GitFailed
from tinycode_git.ledger import Anchor, Operation

# Objects are on the disk before a ref names them (git-config(1), core.fsync).
DURABLE = ("-c", "core.fsync=committed,loose-object,reference")


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint on its ref: ``commit`` holds it; ``made`` is False where the log had not grown."""

    anchor: Anchor
    commit: str
    vkey: str
    made: bool


def checkpoint(git: Git, ledger: JournalLedger, *, sign: bool | None = None, key: str = "") -> Published:
    """Publish the log's state now. ``key``: ``rotate`` signs with a new key from now on, ``revoke`` does so without the
    old one's signature. ``sign``: whether the commit is signed with the user's git key (None: as ``commit.gpgSign``).

    Raises Refused where nothing was ever written, Altered where the log does not extend what was signed before,
    Incomplete where it cannot be written.
    """
    journal = ledger.journal
    log = journal.tail().position.log.decode()
    if not log:
        raise Refused("the audit log is empty", "it begins with the first operation that changes anything")
    try:
        with locked(journal.folder / "checkpoint.lock"):
            places = refs(git)
            return _checkpoint(git, ledger, log, places, sign, key)
    except OSError as failed:
        raise Incomplete(f"a checkpoint cannot be written: {failed.strerror}") from failed


def _checkpoint(
    git: Git, ledger: JournalLedger, log: str, places: Mapping[str, tuple[str, str]], sign: bool | None, key: str
) -> Published:
    journal = ledger.journal
    commit = places.get(ref_of(log), ("", ""))[1]
    with objects(git, commit) as store:
        last = store.head(commit, ref_of(log)) if commit else None
        known = recall(journal, last.checkpoint.size if last else 0)
        known, signers = _with_signers(ledger, log, known, key)
        known = _with_peers(places, store, ledger, log, known)
        tail = journal.settled()
        anchor = Anchor(log, tail.position.size, tail.frontier.root().hex())
        if last is not None and (last.checkpoint.size, last.checkpoint.root) == (anchor.size, tail.frontier.root()):
            return Published(anchor, last.commit, known.vkey, False)
        commit = _publish(git, store, journal, tail, last, known, signers, sign)
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


def _with_peers(
    places: Mapping[str, tuple[str, str]], store: Objects, ledger: JournalLedger, log: str, known: Remembered
) -> Remembered:
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
    store: Objects,
    journal: Journal,
    tail: Tail,
    last: Head | None,
    known: Remembered,
    signers: list[Signer],
    sign: bool | None,
) -> str:
    log = tail.position.log.decode()
    body = Checkpoint(origin(log), tail.position.size, tail.frontier.root())
    witness = LogState(log).witness()
    uploaded = upload(git, store, journal, tail, last, known, witness)
    note = Note(body.text(), tuple(signer.sign(body.text()) for signer in signers))
    tree = uploaded.tree(note.dump())
    commit = _commit(git, tree, last, _message(body, uploaded), sign)
    old = last.commit if last else "0" * len(commit)
    try:
        git.quiet(*DURABLE, "update-ref", "-m", "git tiny audit checkpoint", ref_of(log), commit, old)
    except GitFailed as failed:
        raise Refused(f"{ref_of(log)} was moved by somebody else meanwhile", "try again") from failed
    LogState(log).raise_witness(note, journal.folder.parent)
    remember(journal, known.at(tail))
    return commit


def _message(body: Checkpoint, uploaded: Upload) -> str:
    trailers = [f"Tiny-Audit: {body.log}/{body.size}/{body.root.hex()}"]
    trailers += [f"Tiny-Merge: {oid}" for oid in uploaded.merges]
    return f"Audit checkpoint {body.size} of {body.log}\n\n" + "\n".join(trailers) + "\n"


def _commit(git: Git, tree: str, last: Head | None, message: str, sign: bool | None) -> str:
    above = ["-p", last.commit] if last else []
    if sign is None:
        sign = git.quiet("config", "--type=bool", "--get", "commit.gpgSign", ok=(0, 1, 128)).text == "true"
    if sign:
        try:
            return git.user(*DURABLE, "commit-tree", "-S", *above, tree, stdin=message.encode()).text
        except GitFailed as failed:
            raise Refused(
                f"the checkpoint could not be signed with your git key: {failed.message}",
                "git tiny audit checkpoint --no-sign makes one that only the log's own key signs",
                detail=failed.detail,
            ) from failed
    try:
        return git.quiet(*DURABLE, "commit-tree", *above, tree, stdin=message.encode()).text
    except GitFailed:
        # Nobody told git who the user is; the log's own key is what signs.
        roles = ("AUTHOR", "COMMITTER")
        git = git.setting(**{f"GIT_{role}_NAME": "git tiny" for role in roles})
        git = git.setting(**{f"GIT_{role}_EMAIL": "git-tiny@localhost" for role in roles})
        return git.quiet(*DURABLE, "commit-tree", *above, tree, stdin=message.encode()).text
