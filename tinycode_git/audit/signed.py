"""Whether the checkpoints of a log are signed by the keys that the log itself names, or by one that the user pins."""

from __future__ import annotations

from collections.abc import Sequence

from tinycode_git.audit.chain import Chain, KeyChange
from tinycode_git.audit.entry import Altered
from tinycode_git.audit.note import Verifier
from tinycode_git.audit.published import Head
from tinycode_git.audit.report import Kind, Report
from tinycode_git.errors import UsageError
from tinycode_git.git.process import Git


def check_signatures(chain: Chain, heads: Sequence[Head], pinned: Verifier | None, report: Report) -> int:
    """How many checkpoints are signed by the key in force at their size. What is not goes to ``report``."""
    keys = _keys(chain, report)
    good = 0
    # By place in the log, not by key: what a key endorsed once, it did not endorse wherever else it stands.
    endorsed: set[int] = set()
    for head in heads:
        try:
            signers = head.note.signers(keys.values())
        except Altered as odd:
            report.problem(
                Kind.FORGED, chain.log, None, f"checkpoint {head.checkpoint.size}: {odd.message}", head.source
            )
            continue
        active = _active(chain.keys, head.checkpoint.size)
        if active is None or keys.get(active.vkey) not in signers:
            report.problem(
                Kind.FORGED,
                chain.log,
                None,
                f"the checkpoint of size {head.checkpoint.size} is not signed by the key that the log names",
                head.source,
            )
            continue
        good += 1
        endorsed |= _endorsed(chain.keys, active, {str(signer) for signer in signers})
    _say_unendorsed(chain, endorsed, report)
    if pinned is not None:
        _hold_pinned(chain, heads, pinned, endorsed, report)
    return good


def _keys(chain: Chain, report: Report) -> dict[str, Verifier]:
    found = {}
    for change in chain.keys:
        try:
            found[change.vkey] = Verifier.parse(change.vkey)
        except UsageError:
            report.problem(Kind.FORGED, chain.log, change.seq, f"entry {change.seq} names a key that is none")
    return found


def _active(keys: Sequence[KeyChange], size: int) -> KeyChange | None:
    before = [change for change in keys if change.seq < size]
    return before[-1] if before else None


def _endorsed(keys: Sequence[KeyChange], active: KeyChange, signers: set[str]) -> set[int]:
    """The entry that names the active key, where the key before it signed the same checkpoint."""
    at = keys.index(active)
    return {active.seq} if at and keys[at - 1].vkey in signers else set()


def _say_unendorsed(chain: Chain, endorsed: set[int], report: Report) -> None:
    for change in chain.keys[1:]:
        if change.seq not in endorsed:
            how = "it was revoked" if change.revokes else "it did not sign that"
            report.notes.append(f"entry {change.seq} of {chain.log} replaces the log's key, and the old key: {how}")


def _hold_pinned(chain: Chain, heads: Sequence[Head], pinned: Verifier, endorsed: set[int], report: Report) -> None:
    """The pinned key signs, or the keys after it follow from it one by one."""
    vkeys = [change.vkey for change in chain.keys]
    if str(pinned) not in vkeys:
        report.problem(Kind.FORGED, chain.log, None, f"the log {chain.log} does not name the pinned key")
        return
    for change in chain.keys[vkeys.index(str(pinned)) + 1 :]:
        if change.seq not in endorsed:
            report.problem(
                Kind.FORGED,
                chain.log,
                None,
                f"the log {chain.log} went on to a key that the pinned one did not endorse",
            )
            return
    if not heads:
        report.could_not(f"the origin of log {chain.log}", "it has no checkpoint that the pinned key could have signed")


def check_git_signature(git: Git, heads: Sequence[Head], report: Report) -> None:
    """Who signed the newest checkpoint commit that is signed with a user's key; it vouches for all before it.

    As git says (``%G?``): good, bad, or not to be told here (no such key, no allowed signers).
    """
    signed = [head for head in heads if head.signed]
    if not signed:
        return
    head = max(signed, key=lambda one: one.checkpoint.size)
    done = git.user("log", "-1", "--format=%G?%n%GS", head.commit, ok=(0, 128))
    status, _, who = done.text.partition("\n")
    name = f"checkpoint commit {head.commit[:12]}"
    if status in ("B", "R"):
        report.problem(Kind.FORGED, head.checkpoint.log, None, f"the git signature of {name} is bad", head.source)
    elif status in ("G", "U", "X", "Y"):
        report.notes.append(f"{name} is signed by {who}")
    else:
        report.notes.append(f"{name} is signed, and git cannot tell by whom (gpg.ssh.allowedSignersFile, or a key)")
