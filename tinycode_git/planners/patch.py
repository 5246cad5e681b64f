"""Plans from patches: a unified diff becomes one step, a ``git format-patch`` series one step a patch."""

from __future__ import annotations

from collections.abc import Sequence

from tinycode_git.edits.binary import BadDelta, apply_binary
from tinycode_git.edits.hunks import apply_hunks
from tinycode_git.edits.paths import shown
from tinycode_git.edits.unified import FilePatch, parse_patch
from tinycode_git.errors import Refused, UsageError
from tinycode_git.planners.draft import TreeDraft, title_of
from tinycode_git.proposal import (
    MODE_EXEC,
    MODE_FILE,
    MODE_GITLINK,
    Change,
    Identity,
    Proposal,
    Snapshot,
    StepDraft,
)

_HINT_BASE = "make the patch anew from this base, or choose the base it was made from"
_VERBS = {"modify": "changes", "create": "adds", "delete": "deletes", "rename": "renames", "copy": "copies"}


def plan_patch(snapshot: Snapshot, data: bytes, *, task: str = "", now: int | None = None) -> Proposal:
    """The plan in ``data``: a diff or a series of mails as ``git format-patch`` writes them.

    Messages and authors of a series are kept as ``git am`` keeps them; ``now`` (seconds since 1970, the clock where
    None) dates a patch that has no date. Raises ``UsageError`` where ``data`` is no whole patch, ``Refused`` where it
    does not apply or touches what it may not.
    """
    from tinycode_git.edits.mail import is_mail, without_lead

    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError("the patch is UTF-16, as PowerShell's > writes it", "make it with git diff --output=FILE")
    data = without_lead(data)
    if is_mail(data):
        return _plan_series(snapshot, data, task, now)
    patches = parse_patch(data)
    if not patches:
        raise UsageError("there is no patch in the input", "give the output of git diff or git format-patch")
    changes = apply_patches(snapshot, patches)
    title = title_of(task) or _title(changes)
    return Proposal(task or title, "patch", (StepDraft(title, changes),))


def _title(changes: Sequence[Change]) -> str:
    names = [change.path.rpartition("/")[2] for change in changes]
    name = shown(names[0])[1:-1]
    return f"Apply a patch to {name}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _plan_series(snapshot: Snapshot, data: bytes, task: str, now: int | None) -> Proposal:
    from tinycode_git.edits.mail import read_mail, split_mbox

    mails = [read_mail(raw, line) for raw, line in split_mbox(data)]
    steps: list[StepDraft] = []
    notes: list[str] = []
    for number, mail in enumerate(mails, 1):
        which = f"patch {number} of {len(mails)} ({shown(mail.subject)[1:-1] or 'no subject'})"
        try:
            patches = parse_patch(mail.patch, first_line=mail.patch_line)
            if not patches and mail.is_cover:
                notes.append(f"{which} is a cover letter and was left out")
                continue
            if not patches:
                raise UsageError("there is no diff in it", "leave this message out")
            changes = apply_patches(snapshot, patches)
            author = _author(mail.name, mail.email, mail.when, mail.offset, now)
        except (Refused, UsageError) as error:
            raise type(error)(f"{which}: {error.message}", error.hint, detail=error.detail) from None
        title, _, body = mail.message.partition("\n")
        steps.append(StepDraft(title or f"Patch {number}", changes, body.strip("\n"), author))
        if number < len(mails):
            snapshot = snapshot.after(changes)
    if not steps:
        raise UsageError("there is no patch in the input", "give the output of git format-patch")
    return Proposal(task or steps[0].title, "patch", tuple(steps), notes=tuple(notes))


def _author(name: str, email: str, when: int | None, offset: int, now: int | None) -> Identity:
    if not email:
        raise UsageError("it names no author", "add a From: header with a name and a mail address")
    if when is None:
        from time import time

        when = int(time()) if now is None else now
    return Identity(name, email, when, offset)


def apply_patches(snapshot: Snapshot, patches: Sequence[FilePatch]) -> tuple[Change, ...]:
    """The changes that ``patches`` (of one diff) make to ``snapshot``, all of them or none. Raises ``Refused``.

    As in git, renames and copies read what was there before the whole diff, other patches of a file that was patched
    already go on top of it, and what the diff removes makes room for what it adds, in either order.
    """
    draft = TreeDraft(snapshot)
    resolved = [_resolve(draft, patch) for patch in patches]
    moved = {p.old_path for p in resolved if p.old_path and p.action == "rename"}
    leaving = moved | {p.old_path for p in resolved if p.old_path and p.action == "delete"}
    written: set[str] = set()
    for patch in resolved:
        if patch.action == "modify" and patch.path in moved - written:
            raise Refused(f"the patch both moves and changes {shown(patch.path)}", "give one diff of the whole change")
        _apply(draft, patch, leaving, written)
    for path in moved - written:
        draft.delete(path)
    changes = draft.changes()
    if not changes:
        raise Refused("the patch changes nothing: all of it is there already", "there is nothing to propose")
    return changes


def _resolve(draft: TreeDraft, patch: FilePatch) -> FilePatch:
    """A plain diff has no header to say that it adds a file: a hunk without old lines does, where there is none."""
    from dataclasses import replace

    if not patch.guessed or patch.action != "modify" or patch.new_path is None:
        return patch
    if len(patch.hunks) > 1 or patch.hunks[0].old_count or draft.entry(patch.new_path) is not None:
        return patch
    return replace(patch, action="create", old_path=None)


def _apply(draft: TreeDraft, patch: FilePatch, leaving: set[str], written: set[str]) -> None:
    """Lay one file patch over the draft."""
    path, source = patch.new_path, patch.old_path
    moves = patch.action in ("rename", "copy")
    if path is not None and (patch.action == "create" or moves) and path != source:
        there = draft.entry(path) is not None and (path in written or path not in leaving)
        if there:
            raise Refused(f"the patch adds {shown(path)}, which is there already", _HINT_BASE)
    mode, content = 0, b""
    if source is not None:
        fresh = moves or source not in written
        entry = draft.original(source) if fresh else draft.entry(source)
        if entry is None:
            entry = draft.require(source, f"the patch {_VERBS[patch.action]}", _HINT_BASE)
        _check_type(patch, entry.mode)
        mode = entry.mode
        if mode == MODE_GITLINK:
            content = b"Subproject commit %s\n" % entry.oid.encode()
        else:
            content = (draft.original_content(source) if fresh else draft.read(source)) or b""
    after = _content(patch, content)
    if path is None:
        if after:
            raise Refused(
                f"the patch deletes {shown(patch.path)}, but the file holds more than the patch says", _HINT_BASE
            )
        draft.delete(patch.path)
        written.discard(patch.path)
        return
    _write(draft, path, _mode(patch, mode), after)
    written.add(path)


def _check_type(patch: FilePatch, mode: int) -> None:
    """Refuse a patch that was made for another kind of thing (a link for a file)."""
    header = patch.header
    stated = header.old_mode or (None if patch.action == "create" else header.index_mode)
    if stated is not None and stated & 0o170000 != mode & 0o170000:
        raise Refused(f"the patch expects {shown(patch.path)} with mode {stated:o}, it is {mode:o}", _HINT_BASE)


def _mode(patch: FilePatch, mode: int) -> int:
    """The mode after the patch; what is neither file, link nor submodule is for the draft to refuse."""
    stated = patch.header.new_mode
    if stated is None:
        return mode or patch.header.index_mode or MODE_FILE
    if stated & 0o170000 == 0o100000:
        return MODE_EXEC if stated & 0o100 else MODE_FILE
    return stated


def _content(patch: FilePatch, content: bytes) -> bytes:
    if patch.binary is not None:
        return _binary(patch, content)
    return apply_hunks(content, patch.hunks, patch.path) if patch.hunks else content


def _binary(patch: FilePatch, content: bytes) -> bytes:
    """The content that a binary patch gives, both ends checked against the blob names in the patch, as git does."""
    header, name = patch.header, shown(patch.path)
    forward = patch.binary.forward if patch.binary else None
    if forward is None:
        raise Refused(
            f"the patch only says that {name} differs: it has no binary data", "make it with git format-patch --binary"
        )
    if len(header.old_oid) not in (40, 64) or len(header.new_oid) != len(header.old_oid):
        raise Refused(
            f"the binary patch of {name} lacks full blob names", "make it with git format-patch --binary --full-index"
        )
    if patch.action != "create" and blob_oid(content, header.old_oid) != header.old_oid:
        raise Refused(f"the binary patch does not apply to {name}: the file is another one", _HINT_BASE)
    try:
        after = apply_binary(forward, content)
    except BadDelta as error:
        raise UsageError(
            f"the binary patch of {name} is corrupt: {error}", "make it with git format-patch --binary"
        ) from error
    if patch.new_path is not None and blob_oid(after, header.new_oid) != header.new_oid:
        raise UsageError(
            f"the binary patch of {name} is corrupt: it gives another file than it names", "make the patch anew"
        )
    return after


def blob_oid(content: bytes, like: str) -> str:
    """The name of the blob with ``content``, by the hash that ``like`` was made with."""
    from hashlib import sha1, sha256

    data = b"blob %d\0" % len(content) + content
    return sha1(data, usedforsecurity=False).hexdigest() if len(like) == 40 else sha256(data).hexdigest()


def _write(draft: TreeDraft, path: str, mode: int, content: bytes) -> None:
    if mode != MODE_GITLINK:
        draft.put(path, content, mode)
        return
    oid = content.removeprefix(b"Subproject commit ").rstrip(b"\n").decode("ascii", "replace")
    if len(oid) not in (40, 64) or oid.strip("0123456789abcdef"):
        raise Refused(f"the patch points the submodule {shown(path)} at no commit", "commit inside the submodule first")
    draft.put_submodule(path, oid)
