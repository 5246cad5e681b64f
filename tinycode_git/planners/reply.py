"""Plans from the pasted answer of a chat assistant: all of its edits, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tinycode_git.edits.elision import find_elision
from tinycode_git.edits.hunks import apply_hunks
from tinycode_git.edits.lines import bare, split_lines
from tinycode_git.edits.matching import Block, Op, apply_blocks, rewrite
from tinycode_git.edits.paths import shown
from tinycode_git.edits.records import Edit
from tinycode_git.edits.reply import Reply, decode_reply, read_reply
from tinycode_git.errors import Refused
from tinycode_git.planners.draft import TreeDraft, title_of
from tinycode_git.proposal import MODE_FILE, MODE_GITLINK, MODE_LINK, Change, Proposal, Snapshot, StepDraft

_HINT = "ask for the change again with the file as it is now; nothing was changed"
_WHOLE = "ask for the whole file, or for a search/replace block of the part that changes"


def plan_reply(snapshot: Snapshot, data: bytes, *, task: str = "") -> Proposal:
    """The plan in the reply ``data``: one step, or one for each of its headings ``Step 1: ...``.

    Raises ``UsageError`` where there is no edit in it or one is not whole, ``Refused`` where one does not fit the
    files.
    A reply that is a mailed patch series is planned as one.
    """
    from tinycode_git.edits.mail import is_mail

    if is_mail(decoded := decode_reply(data)) and b"\ndiff --git " in decoded:
        from tinycode_git.planners.patch import plan_patch

        return plan_patch(snapshot, decoded, task=task)
    reply = read_reply(data)
    notes = list(reply.notes)
    steps: list[StepDraft] = []
    for title, edits in _grouped(reply):
        changes = _Editing(TreeDraft(snapshot), reply.partial, notes).run(edits)
        if not changes:
            raise Refused("the reply changes nothing: all of it is there already", "there is nothing to propose")
        title = title or title_of(task) or _title(edits)
        steps.append(StepDraft(title, changes, assisted_by="reply"))
        snapshot = snapshot.after(changes) if len(reply.steps) > 1 else snapshot
    return Proposal(task or steps[0].title, "reply", tuple(steps), notes=tuple(notes))


def _title(edits: Sequence[Edit]) -> str:
    paths = list(dict.fromkeys(edit.path for edit in edits))
    return f"Edit {shown(paths[0])[1:-1]}" + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")


def _grouped(reply: Reply) -> list[tuple[str, list[Edit]]]:
    """The edits by the heading above them, where headings count from 1 without a gap and each has edits; else all."""
    numbers = [number for _, number, _ in reply.steps]
    whole = [("", reply.edits)]
    if len(numbers) < 2 or numbers != list(range(1, len(numbers) + 1)):
        return whole
    groups: list[tuple[str, list[Edit]]] = [(shown(title or f"Step {n}")[1:-1], []) for _, n, title in reply.steps]
    for edit in reply.edits:
        at = sum(1 for line, _, _ in reply.steps if line < edit.line)
        if not at:
            return whole
        groups[at - 1][1].append(edit)
    return groups if all(edits for _, edits in groups) else whole


@dataclass(slots=True)
class _Editing:
    """One step's edits meeting its files. Blocks of one file are kept together: they speak of the file as it was."""

    draft: TreeDraft
    partial: Sequence[int]
    notes: list[str]
    pending: dict[str, dict[tuple[Op, ...], Block]] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)

    def run(self, edits: Sequence[Edit]) -> tuple[Change, ...]:
        for edit, after in zip(edits, (*edits[1:], None), strict=True):
            if edit.kind == "change":
                self._change(edit)
            else:
                self._flush(edit.path)
                if edit.kind in ("write", "create"):
                    self._write(edit, after.line if after else None)
                elif edit.kind == "delete":
                    self._delete(edit)
                else:
                    self._move(edit)
            self.touched.add(edit.path)
        for path in list(self.pending):
            self._flush(path)
        return self.draft.changes()

    def _file(self, path: str) -> tuple[int, bytes]:
        entry = self.draft.entry(path)
        if entry is None:
            self.draft.require(path, "the reply changes", _suggestion(self.draft.base, path))
        if entry is None or entry.mode in (MODE_LINK, MODE_GITLINK):
            raise Refused(f"the reply changes {shown(path)}, which is a link or a submodule", "change it with --patch")
        return entry.mode, self.draft.read(path) or b""

    def _change(self, edit: Edit) -> None:
        if edit.blocks and not any(edit.blocks[0][0].old) and self._fill(edit):
            return
        mode, content = self._file(edit.path)
        _check_elision(edit, [line for ways in edit.blocks for line in ways[0].added], content)
        if len(edit.blocks) == 1 and len(edit.blocks[0]) == 1 and not edit.hunks:
            block = edit.blocks[0][0]
            there = self.pending.setdefault(edit.path, {})
            if block.ops in there:
                self.notes.append(
                    f"the edit of {shown(edit.path)} on line {edit.line} is there twice and was taken once"
                )
            there.setdefault(block.ops, block)
            return
        self._flush(edit.path)
        mode, content = self._file(edit.path)
        self.draft.put(edit.path, _changed(edit, content), mode)

    def _fill(self, edit: Edit) -> bool:
        """An empty search text gives the content of a file that is not there, or is empty."""
        entry = self.draft.entry(edit.path)
        if entry is not None and self.draft.read(edit.path):
            return False
        self._write(Edit("write", edit.path, edit.line, content=tuple(edit.blocks[0][0].new)), None)
        return True

    def _flush(self, path: str) -> None:
        blocks = self.pending.pop(path, None)
        if blocks:
            mode, content = self._file(path)
            self.draft.put(path, apply_blocks(content, list(blocks.values()), path), mode)

    def _write(self, edit: Edit, following: int | None) -> None:
        lines = list(edit.content or ())
        name = shown(edit.path)
        entry = self.draft.entry(edit.path)
        if edit.path in self.touched:
            if entry is not None and self.draft.read(edit.path) == _joined(edit):
                self.notes.append(f"{name} is there twice and was taken once")
                return
            raise Refused(f"the reply gives {name} more than once, in different ways (line {edit.line})", _HINT)
        if entry is None:
            _check_elision(edit, lines, b"")
            self.draft.put(edit.path, _joined(edit), MODE_FILE)
            return
        mode, content = self._file(edit.path)
        if edit.kind == "create" and content != _joined(edit):
            raise Refused(f"the reply adds {name}, which is there already with other content", _HINT)
        _check_whole(edit, lines, content, [at for at in self.partial if edit.line < at and at < (following or at + 1)])
        self.draft.put(edit.path, rewrite(content, lines), mode)

    def _delete(self, edit: Edit) -> None:
        entry = self.draft.require(edit.path, "the reply deletes", _suggestion(self.draft.base, edit.path))
        if edit.content and entry.mode != MODE_GITLINK:
            there = [bare(line).rstrip() for line in split_lines(self.draft.read(edit.path) or b"")]
            if there != [line.rstrip() for line in edit.content]:
                raise Refused(f"the reply deletes {shown(edit.path)}, which holds something else than it says", _HINT)
        self.draft.delete(edit.path)

    def _move(self, edit: Edit) -> None:
        mode, content = self._file(edit.path)
        if self.draft.entry(edit.target) is not None:
            raise Refused(f"the reply moves {shown(edit.path)} to {shown(edit.target)}, which is there already", _HINT)
        self.draft.put(edit.target, content, mode)
        self.draft.delete(edit.path)


def lay_edits(draft: TreeDraft, edits: Sequence[Edit], partial: Sequence[int], notes: list[str]) -> tuple[Change, ...]:
    """The changes that ``edits`` make over ``draft``; ``partial`` as in ``Reply``. Raises Refused; ``notes`` grow."""
    return _Editing(draft, partial, notes).run(edits)


def _joined(edit: Edit) -> bytes:
    content = b"".join(line + b"\n" for line in edit.content or ())
    return content if edit.final_newline else content.removesuffix(b"\n")


def _changed(edit: Edit, content: bytes) -> bytes:
    """``content`` with the blocks of ``edit``: by line numbers where all agree, else by what the blocks say."""
    if edit.hunks:
        try:
            return apply_hunks(content, edit.hunks, edit.path)
        except Refused:
            pass
    if all(len(ways) == 1 for ways in edit.blocks):
        return apply_blocks(content, [ways[0] for ways in edit.blocks], edit.path)
    results: list[bytes] = []
    failed: Refused | None = None
    for way in edit.blocks[0]:
        try:
            results.append(apply_blocks(content, [way], edit.path))
        except Refused as refused:
            failed = failed or refused
    if len(set(results)) > 1:
        raise Refused(
            f"the edit of {shown(edit.path)} on line {edit.line} of the input can be read in more than one way",
            "ask for it as a diff: its text holds lines that look like the block's divider",
        )
    if not results and failed is not None:
        raise failed
    return results[0]


def _check_elision(edit: Edit, lines: Sequence[bytes], content: bytes) -> None:
    at = find_elision(lines, content, path=edit.path)
    if at is not None:
        text = shown(lines[at].decode("utf-8", "replace").strip())
        raise Refused(
            f"the reply leaves out code of {shown(edit.path)}: {text} (in the edit on line {edit.line})", _WHOLE
        )


def _check_whole(edit: Edit, lines: Sequence[bytes], content: bytes, partial: Sequence[int]) -> None:
    """Refuse a whole-file answer that shows signs of being only a part of the file."""
    name = shown(edit.path)
    _check_elision(edit, lines, content)
    if partial:
        raise Refused(f"the reply says on line {partial[0]} that the rest of {name} stays, and leaves it out", _WHOLE)
    there = [bare(line).strip() for line in split_lines(content)]
    there = [line for line in there if line]
    if there and not any(line.strip() for line in lines):
        raise Refused(f"the reply gives an empty block for {name} (line {edit.line})", _WHOLE)
    given = {line.strip() for line in lines}
    lost = sum(1 for line in there if line not in given)
    ends_lost = not given.issuperset((there[0], there[-1])) if there else False
    if len(there) >= 10 and lost * 2 > len(there) and ends_lost and len(lines) * 2 < len(there):
        raise Refused(
            f"the block for {name} (line {edit.line}) seems to be a part of it: {lost} of {len(there)} lines are gone",
            _WHOLE,
        )


def _suggestion(snapshot: Snapshot, path: str) -> str:
    """A hint that names the files of the same name elsewhere in the tree."""
    base = path.rpartition("/")[2]
    same = [entry.path for entry in snapshot.paths() if entry.path.rpartition("/")[2] == base][:3]
    return f"did you mean {' or '.join(map(shown, same))}?" if same else "name files that are in the repository"
