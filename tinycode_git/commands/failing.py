"""What a failing program printed: without secrets before anything else sees it; whole on this machine only.

A plan's record travels with fetch and push. It keeps a hash of the output and its end; the whole, without secrets too,
stays in ``<git common dir>/tiny/failures`` of the clone where the plan was made.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from tinycode_git.safety.engine import Engine
from tinycode_git.safety.finding import redact
from tinycode_git.safety.ruleset import shipped

KEPT = 50
TAIL = 400


def without_secrets(text: str) -> str:
    """``text`` with what the validator's rules take for a secret replaced by its kind and length."""
    data = text.encode("utf-8", "surrogatepass")
    matches = Engine(shipped()).look(data, only=frozenset(("secret",))).matches
    pieces: list[bytes] = []
    at = 0
    for start, end in sorted({(match.start, match.end) for match in matches}):
        if start < at:  # inside or across one that is hidden already
            pieces.append(b"" if end <= at else b"...")
            at = max(at, end)
            continue
        pieces += [data[at:start], redact(data[start:end].decode("utf-8", "replace")).encode()]
        at = end
    return b"".join([*pieces, data[at:]]).decode("utf-8", "replace")


def keep(folder: Path, text: str) -> str:
    """Keep ``text`` here, and let the oldest go; its digest. A folder that cannot be written keeps nothing."""
    data = text.encode("utf-8", "surrogatepass")
    digest = sha256(data).hexdigest()
    beside = folder / f".{digest}.{os.getpid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.write_bytes(data)
        beside.replace(folder / digest)
        places = sorted(folder.iterdir(), key=lambda place: place.stat().st_mtime_ns)
        for place in places[: max(0, len(places) - KEPT)]:
            place.unlink(missing_ok=True)
    except OSError:
        pass
    return digest


def kept(folder: Path, digest: str) -> str | None:
    """The text of a digest; None where it is not here, or is not that text any more."""
    if len(digest) != 64 or not digest.isalnum():
        return None
    try:
        data = (folder / digest).read_bytes()
    except OSError:
        return None
    return data.decode("utf-8", "replace") if sha256(data).hexdigest() == digest else None
