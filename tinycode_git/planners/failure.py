"""What the output of a failing program says: where it failed, and the lines that matter."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# Python tracebacks; compilers, linters and test runners (path:line[:column]); Rust's arrows; node's stacks.
_PLACES = (
    re.compile(r'File "([^"\n]+)", line (\d+)'),
    re.compile(r"-->\s+([^\s:]+):(\d+)(?::\d+)?"),
    re.compile(r"\(([^()\s]+?):(\d+):\d+\)"),
    re.compile(r"(?:^|[\s'\"(\[])((?:file://)?/?(?:[\w.@+-]+/)*[\w@+-][\w.@+-]*\.\w{1,8}):(\d+)(?::\d+)?\b", re.M),
    re.compile(r"^([\w./@+-]+\.\w{1,8})\((\d+),\d+\)", re.M),
)
_ERROR = re.compile(
    r"\b(?:\w*(?:Error|Exception|Failure)\b|error[:\[ ]|FAILED|FAIL:|panicked|fatal|undefined|assert)", re.I
)
# How programs end that have said before what is wrong.
_CLOSING = re.compile(
    r"^(?:error: (?:could not compile|test failed|aborting due|process didn't exit)|make(?:\[\d+\])?: \*\*\*|npm ERR!|"
    r"collect2: error|=*\s*\d+ (?:failed|passed|errors?)\b|"
    r"FAILED \(|Found \d+ errors?|name: |code: |at |thread '.*' panicked|ninja: )"
)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure: the line that names it, the places in the repository (path and line), the output cut to size."""

    title: str
    places: tuple[tuple[str, int], ...]
    text: str


def read_failure(
    output: str,
    known: Callable[[str], bool],
    worktree: str = "",
    most: int = 6000,
    called: Callable[[str], str] = lambda _: "",
) -> Failure:
    """What ``output`` says. ``known`` tells whether a path is of the repository; ``worktree`` is taken off paths.

    ``called`` gives the one path with a name, or nothing: go test names files without their folder.
    """
    plain = _CONTROL.sub("", output.replace("\r\n", "\n").replace("\r", "\n"))
    places: dict[tuple[str, int], None] = {}
    for path, line in _named(plain):
        found = _inside(path, known, worktree) or ("" if "/" in path else called(path))
        if found:
            places.setdefault((found, line))
    lines = [line.strip() for line in plain.split("\n") if line.strip()]
    telling = [line for line in lines if _ERROR.search(line)]
    # The last line that names an error is where most programs end up.
    title = ([one for one in telling if not _CLOSING.match(one)] or telling or lines or ["the program fails"])[-1][:120]
    return Failure(title, tuple(places)[:12], _cut(plain.strip(), most))


def _named(text: str) -> Iterator[tuple[str, int]]:
    for pattern in _PLACES:
        for match in pattern.finditer(text):
            yield match[1], int(match[2][:9])


def _inside(path: str, known: Callable[[str], bool], worktree: str) -> str:
    """The path as the repository has it: as it stands, without the working tree's, or by its longest known end."""
    clean = path.removeprefix("file://").removeprefix("./")
    if worktree and clean.startswith(worktree.rstrip("/") + "/"):
        clean = os.path.relpath(clean, worktree)
    parts = [part for part in clean.split("/") if part not in ("", ".", "..")]
    # A gate's checkout is elsewhere: the end of its paths is that of ours.
    for start in range(len(parts)):
        tail = "/".join(parts[start:])
        if known(tail) and (start == 0 or "/" in tail or clean.startswith("/")):
            return tail
    return ""


def _cut(text: str, most: int) -> str:
    """The beginning and, more of it, the end."""
    if len(text) <= most:
        return text
    head = most // 4
    return f"{text[:head]}\n[... {len(text) - most} characters ...]\n{text[-(most - head) :]}"
