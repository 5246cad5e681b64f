"""File names and extended headers of git's diffs: quoted names, modes, renames, copies, blob names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tinycode_git.errors import UsageError
from tinycode_git.proposal import path_str

_ESCAPES = {b"a": 7, b"b": 8, b"t": 9, b"n": 10, b"v": 11, b"f": 12, b"r": 13, b'"': 34, b"\\": 92}
_ESCAPE = re.compile(rb'\\(?:([0-3][0-7]{2})|([abtnvfr"\\]))')
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_INDEX = re.compile(rb"index ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: ([0-7]{6}))?\s*\Z")
# What diff.mnemonicPrefix, the default and -R put in front of the two sides.
_PREFIXES = {"a", "b", "i", "w", "c", "o", "1", "2"}


@dataclass(frozen=True, slots=True)
class GitHeader:
    """The extended header of one file patch; modes and oids are what the patch claims, None or empty where silent."""

    old_path: str | None = None
    new_path: str | None = None
    action: str = "modify"
    old_mode: int | None = None
    new_mode: int | None = None
    index_mode: int | None = None
    old_oid: str = ""
    new_oid: str = ""

    def changes_something(self) -> bool:
        """Whether the header says enough without any hunk."""
        return self.action != "modify" or self.new_mode is not None


def unquote(raw: bytes) -> tuple[bytes, int] | None:
    """The C-style quoted name at the start of ``raw`` and its length there (quote.c in git); None where malformed."""
    match = _QUOTED.match(raw)
    if match is None:
        return None
    inner = match[1]
    out: list[bytes] = []
    at = 0
    for escape in _ESCAPE.finditer(inner):
        out.append(inner[at : escape.start()])
        out.append(bytes([int(escape[1], 8) if escape[1] else _ESCAPES[escape[2]]]))
        at = escape.end()
    out.append(inner[at:])
    if b"\\" in _ESCAPE.sub(b"", inner):
        return None
    return b"".join(out), match.end()


def name_of(raw: bytes) -> str | None:
    """The name on a ``---`` or ``+++`` line (without these); None for ``/dev/null``. A tab starts the time stamp."""
    raw = raw.rstrip(b"\r\n")
    if raw.startswith(b'"') and (quoted := unquote(raw)):
        return path_str(quoted[0])
    raw = raw.split(b"\t", 1)[0]
    return None if raw.rstrip() == b"/dev/null" else path_str(raw)


def strip_pair(old: str | None, new: str | None) -> tuple[str | None, str | None]:
    """Both names without the prefix that diff programs put in front of them, where there is one."""
    sides = [side for side in (old, new) if side is not None]
    heads = {side.partition("/")[0] for side in sides}
    if not all("/" in side for side in sides):
        return old, new
    if len(sides) == 1:
        stripped = heads <= {"a", "b"}
    else:
        same_rest = len({side.partition("/")[2] for side in sides}) == 1
        stripped = len(heads) == 2 and (heads <= _PREFIXES or same_rest)
    if not stripped:
        return old, new
    return old and old.partition("/")[2], new and new.partition("/")[2]


def header_names(raw: bytes) -> tuple[str, str] | None:
    """The two names of a ``diff --git`` line (without these words), prefixes kept; None where unclear.

    Without quotes a name may hold spaces, so that only two names which agree after their prefixes can be split.
    """
    raw = raw.rstrip(b"\r\n")
    if raw.startswith(b'"'):
        first = unquote(raw)
        if first is None or raw[first[1] : first[1] + 1] != b" ":
            return None
        rest = raw[first[1] + 1 :]
        second = unquote(rest) if rest.startswith(b'"') else (rest, len(rest))
        if second is None or second[1] != len(rest):
            return None
        return path_str(first[0]), path_str(second[0])
    if raw.endswith(b'"'):
        cut = raw.find(b' "')
        second = unquote(raw[cut + 1 :]) if cut > 0 else None
        if second is None or cut + 1 + second[1] != len(raw):
            return None
        return path_str(raw[:cut]), path_str(second[0])
    middle = len(raw) // 2
    left, right = raw[:middle], raw[middle + 1 :]
    if raw[middle : middle + 1] != b" " or left.split(b"/", 1)[1:] != right.split(b"/", 1)[1:]:
        return None
    return path_str(left), path_str(right)


def read_header(lines: Sequence[bytes], i: int, first_line: int) -> tuple[GitHeader, int]:
    """The header whose ``diff --git`` line is ``lines[i]``, names stripped of their prefixes, and the line after it.

    Raises ``UsageError`` where the names are missing or contradict each other.
    """
    start = i
    both = header_names(lines[i][len(b"diff --git ") :])
    base = strip_pair(*both) if both else (None, None)
    header = GitHeader()
    marks: list[str | None] = []
    i += 1
    while i < len(lines):
        line = lines[i]
        if line.startswith(b"--- ") and i + 1 < len(lines) and lines[i + 1].startswith(b"+++ "):
            marks = [name_of(line[4:]), name_of(lines[i + 1][4:])]
            i += 2
            break
        after = _extended(header, line.rstrip(b"\r\n"))
        if after is None:
            break
        header, i = after, i + 1
        if not line.endswith(b"\n"):
            raise UsageError(
                f"the patch is corrupt at line {first_line + i - 1}: the input ends inside a file header",
                "make it anew with git diff or git format-patch",
            )
    named = _named(header, base, marks)
    if named is None:
        raise UsageError(
            f"the patch is corrupt at line {first_line + start}: the file header's names are missing or do not agree",
            "make it anew with git diff or git format-patch",
        )
    return named, i


def _named(header: GitHeader, base: tuple[str | None, str | None], marks: Sequence[str | None]) -> GitHeader | None:
    """``header`` with both names filled in; None where a name is missing or two places disagree."""
    if header.action in ("rename", "copy") and not (header.old_path and header.new_path):
        return None
    old, new = header.old_path or base[0], header.new_path or base[1]
    if marks:
        absent = (header.action == "create", header.action == "delete")
        if (marks[0] is None, marks[1] is None) not in (absent, (False, False)):
            return None
        for known, mark in ((old, marks[0]), (new, marks[1])):
            if known is not None and mark is not None and mark not in (known, f"{mark.partition('/')[0]}/{known}"):
                return None
        if old is None or new is None:
            stripped = strip_pair(*marks)
            old, new = old or stripped[0] or stripped[1], new or stripped[1] or stripped[0]
    if not old or not new or (old != new and header.action not in ("rename", "copy")):
        return None
    return replace(header, old_path=old, new_path=new)


def _extended(header: GitHeader, line: bytes) -> GitHeader | None:
    """``header`` with one extended line taken in; None where ``line`` is none."""
    if match := _INDEX.match(line):
        mode = int(match[3], 8) if match[3] else None
        return replace(header, old_oid=match[1].decode(), new_oid=match[2].decode(), index_mode=mode)
    for prefix, read in _LINES.items():
        if line.startswith(prefix):
            return read(header, line[len(prefix) :])
    return None


def _path(raw: bytes) -> str:
    quoted = unquote(raw) if raw.startswith(b'"') else None
    return path_str(quoted[0] if quoted else raw)


def _mode(raw: bytes) -> int:
    if not re.fullmatch(rb"[0-7]{6}\s*", raw):
        raise UsageError("the patch is corrupt: a file header has a malformed mode", "make the patch anew")
    return int(raw, 8)


_LINES: dict[bytes, Callable[[GitHeader, bytes], GitHeader]] = {
    b"old mode ": lambda h, v: replace(h, old_mode=_mode(v)),
    b"new mode ": lambda h, v: replace(h, new_mode=_mode(v)),
    b"new file mode ": lambda h, v: replace(h, action="create", new_mode=_mode(v)),
    b"deleted file mode ": lambda h, v: replace(h, action="delete", old_mode=_mode(v)),
    b"rename from ": lambda h, v: replace(h, action="rename", old_path=_path(v)),
    b"rename old ": lambda h, v: replace(h, action="rename", old_path=_path(v)),
    b"rename to ": lambda h, v: replace(h, action="rename", new_path=_path(v)),
    b"rename new ": lambda h, v: replace(h, action="rename", new_path=_path(v)),
    b"copy from ": lambda h, v: replace(h, action="copy", old_path=_path(v)),
    b"copy to ": lambda h, v: replace(h, action="copy", new_path=_path(v)),
    b"similarity index ": lambda h, v: h,
    b"dissimilarity index ": lambda h, v: h,
    b"index ": lambda h, v: h,
}
