"""Which repositories' exceptions the user trusts: one line a clone, in the user's own state directory.

Outside of the repository, so that nothing that arrives with one (a ``.git`` folder in an archive, say) is trusted by
its own word.
"""

from __future__ import annotations

import os
from hashlib import sha256

from tinycode_git.errors import Incomplete
from tinycode_git.safety import places

_FILE = "trusted"


def _file() -> str:
    return os.path.join(places.state(), _FILE)


def _name(common_dir: str) -> str:
    return sha256(os.fsencode(os.path.realpath(common_dir))).hexdigest()[:32]


def trusted_digest(common_dir: str) -> str | None:
    """What the exceptions of a clone were when they were trusted (a digest); None where they never were."""
    try:
        with open(_file(), encoding="ascii") as stream:
            rows = [line.split() for line in stream]
    except (OSError, UnicodeDecodeError):
        return None
    name = _name(common_dir)
    return next((row[1] for row in rows if len(row) >= 2 and row[0] == name), None)


def is_trusted(common_dir: str, digest: str, tier: str) -> bool:
    """Whether exceptions with this digest count: once trusted always, in ``strict`` only while they are the same."""
    known = trusted_digest(common_dir)
    if known is None or tier == "paranoid":
        return False
    return tier != "strict" or known == digest


def trust(common_dir: str, digest: str, *, remove: bool = False) -> None:
    """Remember (or forget) a clone's exceptions. Raises Incomplete where the file cannot be written."""
    name, file = _name(common_dir), _file()
    try:
        os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
        rows = []
        if os.path.exists(file):
            with open(file, encoding="ascii") as stream:
                rows = [line for line in stream if line.split()[:1] not in ([name], [])]
        if not remove:
            rows.append(f"{name} {digest}\n")
        beside = f"{file}.{os.getpid()}"
        with open(beside, "w", encoding="ascii") as out:
            out.writelines(rows)
            out.flush()
            os.fsync(out.fileno())
        os.replace(beside, file)
    except OSError as failed:
        raise Incomplete(f"the list of trusted repositories cannot be written: {failed.strerror}", file) from failed
