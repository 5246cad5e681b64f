"""The baseline: findings accepted before, one small file each, named so that no secret can be read from it.

``.tiny/baseline/<id>``: the id is scrypt (RFC 7914) of rule and matched text under the salt in ``.tiny/baseline/salt``,
which is committed. No line numbers, no secrets: code may move, and two branches' additions merge. Whoever has the
repository can still test a guess against an id, slowly: a short password in a baseline is not hidden well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from tinycode_git.safety.finding import Finding

FOLDER = ".tiny/baseline"
SALT = f"{FOLDER}/salt"
_N, _R, _P = 1 << 14, 8, 1


def entry_id(rule: str, value: bytes, salt: bytes) -> str:
    """The name of the entry for a matched text: 40 hex digits."""
    bare = b"".join(value.split())
    named = rule.encode() + b"\0" + bare
    return hashlib.scrypt(named, salt=salt, n=_N, r=_R, p=_P, maxmem=64 << 20, dklen=20).hex()


def entry_text(finding: Finding, reason: str) -> str:
    """What stands in an entry's file: for people, read by nothing."""
    return f"rule: {finding.rule}\npath: {finding.path}\nreason: {reason}\n"


def ids(values: Mapping[Finding, bytes], salt: bytes) -> dict[Finding, str]:
    """The id of each finding whose matched text is known; each text is hashed once (50 ms)."""
    made: dict[tuple[str, bytes], str] = {}
    out = {}
    for finding, value in values.items():
        key = (finding.rule, value)
        if key not in made:
            made[key] = entry_id(finding.rule, value, salt)
        out[finding] = made[key]
    return out


def grown(before: Iterable[str], after: Iterable[str]) -> set[str]:
    """Entries that a change adds: a baseline only shrinks unless somebody says otherwise."""
    return {name for name in set(after) - set(before) if name != "salt"}
