"""What a program that is not trusted changed of the user's while it ran, and how that is put back.

Everything is compared. What is put back, and only where no sandbox held the program: refs, configuration, hooks and
``info/``. What stood there instead is kept in ``<common dir>/tiny/replaced``: it may be the user's own, of meanwhile.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tinycode_git.errors import Refused, TinyError
from tinycode_git.git.execute import ExecuteRepo
from tinycode_git.git.fingerprint import Fingerprint, difference
from tinycode_git.git.interrupts import uninterrupted
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.refs import RefMove
from tinycode_git.git.worktrees import worktrees

_OURS = ("refs/heads/tiny/", "refs/tiny/plans/", "refs/tiny/keep/", "refs/tiny/backups/")
_SETTINGS = ("config", "config.worktree", "worktrees/*/config.worktree", "info/*", "hooks/*")


@dataclass(frozen=True, slots=True)
class Trespass:
    """What is not as it was, and what was put back, a line each. False where nothing changed."""

    changed: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed)

    @property
    def detail(self) -> list[str]:
        """All of it, to be shown below a refusal."""
        return [*(f"  {line}" for line in self.changed), *(f"  put back: {what}" for what in self.restored)]

    def refusal(self, program: str, hint: str) -> Refused:
        """The failure of an operation that ran ``program``."""
        count = f"{len(self.changed)} difference{'s' * (len(self.changed) != 1)}"
        message = f"your repository was changed while the {program} ran ({count})"
        return Refused(message, hint, detail="\n".join(self.detail))


@dataclass(frozen=True, slots=True)
class Before:
    """A repository as it was before a program ran."""

    repo: ReadRepo
    fingerprint: Fingerprint
    ours: Mapping[str, str]
    settings: Mapping[Path, tuple[bytes, int]]

    @classmethod
    def take(cls, repo: ReadRepo) -> Before:
        """The repository of ``repo``, now."""
        mark = Fingerprint.take(repo.place.worktree or repo.place.git_dir, quick=True)
        return cls(repo, mark, repo.refs(*_OURS), dict(_settings(repo.place.common_dir)))

    def compare(self, *, undo: bool) -> Trespass:
        """What changed since, and with ``undo`` what was put back. No signal gets in between."""
        with uninterrupted():
            now = self.fingerprint.again()
            changed = (*difference(self.fingerprint, now), *self._moved())
            return Trespass(changed, tuple(self._put_back(now)) if changed and undo else ())

    def _moved(self) -> list[str]:
        """Plans that were there and are not as they were; new ones may be somebody else's at the same time."""
        try:
            now = self.repo.refs(*_OURS)
        except TinyError as failed:
            return [f"git cannot read the refs any more ({failed})"]
        return [
            f"{ref} {'moved' if ref in now else 'is gone'}" for ref, oid in self.ours.items() if now.get(ref) != oid
        ]

    def _put_back(self, now: Fingerprint) -> Iterator[str]:
        try:
            yield from self._settings_back()
            moves = [move for move in self._moves(now) if not self._of_the_user(move)]
            if moves:
                able = ExecuteRepo(self.repo.git, self.repo.place)
                able.move_branches(moves, "tiny: put back what a program moved")
            yield from (f"{move.ref} (it was moved to {move.old[:12] or 'nothing'})" for move in moves)
        except (OSError, TinyError) as failed:
            yield f"not everything ({failed})"

    def _settings_back(self) -> Iterator[str]:
        """Files first: git must be able to read its configuration before it can move refs."""
        common = self.repo.place.common_dir
        found = dict(_settings(common))
        for path in sorted(found.keys() | self.settings.keys()):
            if found.get(path) == self.settings.get(path):
                continue
            name = os.path.relpath(path, common)
            if path in found:
                kept = common / "tiny/replaced" / name.replace("/", "-")
                _write(kept, found[path][0], 0o600)
            if path in self.settings:
                _write(path, *self.settings[path])
            else:
                path.unlink()
            yield name + (f" (what stood there is in {kept})" if path in found else "")

    def _moves(self, now: Fingerprint) -> list[RefMove]:
        was, own = self.fingerprint.refs, self.repo.refs(*_OURS)
        moves = [
            RefMove(name, now.refs.get(name, ""), was.get(name, ""))
            for name in sorted({*now.refs, *was})
            if name.startswith("refs/")
            and now.refs.get(name) != was.get(name)
            # What a program stashed is the user's own work, and nothing else holds it.
            and not (name == "refs/stash" and name in now.refs)
        ]
        return moves + [
            RefMove(name, own.get(name, ""), oid) for name, oid in self.ours.items() if own.get(name) != oid
        ]

    def _of_the_user(self, move: RefMove) -> bool:
        """A branch that is checked out and only gained commits is what a user's own commit looks like: it is left."""
        if not move.old or all(one.branch != move.ref for one in worktrees(self.repo)):
            return False
        asked = ("merge-base", "--is-ancestor", move.new, move.old)
        return not move.new or self.repo.git.quiet(*asked, ok=(0, 1)).code == 0


def _settings(common: Path) -> Iterator[tuple[Path, tuple[bytes, int]]]:
    """The small files of a git directory that say what git does and runs: content and mode."""
    for pattern in _SETTINGS:
        for path in common.glob(pattern):
            found = path.lstat()
            if stat.S_ISREG(found.st_mode):
                yield path, (path.read_bytes(), stat.S_IMODE(found.st_mode))


def _write(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.tiny-{os.getpid()}")
    beside.write_bytes(content)
    beside.chmod(mode)
    beside.replace(path)
