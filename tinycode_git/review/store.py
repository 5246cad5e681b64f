"""Reviews in git: ``refs/notes/tiny-review``, read whatever its fan-out, written by compare-and-swap, audited."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tinycode_git.errors import Incomplete, Refused
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.refs import RefMove
from tinycode_git.git.trees import EMPTY_TREE
from tinycode_git.git.write import PlanRepo
from tinycode_git.ledger import Ledger, Operation
from tinycode_git.proposal import MODE_FILE, Delete, Put
from tinycode_git.review.record import Note, dump, load

REF = "refs/notes/tiny-review"
_TRIES = 30


def listed(repo: ReadRepo, at: str = "") -> dict[str, str]:
    """Every reviewed commit, with the blob of its note, now or ``at`` a commit of the notes' ref."""
    tree = at or repo.ref(REF)
    if tree is None:
        return {}
    rows = repo.git.lines("ls-tree", "-r", "-z", tree)
    pairs = (row.split("\t", 1) for row in rows)
    return {path.replace("/", ""): meta.split(" ")[2] for meta, path in pairs}


def note_of(repo: ReadRepo, commit: str) -> Note | None:
    """The review of a commit, or None. Raises Incomplete where it cannot be read."""
    blob = listed(repo).get(commit)
    if blob is None:
        return None
    (data,) = repo.read_many([blob])
    return load(data or b"", commit[:12])


def every_note(repo: ReadRepo) -> Iterator[tuple[str, Note]]:
    """Every review that there is, with the commit that it hangs on. Raises Incomplete."""
    blobs = listed(repo)
    for commit, data in zip(blobs, repo.read_many(blobs.values()), strict=True):
        yield commit, load(data or b"", commit[:12])


def earlier(repo: ReadRepo, tip: str, base: str, branch: str, patches: Sequence[str]) -> Note | None:
    """The review to compare with: of this commit, of one that it is built on, or of the same patches before a rebase;
    else the newest of the same branch. What cannot be read is passed over."""
    blobs = listed(repo)
    if tip in blobs:
        return _read(repo, tip, blobs[tip])
    out = repo.git.quiet("rev-list", "-n", "200", tip, f"^{base}", ok=(0, 128)).text
    for commit in out.split("\n"):
        if commit in blobs:
            return _read(repo, commit, blobs[commit])
    datas = repo.read_many(blobs.values())
    notes = [note for commit, data in zip(blobs, datas, strict=True) if (note := _loaded(commit, data)) is not None]
    notes.sort(key=lambda note: (len(set(note.head.patches) & set(patches)), note.head.at), reverse=True)
    shared = [note for note in notes if set(note.head.patches) & set(patches)]
    same = [note for note in notes if branch.startswith("refs/") and note.head.branch == branch]
    same.sort(key=lambda note: note.head.at, reverse=True)
    return next((note for note in (*shared, *same) if not _later(repo, tip, note)), None)


def _later(repo: ReadRepo, tip: str, note: Note) -> bool:
    """Whether a review is of what came after a commit: it is no earlier one."""
    return repo.find(note.head.tip) is not None and repo.is_ancestor(tip, note.head.tip)


def _read(repo: ReadRepo, commit: str, blob: str) -> Note | None:
    return _loaded(commit, repo.read_many([blob])[0])


def _loaded(commit: str, data: bytes | None) -> Note | None:
    try:
        return load(data or b"", commit[:12])
    except Incomplete:
        return None


def keep(repo: PlanRepo, ledger: Ledger, note: Note, action: str = "review", *, once: bool = False) -> str:
    """Write the note of its tip; the notes commit. Another writer at the same time is waited out.

    With ``once`` a note that is there is left as it is: of two who review the same tip, one writes.

    Raises Refused where the ref could not be moved, TinyError where the ledger cannot be written.
    """
    keepable(repo)
    for attempt in range(_TRIES):
        head = repo.ref(REF) or ""
        if once and head and note.head.tip in listed(repo, head):
            return head
        new = _commit(repo, head, note, action)
        operation = Operation(
            action=action,
            ref=REF,
            old=head,
            new=new,
            details={"tip": note.head.tip, "base": note.head.base, "findings": len(note.findings)},
        )
        intent = ledger.intend(operation)
        try:
            repo.move_refs([RefMove(REF, head, new)], f"tiny: {action} {note.head.tip[:12]}")
        except Refused as refused:
            ledger.failed(intent, refused.message)
            if attempt == _TRIES - 1 or (repo.ref(REF) or "") == head:
                raise
            continue
        except BaseException as failure:
            ledger.failed(intent, str(failure) or type(failure).__name__)
            raise
        ledger.done(intent, new=new)
        return new
    raise AssertionError("unreachable")


def keepable(repo: ReadRepo) -> None:
    """Raise Refused where no review can be kept."""
    if repo.place.object_format != "sha1":
        raise Refused(
            f"reviews are kept in SHA-1 repositories; this one uses {repo.place.object_format}",
            "git tiny review A..B --no-note reviews it all the same",
        )


def _commit(repo: PlanRepo, head: str, note: Note, action: str) -> str:
    """The notes commit that comes after ``head``: one commit's note put in place of any that is there."""
    tip = note.head.tip
    tree = repo.commit(head).tree if head else EMPTY_TREE
    there = repo.git.lines("ls-tree", "-r", "-z", "--name-only", head) if head else []
    path = f"{tip[:2]}/{tip[2:]}"
    gone = [Delete(name) for name in there if name.replace("/", "") == tip and name != path]
    changed = repo.write_tree(tree, [*gone, Put(path, dump(note), MODE_FILE)])
    who = repo.identity()
    message = f"{action} {tip[:12]}: {len(note.findings)} findings\n"
    return repo.write_commit(changed, [head] if head else [], message, who, replace(who))


def patch_ids(repo: ReadRepo, base: str, tip: str) -> tuple[str, ...]:
    """The patch ids (git-patch-id(1), ``--stable``) of the commits from ``base`` to ``tip``, merges aside."""
    oids = repo.git.quiet("rev-list", "--no-merges", "--reverse", tip, f"^{base}").text
    if not oids:
        return ()
    plain = ("--no-ext-diff", "--no-textconv", "--no-color", "--full-index")
    diffs = repo.git.quiet("diff-tree", "--stdin", "-p", "--root", *plain, stdin=f"{oids}\n".encode()).out
    rows = repo.git.quiet("patch-id", "--stable", stdin=diffs).text
    return tuple(row.split(" ")[0] for row in rows.split("\n") if row)
