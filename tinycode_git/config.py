"""Settings: ``git config tiny.*``, typed, each value with the scope that it comes from.

Only git's configuration sets anything: the user's and the clone's. What arrives with a repository's content does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from tinycode_git.errors import UsageError

if TYPE_CHECKING:
    from tinycode_git.git.process import Git

# Every setting there is, by the name git prints (lower case), with what it is for. ``doctor`` names the unknown ones.
KNOWN: dict[str, str] = {
    "tiny.mode": "the ceiling on what may be done: chat, propose or execute (default execute)",
    "tiny.prefix": "the first part of plan branches (default tiny)",
    "tiny.tier": "how strict the validator is: permissive, standard, strict or paranoid (default standard)",
    "tiny.check": "the command that a plan's result must pass before it is merged",
    "tiny.checksetup": "a command that prepares the checkout in which the check runs",
    "tiny.checklink": "a path of the working tree that the checkout links to (several times: node_modules, .venv)",
    "tiny.sandbox": "whether agents and checks run in a sandbox: auto (where it works), require or off",
    "tiny.checkseconds": "how long the check may take (default 3600)",
    "tiny.signtimeout": "how long a signing program may take, in seconds (default 120)",
    "tiny.limittime": "how long an agent or a check may take, in seconds",
    "tiny.limitmemory": "how much memory it may use, as 2g",
    "tiny.limitcpu": "how much processor time it may use, in seconds",
    "tiny.limitfiles": "how many files a process of it may have open",
    "tiny.limitfilesize": "how large a file it may write, as 10m",
    "tiny.model": "the model for what needs one: ollama:NAME, gguf:FILE or openai:NAME",
    "tiny.modelhost": "where the model server is (default http://127.0.0.1:11434 for Ollama)",
    "tiny.allowremote": "a host or cloud model that may see what is asked (several times; your own configuration only)",
    "tiny.modelcontext": "how many tokens a question and its answer may have together (default 8192)",
    "tiny.modelparallel": "how many questions a model is asked at once (default: what its server says, else 1)",
    "tiny.modelkeepalive": "how long Ollama keeps the model in memory after an answer (default 10m)",
    "tiny.modelwait": "how many seconds a model server may be silent (default 600)",
}

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0", "")


class Scope(StrEnum):
    """Where a value is set, as ``git config --show-scope`` says it, weakest first."""

    SYSTEM = "system"
    GLOBAL = "global"
    LOCAL = "local"
    WORKTREE = "worktree"
    COMMAND = "command"
    UNKNOWN = "unknown"


_SCOPES = {scope.value: scope for scope in Scope}
_OF_USER = (Scope.SYSTEM, Scope.GLOBAL, Scope.COMMAND)


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a setting; ``text`` is None where the file names the key without a value."""

    scope: Scope
    text: str | None


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings by key, weakest scope first: the last value counts, as with git."""

    values: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    def value(self, key: str) -> Value | None:
        """The value that counts, with its scope."""
        found = self.values.get(_folded(key), ())
        return found[-1] if found else None

    def text(self, key: str, default: str = "") -> str:
        """The value as text. Raises UsageError where the key stands without a value."""
        found = self.value(key)
        if found is None:
            return default
        if found.text is None:
            raise _malformed(key, found, "text")
        return found.text

    def texts(self, key: str) -> tuple[str, ...]:
        """Every value of a key that may be given several times, weakest scope first."""
        found = self.values.get(_folded(key), ())
        for value in found:
            if value.text is None:
                raise _malformed(key, value, "text")
        return tuple(value.text for value in found if value.text is not None)

    def flag(self, key: str, default: bool) -> bool:
        """The value as git reads booleans (a key without a value is true). Raises UsageError."""
        found = self.value(key)
        if found is None:
            return default
        if found.text is None or found.text.lower() in _TRUE:
            return True
        if found.text.lower() in _FALSE:
            return False
        raise _malformed(key, found, "a boolean")

    def number(self, key: str, default: int) -> int:
        """The value as a whole number, not negative; ``k``, ``m`` and ``g`` as git reads them. Raises UsageError."""
        found = self.value(key)
        if found is None:
            return default
        text = (found.text or "").lower()
        unit = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}.get(text[-1:], 1)
        digits = text[:-1] if unit > 1 else text
        if not (digits.isascii() and digits.isdigit()):
            raise _malformed(key, found, "a number")
        return int(digits) * unit

    def choice(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        """The value where it is one of ``allowed``. Raises UsageError."""
        text = self.text(key, default)
        found = self.value(key)
        if found is not None and text not in allowed:
            raise _malformed(key, found, f"one of {', '.join(allowed)}")
        return text

    def of_user(self, key: str) -> str | None:
        """The last value that the user set for all repositories (or on this command line), not the clone's."""
        found = [value.text for value in self.values.get(_folded(key), ()) if value.scope in _OF_USER]
        return found[-1] if found else None

    def texts_of_user(self, key: str) -> tuple[str, ...]:
        """Every value that the user set for all repositories (or on this command line), not the clone's."""
        found = self.values.get(_folded(key), ())
        return tuple(value.text for value in found if value.scope in _OF_USER and value.text is not None)

    def unknown(self) -> list[str]:
        """Keys under ``tiny.`` that no part of git tiny reads."""
        return sorted(key for key in self.values if key.startswith("tiny.") and key not in KNOWN)

    @property
    def mode(self) -> str | None:
        """``tiny.mode`` as it is written; ``tinycode_git.modes.ceiling`` reads it."""
        return self.text("tiny.mode") if self.value("tiny.mode") else None

    @property
    def prefix(self) -> str:
        """The first part of plan branches. Raises UsageError where it cannot be part of a ref."""
        prefix = self.text("tiny.prefix", "tiny")
        if not _is_ref_part(prefix):
            found = self.value("tiny.prefix")
            assert found is not None
            raise _malformed("tiny.prefix", found, "a name that a branch may begin with")
        return prefix

    @property
    def check(self) -> str:
        """The gate: a command line for the shell; empty where none is set."""
        return self.text("tiny.check")


def parse(raw: bytes) -> Settings:
    """Read the output of ``git config -z --show-scope --get-regexp``: scope NUL key LF value NUL, and so on."""
    parts = raw.decode("utf-8", "surrogateescape").split("\0")
    values: dict[str, tuple[Value, ...]] = {}
    for scope, item in zip(parts[0::2], parts[1::2], strict=False):
        key, newline, text = item.partition("\n")
        known = _SCOPES.get(scope, Scope.UNKNOWN)
        values[key] = (*values.get(key, ()), Value(known, text if newline else None))
    return Settings(values)


def read(git: Git, pattern: str = r"^tiny\.") -> Settings:
    """The settings whose key matches ``pattern``: one process. Git itself reports a malformed file (GitFailed)."""
    return parse(git.quiet("config", "-z", "--show-scope", "--get-regexp", pattern, ok=(0, 1)).out)


def _folded(key: str) -> str:
    """The key as git prints it: section and name in lower case, a subsection as it is."""
    section, _, rest = key.partition(".")
    middle, dot, name = rest.rpartition(".")
    return f"{section.lower()}.{middle}{dot}{name.lower()}"


def _malformed(key: str, value: Value, wanted: str) -> UsageError:
    shown = "without a value" if value.text is None else f"'{value.text}'"
    option = f" --{value.scope}" if value.scope in (Scope.SYSTEM, Scope.GLOBAL, Scope.LOCAL, Scope.WORKTREE) else ""
    hint = f"git config{option} {key} VALUE sets it, git config{option} --unset {key} removes it"
    return UsageError(f"the setting {key} ({value.scope}) is {shown}; it must be {wanted}", hint)


def _is_ref_part(text: str) -> bool:
    """git-check-ref-format(1), for the first parts of a branch's name."""
    if not text or text.startswith(("-", "/")) or text.endswith((".", "/")) or "//" in text:
        return False
    if any(char in " ~^:?*[\\\x7f" or char < " " for char in text) or ".." in text or "@{" in text or text == "@":
        return False
    return not any(part.startswith(".") or part.endswith(".lock") for part in text.split("/"))
