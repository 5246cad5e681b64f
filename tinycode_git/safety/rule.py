"""A rule as the engine uses it, and the closed lists of words that rules and findings are made of."""

from __future__ import annotations

from typing import Any

from tinycode_git.rows import NamedTuple

FAMILIES = (
    "secret",
    "danger",
    "destructive",
    "path",
    "unicode",
    "supply-chain",
    "injection",
    "dependency",
    "hygiene",
)
SEVERITIES = ("low", "medium", "high", "critical")
CONFIDENCES = ("possible", "likely", "certain")
PLACES = ("content", "path", "message", "identity", "symlink")
LANGUAGES = (
    "bash",
    "c",
    "cpp",
    "csharp",
    "go",
    "java",
    "javascript",
    "php",
    "python",
    "ruby",
    "rust",
    "typescript",
    "tsx",
)


class Rule(NamedTuple):
    """One rule. Plain values only, so that a compiled rule set can be stored with ``marshal``.

    ``kind`` is ``pattern``, ``path``, ``ast`` or ``builtin``; ``body`` is the expression, the builtin's name, or empty
    for ``ast``, whose ast-grep configuration is ``config``.
    """

    id: str
    family: str
    severity: str
    confidence: str
    kind: str
    body: str
    message: str
    advice: str
    reference: str
    issuer: str = ""
    where: tuple[str, ...] = ("content",)
    paths: tuple[str, ...] = ()
    not_paths: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()
    near: str = ""
    checks: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    config: dict[str, Any] | None = None
    removed: bool = False
    approval: bool = False
    fix: str = ""
    examples: tuple[str, ...] = ()
    near_misses: tuple[str, ...] = ()
    example_path: str = ""
    source: str = ""
    line: int = 0


def rank(severity: str) -> int:
    """The order of severities: 0 for ``low`` to 3 for ``critical``."""
    return SEVERITIES.index(severity)


def certainty(confidence: str) -> int:
    """The order of confidences: 0 for ``possible`` to 2 for ``certain``."""
    return CONFIDENCES.index(confidence)
