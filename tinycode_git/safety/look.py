"""Looking at many texts: objects read once, each matched once, from the cache where it is known already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from tinycode_git.rows import NamedTuple
from tinycode_git.safety import objects
from tinycode_git.safety.engine import NOTHING, Engine, Looked
from tinycode_git.safety.structural import language_of
from tinycode_git.safety.surface import LINK, SUBMODULE, ChangeSet, Side

if TYPE_CHECKING:
    from tinycode_git.git.process import Git
    from tinycode_git.safety.finding import Match


class Text(NamedTuple):
    """A text to look at: an object and the place it stands in. ``language`` is what structural rules go by."""

    oid: str
    where: str
    language: str = ""


class Skip(NamedTuple):
    """Something that was not looked at, and why."""

    what: str
    reason: str


class Receipt(NamedTuple):
    """What was looked at: ``scanned`` and ``cached`` count texts (blobs, messages, targets), ``paths`` paths."""

    scanned: int = 0
    cached: int = 0
    skipped: tuple[Skip, ...] = ()
    paths: int = 0
    bytes: int = 0

    def __add__(self, other: object) -> Receipt:
        if not isinstance(other, Receipt):
            return NotImplemented
        return Receipt(
            self.scanned + other.scanned,
            self.cached + other.cached,
            tuple(dict.fromkeys((*self.skipped, *other.skipped))),
            self.paths + other.paths,
            self.bytes + other.bytes,
        )

    @property
    def empty(self) -> bool:
        """Whether nothing at all was looked at: never a pass."""
        return not (self.scanned or self.cached or self.paths)


class Known(NamedTuple):
    """What was seen in a text before, and the families whose rules have changed since: only they look again."""

    looked: Looked
    changed: frozenset[str] = frozenset()


class Cache(Protocol):
    """What is known about texts from before. Nothing here raises: a cache that does not work knows nothing."""

    def known(self, texts: Iterable[Text]) -> dict[Text, Known]:
        """Of ``texts``, those that were looked at before."""

    def keep(self, looked: Mapping[Text, Looked]) -> None:
        """Remember."""


class NoCache:
    """A cache that knows nothing."""

    def known(self, texts: Iterable[Text]) -> dict[Text, Known]:
        """Nothing."""
        return {}

    def keep(self, looked: Mapping[Text, Looked]) -> None:
        """Nothing is kept."""


def text_of(side: Side, path: str) -> Text | None:
    """The text that one side of a change is: a file's content or a link's target; None for submodules and absence."""
    if side.mode in (0, SUBMODULE):
        return None
    if side.mode == LINK:
        return Text(side.oid, "symlink", path)  # where a link leads to depends on where it stands
    return Text(side.oid, "content", language_of(path, b""))


def texts_of(sets: Iterable[ChangeSet], *, olds: bool) -> dict[Text, str]:
    """The texts of changes with a path that each is found at; with what they replace where ``olds`` is set."""
    found: dict[Text, str] = {}
    for changes in sets:
        for change in changes.changes:
            for side in (change.new, *(change.olds if olds else ())):
                text = text_of(side, change.path)
                if text is not None:
                    found.setdefault(text, change.path)
    return found


def look_at(
    source: Git | objects.Reader, engine: Engine, texts: Mapping[Text, str], cache: Cache
) -> tuple[dict[Text, Looked], Receipt]:
    """What the engine sees in each text, and the receipt. A text that cannot be read is missing from the answer."""
    before = cache.known(texts)
    seen = {text: known.looked for text, known in before.items() if not known.changed}
    cached = len(seen)
    fresh: dict[Text, Looked] = {}
    skipped: list[Skip] = []
    by_oid: dict[str, list[Text]] = {}
    for text in texts:
        if text not in seen:
            by_oid.setdefault(text.oid, []).append(text)
    size = 0
    for loaded in objects.read(source, list(by_oid)):
        wanted = by_oid[loaded.name]
        if isinstance(loaded, objects.Large):
            size += loaded.size
            fresh |= look_large(engine, loaded, wanted, texts)
        elif loaded.content is None:
            skipped += [Skip(texts[text] or text.oid, loaded.problem) for text in wanted]
        else:
            size += len(loaded.content)
            for text in wanted:
                fresh[text] = _look(engine, loaded.content, text, texts[text], before.get(text))
    cache.keep(fresh)
    seen |= fresh
    skipped += [Skip(texts[text] or text.oid, gap) for text, looked in seen.items() for gap in looked.gaps]
    return seen, Receipt(len(fresh), cached, tuple(skipped), 0, size)


def look_among(
    source: Git | objects.Reader, engine: Engine, texts: Mapping[tuple[Text, frozenset[str]], str]
) -> tuple[dict[tuple[Text, frozenset[str]], Looked], Receipt]:
    """As ``look_at`` without a cache, each text with the rules that it is asked about."""
    asked: dict[str, list[tuple[Text, frozenset[str]]]] = {}
    for one in texts:
        asked.setdefault(one[0].oid, []).append(one)
    seen: dict[tuple[Text, frozenset[str]], Looked] = {}
    skipped: list[Skip] = []
    size = 0
    for loaded in objects.read(source, list(asked)):
        wanted = asked[loaded.name]
        if isinstance(loaded, objects.Large):
            size += loaded.size
            first = wanted[0][0]
            looked = look_large(engine, loaded, [first], {text: path for (text, _), path in texts.items()})[first]
            seen |= dict.fromkeys(wanted, looked)
        elif loaded.content is None:
            skipped += [Skip(texts[one] or loaded.name, loaded.problem) for one in wanted]
        else:
            size += len(loaded.content)
            for one in wanted:
                seen[one] = engine.look(loaded.content, one[0].where, texts[one], among=one[1])
    skipped += [Skip(texts[one] or one[0].oid, gap) for one, looked in seen.items() for gap in looked.gaps]
    return seen, Receipt(len({one[0] for one in seen}), 0, tuple(skipped), 0, size)


def _look(engine: Engine, content: bytes, text: Text, path: str, known: Known | None) -> Looked:
    """What the engine sees; where some families saw it before, they are not asked again."""
    if known is None:
        return engine.look(content, text.where, path)
    again = engine.look(content, text.where, path, only=known.changed)
    matches = sorted((*known.looked.matches, *again.matches), key=lambda match: (match.start, match.end))
    return Looked(tuple(matches), again.gaps)


def look_large(
    engine: Engine, large: objects.Large, wanted: list[Text], paths: Mapping[Text, str]
) -> dict[Text, Looked]:
    """What the engine sees in a large object, chunk by chunk; spans and lines are those of the whole."""
    kept: list[Match] = []
    text = wanted[0]
    before, lines, column, until = (0, b""), 0, 0, 0
    for offset, chunk in large.chunks:
        passed = before[1][: offset - before[0]]
        newlines = passed.count(b"\n")
        lines += newlines
        column = len(passed) - passed.rfind(b"\n") - 1 if newlines else column + len(passed)
        kept += [
            _moved(match, offset, lines, column)
            for match in engine.look(chunk, text.where, paths[text]).matches
            if offset + match.end > until
        ]
        before, until = (offset, chunk), offset + len(chunk)
    gaps = () if until >= large.size else (objects.DIED,)
    looked = Looked(tuple(kept), gaps) if kept or gaps else NOTHING
    return dict.fromkeys(wanted, looked)


def _moved(match: Match, offset: int, lines: int, column: int) -> Match:
    return match._replace(
        start=match.start + offset,
        end=match.end + offset,
        line=match.line + lines,
        end_line=match.end_line + lines,
        column=match.column + (column if match.line == 1 else 0),
        end_column=match.end_column + (column if match.end_line == 1 else 0),
    )
