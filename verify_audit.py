#!/usr/bin/env python3
"""Verify the audit logs that a clone carries, with the Python standard library and git alone.

    python3 verify_audit.py CLONE [--key LOGKEY] [--allowed-signers FILE] [--anchor LOG/SIZE/ROOT]

It reads the checkpoints on refs/tiny/audit/*, which a clone does not fetch by itself:

    git fetch REMOTE 'refs/tiny/audit/*:refs/tiny/audit/*'

It recomputes every entry, the chain, the Merkle tree (RFC 6962) and the tiles, and holds all checkpoints and all
``Tiny-Audit:`` trailers of commits against that. ``--key`` (a C2SP verifier key: NAME+ID+KEY) pins the key of a log,
and ``--allowed-signers`` asks ssh-keygen who signed the newest checkpoint commit. Without them it verifies consistency,
not origin, and says so.

Nothing of the clone is believed: objects are read through a repository of our own (no configuration, replace refs,
grafts or commit graph of the clone), and every object is checked against its name.

Exit codes: 0 verified, 1 tampered with, 2 wrong use, 4 something could not be verified.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FIELDS = {
    *("version", "log", "seq", "id", "timestamp", "action", "phase", "mode", "user", "actor", "risk_level"),
    *("ref", "old", "new", "plan", "step", "details_digest", "previous_hash"),
}
PHASES = {"intent", "done", "failed", "recovered"}
KEY_ACTIONS = ("audit-key", "audit-key-revoke")
MADE = ("apply", "rollback", "redo", "land")
REF = re.compile(r"refs/(?:.*/)?tiny/audit/([0-9a-f]{16})\Z")
TRAILER = re.compile(r"^Tiny-Audit: *([0-9a-f]{16})/([0-9]{1,15})/([0-9a-f]{64}) *$", re.M)
OID = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
HEX = re.compile(r"[0-9a-f]{64}\Z")
SIZE = re.compile(r"(?:0|[1-9][0-9]{0,15})\Z")
# An entry bundle of 256 entries is the largest object that anything is read from; more than this is only hashed.
LARGEST = 256 * (0xFFFF + 2)
MOST_SIGNATURES = 64


class Tampered(Exception):
    """Something is not what was written."""


class Missing(Exception):
    """Something needed is not in the clone."""


# Ed25519 (RFC 8032 section 5.1): small and slow, and only ever given public data.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def _add(p: Any, q: Any) -> Any:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _multiply(scalar: int, point: Any) -> Any:
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point, scalar = _add(point, point), scalar >> 1
    return result


def _point(data: bytes) -> Any:
    """Decode a point (section 5.1.3); None where the bytes are not one."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if len(data) != 32 or y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


_BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519_verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is that of ``public`` over ``message`` (section 5.1.7)."""
    a, r = _point(public), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or a is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = _multiply(s, _BASE), _add(r, _multiply(k, a))
    return all((left[n] * right[2] - right[n] * left[2]) % P == 0 for n in (0, 1))


# The Merkle tree (RFC 6962 section 2.1).


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The perfect subtrees that the leaves so far fall into, largest first."""

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Append one leaf."""
        carry = self.size
        while carry & 1:
            leaf = node_hash(self.peaks.pop(), leaf)
            carry >>= 1
        self.peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The tree head."""
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        result = self.peaks[-1]
        for peak in self.peaks[-2::-1]:
            result = node_hash(peak, result)
        return result


def tree_root(hashes: list[bytes]) -> bytes:
    """The tree head of these leaf hashes."""
    tree = Tree()
    for each in hashes:
        tree.add(each)
    return tree.root()


# git objects, through a repository of our own.


class Objects:
    """Objects of the clone by name, each checked against that name."""

    def __init__(self, pipe: subprocess.Popen[bytes], algorithm: str) -> None:
        self.pipe, self.algorithm = pipe, algorithm
        self.width = hashlib.new(algorithm).digest_size

    def read(self, oid: str) -> tuple[str, bytes]:
        """Kind and content of an object."""
        assert self.pipe.stdin is not None
        assert self.pipe.stdout is not None
        self.pipe.stdin.write(oid.encode() + b"\n")
        self.pipe.stdin.flush()
        head = self.pipe.stdout.readline().split()
        if len(head) != 3 or not head[2].isdigit():
            raise Missing(f"object {oid} is not in the clone")
        hashed, data, left = hashlib.new(self.algorithm, head[1] + b" " + head[2] + b"\0"), b"", int(head[2])
        large = left > LARGEST
        while left:
            part = self.pipe.stdout.read(min(left, LARGEST))
            if not part:
                raise Missing(f"object {oid} cannot be read to its end")
            hashed.update(part)
            data, left = part, left - len(part)
        self.pipe.stdout.read(1)
        if hashed.hexdigest() != oid:
            raise Tampered(f"object {oid} is not what its name says")
        if large and head[1] != b"blob":
            raise Missing(f"object {oid} is larger than anything of a log: {head[2].decode()} bytes")
        return head[1].decode(), b"" if large else data

    def get(self, oid: str, kind: str) -> bytes:
        """The content of an object of this kind."""
        found, data = self.read(oid)
        if found != kind:
            raise Tampered(f"object {oid} is a {found}, where a {kind} belongs")
        return data

    def names(self, tree: str) -> dict[str, tuple[str, str]]:
        """What is in a tree: name to (mode, oid)."""
        data, found, at = self.get(tree, "tree"), {}, 0
        while at < len(data):
            end = data.index(b"\0", at)
            mode, _, name = data[at:end].decode().partition(" ")
            if name in found:
                raise Tampered(f"tree {tree} holds two of the name {name}")
            found[name] = (mode, data[end + 1 : end + 1 + self.width].hex())
            at = end + 1 + self.width
        return found


class Files:
    """The files of one tree, found by their path: only the folders on the way are read, each of them once."""

    def __init__(self, store: Objects, tree: str) -> None:
        self.store, self.tree = store, tree
        self.folders: dict[str, dict[str, tuple[str, str]]] = {}

    def read(self, path: str) -> bytes:
        """The content of a file. Raises Tampered where it is none: a link and a submodule are not files."""
        oid, mode = self.tree, "40000"
        for name in path.split("/"):
            if mode == "40000" and oid not in self.folders:
                self.folders[oid] = self.store.names(oid)
            mode, oid = self.folders[oid].get(name, ("", "")) if mode == "40000" else ("", "")
        if mode != "100644":
            raise Tampered(f"{path} is not among the published files")
        return self.store.get(oid, "blob")


def _environment() -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env.update(GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL=os.devnull, GIT_NO_REPLACE_OBJECTS="1", LC_ALL="C")
    env.update(GIT_GRAFT_FILE=os.devnull, GIT_NO_LAZY_FETCH="1", GIT_TERMINAL_PROMPT="0")
    return env


def _git(*args: str) -> str:
    done = subprocess.run(["git", *args], env=_environment(), capture_output=True, check=False)
    if done.returncode:
        raise Missing(f"git {args[-1]}: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout.decode("utf-8", "surrogateescape")


def common_dir(clone: Path) -> Path:
    """The git directory that holds the objects and refs of a clone or worktree."""
    place = clone / ".git" if (clone / ".git").exists() else clone
    if place.is_file():
        place = (clone / _first_line(place).partition("gitdir: ")[2]).resolve()
    shared = _first_line(place / "commondir")
    place = (place / shared).resolve()
    if not (place / "objects").is_dir():
        raise Missing(f"{clone} is not a git repository")
    return place


@contextmanager
def opened(common: Path, refs: dict[str, str]) -> Iterator[Objects]:
    """Read the objects of a clone without its configuration, as long as the block runs."""
    algorithm = "sha256" if any(len(oid) == 64 for oid in refs.values()) else "sha1"
    with tempfile.TemporaryDirectory() as folder:
        _git("init", "-q", "--bare", f"--object-format={algorithm}", folder)
        path = str(common / "objects").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        (Path(folder) / "objects/info/alternates").write_text(f'"{path}"\n', "utf-8", "surrogateescape")
        plain = ["core.commitGraph=false", "core.multiPackIndex=false", "core.bigFileThreshold=16m"]
        command = ["git", "--git-dir", folder, *(word for one in plain for word in ("-c", one)), "cat-file", "--batch"]
        pipe = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment())
        try:
            yield Objects(pipe, algorithm)
        finally:
            pipe.stdin.close()  # type: ignore[union-attr]
            pipe.stdout.close()  # type: ignore[union-attr]
            pipe.wait()


def clone_refs(common: Path) -> dict[str, str]:
    """Every ref of the clone with its oid; read without git where refs are files: no configuration has a say."""
    if (common / "reftable").is_dir():
        return _refs_in_tables(common / "reftable")
    found = {}
    packed = common / "packed-refs"
    for row in packed.read_text("utf-8", "surrogateescape").splitlines() if packed.is_file() else []:
        oid, _, ref = row.partition(" ")
        if OID.match(oid):
            found[ref] = oid
    for folder, _, names in os.walk(common / "refs", onerror=_unreadable):
        for name in names:
            path = Path(folder) / name
            oid = _first_line(path)
            if OID.match(oid):
                found[path.relative_to(common).as_posix()] = oid
    head = _first_line(common / "HEAD")
    return {**found, "HEAD": head} if OID.match(head) else found


def _refs_in_tables(tables: Path) -> dict[str, str]:
    """The refs of a reftable (gitformat-reftable), through a repository of our own that holds a copy of it."""
    files = {path.name: path.read_bytes() for path in tables.iterdir() if path.is_file()}
    # Version 2 of a table names its hash after 24 bytes of header.
    algorithm = "sha256" if any(data[24:28] == b"s256" for data in files.values() if data[4:5] == b"\2") else "sha1"
    with tempfile.TemporaryDirectory() as folder:
        try:
            _git("init", "-q", "--bare", "--ref-format=reftable", f"--object-format={algorithm}", folder)
        except Missing:
            raise Missing("the clone keeps its refs in a reftable, which git 2.45 or newer reads") from None
        shutil.rmtree(Path(folder) / "reftable")
        (Path(folder) / "reftable").mkdir()
        for name, data in files.items():
            (Path(folder) / "reftable" / name).write_bytes(data)
        rows = _git("--git-dir", folder, "for-each-ref", "--include-root-refs", "--format=%(objectname) %(refname)")
        return {ref: oid for oid, _, ref in (row.partition(" ") for row in rows.splitlines())}


def _unreadable(failed: OSError) -> None:
    raise failed


def _first_line(path: Path) -> str:
    """Of a file; empty where it is no file (a pipe would be waited for without end)."""
    if not path.is_file():
        return ""
    with path.open("rb") as stream:
        return stream.readline(4096).decode("utf-8", "surrogateescape").strip()


# Notes, checkpoints, entries.


def unbase64(text: str) -> bytes:
    """RFC 4648 section 4, in the one way that it is written. Raises ValueError."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("base64 in another way than it is written")
    return data


class Key:
    """A verifier key (C2SP signed-note): NAME+ID+KEY, type Ed25519."""

    def __init__(self, text: str) -> None:
        name, _, rest = text.strip().partition("+")
        number, _, encoded = rest.partition("+")
        data = unbase64(encoded)
        self.text, self.name, self.public = text.strip(), name, data[1:]
        self.id = hashlib.sha256(name.encode() + b"\n\x01" + self.public).digest()[:4]
        point = _point(self.public)
        if data[:1] != b"\x01" or self.id.hex() != number or point is None:
            raise ValueError("not a verifier key of type Ed25519")
        if _multiply(8, point)[0] % P == 0:
            raise ValueError("not a verifier key: signatures of a point of small order say nothing")


class Checkpoint:
    """One checkpoint commit: what its note says, and its signatures."""

    def __init__(self, store: Objects, commit: str) -> None:
        raw = store.get(commit, "commit")
        self.commit, self.raw = commit, raw
        head = raw.partition(b"\n\n")[0].decode("utf-8", "replace").split("\n")
        self.parents = [row[7:] for row in head if row.startswith("parent ")]
        self.tree = head[0].partition("tree ")[2]
        if not all(map(OID.match, [self.tree, *self.parents])):
            raise Tampered(f"{commit} is not a commit as git writes it")
        data = Files(store, self.tree).read("checkpoint").decode("utf-8")
        text, _, lines = data.rpartition("\n\n")
        self.text = (text + "\n").encode()
        rows, signed = text.split("\n"), lines.split("\n")
        if len(rows) < 3 or not all(rows) or not rows[0].startswith("tiny-audit/") or not SIZE.match(rows[1]):
            raise Tampered(f"commit {commit} holds no checkpoint of an audit log")
        self.log, self.size, self.root = rows[0][11:], int(rows[1]), unbase64(rows[2])
        self.signatures: list[tuple[str, bytes]] = []
        if signed.pop() or len(signed) > MOST_SIGNATURES or any(char < " " and char != "\n" for char in data):
            raise Tampered(f"commit {commit} holds no signed note")
        for row in signed:
            dash, name, encoded = row.split(" ")
            if dash != "\u2014":
                raise Tampered(f"commit {commit} holds no signed note")
            self.signatures.append((name, unbase64(encoded)))

    def signed_by(self, key: Key) -> bool:
        """Whether ``key`` signed it. Raises Tampered where its signature is wrong."""
        mine = [made[4:] for name, made in self.signatures if name == key.name and made[:4] == key.id]
        if not all(ed25519_verify(key.public, self.text, made) for made in mine):
            raise Tampered(f"the signature on the checkpoint of size {self.size} is wrong")
        return bool(mine)


def parse_entry(data: bytes, seq: int, log: str, previous: bytes) -> dict[str, Any]:
    """The fields of entry ``seq``. Raises Tampered unless it is canonical and follows ``previous``."""
    try:
        entry = json.loads(data)
        again = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        raise Tampered(f"entry {seq} is not JSON") from None
    if type(entry) is not dict or set(entry) != FIELDS or again != data:
        raise Tampered(f"entry {seq} is not a canonical entry")
    texts = FIELDS - {"version", "seq"}
    if entry["version"] != 1 or type(entry["seq"]) is not int or any(type(entry[name]) is not str for name in texts):
        raise Tampered(f"entry {seq} has a field of another type")
    if entry["phase"] not in PHASES or not HEX.match(entry["details_digest"]):
        raise Tampered(f"entry {seq} has a field that holds what it cannot")
    if entry["seq"] != seq or entry["log"] != log:
        raise Tampered(f"entry {entry['seq']} of log {entry['log']} stands where entry {seq} of {log} belongs")
    if entry["previous_hash"] != previous.hex():
        raise Tampered(f"entry {seq} does not follow from entry {seq - 1}: one of them was altered")
    return entry


def tile_path(level: str, index: int, width: int) -> str:
    """C2SP tlog-tiles."""
    parts = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        parts.insert(0, f"x{index % 1000:03d}")
    return f"tile/{level}/{'/'.join(parts)}" + (f".p/{width}" if width < 256 else "")


def entries_of(files: Files, size: int) -> Iterator[bytes]:
    """The entries that a checkpoint publishes."""
    for index in range((size + 255) // 256):
        width = min(256, size - index * 256)
        path = tile_path("entries", index, width)
        data, at, count = files.read(path), 0, 0
        while at + 2 <= len(data):
            end = at + 2 + int.from_bytes(data[at : at + 2], "big")
            if end > len(data):
                break
            yield data[at + 2 : end]
            at, count = end, count + 1
        if count < width:
            where = "in the middle of" if at < len(data) else "before"
            raise Tampered(f"{path} is cut {where} entry {index * 256 + count}")
        if at != len(data) or count != width:
            raise Tampered(f"{path} does not hold {width} whole entries")


# Verification.


def _count(number: int, word: str, one: str = "", more: str = "s") -> str:
    return f"{number} {word}{one if number == 1 else more}"


class Log:
    """One log: its checkpoints by commit, and what its entries say."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.checkpoints: dict[str, Checkpoint] = {}
        self.claims: list[tuple[int, str, str]] = []
        self.keys: list[tuple[int, Key]] = []
        self.made: set[str] = set()
        self.begun: dict[str, int] = {}
        self.merges: list[tuple[str, str, int, int]] = []
        self.tree = Tree()

    @property
    def newest(self) -> Checkpoint:
        """The checkpoint of the greatest size."""
        return max(self.checkpoints.values(), key=lambda one: one.size)


class Verification:
    """What was found, in words."""

    def __init__(self, pinned: list[Key], signers: str) -> None:
        self.pinned, self.signers = pinned, signers
        self.verified: list[str] = []
        self.notes: list[str] = []
        self.unchecked: list[str] = []
        self.tampered: list[str] = []

    def log(self, store: Objects, log: Log) -> None:
        """Verify one log from its first entry to the newest checkpoint."""
        newest = log.newest
        files = Files(store, newest.tree)
        claims = sorted(claim for claim in log.claims if claim[0] <= newest.size)
        hashes = self._entries(log, newest, files, claims)
        self._tiles(files, hashes)
        self._signatures(log)
        origin = "the pinned key signed them" if any(k.name == f"tiny-audit/{log.name}" for k in self.pinned) else ""
        self.verified.append(
            f"log {log.name}: {_count(newest.size, 'entr', 'y', 'ies')}, {_count(len(log.checkpoints), 'checkpoint')},"
            f" {_count(len(claims), 'named state')}; " + (origin or "consistency, not origin (no key was pinned)")
        )
        for size, _, who in log.claims:
            if size > newest.size:
                self.unchecked.append(f"{who} names {size} entries of log {log.name}; {newest.size} are published here")

    def _entries(self, log: Log, newest: Checkpoint, files: Files, claims: list[tuple[int, str, str]]) -> list[bytes]:
        hashes: list[bytes] = []
        previous, at = bytes(32), 0
        for seq, data in enumerate(entries_of(files, newest.size)):
            entry = parse_entry(data, seq, log.name, previous)
            previous = leaf_hash(data)
            hashes.append(previous)
            log.tree.add(previous)
            if entry["action"] in KEY_ACTIONS:
                log.keys.append((seq, Key(entry["new"])))
            if entry["action"] in MADE:
                log.made.add(entry["new"])
                if entry["phase"] == "intent":
                    log.begun[entry["id"]] = seq
                elif entry["action"] != "land":
                    log.merges.append((entry["plan"], entry["new"], log.begun.get(entry["id"], seq), seq))
            while at < len(claims) and claims[at][0] <= log.tree.size:
                if claims[at][0] and claims[at][1] != log.tree.root().hex():
                    raise Tampered(f"the first {claims[at][0]} entries are not those that {claims[at][2]} names")
                at += 1
        return hashes

    def _tiles(self, files: Files, hashes: list[bytes]) -> None:
        level = 0
        while hashes:
            above = []
            for index in range((len(hashes) + 255) // 256):
                part = hashes[index * 256 : index * 256 + 256]
                path = tile_path(str(level), index, len(part))
                if files.read(path) != b"".join(part):
                    raise Tampered(f"{path} is not what the entries give")
                above += [tree_root(part)] if len(part) == 256 else []
            hashes, level = above, level + 1

    def _signatures(self, log: Log) -> None:
        keys = [key for _, key in log.keys]
        # By place in the log, not by key: what a key endorsed once, it did not endorse wherever else it stands.
        endorsed = set()
        for one in log.checkpoints.values():
            active = [at for at, (seq, _) in enumerate(log.keys) if seq < one.size]
            signers = [key.text for key in keys if one.signed_by(key)]
            if not active or keys[active[-1]].text not in signers:
                raise Tampered(f"the checkpoint of size {one.size} is not signed by the key that the log names")
            if active[-1] and keys[active[-1] - 1].text in signers:
                endorsed.add(active[-1])
        names = [key.text for key in keys]
        for pin in self.pinned:
            if pin.name != f"tiny-audit/{log.name}":
                continue
            if pin.text not in names:
                raise Tampered("the log does not name the pinned key")
            if not endorsed.issuperset(range(names.index(pin.text) + 1, len(names))):
                raise Tampered("the log went on to a key that the pinned one did not endorse")
        if self.signers:
            self._git_signatures(log)

    def _git_signatures(self, log: Log) -> None:
        # Checkpoints that are made without being asked for carry the log's own signature alone.
        for one in sorted(log.checkpoints.values(), key=lambda one: one.size, reverse=True):
            who = ssh_signer(one.raw, self.signers)
            if who is not None:
                self.verified.append(f"log {log.name}: the first {one.size} entries are signed for by {who}")
                if one.size < log.newest.size:
                    self.unchecked.append(
                        f"log {log.name}: no allowed signer has signed for entries {one.size} to {log.newest.size - 1}"
                    )
                return
        raise Tampered("no checkpoint commit is signed by an allowed signer")


def ssh_signer(raw: bytes, allowed: str) -> str | None:
    """Who of the allowed signers signed a commit (ssh-keygen(1), namespace git); None for nobody."""
    head, blank, message = raw.partition(b"\n\n")
    found = re.search(rb"^gpgsig(?:-sha256)? (.*(?:\n .*)*)\n?", head, re.M)
    if not found or b"SSH SIGNATURE" not in found[1]:
        return None
    payload = (head[: found.start()] + head[found.end() :]).rstrip(b"\n") + blank + message
    with tempfile.NamedTemporaryFile() as signature:
        signature.write(found[1].replace(b"\n ", b"\n") + b"\n")
        signature.flush()
        keygen = ["ssh-keygen", "-Y"]
        files = ["-f", allowed, "-s", signature.name]
        try:
            names = subprocess.run([*keygen, "find-principals", *files], capture_output=True, check=False)
        except FileNotFoundError:
            raise Missing("ssh-keygen is not installed") from None
        for name in names.stdout.decode("utf-8", "replace").splitlines():
            command = [*keygen, "verify", *files, "-n", "git", "-I", name]
            if subprocess.run(command, input=payload, capture_output=True, check=False).returncode == 0:
                return name
    return None


def gather(store: Objects, refs: dict[str, str], found: Verification) -> dict[str, Log]:
    """Every checkpoint that any ref leads to, by the parents in the objects themselves."""
    logs: dict[str, Log] = {}
    for ref, oid in refs.items():
        match = REF.match(ref)
        child: Checkpoint | None = None
        while match and oid:
            try:
                one = Checkpoint(store, oid)
            except Missing as odd:
                found.unchecked.append(f"earlier checkpoints of {ref}: {odd}")
                break
            except (Tampered, ValueError) as odd:
                found.tampered.append(f"{ref}: {odd}")
                break
            if one.log != match[1] or len(one.parents) > 1 or (child is not None and child.size < one.size):
                found.tampered.append(f"{ref}: commit {oid} is no earlier checkpoint of log {match[1]}")
                break
            log = logs.setdefault(one.log, Log(one.log))
            log.claims.append((one.size, one.root.hex(), f"checkpoint {oid[:12]}"))
            if oid in log.checkpoints:
                break
            log.checkpoints[oid], child = one, one
            oid = one.parents[0] if one.parents else ""
    return logs


def walk(store: Objects, refs: dict[str, str], found: Verification) -> Iterator[tuple[str, bytes]]:
    """Every commit that a ref reaches, checkpoints aside."""
    starts = [oid for ref, oid in refs.items() if not REF.match(ref) and not ref.startswith("refs/replace/")]
    waiting = list(dict.fromkeys(starts))
    seen = set(waiting)
    while waiting:
        oid = waiting.pop()
        try:
            kind, raw = store.read(oid)
        except Missing:
            found.unchecked.append("history before the end of this clone (it is shallow, or objects are missing)")
            continue
        except Tampered as odd:
            found.tampered.append(str(odd))
            continue
        if kind == "commit":
            yield oid, raw
        if kind == "tree" or kind == "blob":
            continue
        word = b"parent " if kind == "commit" else b"object "
        for row in raw.partition(b"\n\n")[0].split(b"\n"):
            above = row[7:].decode("ascii", "replace")
            if row.startswith(word) and above not in seen:
                seen.add(above)
                if OID.match(above):
                    waiting.append(above)
                else:
                    found.unchecked.append(f"{kind} {oid} names {above[:64]}, which is no object's name")


def hold_commits(commits: list[tuple[str, str, str, int]], logs: dict[str, Log], found: Verification) -> None:
    """Every commit that names a log has its entry there; ``commits``: oid, log, plan, size."""
    for oid, name, plan, size in commits:
        log = logs.get(name)
        if log is None:
            found.unchecked.append(f"commit {oid[:12]} names log {name}, which is not in this clone")
        elif oid not in log.made and oid not in log.checkpoints:
            ends = [(made, last) for of, made, first, last in log.merges if of == plan and first < size <= last]
            if ends:
                found.notes.append(
                    f"commit {oid[:12]} is a copy (rebased, cherry-picked or amended) of {ends[0][0][:12]}, which"
                    f" entry {ends[0][1]} of log {name} records: the log vouches for that commit, not for the copy"
                )
            elif any(of == plan and last >= size for of, _, _, last in log.merges):
                found.tampered.append(f"commit {oid[:12]} carries a trailer of log {name}, and no entry there names it")
            else:
                found.unchecked.append(f"commit {oid[:12]}: its entry in log {name} is not published yet")


def verify(clone: Path, pinned: list[Key], signers: str, anchors: list[tuple[str, int, str]]) -> Verification:
    """Verify everything that a clone carries."""
    found = Verification(pinned, signers)
    common = common_dir(clone)
    refs = clone_refs(common)
    with opened(common, refs) as store:
        logs = gather(store, refs, found)
        commits = []
        for oid, raw in walk(store, refs, found):
            message = raw.partition(b"\n\n")[2].decode("utf-8", "replace")
            block = message.strip("\n").rpartition("\n\n")[2]
            plan = re.search(r"^Plan-Id: *(\S+)", block, re.M)
            for name, size, root in TRAILER.findall(block):
                commits.append((oid, name, plan[1] if plan else "", int(size)))
                if name in logs:
                    logs[name].claims.append((int(size), root, f"commit {oid[:12]}"))
        for name, size, root in anchors:
            if name in logs:
                logs[name].claims.append((size, root, "the given anchor"))
            else:
                found.unchecked.append(f"log {name} is not in this clone")
        for name, log in sorted(logs.items()):
            try:
                found.log(store, log)
            except Missing as odd:
                found.unchecked.append(f"log {name}: {odd}")
            except (Tampered, ValueError) as odd:
                found.tampered.append(f"log {name}: {odd}")
        hold_commits(commits, logs, found)
    if not logs:
        found.unchecked.append("no audit log is in this clone: git fetch REMOTE 'refs/tiny/audit/*:refs/tiny/audit/*'")
    for key in pinned:
        if key.name[11:] not in logs:
            found.tampered.append(f"no log in this clone is {key.name}")
    return found


def _anchor(text: str) -> tuple[str, int, str]:
    match = re.fullmatch(r"([0-9a-f]{16})/([0-9]{1,15})/([0-9a-f]{64})", text)
    if not match:
        raise argparse.ArgumentTypeError("not LOG/SIZE/ROOT")
    return match[1], int(match[2]), match[3]


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def main() -> int:
    """Print what was found; the exit code."""
    parser = argparse.ArgumentParser(description="Verify the audit logs that a clone carries.")
    parser.add_argument("clone", type=Path)
    parser.add_argument("--key", action="append", default=[], type=Key, help="pin a log's key: NAME+ID+KEY")
    parser.add_argument("--allowed-signers", default="", help="who may sign checkpoint commits (ssh-keygen(1))")
    parser.add_argument("--anchor", action="append", default=[], type=_anchor, help="a state known from elsewhere")
    args = parser.parse_args()
    if args.allowed_signers and not os.access(args.allowed_signers, os.R_OK):
        parser.error(f"{args.allowed_signers} cannot be read")
    try:
        found = verify(args.clone, args.key, args.allowed_signers, args.anchor)
    except (Missing, OSError, ValueError, RecursionError) as odd:
        print(f"could not verify: {_printable(str(odd))}")
        return 4
    for word, rows in (
        ("verified", found.verified),
        ("note", found.notes),
        ("could not verify", found.unchecked),
        ("TAMPERED", found.tampered),
    ):
        for row in dict.fromkeys(rows):
            print(f"{word}: {_printable(row)}")
    return 1 if found.tampered else 4 if found.unchecked else 0


if __name__ == "__main__":
    sys.exit(main())
