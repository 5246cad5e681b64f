"""Writing the tiles and entry bundles of a log, from the last checkpoint on, into the object store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from tinycode_git.audit.entry import DATA, SEQ, Altered, parse
from tinycode_git.audit.journal import Journal
from tinycode_git.audit.line import entry_in, lines_from
from tinycode_git.audit.merkle import leaf_hash
from tinycode_git.audit.note import Checkpoint, Note, parse_checkpoint
from tinycode_git.audit.objects import Packed, TreeEdit
from tinycode_git.audit.published import Head, Objects
from tinycode_git.audit.remembered import Remembered
from tinycode_git.audit.tail import Tail
from tinycode_git.audit.tiles import WIDTH, Edge, bundle, path_of, widths
from tinycode_git.git.process import Git

# Entries at a time, so that a log of any length is published in little memory.
CHUNK = 64 * WIDTH
# From this many objects on, a pack of their own costs less than as many files.
LOOSE = 100
MERGES = ("apply", "rollback", "redo")
# The action comes first in an entry, whose fields are in order of name.
_MERGES = tuple(b'{"action":"%b"' % action.encode() for action in MERGES)
FSYNC = ("-c", "core.fsync=committed,loose-object", "-c", "core.fsyncMethod=batch")
SINGLY = ("-c", "core.fsync=committed,loose-object", "-c", "core.fsyncMethod=fsync")


@dataclass(slots=True)
class Upload:
    """A tree under construction; ``merges`` are the commits that the new entries say were made."""

    git: Git
    edit: TreeEdit
    packed: Packed
    merges: list[str] = field(default_factory=list)

    def put(self, path: str, data: bytes) -> None:
        """Add one file."""
        self.edit.put(path, self.packed.add("blob", data))

    def flush(self) -> None:
        """Write the objects that are there so far. Raises GitFailed where the disk is full or broken."""
        if not self.packed.entries:
            return
        pack = self.packed.dump()
        if len(self.packed.entries) >= LOOSE:
            self.git.quiet(*FSYNC, "index-pack", "--stdin", stdin=pack)
        else:
            self.git.quiet(*FSYNC, "unpack-objects", "-q", stdin=pack)
            if not self._arrived():
                self.git.quiet(*SINGLY, "unpack-objects", "-q", stdin=pack)
        self.packed.entries.clear()

    def _arrived(self) -> bool:
        """git ends with 0 also where it could not move a batch into the object store (bulk-checkin.c, git 2.39)."""
        asked = "\n".join(self.packed.entries).encode()
        return b" missing\n" not in self.git.quiet("cat-file", "--batch-check", stdin=asked).out

    def tree(self, note: bytes) -> str:
        """The oid of the whole tree, with ``note`` as its checkpoint; to be flushed."""
        self.put("checkpoint", note)
        return self.edit.write(self.packed)


def upload(
    git: Git, store: Objects, journal: Journal, tail: Tail, last: Head | None, known: Remembered, witness: Note | None
) -> Upload:
    """Add what is new since ``last`` up to ``tail``. Raises Altered where the log does not extend ``last`` or
    ``witness``; then nothing may be signed.
    """
    size = last.checkpoint.size if last else 0
    commit = last.commit if last else ""
    edge = store.edge(commit, size) if last else Edge()
    if last is not None and edge.root() != last.checkpoint.root:
        raise _unlike(last.checkpoint)
    made = _begun(git, store, commit)
    for level, index, _ in widths(size):
        made.edit.drop(f"{path_of(level, index)}.p")
        if level == 0:
            made.edit.drop(f"{path_of('entries', index)}.p")
    begun = list(store.entries(commit, size, size // WIDTH * WIDTH)) if size % WIDTH else []
    edge = _follow(made, edge, begun, journal, tail, known, _guards(size, tail, witness))
    for path, data in edge.partial().items():
        made.put(path, data)
    if (edge.size, edge.root()) != (tail.position.size, tail.frontier.root()):
        raise Altered("the audit journal does not extend its last checkpoint", "git tiny audit verify says where")
    return made


def _begun(git: Git, store: Objects, commit: str) -> Upload:
    """An upload on top of a checkpoint, where there is one."""
    width = len(commit) // 2
    algorithm = {20: "sha1", 32: "sha256"}.get(width) or store.algorithm()
    entries = store.tree(f"{commit}^{{tree}}", width) if commit else {}
    return Upload(git, TreeEdit(lambda oid: store.tree(oid, width), entries), Packed(algorithm))


def _follow(
    made: Upload,
    edge: Edge,
    begun: list[bytes],
    journal: Journal,
    tail: Tail,
    known: Remembered,
    guards: dict[int, bytes],
) -> Edge:
    """Add the journal's entries from ``edge`` on; ``begun`` are those of the bundle that is partly published."""
    following = _entries(journal, known.offset, tail.offset, edge.size)
    while edge.size < tail.position.size:
        stops = [stop for stop in guards if stop > edge.size]
        room = min([CHUNK - len(begun) % CHUNK, *(stop - edge.size for stop in stops)])
        new = list(islice(following, room))
        if not new:
            break
        _note_merges(made, new)
        first = edge.size - len(begun)
        edge, full = edge.extend([leaf_hash(data) for data in new])
        for path, data in full.items():
            made.put(path, data)
        begun = _add_bundles(made, first, [*begun, *new])
        if edge.size in guards and edge.root() != guards[edge.size]:
            raise Altered("the audit log does not extend the checkpoint in the witness file", "it was rolled back")
        made.flush()
    if begun:
        made.put(path_of("entries", edge.size // WIDTH, len(begun)), bundle(begun))
    return edge


def _add_bundles(made: Upload, first: int, entries: list[bytes]) -> list[bytes]:
    """Add every full bundle; the entries that are left."""
    whole = len(entries) // WIDTH * WIDTH
    for at in range(0, whole, WIDTH):
        made.put(path_of("entries", (first + at) // WIDTH), bundle(entries[at : at + WIDTH]))
    return entries[whole:]


def _entries(journal: Journal, start: int, end: int, size: int) -> Iterator[bytes]:
    with journal.path.open("rb", buffering=1 << 18) as stream:
        for offset, line in lines_from(stream, start):
            if offset >= end:
                return
            found = entry_in(line)
            if int(found[SEQ]) != size:
                raise Altered(f"entry {size} of the audit journal is not where it was")
            size += 1
            yield found[DATA]


def _note_merges(made: Upload, entries: list[bytes]) -> None:
    for data in entries:
        if data.startswith(_MERGES) and b'"phase":"done"' in data:
            entry = parse(data)
            if entry.action in MERGES and entry.new and entry.new not in made.merges:
                made.merges.append(entry.new)


def _guards(size: int, tail: Tail, witness: Note | None) -> dict[int, bytes]:
    """Roots that must be passed on the way: of the witness file, where it saw more than the ref shows."""
    if witness is None:
        return {}
    seen = parse_checkpoint(witness.text)
    if seen.size > tail.position.size:
        raise Altered(
            f"the audit log has {tail.position.size} entries, but a checkpoint of {seen.size} was signed",
            "git tiny audit verify says more; the log was rolled back",
        )
    return {seen.size: seen.root} if seen.size > size else {}


def _unlike(checkpoint: Checkpoint) -> Altered:
    return Altered(f"the tiles of the checkpoint of size {checkpoint.size} do not lead to its root")
