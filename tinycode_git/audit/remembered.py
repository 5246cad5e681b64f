"""What a checkpoint leaves for the next one, so that it need not read the whole journal: derived, rebuilt when lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace

from tinycode_git.audit.entry import Altered, parse
from tinycode_git.audit.journal import Journal, write_file
from tinycode_git.audit.line import lines_from, split
from tinycode_git.audit.tail import Tail

# A checkpoint costs about as much as a few git commands: one for each full tile, and one a day, is rarely felt.
DUE_ENTRIES = 256
DUE_SECONDS = 24 * 3600
KEY_ACTIONS = ("audit-key", "audit-key-revoke")


@dataclass(frozen=True, slots=True)
class Remembered:
    """Where the line of entry ``size`` starts, the key that the log names last, the peers' checkpoints it names."""

    size: int = 0
    offset: int = 0
    vkey: str = ""
    peers: Mapping[str, str] = field(default_factory=dict)

    def with_key(self, vkey: str) -> Remembered:
        """With another key."""
        return replace(self, vkey=vkey)

    def with_peer(self, log: str, commit: str) -> Remembered:
        """With another checkpoint of a peer."""
        return replace(self, peers={**self.peers, log: commit})

    def at(self, tail: Tail) -> Remembered:
        """Moved to the journal's end."""
        return replace(self, size=tail.position.size, offset=tail.offset)


def is_due(journal: Journal, size: int, now: float) -> bool:
    """Whether a checkpoint should be made by itself at ``size``: none yet, many entries later, or another day."""
    place = journal.folder / "checkpointed"
    try:
        known, made = int(json.loads(place.read_bytes())["size"]), place.stat().st_mtime
    except (OSError, ValueError, KeyError, TypeError):
        return True
    return size - known >= DUE_ENTRIES or now - made >= DUE_SECONDS


def recall(journal: Journal, size: int) -> Remembered:
    """What is known at ``size``, read from the journal where it is not remembered. Raises Altered."""
    try:
        value = json.loads((journal.folder / "checkpointed").read_bytes())
        found = Remembered(value["size"], value["offset"], value["vkey"], value["peers"])
        if found.size == size:
            return found
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return _derived(journal, size)


def _derived(journal: Journal, size: int) -> Remembered:
    found = Remembered()
    with journal.path.open("rb") as stream:
        for number, (start, line) in enumerate(lines_from(stream, 0)):
            if number == size:
                found = replace(found, size=size, offset=start)
            if b'"action":"audit-' in line:
                entry = parse(split(line)[0])
                if entry.action in KEY_ACTIONS:
                    found = found.with_key(entry.new)
                elif entry.action == "audit-peer":
                    found = found.with_peer(entry.ref.rpartition("/")[2], entry.new)
            end = start + len(line)
        if found.size != size:
            if number + 1 != size:
                raise Altered("the audit journal is shorter than its last checkpoint")
            found = replace(found, size=size, offset=end)
    return found


def remember(journal: Journal, known: Remembered) -> None:
    """Keep it; a full disk only costs the next checkpoint its speed."""
    with suppress(OSError):
        write_file(journal.folder / "checkpointed", json.dumps(asdict(known)).encode(), durable=False)
