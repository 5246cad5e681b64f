"""Reads the answer of a chat assistant: every edit in it, in order, whatever way it is written, and nothing else.

Taken are search/replace blocks, diffs and ``apply_patch`` envelopes, fenced or not, and whole files in a fence under a
path. A block that names no file is left out with a note; an answer that is cut short is refused as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tinycode_git.edits.envelope import is_envelope_start, read_envelope
from tinycode_git.edits.fences import (
    Fence,
    LastMarks,
    heading_path,
    is_citation,
    last_marks,
    mentioned_path,
    open_fence,
    path_of_info,
    read_fence,
)
from tinycode_git.edits.lines import BOM, bare, split_lines
from tinycode_git.edits.loose import is_file_header, looks_like_diff, read_diff
from tinycode_git.edits.marks import is_search_start, read_block
from tinycode_git.edits.paths import shown
from tinycode_git.edits.records import Edit
from tinycode_git.errors import UsageError
from tinycode_git.proposal import path_str

_STEP = re.compile(
    rb"#{1,6}\s+\**(?:Step|Commit)\s+(\d{1,3})\b\**\s*[:.)\xe2\x80\x93\x94-]*\s*(.*?)\**\s*\Z", re.IGNORECASE
)
_UNCHANGED = re.compile(
    rb"\b(?:rest|remainder) of (?:the |your |this )?(?:\w+ )?(?:file|code|class|module|script)\b.*"
    rb"\b(?:same|unchanged|as (?:it )?is|as before|omitted)\b",
    re.IGNORECASE,
)
_DIFF_INFO = {"diff", "patch", "udiff"}
_LONGEST_PROSE = 400
_MOST_NOTES = 20
_STARTS = {b"*", b"<", b"`", b"~", b"-", b"d", b" ", b"\t"}


@dataclass(slots=True)
class Reply:
    """The edits of a reply; ``notes`` say what was left out; ``steps`` are its headings ``Step 1: title`` by line.

    ``partial`` are lines of prose that say that the rest of a file stays as it is.
    """

    edits: list[Edit] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    steps: list[tuple[int, int, str]] = field(default_factory=list)
    partial: list[int] = field(default_factory=list)
    heading: bytes = b""
    path: str | None = None


def read_reply(data: bytes) -> Reply:
    """The edits in ``data``. Raises ``UsageError`` where there is none, or one is not whole."""
    lines = [bare(line) for line in split_lines(decode_reply(data))]
    reply = Reply()
    last = last_marks(lines)
    i = 0
    while i < len(lines):
        # Nearly every line is prose: only these bytes start anything else.
        i = _next(lines, i, last, reply) if lines[i][:1] in _STARTS else _prose(lines[i], i, reply)
    if not reply.edits:
        found = f" ({reply.notes[0]})" if reply.notes else ""
        raise UsageError(
            f"there are no edits in the reply{found}",
            "paste search/replace blocks, a diff, an apply_patch block, or whole files in fences under their path",
        )
    return reply


def decode_reply(data: bytes) -> bytes:
    """``data`` as UTF-8 without a mark in front; what a clipboard saved as UTF-16 is converted."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16").encode()
        except UnicodeError as error:
            raise UsageError("the reply is damaged UTF-16", "save it as UTF-8") from error
    return data.removeprefix(BOM)


def _next(lines: Sequence[bytes], i: int, last: LastMarks, reply: Reply) -> int:
    """Take in what is at line ``i``; the line to go on with."""
    line = lines[i]
    if is_envelope_start(line):
        edits, end = read_envelope(lines, i, 1)
        reply.edits += edits
        return end
    if is_search_start(line):
        return _search(lines, i, 1, reply, None)
    if (fence := read_fence(lines, i, last)) is not None:
        _fence(fence, reply)
        _check_markdown(lines, fence, reply)
        return fence.stop + 1
    if is_file_header(lines, i) and _is_raw_diff(lines, i):
        end = _raw_end(lines, i)
        reply.edits += read_diff(lines, i, end, 1, None)
        return end
    return _prose(line, i, reply)


def _prose(line: bytes, i: int, reply: Reply) -> int:
    """Keep what a line of prose says about the edits around it; the line to go on with."""
    if len(line) > _LONGEST_PROSE:
        reply.heading = b""
    elif line.strip():
        reply.heading = line
        if line.startswith(b"#") and (step := _STEP.match(line)):
            reply.steps.append((i + 1, int(step[1]), path_str(step[2].strip())))
        if _UNCHANGED.search(line):
            reply.partial.append(i + 1)
    return i + 1


def _fence(fence: Fence, reply: Reply) -> None:
    """Take in a fenced block: by what is in it, and else as the whole of the file that is named above it."""
    body, first = fence.lines, fence.start + 2
    heading = reply.heading
    if any(is_envelope_start(line) for line in body):
        at = next(i for i, line in enumerate(body) if is_envelope_start(line))
        edits, _ = read_envelope(body, at, first)
        reply.edits += edits
    elif any(is_search_start(line) for line in body):
        path = path_of_info(fence.info) or heading_path(heading) or mentioned_path(heading)
        reply.path = path or reply.path
        _searches(body, first, reply)
    elif fence.info.split(" ")[0].lower() in _DIFF_INFO or looks_like_diff(body):
        path = path_of_info(fence.info) or heading_path(heading) or mentioned_path(heading)
        reply.edits += read_diff(body, 0, len(body), first, path)
    else:
        _whole(fence, reply)
    reply.heading = b""


def _whole(fence: Fence, reply: Reply) -> None:
    path = None if is_citation(fence.info) else path_of_info(fence.info) or heading_path(reply.heading)
    if path is None:
        if len(reply.notes) < _MOST_NOTES:
            reply.notes.append(f"the fenced block on line {fence.start + 1} names no file above it and was left out")
        return
    reply.edits.append(Edit("write", path, fence.start + 1, content=tuple(fence.lines)))


def _check_markdown(lines: Sequence[bytes], fence: Fence, reply: Reply) -> None:
    """Refuse a whole Markdown file that may hold the very fence line which seems to end it."""
    if not reply.edits or reply.edits[-1].line != fence.start + 1 or reply.edits[-1].kind != "write":
        return
    if not reply.edits[-1].path.lower().endswith((".md", ".markdown", ".mdx")):
        return
    heading = b""
    for line in lines[fence.stop + 1 :]:
        opened = open_fence(line)
        if opened is not None:
            if not opened[2] and heading_path(heading) is None:
                raise UsageError(
                    f"where {shown(reply.edits[-1].path)} ends is unclear: a fence may close the block or belong to it",
                    "ask for the file in a fence of four backticks",
                )
            return
        heading = line if line.strip() else heading


def _searches(body: Sequence[bytes], first: int, reply: Reply) -> None:
    """The search/replace blocks of a fence; a line in front of one may name its file."""
    i = 0
    before = b""
    while i < len(body):
        if is_search_start(body[i]):
            i = _search(body, i, first, reply, heading_path(before))
            before = b""
            continue
        before = body[i] if body[i].strip() else before
        i += 1


def _search(lines: Sequence[bytes], i: int, first: int, reply: Reply, path: str | None) -> int:
    path = path or heading_path(reply.heading) or mentioned_path(reply.heading) or reply.path
    blocks, end = read_block(lines, i, first)
    if path is None:
        raise UsageError(f"the search/replace block on line {first + i} names no file", "put the file's path above it")
    reply.path = path
    reply.edits.append(Edit("change", path, first + i, (tuple(blocks),)))
    return end


def _is_raw_diff(lines: Sequence[bytes], i: int) -> bool:
    """Outside a fence ``---`` may be a rule: a diff goes on with a hunk or a header."""
    return lines[i].startswith(b"diff --git ") or (i + 2 < len(lines) and lines[i + 2].startswith(b"@@"))


def _raw_end(lines: Sequence[bytes], i: int) -> int:
    """Where a diff without a fence ends: before the first line that can be part of none."""
    known: tuple[bytes, ...] = (
        b" ",
        b"+",
        b"-",
        b"\\",
        b"@@",
        b"diff --git ",
        b"index ",
        b"new file",
        b"deleted file",
        b"rename ",
    )
    known += (b"similarity ", b"dissimilarity ", b"old mode ", b"new mode ", b"copy ", b"Binary files ", b"GIT binary")
    end = i
    while i < len(lines):
        if lines[i].startswith(known):
            end = i + 1
        elif lines[i].strip() or (i + 1 < len(lines) and not lines[i + 1].strip()):
            break
        i += 1
    return end
