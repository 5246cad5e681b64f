"""Path patterns of rules and exceptions: ``**`` any folders, ``*`` and ``?`` within one name, ``[..]`` a class."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_COMPILED: dict[str, re.Pattern[str]] = {}


def glob_regex(glob: str) -> str:
    """The glob as a regular expression for whole paths. A glob without ``/`` is for a name in any folder."""
    if "/" not in glob.rstrip("/"):
        glob = f"**/{glob}"
    if glob.endswith("/"):
        glob += "**"
    out, at = [], 0
    while at < len(glob):
        if glob.startswith("**/", at):
            out.append("(?:.*/)?")
            at += 3
        elif glob.startswith("**", at):
            out.append(".*")
            at += 2
        else:
            part, at = _one(glob, at)
            out.append(part)
    return "".join(out)


def _one(glob: str, at: int) -> tuple[str, int]:
    letter = glob[at]
    if letter == "*":
        return "[^/]*", at + 1
    if letter == "?":
        return "[^/]", at + 1
    if letter == "[":
        end = glob.find("]", at + 2)
        if end > 0:
            inside = glob[at + 1 : end].replace("\\", "\\\\")
            return f"[{'^' + inside[1:] if inside[0] in '!^' else inside}]", end + 1
    return re.escape(letter), at + 1


def any_glob(globs: Iterable[str], path: str) -> bool:
    """Whether one of the globs is for ``path``."""
    for glob in globs:
        compiled = _COMPILED.get(glob)
        if compiled is None:
            compiled = _COMPILED[glob] = re.compile(glob_regex(glob), re.S)
        if compiled.fullmatch(path):
            return True
    return False


def applies(paths: Sequence[str], not_paths: Sequence[str], path: str) -> bool:
    """Whether a rule limited to ``paths`` and not ``not_paths`` is for ``path``."""
    return (not paths or any_glob(paths, path)) and not any_glob(not_paths, path)
