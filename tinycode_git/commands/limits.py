"""What programs that git tiny runs for the user may use: ``tiny.limit*``."""

from __future__ import annotations

from tinycode_git.config import Settings
from tinycode_git.git.watch import Limits

SEED = {"tiny.limitmemory": "2g", "tiny.limitcpu": "300", "tiny.limitfiles": "100", "tiny.limitfilesize": "10m"}
ALL = ("tiny.limittime", *SEED)


def limits_of(settings: Settings) -> Limits:
    """The limits that are set; what is not set is not limited. Raises UsageError for what is no number."""

    def number(key: str) -> int | None:
        return settings.number(key, 0) or None

    return Limits(
        seconds=number("tiny.limitTime"),
        memory=number("tiny.limitMemory"),
        cpu_seconds=number("tiny.limitCpu"),
        open_files=number("tiny.limitFiles"),
        file_size=number("tiny.limitFileSize"),
    )
