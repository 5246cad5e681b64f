"""``git tiny audit checkpoint`` and ``push``: sign the log's state, publish it, send it elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from tinycode_git.audit.publish import Published
from tinycode_git.audit.publish import checkpoint as publish
from tinycode_git.audit.published import NAMESPACE
from tinycode_git.commands.audit_open import writing
from tinycode_git.errors import Refused, UsageError
from tinycode_git.git.process import GitFailed
from tinycode_git.render import jsonout
from tinycode_git.render.escape import visible


@dataclass(frozen=True, slots=True)
class Made:
    """What ``--json`` prints; ``key`` is the log's verifier key, to be pinned elsewhere."""

    log: str
    size: int
    root: str
    ref: str
    commit: str
    key: str
    made: bool


def checkpoint(
    rotate: Annotated[bool, typer.Option("--rotate-key", help="Sign with a new key from now on.")] = False,
    revoke: Annotated[
        bool, typer.Option("--revoke-key", help="As --rotate-key, and the old key is not asked.")
    ] = False,
    no_sign: Annotated[bool, typer.Option("--no-sign", help="Do not sign the commit with your git key.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Sign the size and root of the log, and publish them on refs/tiny/audit with the entries (without details).

    Whoever holds this ref can tell later whether the log was changed: push it, or fetch it into a second clone.

    Examples:

    \b
      git tiny audit checkpoint
      git tiny audit checkpoint --rotate-key

    Exit codes:

    \b
      0  done, also where nothing is new
      1  nothing was ever logged; or the log does not extend what was signed before
      4  the checkpoint cannot be written
    """
    if rotate and revoke:
        raise UsageError("--rotate-key and --revoke-key exclude each other", "a lost or stolen key is revoked")
    made = _made(publish_now("rotate" if rotate else "revoke" if revoke else "", no_sign))
    if json:
        jsonout.write(made)
        return
    print(f"{made.log}/{made.size}/{made.root}")
    print(f"{'published' if made.made else 'nothing new since'} {made.ref} {made.commit}")
    print(f"key {made.key}")


def publish_now(key: str = "", no_sign: bool = False) -> Published:
    """Make a checkpoint of the log here."""
    repo, ledger = writing("audit checkpoint")
    return publish(repo.git, ledger, sign=False if no_sign else None, key=key)


def _made(found: Published) -> Made:
    anchor = found.anchor
    ref = NAMESPACE + anchor.log
    return Made(anchor.log, anchor.size, anchor.root, ref, found.commit, found.vkey, found.made)


@dataclass(frozen=True, slots=True)
class Pushed:
    """What ``--json`` prints."""

    remote: str
    checkpoint: Made


def push(
    remote: Annotated[str, typer.Argument(metavar="REMOTE", help="Where to.")] = "origin",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a checkpoint and push refs/tiny/audit/*, never forced: a remote that refuses holds another history of a log.

    Examples:

    \b
      git tiny audit push
      git tiny audit push backup

    Exit codes:

    \b
      0  done
      1  the remote refused
      4  the checkpoint cannot be written
    """
    repo, ledger = writing("audit push")
    made = _made(publish(repo.git, ledger))
    try:
        repo.git.user("push", "--quiet", "--end-of-options", remote, f"{NAMESPACE}*:{NAMESPACE}*")
    except GitFailed as failed:
        raise Refused(
            f"{visible(remote)} did not take the audit log",
            "where it says non-fast-forward, one of the two logs was changed: git tiny audit verify",
            detail=failed.stderr,
        ) from failed
    if json:
        jsonout.write(Pushed(remote, made))
    else:
        print(f"{made.log}/{made.size}/{made.root} is at {visible(remote)}")
