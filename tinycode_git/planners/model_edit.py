"""The second phase: one file a call, whole or as search/replace blocks, as plain text through ``edits``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tinycode_git.edits.fences import heading_path
from tinycode_git.edits.reply import Reply, read_reply
from tinycode_git.errors import TinyError
from tinycode_git.planners.draft import TreeDraft
from tinycode_git.planners.model_plan import BadAnswer
from tinycode_git.planners.model_syntax import broken
from tinycode_git.planners.recipes.languages import language_of
from tinycode_git.planners.reply import lay_edits
from tinycode_git.proposal import Change, Delete, Put, Snapshot

# Below so many lines a file is asked for as a whole: small models copy better than they quote.
WHOLE_LINES = 300
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})([^\n`]*)$", re.M)
_SIGNS = re.compile(r"[=(){};:]")
_PROSE = re.compile(r"(?i)^(?:sure|certainly|of course|here(?:'s| is)|i(?:'ve| have| will|'ll)|the (?:updated|new))\b")


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
    """The edits of ``path`` in an answer; a single fence without a name is the whole of it."""
    data = answer.encode("utf-8", "surrogatepass")
    named = f"{path}\n".encode("utf-8", "surrogateescape")
    failed: TinyError | None = None
    reply = None
    for text in (data, named + _alone(path, answer).encode("utf-8", "surrogatepass")):
        try:
            reply = read_reply(text)
        except TinyError as error:
            failed = failed or error
            continue
        mine = [edit for edit in reply.edits if path in (edit.path, edit.target)]
        if mine:
            others = dict.fromkeys(edit.path for edit in reply.edits if path not in (edit.path, edit.target))
            reply.edits = [edit for edit in mine if edit.kind != "move"]
            return reply, [f"an edit of {other!r}, which was not asked for" for other in others]
    if reply is not None and reply.edits:
        raise BadAnswer(f"the answer is about {reply.edits[0].path}, and {path} was asked for")
    raise BadAnswer(failed.message if failed is not None else "there is no edit in the answer")


def _alone(path: str, answer: str) -> str:
    """The answer as the content of one file: its one fence, or all of it where it is code without a fence."""
    if "<<<<<<< SEARCH" in answer:
        return answer
    fences = list(_FENCE.finditer(answer))
    if not fences:
        return f"~~~~~~\n{answer.rstrip()}\n~~~~~~\n" if _is_code(path, answer) else answer
    first = fences[0]
    closing = [one for one in fences[1:] if one[1].startswith(first[1]) and not one[2].strip()]
    if not closing:
        return answer
    # A name above the fence that is not the asked path stays: then the answer is about another file.
    above = answer[: first.start()].rstrip("\n").rpartition("\n")[2]
    if heading_path(above.encode("utf-8", "surrogatepass")) is not None:
        return answer
    last = closing[-1] if len(closing) == 1 or not _between(answer, closing) else closing[0]
    return f"{first[1]}\n{answer[first.end() + 1 : last.start()]}{first[1]}\n"


def _is_code(path: str, answer: str) -> bool:
    """Whether text without a fence can only be the file: lines that parse as its language, which prose does not."""
    language = language_of(path)
    if language is None or not language.code or "\n" not in answer.strip() or not _SIGNS.search(answer):
        return False
    return not broken(path, None, answer.encode("utf-8", "replace"))


def _between(answer: str, closing: list[re.Match[str]]) -> bool:
    """Whether the text between fences reads as prose, so that the first block is the file."""
    return (
        bool(_PROSE.match(answer[closing[0].end() : closing[1].start()].strip()))
        or "\n\n" in answer[closing[0].end() : closing[1].start()]
    )


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
