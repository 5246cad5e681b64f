"""A sealed world for tests: home, configuration, clock, editor and language that no test inherits from its machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir

START = 1_700_000_000
STEP = 60

# What a developer's or a CI's shell may set and what would change the behaviour of git, of git tiny or of its output.
_LEAKS = ("GIT_", "TINY_", "XDG_", "LC_", "SSH_", "GPG_", "CLICOLOR", "DBUS_", "OLLAMA_", "HF_", "RUFF_", "BASH_FUNC_")
# fmt: off
_LEAKING = frozenset((
    "LANG", "LANGUAGE", "EDITOR", "VISUAL", "PAGER", "LESS", "TERM", "COLUMNS", "LINES", "NO_COLOR",
    "FORCE_COLOR", "EMAIL", "MAIL", "BROWSER", "DISPLAY", "PYTHONPATH", "PYTHONWARNINGS", "VIRTUAL_ENV", "CI",
    "GITHUB_ACTIONS", "BASH_ENV", "ENV", "PYTHONDONTWRITEBYTECODE",
))
# fmt: on

_CONFIG = """\
[user]
\tname = Ada Example
\temail = ada@example.com
[init]
\tdefaultBranch = main
[advice]
\tdetachedHead = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[commit]
\tgpgSign = false
[protocol "file"]
\tallow = always
"""


def environment(root: Path) -> dict[str, str]:
    """What a sealed world sets; everything lives below ``root``."""
    home = root / "home"
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "XDG_RUNTIME_DIR": str(home / ".run"),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(root.parent),
        "GIT_AUTHOR_DATE": f"{START} +0000",
        "GIT_COMMITTER_DATE": f"{START} +0000",
        "GIT_EDITOR": "false",
        "GIT_SEQUENCE_EDITOR": "false",
        "EDITOR": "false",
        "GIT_ASKPASS": "false",
        "SSH_ASKPASS": "false",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_PAGER": "cat",
        "PAGER": "cat",
        "LC_ALL": "C.UTF-8",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "TERM": "dumb",
        "COLUMNS": "100",
        "PYTHONHASHSEED": "0",
    }


@contextmanager
def sealed(root: Path) -> Iterator[Path]:
    """Run the block in a sealed world below ``root``; this process's environment is put back afterwards."""
    kept = dict(os.environ)
    for name in kept:
        if name.startswith(_LEAKS) or name in _LEAKING:
            del os.environ[name]
    os.environ.update(environment(root))
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        Path(os.environ[name]).mkdir(parents=True, exist_ok=True)
    Path(os.environ["XDG_RUNTIME_DIR"]).chmod(0o700)
    Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text(_CONFIG)
    compiled = Path(os.environ["XDG_CACHE_HOME"]) / "tinycode-git" / "rules.bin"
    _copy(_COMPILED, compiled)
    try:
        yield root
    finally:
        if not _same(compiled, _COMPILED):
            _copy(compiled, _COMPILED)
        _put_back(kept)


# Compiling the validator's rules takes a second of processor time: worlds hand the result on, as a user's cache does.
_COMPILED = Path(gettempdir()) / f"git-tiny-tests-{os.getuid()}" / "rules.bin"


def _same(one: Path, other: Path) -> bool:
    try:
        return (one.stat().st_size, one.stat().st_mtime_ns) == (other.stat().st_size, other.stat().st_mtime_ns)
    except OSError:
        return not one.is_file()


def _copy(source: Path, place: Path) -> None:
    """Copy a file where there is one, beside and then renamed: other workers read it meanwhile."""
    if not source.is_file():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f"{place.name}.{os.getpid()}")
    shutil.copy2(source, beside)
    beside.replace(place)


def _put_back(kept: dict[str, str]) -> None:
    """What the test set, changed or removed becomes what it was; what pytest sets for itself meanwhile stays."""
    for name in {*kept, *os.environ}:
        if name.startswith("PYTEST_"):
            continue
        if name in kept:
            os.environ[name] = kept[name]
        else:
            del os.environ[name]


def now() -> int:
    """The world's clock, in seconds since 1970."""
    return int(os.environ["GIT_COMMITTER_DATE"].split()[0])


def tick(seconds: int = STEP) -> int:
    """Move the world's clock, which stands still otherwise; each ``Repo.git`` call moves it by a minute."""
    later = now() + seconds
    os.environ["GIT_AUTHOR_DATE"] = os.environ["GIT_COMMITTER_DATE"] = f"{later} +0000"
    return later
