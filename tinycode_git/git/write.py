"""The middle handle: creates objects and moves refs of git tiny's own spaces, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from tinycode_git.errors import Refused, TinyError, Unsettled
from tinycode_git.git.leftover import clear_ref_locks
from tinycode_git.git.objects import write_object
from tinycode_git.git.process import Completed, GitFailed
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.refs import RefMove, refusal, transaction
from tinycode_git.git.trees import change_tree
from tinycode_git.proposal import Change, Identity, path_bytes

SIGNING_SECONDS = 120.0


class PlanRepo(ReadRepo):
    """A repository in which plans can be made: objects are added, refs below git tiny's prefixes move."""

    @property
    def prefix(self) -> str:
        """The first part of plan branch names: ``tiny``, or what ``tiny.prefix`` says."""
        return self.config("tiny.prefix") or "tiny"

    def own(self, ref: str) -> bool:
        """Whether ``ref`` lies in a space of git tiny's own."""
        return ref.startswith(("refs/tiny/", "refs/notes/tiny-", f"refs/heads/{self.prefix}/"))

    def write_tree(self, tree: str, changes: Iterable[Change]) -> str:
        """The oid of the tree that ``tree`` becomes by ``changes``; see ``trees.change_tree``."""
        return change_tree(self.objects, tree, changes)

    def write_blob(self, content: bytes) -> str:
        """Store a blob; its oid."""
        return write_object(self.objects, "blob", content)

    def write_commit(
        self,
        tree: str,
        parents: Sequence[str],
        message: str,
        author: Identity,
        committer: Identity,
        *,
        sign: bool = False,
    ) -> str:
        """Store a commit, signed by the user's own git configuration where ``sign``; its oid."""
        if sign:
            return self._signed(tree, parents, message, author, committer)
        rows = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        head = "\n".join(rows).encode() + b"\nauthor " + stamp(author) + b"\ncommitter " + stamp(committer)
        data = head + b"\n\n" + path_bytes(message)
        return write_object(self.objects, "commit", data)

    def _signed(self, tree: str, parents: Sequence[str], message: str, author: Identity, committer: Identity) -> str:
        named = [word for parent in parents for word in ("-p", parent)]
        git = self.git.setting(**role("AUTHOR", author), **role("COMMITTER", committer))
        try:
            done = git.user(
                "-c",
                "core.fsync=committed,loose-object",
                "commit-tree",
                "-S",
                *named,
                tree,
                stdin=path_bytes(message),
                timeout=self.signing_seconds,
            )
        except GitFailed as failed:
            raise Refused(
                f"the commit could not be signed: {failed.message}",
                "commit.gpgSign is set: check user.signingKey and gpg.format, or git config commit.gpgSign false",
                detail=failed.stderr,
            ) from failed
        return done.text

    @property
    def signing_seconds(self) -> float:
        """How long a signing program may take: ``tiny.signTimeout`` in seconds, 120 where it is not set."""
        said = self.config("tiny.signTimeout")
        try:
            return float(said) if said else SIGNING_SECONDS
        except ValueError:
            return SIGNING_SECONDS

    def move_refs(self, moves: Sequence[RefMove], why: str) -> None:
        """Move git tiny's own refs, all or none. Raises Refused where one is not as expected or not ours."""
        foreign = [move.ref for move in moves if not self.own(move.ref)]
        if foreign:
            raise Refused(f"{foreign[0]} is not git tiny's to move")
        self.transact(moves, lambda stdin: self.git.quiet("update-ref", "--stdin", "-z", "-m", why, stdin=stdin))

    def transact(self, moves: Sequence[RefMove], run: Callable[[bytes], Completed]) -> None:
        """Move refs by ``run``, a git that gets the transaction on its standard input; all or none.

        git prepares all, then moves one after the other: where it was killed or the disk failed in between, the rest
        follows here. Raises Refused with no ref moved, Unsettled where some moved and the rest cannot.
        """
        begun = time.time()
        try:
            done = run(transaction(moves))
        except GitFailed as failed:
            try:
                if failed.code < 0:
                    clear_ref_locks(self, begun, [move.ref for move in moves])
                rest = self._rest(moves)
                if rest is not None:
                    run(transaction(rest))
                    return
            except TinyError as error:
                raise Unsettled(
                    f"git stopped while it moved {moves[0].ref}: {failed.message}", "run: git tiny recover"
                ) from error
            raise refusal(moves, failed) from failed
        if b".lock'" in done.err:
            # git could not remove a lock, warned of it, and went on.
            with suppress(Refused):
                clear_ref_locks(self, begun, [move.ref for move in moves])

    def _rest(self, moves: Sequence[RefMove]) -> list[RefMove] | None:
        """The moves that a transaction left undone; None where it moved nothing, or somebody else moved a ref."""
        real = [(move, self.ref(move.ref) or "") for move in moves if move.new != move.old]
        if any(now not in (move.old, move.new) for move, now in real) or all(now == move.old for move, now in real):
            return None
        return [move for move, now in real if now == move.old]


def stamp(who: Identity) -> bytes:
    """An identity as git stores it: ``Name <mail> seconds +hhmm``."""
    sign = "-" if who.offset < 0 else "+"
    hours, minutes = divmod(abs(who.offset), 60)
    name = who.name.translate(_UNSAFE)
    email = who.email.translate(_UNSAFE)
    return path_bytes(f"{name} <{email}> {who.when} {sign}{hours:02}{minutes:02}")


_UNSAFE = {ord(c): None for c in "<>\n\0"}


def role(name: str, who: Identity) -> dict[str, str]:
    """The environment variables by which git takes an identity: ``name`` is AUTHOR or COMMITTER."""
    sign = "-" if who.offset < 0 else "+"
    hours, minutes = divmod(abs(who.offset), 60)
    return {
        f"GIT_{name}_NAME": who.name,
        f"GIT_{name}_EMAIL": who.email,
        f"GIT_{name}_DATE": f"@{who.when} {sign}{hours:02}{minutes:02}",
    }
