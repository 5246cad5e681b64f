"""Which policy a clone was last seen to have, branch by branch: what tells that somebody changed it meanwhile.

Commits made without hooks, pulls and resets bring another policy as well; the next command or hook finds it here.
``<git common dir>/tiny/policy-seen`` holds branch to path to oid; under ``""`` what was seen last of all.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from tinycode_git.rows import NamedTuple
from tinycode_git.safety.opening import POLICY

if TYPE_CHECKING:
    from tinycode_git.git.process import Git

_STATES = dict[str, dict[str, str]]
_LAST = ""


class Moved(NamedTuple):
    """The policy of the branch ``ref`` is another than it was: at ``commit``, in these files and folders."""

    ref: str
    commit: str
    paths: tuple[str, ...]


def policy_change(git: Git, common: str) -> Moved | None:
    """What changed since the policy was last seen; from then on it is known. None at first sight, or for no change.

    Raises OSError where that cannot be kept.
    """
    asked = git.started("rev-parse", "-q", "HEAD", "--symbolic-full-name", "HEAD", ok=(0, 1, 128))
    with asked as answer:
        state = _state(git, "HEAD")
        named = answer()
    if named.code or state is None:
        return None
    commit, _, ref = named.text.partition("\n")
    before = _load(common)
    old = before.get(ref, before.get(_LAST))
    if old == state and before.get(_LAST) == state:
        return None
    _store(common, {**before, ref: state, _LAST: state})
    if old is None or old == state:
        return None
    paths = sorted(path for path in {**old, **state} if old.get(path) != state.get(path))
    return Moved(ref, commit, tuple(paths))


def remember_policy(git: Git, common: str, ref: str, commit: str) -> None:
    """That the policy of ``ref`` at ``commit`` is on record."""
    state = _state(git, commit)
    if state is not None:
        try:
            _store(common, {**_load(common), ref: state, _LAST: state})
        except OSError:
            return  # then the next command puts it on record once more


def _state(git: Git, revision: str) -> dict[str, str] | None:
    """The policy's files and folders at a revision, with their oids; None where there is no such commit."""
    names = [name.rstrip("/") for name in POLICY]
    done = git.quiet("ls-tree", "-z", "--full-tree", "--end-of-options", revision, "--", *names, ok=(0, 128))
    if done.code:
        return None
    rows = [row.partition("\t") for row in done.out.decode("utf-8", "surrogateescape").split("\0") if row]
    return {path: head.split(" ")[2] for head, _, path in rows}


def _path(common: str) -> str:
    return os.path.join(common, "tiny", "policy-seen")


def _load(common: str) -> _STATES:
    try:
        with open(_path(common), encoding="utf-8", errors="surrogateescape") as stream:
            found = json.load(stream)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _store(common: str, states: _STATES) -> None:
    path = _path(common)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    beside = f"{path}.{os.getpid()}.new"
    with open(beside, "w", encoding="utf-8", errors="surrogateescape") as stream:
        json.dump(states, stream)
    os.replace(beside, path)
