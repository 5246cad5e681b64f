"""Conversations that can be resumed: one file each in ``<git common dir>/tiny/chats``, the oldest of too many go."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tinycode_git.dialogue import Message
from tinycode_git.errors import UsageError

KEPT = 50
_LONGEST = 200
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")


@dataclass(slots=True)
class Conversation:
    """The turns of one session; ``id`` begins with its time, so that names sort by it."""

    id: str
    turns: list[Message] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Its first question."""
        return next((turn.content for turn in self.turns if turn.role == "user"), "")


def begin() -> Conversation:
    """A new one."""
    return Conversation(f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(2)}")


def save(folder: Path, conversation: Conversation) -> None:
    """Keep it. A folder that cannot be written keeps nothing: a conversation goes on without."""
    turns = [asdict(turn) for turn in conversation.turns[-_LONGEST:]]
    beside = folder / f".{conversation.id}.{os.getpid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.write_text(json.dumps({"version": 1, "turns": turns}), encoding="ascii")
        beside.replace(folder / f"{conversation.id}.json")
        for old in sorted(folder.glob("*.json"))[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return


def names(folder: Path) -> list[str]:
    """The ids of those there are, newest first."""
    return sorted((place.stem for place in folder.glob("*.json") if _ID.fullmatch(place.stem)), reverse=True)


def load(folder: Path, name: str) -> Conversation:
    """The conversation whose id begins with ``name``; the newest for none. Raises UsageError."""
    found = [one for one in names(folder) if one.startswith(name)]
    if not found or (name and len(found) > 1):
        what = f"more than one session begins with {name}" if found else f"there is no session {name}".rstrip()
        raise UsageError(what, "git tiny chat --list names them")
    try:
        raw = json.loads((folder / f"{found[0]}.json").read_bytes())
        turns = [Message(str(row["role"]), str(row["content"])) for row in raw["turns"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"the session {found[0]} cannot be read", "begin a new one: git tiny chat") from error
    return Conversation(found[0], turns)
