"""Fenced blocks of a chat reply, and the file names that stand above them or in their first line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tinycode_git.edits.envelope import is_envelope_end, is_envelope_start
from tinycode_git.edits.marks import is_replace_end, is_search_start
from tinycode_git.errors import UsageError
from tinycode_git.proposal import path_str

_FENCE = re.compile(rb"([ \t]*)(`{3,}|~{3,})([^`]*)\Z")
_LONGEST_HEADING = 400
_LABEL = re.compile(
    r"(?:(?:\d+\s*[.):]\s*)?(?:file\s*name|file\s*path|file|path|filename|filepath)\s*[:=]\s*)", re.IGNORECASE
)
_LEAD = re.compile(r"\s*(?:#{1,6}\s+|[-*+]\s+|\d+[.)]\s+|>\s+|//+\s+|/\*\s*|<!--\s*|--\s+|;+\s+)")
_NOTE = re.compile(
    r"\s*[(\[](?:new|new file|updated|full|complete|full file|created|create|modified|rewritten)[)\]]\s*\Z", re.I
)
_FILLER = {
    "create",
    "new",
    "file",
    "updated",
    "full",
    "complete",
    "entire",
    "whole",
    "content",
    "contents",
    "of",
    "the",
}
_FILLER |= {"rewritten", "final", "version", "for"}
_KNOWN = {"makefile", "dockerfile", "license", "readme", "jenkinsfile", "procfile", "gemfile", "rakefile", "justfile"}
_KNOWN |= {"changelog", "authors", "notice", "copying", "vagrantfile", "brewfile", "codeowners", "todo", "version"}
_TICKED = re.compile(r"`([^`]+)`")
_ATTRIBUTE = re.compile(r"(?:title|file|filename|path|name)\s*=\s*[\"']?([^\"'\s}]+)", re.IGNORECASE)
_CITATION = re.compile(r"\d+:\d+:")


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block: its info string, its lines (the fence's own indentation taken off), where it starts and ends.

    ``start`` and ``stop`` are the numbers, from 0, of the fence lines themselves.
    """

    info: str
    lines: list[bytes]
    start: int
    stop: int


def open_fence(line: bytes) -> tuple[bytes, bytes, str] | None:
    """Indentation, fence and info string where ``line`` is a fence line."""
    if len(line) > _LONGEST_HEADING or (line.lstrip()[:1] not in (b"`", b"~")):
        return None
    match = _FENCE.match(line)
    return (match[1], match[2], match[3].strip().decode("utf-8", "replace")) if match else None


@dataclass(frozen=True, slots=True)
class LastMarks:
    """Where the last line stands that closes a search/replace block, and an envelope; -1 where there is none."""

    replace: int
    envelope: int


def last_marks(lines: Sequence[bytes]) -> LastMarks:
    """See ``LastMarks``: found once, so that a block without an end is not looked for again and again."""
    marks = [-1, -1]
    for i, line in enumerate(lines):
        if b">>>>>" in line and is_replace_end(line.lstrip(b" \t")):
            marks[0] = i
        elif b"***" in line and is_envelope_end(line.lstrip(b" \t")):
            marks[1] = i
    return LastMarks(*marks)


def read_fence(lines: Sequence[bytes], start: int, last: LastMarks) -> Fence | None:
    """The block whose fence is at ``start``; None where there is no fence.

    A fence line of the same kind and indentation with an info string opens a block inside the block. Raises
    ``UsageError`` where the input ends before the block does.
    """
    opened = open_fence(lines[start])
    if opened is None:
        return None
    indent, mark, info = opened
    depth = 1
    i = start + 1
    while i < len(lines):
        line = lines[i].lstrip(b" \t")
        if i < last.replace and is_search_start(line):
            i = next(j for j in range(i, last.replace + 1) if is_replace_end(lines[j].lstrip(b" \t")))
        elif i < last.envelope and is_envelope_start(line):
            i = next(j for j in range(i, last.envelope + 1) if is_envelope_end(lines[j].lstrip(b" \t")))
        elif (inner := open_fence(lines[i])) and inner[0] == indent and inner[1][:1] == mark[:1]:
            if not inner[2] and len(inner[1]) >= len(mark):
                depth -= 1
                if not depth:
                    return Fence(info, _body(lines, start + 1, i, indent), start, i)
            elif inner[2] and len(inner[1]) == len(mark):
                depth += 1
        i += 1
    raise UsageError(
        f"the reply ends inside the fenced block that starts on line {start + 1}: it seems to be cut short",
        "paste the whole answer, or ask for it again",
    )


def _body(lines: Sequence[bytes], start: int, stop: int, indent: bytes) -> list[bytes]:
    """Lines of a block without the indentation of its fence (CommonMark 0.31, 4.5: as much of it as there is)."""
    if not indent:
        return list(lines[start:stop])
    body: list[bytes] = []
    for line in lines[start:stop]:
        own = len(line) - len(line.lstrip(b" \t"))
        body.append(line.removeprefix(indent) if own >= len(indent) else line.lstrip(b" \t"))
    return body


def path_of_info(info: str) -> str | None:
    """The file that an info string names: ``python a/b.py``, ``python:a/b.py``, ``js title="b.js"``, ``a/b.py``."""
    if _CITATION.match(info):
        return None
    if match := _ATTRIBUTE.search(info):
        return clean_path(match[1])
    language, _, rest = info.partition(" ")
    for candidate in (rest.strip(), language.partition(":")[2], "" if ":" in language else language):
        if candidate and ("/" in candidate or "." in candidate) and (path := clean_path(candidate)):
            return path
    return None


def is_citation(info: str) -> bool:
    """Whether the block only cites lines of a file (``12:40:src/a.py``)."""
    return bool(_CITATION.match(info))


def heading_path(line: bytes) -> str | None:
    """The path where ``line`` is nothing but one, perhaps with a heading's marks, a label and a note about the file."""
    if len(line) > _LONGEST_HEADING:
        return None
    text = path_str(line).strip()
    if lead := _LEAD.match(text):
        text = text[lead.end() :]
    text = text.removesuffix("-->").removesuffix("*/").strip()
    text = _NOTE.sub("", text).rstrip(":").strip()
    inner = _unwrapped(text)
    wrapped = inner != text
    text = _NOTE.sub("", inner).rstrip(":").strip()
    labelled = _LABEL.match(text)
    if labelled:
        text = text[labelled.end() :]
    ticked = _TICKED.findall(text)
    if len(ticked) == 1 and text.strip("`* ") != ticked[0].strip():
        words = re.findall(r"[A-Za-z]+", _TICKED.sub(" ", text).lower())
        return clean_path(ticked[0], named=True) if set(words) <= _FILLER else None
    whole = _unwrapped(text).rstrip(":").strip()
    return clean_path(whole, named=bool(labelled) or wrapped or whole != text)


def mentioned_path(line: bytes) -> str | None:
    """The one path that a line of prose mentions in backticks; None where it mentions none, or several."""
    if len(line) > _LONGEST_HEADING:
        return None
    found = {path for tick in _TICKED.findall(path_str(line)) if (path := clean_path(tick))}
    return found.pop() if len(found) == 1 else None


def _unwrapped(text: str) -> str:
    """``text`` without emphasis, backticks, quotes or brackets around the whole of it."""
    text = text.strip()
    for mark in ("***", "**", "__", "*", "`", '"', "'"):
        if len(text) > 2 * len(mark) and text.startswith(mark) and text.rstrip(":").endswith(mark):
            inner = text.rstrip(":")[len(mark) : -len(mark)]
            if mark not in inner:
                text = inner.strip()
    return text


def clean_path(text: str, *, named: bool = False) -> str | None:
    """``text``, without ``./`` in front, where it looks like a path. ``named``: the context says that it is one."""
    text = text.strip()
    if not text or any(c in text for c in '`*<>|?"{}()=,;') or text.endswith((".", "!", "/")):
        return None
    if " " in text and not (named and re.search(r"\.\w{1,8}\Z", text)):
        return None
    base = text.rpartition("/")[2]
    shaped = "/" in text or "\\" in text or re.search(r"\w\.\w", text) or base.startswith(".")
    if not (shaped or named or text.lower() in _KNOWN) or "://" in text:
        return None
    return text.removeprefix("./")
