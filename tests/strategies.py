"""Random repositories and random plans over them, for properties: each plan is valid against its base.

@given(cases())
def test_identity(case): ...
    with tempfile.TemporaryDirectory() as folder, sealed(Path(folder)) as world:
        repo = build(world / "repo", case.base)
        soil(repo, case.dirt)
        ... propose case.steps, apply, rollback ...
        assert tree_after(repo, "HEAD", case.steps) == the tree that git tiny made
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from tests.repos import Exe, Link, Repo
from tinycode_git.proposal import (
    MODE_EXEC,
    MODE_FILE,
    MODE_LINK,
    Change,
    Delete,
    MemorySnapshot,
    Put,
    PutObject,
    StepDraft,
    path_bytes,
)

State = dict[str, tuple[int, bytes]]

# Few names, so that files meet folders of the same name; none collide when case or Unicode form is ignored.
_NAMES = (
    "a",
    "b.txt",
    "c.bat",
    "d.raw",
    "é",
    "\udcff\udce9",
    "sp ace",
    "-n",
    "*",
    "line\nbreak",
    "a.b",
    'q"uote',
    "%s",
)
ATTRIBUTES = b"*.txt text=auto\n*.bat text eol=crlf\n*.raw -text\n"
IGNORED = b"*.ignored\n"
_FIXED = {".gitattributes": (MODE_FILE, ATTRIBUTES), ".gitignore": (MODE_FILE, IGNORED)}

_LINES = st.lists(st.sampled_from(["one", "two", "three", "", "\tindented", "é"]), max_size=12)
_TARGETS = st.sampled_from([b"a", b"b.txt", b"nowhere", b"a/b.txt", b"sp ace", b"\xff"])


@dataclass(frozen=True, slots=True)
class Dirt:
    """Work that is not committed at ``path``: what is staged and what the file holds (None: removed), as of a file.

    ``staged`` is the same as the base's where only the working tree differs; ``untracked`` files are not staged.
    """

    path: str
    staged: bytes | None
    held: bytes | None
    untracked: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A base, a plan that is valid against it, and uncommitted work that the plan does not touch."""

    base: MemorySnapshot
    steps: tuple[StepDraft, ...]
    dirt: tuple[Dirt, ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changes of all steps, in order."""
        return tuple(change for step in self.steps for change in step.changes)


def contents() -> st.SearchStrategy[bytes]:
    """Text with either line ending, mixed, without its last newline; binary; nothing."""
    endings = st.sampled_from([b"\n", b"\r\n"])
    uniform = st.tuples(_LINES, endings).map(lambda t: b"".join(line.encode() + t[1] for line in t[0]))
    mixed = st.lists(st.tuples(_LINES.map(lambda ls: "".join(ls).encode()), endings), max_size=5)
    return st.one_of(
        uniform,
        uniform.map(lambda text: text.rstrip(b"\r\n")),
        mixed.map(lambda pairs: b"".join(line + ending for line, ending in pairs)),
        st.binary(max_size=60),
    )


def paths(*, odd: bool = False) -> st.SearchStrategy[str]:
    """A path of up to four folders and a name, out of few names; ``odd``: also what a plan may keep but not add."""
    names = _NAMES if odd else [name for name in _NAMES if "\n" not in name]
    return st.lists(st.sampled_from(names), min_size=1, max_size=4).map("/".join)


@st.composite
def _entry(draw: st.DrawFn, path: str) -> tuple[int, bytes]:
    mode = draw(st.sampled_from([MODE_FILE, MODE_FILE, MODE_FILE, MODE_EXEC, MODE_LINK]))
    if mode == MODE_LINK:
        return mode, draw(_TARGETS)
    return mode, _normal(path, draw(contents()))


def _normal(path: str, content: bytes) -> bytes:
    """What the attributes want in a blob: a file with ``eol=crlf`` whose blob has CRLF is never clean."""
    return content.replace(b"\r", b"").replace(b"\0", b"0") if path.endswith(".bat") else content


def _free(state: State, path: str) -> bool:
    """Whether a file can be at ``path`` beside what is there (another file at that very path aside)."""
    parts = path.split("/")
    above = {"/".join(parts[:n]) for n in range(1, len(parts))}
    return not above & state.keys() and not any(other.startswith(f"{path}/") for other in state)


def _put(draw: st.DrawFn, state: State, *, odd: bool = False) -> None:
    path = draw(paths(odd=odd))
    if _free(state, path):
        state[path] = draw(_entry(path))


def _force(draw: st.DrawFn, state: State) -> None:
    """A file where a folder or a file above was: file to folder, folder to file."""
    near = _pick(draw, state)
    path = draw(paths()) if near is None else draw(st.sampled_from([f"{near}/a", near.rpartition("/")[0] or near]))
    parts = path.split("/")
    for above in ["/".join(parts[:n]) for n in range(1, len(parts))]:
        state.pop(above, None)
    for below in [other for other in state if other.startswith(f"{path}/")]:
        del state[below]
    state[path] = draw(_entry(path))


def _pick(draw: st.DrawFn, state: State) -> str | None:
    own = sorted(state.keys() - _FIXED.keys())
    return draw(st.sampled_from(own)) if own else None


def _delete(draw: st.DrawFn, state: State) -> None:
    if (path := _pick(draw, state)) is not None:
        del state[path]


def _delete_folder(draw: st.DrawFn, state: State) -> None:
    if (path := _pick(draw, state)) is not None and "/" in path:
        top = path.split("/")[0]
        for below in [other for other in state if other.startswith(f"{top}/")]:
            del state[below]


def _rename(draw: st.DrawFn, state: State) -> None:
    old, new = _pick(draw, state), draw(paths())
    if old is None or new in state:
        return
    entry = state.pop(old)
    if _free(state, new):
        state[new] = (entry[0], _normal(new, entry[1]) if entry[0] != MODE_LINK else entry[1])
    else:
        state[old] = entry


def _mode(draw: st.DrawFn, state: State) -> None:
    path = _pick(draw, state)
    if path is not None and state[path][0] != MODE_LINK:
        state[path] = (MODE_EXEC if state[path][0] == MODE_FILE else MODE_FILE, state[path][1])


def _change(draw: st.DrawFn, state: State) -> None:
    if (path := _pick(draw, state)) is not None:
        kept = state[path]
        state[path] = draw(_entry(path).filter(lambda entry: entry != kept))


def _append(draw: st.DrawFn, state: State) -> None:
    path = _pick(draw, state)
    if path is not None and state[path][0] != MODE_LINK:
        state[path] = (state[path][0], state[path][1] + b"appended\n")


def _swap(draw: st.DrawFn, state: State) -> None:
    one, two = _pick(draw, state), _pick(draw, state)
    if one is not None and two is not None and not {one[-4:], two[-4:]} & {".bat"}:
        state[one], state[two] = state[two], state[one]


_MOVES: tuple[Callable[[st.DrawFn, State], None], ...] = (
    *(_put, _put, _force, _delete, _delete_folder, _rename),
    *(_mode, _change, _append, _swap),
)


@st.composite
def bases(draw: st.DrawFn) -> MemorySnapshot:
    """A tree of up to ten files, with ``.gitattributes`` and ``.gitignore``."""
    state: State = dict(_FIXED)
    for _ in range(draw(st.sampled_from([4, 0, 1, 2, 6, 8]))):
        _put(draw, state, odd=True)
    return MemorySnapshot(state)


@st.composite
def plans(draw: st.DrawFn, base: MemorySnapshot, *, most: int = 4) -> tuple[StepDraft, ...]:
    """One to ``most`` steps; each changes something, deletes first. A later step may undo an earlier one."""
    steps: list[StepDraft] = []
    state: State = dict(base.files)
    for number in range(1, draw(st.integers(1, most)) + 1):
        before = dict(state)
        if number > 1 and draw(st.integers(0, 9)) == 9:
            state = dict(base.files)
        for _ in range(draw(st.integers(1, 4)) if state == before else 0):
            draw(st.sampled_from(_MOVES))(draw, state)
        for path in [path for path in state.keys() - before.keys() if "\n" in path]:
            del state[path]  # a plan may keep, change and delete such a file, but not add one
        if state == before:
            state[f"step{number}"] = (MODE_FILE, b"so that the step changes something\n")
        steps.append(StepDraft(f"step {number}", between(before, state)))
    return tuple(steps)


def between(before: State, after: State) -> tuple[Change, ...]:
    """The changes that lead from one tree to another: deletes, then puts."""
    gone = tuple(Delete(path) for path in sorted(before.keys() - after.keys()))
    new = sorted(path for path in after if before.get(path) != after[path])
    return (*gone, *(Put(path, after[path][1], after[path][0]) for path in new))


@st.composite
def _dirt(draw: st.DrawFn, base: MemorySnapshot, steps: Sequence[StepDraft]) -> tuple[Dirt, ...]:
    touched = {change.path for step in steps for change in step.changes}
    plain = [
        path for path, (mode, _) in base.files.items() if mode != MODE_LINK and path not in touched | _FIXED.keys()
    ]
    found = []
    for path in draw(st.lists(st.sampled_from(sorted(plain)), unique=True, max_size=3)) if plain else []:
        was = base.files[path][1]
        staged = draw(st.one_of(st.just(was), st.none(), st.just(b"staged\n")))
        held = None if staged is None else draw(st.one_of(st.just(staged), st.none(), st.just(b"in the tree only\n")))
        found.append(Dirt(path, staged, held))
    names = draw(st.lists(st.sampled_from(["untracked", "u/x", "log.ignored"]), unique=True))
    return (*found, *(Dirt(name, None, draw(contents()), untracked=True) for name in names))


@st.composite
def cases(draw: st.DrawFn, *, most: int = 4) -> Case:
    """See ``Case``."""
    base = draw(bases())
    steps = draw(plans(base, most=most))
    return Case(base, steps, draw(_dirt(base, steps)))


# Against real git


def build(path: Path, base: MemorySnapshot) -> Repo:
    """A repository whose only commit holds exactly ``base``, checked out and clean."""
    repo = Repo.create(path)
    empty = repo.git("hash-object", "-w", "-t", "tree", "--stdin", input=b"").text
    tree = tree_after(repo, empty, [StepDraft("base", between({}, base.files))])
    repo.git("update-ref", "refs/heads/main", repo.git("commit-tree", "-m", "base", tree).text)
    repo.git("reset", "-q", "--hard")
    return repo


def tree_after(repo: Repo, rev: str, steps: Sequence[StepDraft]) -> str:
    """The oracle: the tree that plain git makes of ``rev`` and the changes of ``steps``, in an index of its own."""
    index = {"GIT_INDEX_FILE": str(repo.git_dir() / "oracle-index")}
    repo.git("read-tree", f"{rev}^{{tree}}", env=index)
    for step in steps:
        for change in step.changes:
            if isinstance(change, Delete):
                line = b"0 %s\t%s\0" % (b"0" * 40, path_bytes(change.path))
            else:
                oid = change.oid if isinstance(change, PutObject) else _blob(repo, change.content)
                line = b"%o %s\t%s\0" % (change.mode, oid.encode(), path_bytes(change.path))
            repo.git("update-index", "-z", "--index-info", input=line, env=index)
    tree = repo.git("write-tree", env=index).text
    os.unlink(index["GIT_INDEX_FILE"])
    return tree


def _blob(repo: Repo, content: bytes) -> str:
    return repo.git("hash-object", "-w", "--stdin", input=content).text


def soil(repo: Repo, dirt: Sequence[Dirt]) -> None:
    """Make the uncommitted work of a case: staged first, then what the working tree holds."""
    literally = {"GIT_LITERAL_PATHSPECS": "1"}
    for one in dirt:
        mode = (repo.path / one.path).lstat().st_mode if not one.untracked else 0o644
        if not one.untracked:
            repo.write(one.path, one.staged, mode=mode & 0o777)
            repo.git("add", "-A", "--", path_bytes(one.path), env=literally)
        if one.held != one.staged:
            repo.write(one.path, one.held, mode=mode & 0o777)


def state_of(repo: Repo) -> State:
    """The working tree as a tree would hold it, but for line endings."""
    found: State = {}
    for path, content in repo.files().items():
        place = repo.path / path
        if place.is_symlink():
            found[path] = (MODE_LINK, content.removeprefix(b"-> "))
        else:
            found[path] = (MODE_EXEC if place.stat().st_mode & 0o100 else MODE_FILE, content)
    return found


def as_entries(state: State) -> dict[str, Exe | Link | bytes]:
    """A tree as what ``Repo.commit`` takes."""
    kinds: dict[int, Callable[[bytes], Exe | Link | bytes]] = {MODE_EXEC: Exe, MODE_LINK: Link, MODE_FILE: bytes}
    return {path: kinds[mode](content) for path, (mode, content) in state.items()}
