"""Whether a commit took away elsewhere what it seems to bring: then it was moved, and is judged as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tinycode_git.safety import objects
from tinycode_git.safety.describe import digest
from tinycode_git.safety.differing import differing
from tinycode_git.safety.look import Skip, Text
from tinycode_git.safety.surface import LINK, SUBMODULE, Change, ChangeSet
from tinycode_git.safety.view import binary, readable

if TYPE_CHECKING:
    from tinycode_git.git.process import Git
    from tinycode_git.safety.engine import Engine, Looked
    from tinycode_git.safety.finding import Finding

Pairs = dict[tuple[str, str], tuple[str, set[str]]]


def brought(findings: Iterable[Finding], looked: Mapping[Text, Looked]) -> dict[str, set[bytes]]:
    """By commit, the digests of what was found."""
    by_place: dict[tuple[str, str, int, int], bytes] = {}
    for text, seen in looked.items():
        for match in seen.matches:
            by_place[text.oid, match.rule, match.line, match.column] = match.digest
    found: dict[str, set[bytes]] = {}
    for one in findings:
        found.setdefault(one.commit, set()).add(by_place[one.oid, one.rule, one.line, one.column])
    return found


def perhaps_moved(
    source: Git | objects.Reader, engine: Engine, sets: Sequence[ChangeSet], wanted: Mapping[str, set[bytes]]
) -> tuple[set[str], list[Skip]]:
    """The commits that took away something of which they have the digest in ``wanted``, and what could not be read."""
    pairs = _pairs(sets, wanted)
    found = {each.commit for each in sets if any(old.mode == LINK for change in each.changes for old in change.olds)}
    skipped: list[Skip] = []
    contents = _read_pairs(source, list(pairs))
    for (path, commits), (old, new) in zip(pairs.values(), contents, strict=True):
        if commits <= found:
            continue
        if isinstance(old, objects.Large) or isinstance(new, objects.Large):
            found |= commits
        elif old.content is None or new.content is None:
            skipped.append(Skip(path, old.problem or new.problem))
        else:
            digests = set(_taken_away(engine, old.content, new.content))
            found |= {commit for commit in commits if not digests.isdisjoint(wanted[commit])}
    return found, skipped


def _pairs(sets: Sequence[ChangeSet], wanted: Mapping[str, set[bytes]]) -> Pairs:
    """Old and new object of what commits changed (new: empty where it is gone), each once, with the commits."""
    pairs: Pairs = {}
    for changes in sets:
        for change in changes.changes if changes.commit in wanted else ():
            for pair in _sides(change):
                pairs.setdefault(pair, (change.path, set()))[1].add(changes.commit)
    return pairs


def _sides(change: Change) -> Iterator[tuple[str, str]]:
    none = (0, SUBMODULE, LINK)
    for old in change.olds:
        if old.mode not in none:
            yield old.oid, change.new.oid if change.new.mode not in none else ""


_NOTHING = objects.Loaded("", "blob", b"")


def _read_pairs(
    source: Git | objects.Reader, pairs: Sequence[tuple[str, str]]
) -> Iterator[tuple[objects.Loaded | objects.Large, objects.Loaded | objects.Large]]:
    loaded = objects.read(source, [oid for pair in pairs for oid in pair if oid])
    for _, new in pairs:
        yield next(loaded), next(loaded) if new else _NOTHING


def _taken_away(engine: Engine, old: bytes, new: bytes) -> Iterator[bytes]:
    """Digests of what is in those parts of ``old`` that ``new`` has not."""
    if readable(old) is not old:
        yield from (match.digest for match in engine.look(old).matches)
        return
    for part in differing(new, old):
        piece = old[part.start : part.stop]
        for hit in engine.text_hits(engine.fire(piece, late=False), piece, "content", in_binary=binary(old)):
            yield digest(engine.rules[hit.rule].id, hit.folded, engine.key)
        if engine.more is not None:
            yield from _taken_away(engine.more, piece, b"")
