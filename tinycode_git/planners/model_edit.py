"""The second phase: one file a call, whole or as search/replace blocks, as plain text through ``edits``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tinycode_git.edits.fences import heading_path, last_marks, open_fence, read_fence
from tinycode_git.edits.lines import bare, split_lines
from tinycode_git.edits.reply import Reply, read_reply
from tinycode_git.errors import TinyError
from tinycode_git.planners.draft import TreeDraft
from tinycode_git.planners.model_plan import BadAnswer
from tinycode_git.planners.model_syntax import broken
from tinycode_git.planners.recipes.languages import language_of
from tinycode_git.planners.reply import lay_edits
from tinycode_git.proposal import Change, Delete, Put, Snapshot, path_bytes

# Below so many lines a file is asked for as a whole: small models copy better than they quote.
WHOLE_LINES = 300
_TICKS = re.compile(rb"`+")
_SIGNS = re.compile(r"[=(){};:]")


@dataclass(frozen=True, slots=True)
class Edited:
    """What an answer makes of its file, and what of it was dropped."""

    changes: tuple[Change, ...]
    dropped: tuple[str, ...] = ()


def formats(lines: int, wanted: str) -> tuple[str, str]:
    """The format to ask for first and the one to try when that fails, for a file of so many lines."""
    if wanted != "auto":
        return wanted, wanted
    return ("whole", "blocks") if lines <= WHOLE_LINES else ("blocks", "whole")


def edit_of(snapshot: Snapshot, path: str, answer: str) -> Edited:
    """The changes of one answer to one file. Raises BadAnswer with the exact reason.

    Edits of other paths are dropped and said: the question was about one file.
    """
    reply, dropped = _read(answer, path)
    draft = TreeDraft(snapshot)
    notes: list[str] = []
    try:
        changes = lay_edits(draft, reply.edits, reply.partial, notes)
    except TinyError as error:
        detail = f"\n{error.detail}" if error.detail else ""
        raise BadAnswer(f"{error.message}{detail}") from error
    if not changes:
        raise BadAnswer("the answer changes nothing: the file is as it was")
    for change in changes:
        _check(snapshot, change)
    return Edited(changes, (*dropped, *notes))


def _read(answer: str, path: str) -> tuple[Reply, list[str]]:
    """The edits of ``path`` in an answer; a fence without a name is the whole of it. Raises BadAnswer."""
    data = answer.encode("utf-8", "surrogatepass")
    failed: TinyError | None = None
    reply: Reply | None = None
    dropped: list[str] = []
    for number in range(2):
        try:
            text, dropped = (data, []) if number == 0 else _alone(path, data)
            reply = read_reply(text)
        except TinyError as error:
            failed = failed or error
            continue
        mine = [edit for edit in reply.edits if path in (edit.path, edit.target)]
        if mine:
            others = dict.fromkeys(edit.path for edit in reply.edits if path not in (edit.path, edit.target))
            reply.edits = [edit for edit in mine if edit.kind != "move"]
            return reply, [
                *dropped,
                *reply.notes,
                *(f"an edit of {other!r}, which was not asked for" for other in others),
            ]
    if reply is not None and reply.edits:
        raise BadAnswer(f"the answer is about {reply.edits[0].path}, and {path} was asked for")
    raise BadAnswer(failed.message if failed is not None else "there is no edit in the answer")


def _alone(path: str, data: bytes) -> tuple[bytes, list[str]]:
    """The answer as the content of one file: its first fence, or all of it where it is code without one.

    Raises UsageError where the fence is not closed, BadAnswer where its end is not clear.
    """
    lines = [bare(line) for line in split_lines(data)]
    last = last_marks(lines)
    if last.replace >= 0:
        return b"%s\n%s" % (path_bytes(path), data), []
    above = b""
    for number, line in enumerate(lines):
        fence = read_fence(lines, number, last)
        if fence is None:
            above = line if line.strip() else above
            continue
        # Under the name of a file it is about that file.
        if heading_path(above) is not None:
            return data, []
        further = sum(1 for line in lines[fence.stop + 1 :] if open_fence(line) is not None)
        if further and path.lower().endswith((".md", ".markdown", ".mdx")):
            raise BadAnswer("where the file ends is not clear: put it into a fence of four backticks")
        return _named(path, fence.lines), ["further blocks, which name no file"] if further else []
    return (_named(path, lines) if _is_code(path, data.decode("utf-8", "replace")) else data), []


def _named(path: str, lines: Sequence[bytes]) -> bytes:
    """A file in a fence that none of its lines can close, under its path."""
    longest = max((len(run) for line in lines for run in _TICKS.findall(line)), default=0)
    mark = b"`" * max(4, longest + 1)
    return b"\n".join([path_bytes(path), mark, *lines, mark, b""])


def _is_code(path: str, answer: str) -> bool:
    """Whether text without a fence can only be the file: lines that parse as its language, which prose does not."""
    language = language_of(path)
    if language is None or not language.code or "\n" not in answer.strip() or not _SIGNS.search(answer):
        return False
    return not broken(path, None, answer.encode("utf-8", "replace"))


def _check(snapshot: Snapshot, change: Change) -> None:
    """Refuse what no longer parses where it did before."""
    if isinstance(change, Delete) or not isinstance(change, Put):
        return
    before = snapshot.read(change.path)
    why = broken(change.path, before, change.content)
    if why:
        raise BadAnswer(why)


def removal(snapshot: Snapshot, path: str) -> tuple[Change, ...]:
    """The deletion of one file. Raises Refused where it is none."""
    draft = TreeDraft(snapshot)
    draft.require(path, "the plan deletes", "name a file of the repository")
    draft.delete(path)
    return draft.changes()
