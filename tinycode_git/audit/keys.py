"""What is kept outside the repository, in the user's state directory: a log's private key and the highest checkpoint.

``<state>/tinycode-git/audit/<log-id>/``: ``key`` (the key as C2SP and Go's note package write it), ``witness`` (the
highest checkpoint that this user ever saw of the log: a note) and ``clone`` (where the log is written).
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tinycode_git.audit.entry import Altered
from tinycode_git.audit.journal import write_file
from tinycode_git.audit.lock import locked
from tinycode_git.audit.note import ED25519, Note, Signature, Verifier, origin, parse_checkpoint, parse_note
from tinycode_git.errors import Incomplete


def state_folder() -> Path:
    """Where the logs' keys and witnesses of this user are."""
    import platformdirs

    return Path(platformdirs.user_state_dir("tinycode-git")) / "audit"


@dataclass(frozen=True, slots=True)
class Signer:
    """A log's private key: 32 bytes (RFC 8032), and the name it signs under."""

    name: str
    seed: bytes

    def verifier(self) -> Verifier:
        """Its public half."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Verifier(self.name, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    def sign(self, text: bytes) -> Signature:
        """The signature line over a note's text."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        made = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text)
        return Signature(self.name, self.verifier().id, made)

    def dump(self) -> str:
        """The key as text (Go's golang.org/x/mod/sumdb/note)."""
        return f"PRIVATE+KEY+{self.name}+{self.verifier().id.hex()}+{b64encode(ED25519 + self.seed).decode()}"


@dataclass(frozen=True, slots=True)
class LogState:
    """What the user's state directory holds of one log."""

    log: str

    @property
    def folder(self) -> Path:
        """Its folder; it may not exist."""
        return state_folder() / self.log

    def signer(self, name: str = "key") -> Signer | None:
        """The log's key (``key.old``: the one before it); None where this user has none. Raises Incomplete."""
        try:
            text = (self.folder / name).read_text().strip()
        except FileNotFoundError:
            return None
        except OSError as failed:
            raise Incomplete(f"the key of the audit log cannot be read: {failed.strerror}") from failed
        try:
            data = b64decode(text.split("+", 4)[4], validate=True)
        except (ValueError, IndexError) as odd:
            raise Incomplete("the key of the audit log is damaged", f"look at {self.folder / name}") from odd
        return Signer(origin(self.log), data[1:])

    def make_signer(self) -> Signer:
        """A new key, kept; the one before it is kept beside it. Raises Incomplete."""
        made = Signer(origin(self.log), os.urandom(32))
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                (self.folder / "key").replace(self.folder / "key.old")
            write_file(self.folder / "key", f"{made.dump()}\n".encode(), mode=0o600)
        except OSError as failed:
            raise Incomplete(
                f"a key for the audit log cannot be kept in {self.folder}: {failed.strerror}",
                "checkpoints are signed with a key of the log's own in the user's state directory",
            ) from failed
        return made

    def witness(self) -> Note | None:
        """The highest checkpoint that this user saw. Raises Altered where the file is not one."""
        try:
            return parse_note((self.folder / "witness").read_bytes())
        except FileNotFoundError:
            return None
        except OSError as failed:
            raise Incomplete(f"the witness file of log {self.log} cannot be read: {failed.strerror}") from failed

    def raise_witness(self, note: Note, clone: Path | None = None) -> None:
        """Remember a checkpoint that was verified, unless a higher one is known. Never fails: it is one guard more."""
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self.folder / "lock"):
                try:
                    known = self.witness()
                except Altered:
                    return
                if known is None or parse_checkpoint(known.text).size < parse_checkpoint(note.text).size:
                    write_file(self.folder / "witness", note.dump(), mode=0o600)
                if clone is not None and self.clone() != clone:
                    write_file(self.folder / "clone", os.fsencode(clone), mode=0o600)

    def clone(self) -> Path | None:
        """Where the log is written, as far as this user knows."""
        try:
            return Path(os.fsdecode((self.folder / "clone").read_bytes()))
        except OSError:
            return None

    def begun_here(self) -> int:
        """When this user first noted where the log is written, in nanoseconds; 0 where that is not known."""
        try:
            return (self.folder / "clone").stat().st_mtime_ns
        except OSError:
            return 0


def known_logs() -> list[LogState]:
    """Every log that this user's state directory knows."""
    folder = state_folder()
    return [LogState(path.name) for path in sorted(folder.iterdir())] if folder.is_dir() else []
