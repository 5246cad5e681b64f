"""The links of a whole history, kept in ``<git common dir>/tiny/links`` by the commit that they were read up to.

What a message says never changes, so only what came since is asked again. Deleting the folder is safe at any time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tinycode_git.git.read import ReadRepo
from tinycode_git.history.gather import shallow_gap
from tinycode_git.history.links import LINK_RULES, Link, Linked, LinkIndex, LinkKind, link_args, linked_in

KEPT = 4
WORTH = 256 * 1024  # bytes of messages from which on it is quicker to keep what they say


@dataclass(frozen=True, slots=True)
class _Known:
    """The links of the history of ``tip``, newest first."""

    tip: str
    linked: tuple[Linked, ...]


@contextmanager
def links_of(repo: ReadRepo, commit: str) -> Iterator[Callable[[], LinkIndex]]:
    """The links of the history of a commit (an oid): git reads beside what is done in the block, until it is asked."""
    folder = None if shallow_gap(repo) else repo.place.tiny_dir / "links"
    known = _known(repo, folder, commit) if folder else None
    if known is not None and known.tip == commit:
        index = LinkIndex(known.linked)
        yield lambda: index
        return
    since = [f"^{known.tip}"] if known else []
    with repo.git.beside(*link_args(commit), *since) as asked:

        def read() -> LinkIndex:
            out = asked().out
            found = (*linked_in(out), *(known.linked if known else ()))
            if folder and len(out) >= WORTH:
                _keep(folder, _Known(commit, found))
            return LinkIndex(found)

        yield read


def _known(repo: ReadRepo, folder: Path, commit: str) -> _Known | None:
    """What is kept for the commit, else for the newest other that it is built on."""
    try:
        places = sorted(folder.iterdir(), key=lambda place: place.stat().st_mtime_ns, reverse=True)
    except OSError:
        return None
    for place in sorted(places, key=lambda place: place.name != commit):
        tip = place.name
        if tip != commit and (len(tip) != len(commit) or not repo.find(tip) or not repo.is_ancestor(tip, commit)):
            continue
        known = _read(place)
        if known is not None:
            return known
    return None


def _read(place: Path) -> _Known | None:
    """None where it cannot be read, or other rules read it."""
    try:
        held = json.loads(place.read_bytes())
        if held["rules"] != LINK_RULES:
            return None
        return _Known(place.name, tuple(Linked(oid, _links(rows)) for oid, rows in held["links"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _links(rows: Sequence[Sequence[str]]) -> tuple[Link, ...]:
    return tuple(Link(LinkKind(kind), oid, title) for kind, oid, title in rows)


def _keep(folder: Path, known: _Known) -> None:
    """Keep it, and let the oldest go. A folder that cannot be written keeps nothing."""
    links = [[one.oid, [[link.kind.value, link.oid, link.title] for link in one.links]] for one in known.linked]
    beside = folder / f".{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps({"rules": LINK_RULES, "links": links}), encoding="ascii")
        beside.replace(folder / known.tip)
        places = sorted(folder.iterdir(), key=lambda place: place.stat().st_mtime_ns)
        for place in places[: max(0, len(places) - KEPT)]:
            place.unlink(missing_ok=True)
    except OSError:
        return
