"""Answers that were given before, kept by question: a bounded folder in ``<git common dir>/tiny/answers``.

The key holds the model's digest, the whole question and every parameter, so that what is remembered is what would be
answered. The files hold answers in plain text, as the repository beside them does; ``git tiny gc`` and deleting the
folder are safe at any time.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tinycode_git.dialogue import Answer

KEPT = 200
_LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Remembered:
    """The answers of one clone."""

    folder: Path

    def get(self, key: str) -> Answer | None:
        """The answer to a question that was asked before; None where there is none, or it cannot be read."""
        try:
            raw = json.loads((self.folder / key).read_bytes())
            os.utime(self.folder / key)
            found = replace(Answer(**raw), remembered=True, seconds=0.0)
            return found if isinstance(found.text, str) and isinstance(found.remark, str) else None
        except (OSError, ValueError, TypeError):
            return None

    def put(self, key: str, answer: Answer) -> None:
        """Keep a whole answer, and let the oldest go. A folder that cannot be written keeps nothing."""
        data = json.dumps(asdict(answer)).encode()
        if answer.cut or len(data) > _LARGEST:
            return
        beside = self.folder / f".{key}.{os.getpid()}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(data)
            beside.replace(self.folder / key)
            self._trim()
        except OSError:
            return

    def _trim(self) -> None:
        found = sorted(self.folder.iterdir(), key=lambda place: place.stat().st_mtime_ns)
        for place in found[: max(0, len(found) - KEPT)]:
            place.unlink(missing_ok=True)
