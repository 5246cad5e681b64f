"""Plans from plan JSON, the format in which other programs hand in changes (docs/plan-json.md)."""

from __future__ import annotations

from collections.abc import Sequence

from tinycode_git.edits.globs import Glob
from tinycode_git.edits.lines import bare, split_lines
from tinycode_git.edits.matching import Block, apply_blocks, exchange
from tinycode_git.edits.paths import shown
from tinycode_git.edits.plan_json import PlanEdit, read_plan
from tinycode_git.errors import Refused
from tinycode_git.planners.draft import TreeDraft
from tinycode_git.proposal import (
    MODE_EXEC,
    MODE_FILE,
    MODE_GITLINK,
    Proposal,
    Snapshot,
    StepDraft,
    TreeEntry,
)

_HINT = "make the plan from the files as they are now"


def plan_from_file(snapshot: Snapshot, data: bytes) -> Proposal:
    """The plan that the JSON in ``data`` describes.

    Raises ``UsageError`` naming the field where it is malformed, ``Refused`` naming the edit where it does not fit the
    tree or leaves the paths that the plan declares.
    """
    plan = read_plan(data)
    steps: list[StepDraft] = []
    for number, step in enumerate(plan.steps):
        draft = TreeDraft(snapshot)
        for edit in step.edits:
            _check_declared(edit, plan.declared)
            try:
                _take(draft, edit)
            except Refused as error:
                raise Refused(f"{edit.where}: {error.message}", error.hint, detail=error.detail) from None
        try:
            changes = draft.changes()
        except Refused as error:
            raise Refused(f"steps[{number}]: {error.message}", error.hint, detail=error.detail) from None
        if not changes:
            raise Refused(f"steps[{number}] ({shown(step.title)[1:-1]}): it changes nothing", "leave this step out")
        steps.append(StepDraft(step.title, changes, step.body.strip("\n"), assisted_by=plan.generator or "plan"))
        if number + 1 < len(plan.steps):
            snapshot = snapshot.after(changes)
    task = plan.task.strip() or steps[0].title
    return Proposal(task, "plan", tuple(steps), tuple(glob.pattern for glob in plan.declared))


def _check_declared(edit: PlanEdit, declared: Sequence[Glob]) -> None:
    """Refuse an edit outside what the plan declares, where it declares anything."""
    for field, path in (("path", edit.path), ("to", edit.to)):
        if declared and (path or field == "path") and not any(glob.matches(path) for glob in declared):
            raise Refused(
                f"{edit.where}.{field}: {shown(path)} is outside the paths that the plan declares",
                "declare it, or leave the edit out",
            )


def _take(draft: TreeDraft, edit: PlanEdit) -> None:
    """Lay one edit over the draft. Raises ``Refused``."""
    if edit.op == "put":
        there = draft.entry(edit.path)
        kept = there.mode if there is not None else MODE_FILE
        if edit.mode is None and kept not in (MODE_FILE, MODE_EXEC):
            raise Refused(f"{shown(edit.path)} is a link or a submodule", "say in 'mode' what it is to become")
        draft.put(edit.path, edit.content, edit.mode or kept)
        return
    entry = draft.require(edit.path, f"op '{edit.op}' needs", _HINT)
    if edit.op == "delete":
        draft.delete(edit.path)
    elif edit.op == "rename":
        _rename(draft, edit, entry)
    elif entry.mode not in (MODE_FILE, MODE_EXEC):
        raise Refused(f"{shown(edit.path)} is a link or a submodule, not a file", "use op 'put' or 'delete'")
    elif edit.op == "mode":
        draft.put(edit.path, draft.read(edit.path) or b"", edit.mode or entry.mode)
    else:
        content = draft.read(edit.path) or b""
        block = Block(exchange(_lines(edit.search), _lines(edit.replace)), 0)
        draft.put(edit.path, apply_blocks(content, [block], edit.path), entry.mode)


def _lines(text: str) -> list[bytes]:
    return [bare(line) for line in split_lines(text.encode())]


def _rename(draft: TreeDraft, edit: PlanEdit, entry: TreeEntry) -> None:
    if edit.to == edit.path or draft.entry(edit.to) is not None:
        raise Refused(f"{shown(edit.to)} is there already", "delete it first, or choose another name")
    if entry.mode == MODE_GITLINK:
        draft.put_submodule(edit.to, entry.oid)
    else:
        draft.put(edit.to, draft.read(edit.path) or b"", entry.mode)
    draft.delete(edit.path)
