"""What a check's verdict rests on besides the tree: the programs it names, their environment, the machine.

The digest is made without running anything. Counted are: system and processor; for each word of the commands that is
a program on PATH, where it is, its size and its time; the packages installed in the Python environment that it belongs
to; the lock files that installers leave in linked folders (``node_modules``); variables that steer compilers and
interpreters. Not counted: programs that those programs call by themselves, services, the network, the clock. What
rests on those belongs into the command (``make check IMAGE=...``), or the pass is to be made anew (``fresh``).
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

_WORD = re.compile(r"[^\s;&|<>()\"'`$=]+")
_STEERING = re.compile(
    r"(PATH|LANG|LC_.*|TZ|PYTHON.*|VIRTUAL_ENV|CONDA_PREFIX|NODE_.*|npm_config_.*|CARGO.*|RUST.*|GO.*|JAVA.*|CC|CXX|"
    r"C(XX|PP)?FLAGS|LDFLAGS|MAKEFLAGS|RUBY.*|GEM_.*|PERL.*|LD_LIBRARY_PATH|PKG_CONFIG_PATH|CI)"
)
_INSTALLED = (".package-lock.json", ".yarn-integrity", ".yarn-state.yml", ".modules.yaml", "pyvenv.cfg")


def digest(commands: Sequence[str], env: Mapping[str, str], links: Sequence[Path] = ()) -> str:
    """A short name for the toolchain that ``commands`` would be run with."""
    facts = {
        "machine": [platform.system(), platform.machine(), *platform.libc_ver()],
        "programs": sorted(_programs(commands, env)),
        "links": sorted(fact for link in links for fact in _installed(link)),
        "variables": sorted([name, value] for name, value in env.items() if _STEERING.fullmatch(name)),
    }
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def _programs(commands: Sequence[str], env: Mapping[str, str]) -> Iterator[list[str]]:
    seen = set()
    for word in dict.fromkeys(word for command in commands for word in _WORD.findall(command)):
        found = shutil.which(word, path=env.get("PATH"))
        if found is None or found in seen or (os.sep in word and not Path(word).is_absolute()):
            continue
        seen.add(found)
        yield [word, *_file(Path(found))]
        for folder in _environments(Path(found)):
            yield from ([str(folder), *fact] for fact in _packages(folder))


def _file(path: Path) -> list[str]:
    try:
        real = path.resolve(strict=True)
        found = real.stat()
    except OSError:
        return [str(path), "unreadable"]
    return [str(real), str(found.st_size), str(found.st_mtime_ns)]


def _environments(program: Path) -> Iterator[Path]:
    """The Python environment whose ``bin`` holds a program (also through a link such as ``~/.local/bin/x``)."""
    for spelt in dict.fromkeys((program, program.resolve())):
        top = spelt.parent.parent
        if (top / "pyvenv.cfg").is_file():
            yield top


def _packages(environment: Path) -> Iterator[list[str]]:
    for listed in environment.glob("lib/python*/site-packages"):
        for entry in listed.iterdir():
            if entry.suffix in (".dist-info", ".egg-info", ".pth", ".egg-link"):
                yield [entry.name, *(_file(entry / "RECORD") if entry.is_dir() else _file(entry))]


def _installed(link: Path) -> Iterator[list[str]]:
    yield [str(link)]
    for name in _INSTALLED:
        if (link / name).exists():
            yield [name, *_file(link / name)]
    if (link / "pyvenv.cfg").is_file():
        yield from _packages(link)
