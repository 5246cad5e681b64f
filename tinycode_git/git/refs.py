"""Moving refs: all or none, each only from the value that was seen (git update-ref --stdin)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tinycode_git.errors import Refused
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


def refusal(moves: Sequence[RefMove], failed: GitFailed) -> Refused:
    """git's refusal of a transaction in our words."""
    said = failed.stderr
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
            return lock_refusal(said)
        if "cannot create" in said:
            return Refused(
                f"{move.ref} cannot be made: {said.rsplit(':', 1)[-1].strip()}",
                "git config tiny.prefix NAME puts plan branches elsewhere than under tiny/",
            )
    if ".lock" in said:
        return lock_refusal(said)
    return Refused(
        f"git refused to move {', '.join(m.ref for m in moves)}: {said.splitlines()[0] if said else failed.code}"
    )


def lock_refusal(said: str) -> Refused:
    """A lock file that somebody holds, or left behind; it is named, never deleted."""
    found = re.search(r"'([^']*\.lock)'", said)
    name = found[1] if found else "a lock file"
    return Refused(
        f"another git process holds {name}",
        "wait for it to end; where none runs any more, the file is stale: delete it and try again",
    )


def accepted(done: Completed) -> bool:
    """Whether the transaction was carried out (git says ``commit: ok``)."""
    return done.code == 0 and b"commit: ok" in done.out
