"""Moving refs: all or none, each only from the value that was seen (git update-ref --stdin)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tinycode_git.errors import Exit, Incomplete, Refused, TinyError
from tinycode_git.git.process import Completed, GitFailed

ZERO = "0" * 40


@dataclass(frozen=True, slots=True)
class RefMove:
    """One ref, from ``old`` (empty: it must not exist) to ``new`` (empty: delete it); the same: it must stay there."""

    ref: str
    old: str
    new: str


def transaction(moves: Sequence[RefMove]) -> bytes:
    """The moves as input for ``git update-ref --stdin -z``: prepared together, then committed together."""
    rows = [b"start\0"]
    for move in moves:
        old, new = move.old or ZERO, move.new or ZERO
        if new == old:
            rows.append(f"verify {move.ref}\0{old}\0".encode())
        elif new == ZERO:
            rows.append(f"delete {move.ref}\0{old}\0".encode())
        else:
            rows.append(f"update {move.ref}\0{new}\0{old}\0".encode())
    rows += [b"prepare\0", b"commit\0"]
    return b"".join(rows)


def refusal(moves: Sequence[RefMove], failed: GitFailed) -> TinyError:
    """git's refusal of a transaction in our words."""
    said = failed.stderr
    if failed.exit is Exit.INCOMPLETE:
        return Incomplete(f"{moves[0].ref} could not be moved: {said.splitlines()[0]}", failed.hint)
    if failed.code < 0:
        return Refused(
            f"git was ended by signal {-failed.code} before it moved {moves[0].ref}; nothing was changed", "try again"
        )
    if "aborted by hook" in said:
        words = [line for line in said.splitlines() if not line.startswith("fatal: ")]
        return Refused(
            f"the reference-transaction hook refused to move {moves[0].ref}; nothing was changed",
            "put right what it says, or change the hook",
            detail="\n".join(words) or "(the hook printed nothing)",
        )
    for move in moves:
        if f"'{move.ref}'" not in said:
            continue
        if "but expected" in said or "unable to resolve reference" in said or "reference already exists" in said:
            return Refused(
                f"{move.ref.removeprefix('refs/heads/')} was moved by somebody else meanwhile; nothing was changed",
                "look at it and try again",
            )
        if "File exists" in said or "Unable to create" in said:
            return lock_refusal(failed)
        if "cannot create" in said:
            return Refused(
                f"{move.ref} cannot be made: {said.rsplit(':', 1)[-1].strip()}",
                "git config tiny.prefix NAME puts plan branches elsewhere than under tiny/",
            )
    if ".lock" in said:
        return lock_refusal(failed)
    return Refused(
        f"git refused to move {', '.join(m.ref for m in moves)}: {said.splitlines()[0] if said else failed.code}"
    )


def lock_refusal(failed: GitFailed) -> TinyError:
    """A lock file in the way: who holds it, or that nobody seems to. It is named, never deleted."""
    from tinycode_git.git.leftover import holders_of

    said = failed.stderr
    if failed.exit is Exit.INCOMPLETE:
        return Incomplete(f"a lock file could not be written: {said.splitlines()[0]}", failed.hint)
    found = re.search(r"'([^']*\.lock)'", said)
    if found is None:
        return Refused(f"a lock file is in the way: {said.splitlines()[0] if said else ''}", "try again")
    lock = Path(found[1])
    if not lock.exists():
        return Refused(f"another git process held {lock} a moment ago", "try again")
    holders = holders_of(lock)
    if holders:
        return Refused(f"{holders[0]} holds {lock}", "wait for it to end, or end it, then try again")
    return Refused(
        f"{lock} is there, and no git process that runs here holds it",
        "where none runs on another machine either, the file is stale: delete it and try again",
    )


def accepted(done: Completed) -> bool:
    """Whether the transaction was carried out (git says ``commit: ok``)."""
    return done.code == 0 and b"commit: ok" in done.out
