"""The engine: one text in, matches out. Hyperscan names the rules, RE2 or the rule's own check gives the spans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tinycode_git.rows import NamedTuple
from tinycode_git.safety.firing import Fired, Firing, regions
from tinycode_git.safety.globs import applies
from tinycode_git.safety.rule import Rule, certainty, rank
from tinycode_git.safety.ruleset import HIDDEN, SPLIT
from tinycode_git.safety.view import View, binary, readable

if TYPE_CHECKING:
    from tinycode_git.safety.finding import Match
    from tinycode_git.safety.ruleset import RuleSet

MOST_MATCHES = 2000
MOST_TRIES = 10_000
MOST_STRUCTURAL = 8 << 20
_IN_BINARY = ("secret", "path", "hygiene", "supply-chain")
_VALUES, _SHORT = 20_000, 250
_NEAR_BEFORE, _NEAR_AFTER = 256, 128


class Hit(NamedTuple):
    """A rule (its index) that holds at ``start:end`` of the readable text; ``folded`` is what it matched there."""

    rule: int
    start: int
    end: int
    folded: bytes
    note: str = ""


class Looked(NamedTuple):
    """What became of one text: its matches, and what could not be looked at, in words."""

    matches: tuple[Match, ...]
    gaps: tuple[str, ...] = ()


NOTHING = Looked(())


class Engine:
    """A rule set at work. Not for several threads at a time: a Hyperscan scratch space serves one scan."""

    def __init__(self, ruleset: RuleSet, key: bytes = b"", more: Engine | None = None) -> None:
        self.ruleset = ruleset
        self.more = more
        self.structure = True
        self._only: frozenset[str] = frozenset()
        self._among: frozenset[int] | None = None
        self.rules = ruleset.rules
        self.key = key
        self._firing = Firing(ruleset)
        self._passed: dict[tuple[int, bytes], bool] = {}
        self._blind: dict[str, list[int]] = {}
        for at, rule in enumerate(self.rules):
            if rule.kind in ("builtin", "ast") and not rule.literals:
                for where in rule.where:
                    self._blind.setdefault(where, []).append(at)
        self._binary = frozenset(at for at, rule in enumerate(self.rules) if rule.family in _IN_BINARY)
        self._places = [frozenset(rule.where) for rule in self.rules]
        self._numbers = {rule.id: at for at, rule in enumerate(self.rules)}

    def rule(self, name: str) -> Rule:
        """The rule called ``name``, ours or of ``more``. Raises KeyError."""
        if name not in self._numbers and self.more is not None:
            return self.more.rule(name)
        return self.rules[self._numbers[name]]

    def look(
        self,
        data: bytes,
        where: str = "content",
        path: str = "",
        mode: int = 0,
        only: frozenset[str] = frozenset(),
        among: frozenset[str] = frozenset(),
    ) -> Looked:
        """The matches of a text. They hold wherever the same bytes stand: what goes by the path is asked later.

        ``path`` serves the rules that are about paths themselves, and tells a file's language. ``only``: some families;
        ``among``: some rules.
        """
        self._only = only
        self._among = frozenset(self._numbers[name] for name in among if name in self._numbers) if among else None
        seen = self._look(data, where, path, mode)
        if self.more is None:
            return seen
        others = self.more.look(data, where, path, mode, only, among)
        return Looked(seen.matches + others.matches, seen.gaps + others.gaps) if others is not NOTHING else seen

    def _look(self, data: bytes, where: str, path: str, mode: int) -> Looked:
        text = readable(data) if where in ("content", "message") else data
        seen = self._look_text(text, where, path, mode)
        if text is data:
            return seen
        # What begins like UTF-16 need not be: the bytes are looked at as they are, too.
        plain = self._look_text(data, where, path, mode)
        return Looked(seen.matches + plain.matches, seen.gaps + plain.gaps) if plain is not NOTHING else seen

    def _look_text(self, text: bytes, where: str, path: str, mode: int) -> Looked:
        fired = self._firing.fire(text, path=where == "path")
        blind = self._blind.get(where, ())
        if not fired and not blind:
            return NOTHING
        if binary(text):
            fired = {at: ends for at, ends in fired.items() if at in self._binary}
        if self._only or self._among is not None:
            fired = {at: ends for at, ends in fired.items() if at < 0 or self._is_wanted(at)}
        gaps: list[str] = []
        hits = [hit for hit in self._hits(fired, text, where, path, mode, gaps) if self._is_wanted(hit.rule)]
        if not hits:
            return Looked((), tuple(gaps)) if gaps else NOTHING
        from tinycode_git.safety.describe import describe

        return Looked(describe(strongest(hits, self.rules), text, self.rules, self.key), tuple(gaps))

    def _is_wanted(self, at: int) -> bool:
        """Whether a rule is one of those that are asked for."""
        if self._among is not None and at not in self._among:
            return False
        return not self._only or self.rules[at].family in self._only

    def _hits(self, fired: Fired, text: bytes, where: str, path: str, mode: int, gaps: list[str]) -> Iterator[Hit]:
        for at in sorted({*fired, *self._blind.get(where, ())}):
            if at < 0 or where not in self._places[at] or not self._is_wanted(at):
                continue
            rule = self.rules[at]
            if rule.kind in ("pattern", "path"):
                yield from self._confirmed(at, View(text), fired[at], gaps)
            elif rule.kind == "builtin":
                yield from self._built_in(at, text, where, path, mode)
        if where == "content" and self.structure:
            yield from self._structural(fired, text, path, gaps)
        if where != "path":
            yield from self._folded(fired, text, where, gaps)

    def _confirmed(self, at: int, view: View, ends: Sequence[int], gaps: list[str]) -> Iterator[Hit]:
        from tinycode_git.safety.regex import confirmer, named

        rule, count, tries = self.rules[at], 0, MOST_TRIES
        expression = confirmer(rule.body)
        group = (rule.config or {}).get("group") or named(rule.body)
        for begin, stop in regions(ends, self._firing.reach[at], len(view.data)):
            while begin <= stop and (found := expression.search(view.data, begin, stop)) is not None:
                start, end = found.span(group)
                if start < 0:
                    start, end = found.span()
                if start == end or not self._meets(at, view.data, start, end):
                    # What a match that is none has swallowed may hold the next one: a = env.a or 'value'
                    again, tries = tries > 0 and start - found.start() > 3, tries - 1
                    begin = max(start if again else found.end(), found.start() + 1)
                    continue
                begin = max(found.end(), found.start() + 1)
                count += 1
                if count > MOST_MATCHES:
                    gaps.append(f"more than {MOST_MATCHES} matches of {rule.id}")
                    return
                yield Hit(at, *view.span(start, end), view.data[start:end])

    def _meets(self, at: int, data: bytes, start: int, end: int) -> bool:
        rule = self.rules[at]
        if rule.keywords:
            near = data[max(0, start - _NEAR_BEFORE) : end + _NEAR_AFTER].lower()
            if not any(word.lower().encode() in near for word in rule.keywords):
                return False
        return not rule.checks or self._passes(at, data[start:end])

    def _passes(self, at: int, value: bytes) -> bool:
        """Whether a value meets the checks of a rule: those of the last ones are known, for texts repeat themselves."""
        known = self._passed.get((at, value))
        if known is None:
            from tinycode_git.safety.checks import holds

            known = all(holds(check, value) for check in self.rules[at].checks)
            if len(self._passed) >= _VALUES:
                self._passed.clear()
            if len(value) <= _SHORT:
                self._passed[at, value] = known
        return known

    def _built_in(self, at: int, text: bytes, where: str, path: str, mode: int) -> Iterator[Hit]:
        from tinycode_git.safety.builtin import Subject, find

        for span in find(self.rules[at].body)(Subject(where, path, mode, text)):
            yield Hit(at, span.start, span.end, text[span.start : span.end], span.note)

    def _structural(self, fired: Fired, text: bytes, path: str, gaps: list[str]) -> Iterator[Hit]:
        wanted = [at for at in fired if at >= 0 and self.rules[at].kind == "ast"]
        if not wanted:
            return
        from tinycode_git.safety.structural import language_of, structural_spans

        language = language_of(path, text[:128])
        wanted = [at for at in wanted if language in self.rules[at].languages]
        if not wanted:
            return
        if len(text) > MOST_STRUCTURAL:
            gaps.append(f"structural rules: larger than {MOST_STRUCTURAL >> 20} MB")
            return
        for at, start, end in structural_spans(text, language, [(at, self.rules[at]) for at in wanted]):
            yield Hit(at, start, end, text[start:end])

    def _folded(self, fired: Fired, text: bytes, where: str, gaps: list[str], *, late: bool = True) -> Iterator[Hit]:
        if HIDDEN not in fired and SPLIT not in fired:
            return
        from tinycode_git.safety import fold

        views = []
        if HIDDEN in fired:
            views.append(fold.unhidden(text))
        if SPLIT in fired:
            views.append(fold.joined(text, fired[SPLIT]))
        for view in views:
            again = self.fire(view.data, late=late)
            for at in sorted(again):
                if at < 0 or where not in self._places[at] or self.rules[at].kind != "pattern":
                    continue
                if not self._is_wanted(at):
                    continue
                if self.rules[at].family != "unicode" and (view is views[0] or self.rules[at].family == "secret"):
                    yield from self._confirmed(at, view, again[at], gaps)

    def fire(self, piece: bytes, *, late: bool) -> Fired:
        """The rules of which something to look for is in a piece of a text, and roughly where.

        ``late``: structural ones and those about what a change took away, too.
        """
        return self._firing.fire(piece) if late else self._firing.sweep(piece)

    def text_hits(self, fired: Fired, piece: bytes, where: str, *, in_binary: bool) -> Iterator[Hit]:
        """Where the text rules and builtins among those that fired hold in a piece, as it is and folded."""
        self._only, self._among = frozenset(), None
        if in_binary:
            fired = {at: ends for at, ends in fired.items() if at in self._binary}
        view = View(piece)
        for at in fired:
            if at < 0 or where not in self._places[at]:
                continue
            if self.rules[at].kind == "pattern":
                yield from self._confirmed(at, view, fired[at], [])
            elif self.rules[at].kind == "builtin":
                yield from self._built_in(at, piece, where, "", 0)
        yield from self._folded(fired, piece, where, [], late=False)

    def is_for(self, at: int, path: str) -> bool:
        """Whether a rule (its index) is for ``path`` at all (``paths``, ``not_paths``)."""
        return _is_for_path(self.rules[at], path)

    def without_structure(self) -> Engine:
        """The same engine without its structural rules."""
        plain = Engine(self.ruleset, self.key, self.more)
        plain.structure = False
        return plain

    def concerns(self, match: Match, path: str) -> bool:
        """Whether the rule of a match is for ``path`` at all (``paths``, ``not_paths``)."""
        return _is_for_path(self.rule(match.rule), path)


def _is_for_path(rule: Rule, path: str) -> bool:
    if rule.config and "path" in rule.config:
        from tinycode_git.safety.regex import confirmer

        return confirmer(rule.config["path"]).search(path.encode("utf-8", "surrogateescape")) is not None
    return applies(rule.paths, rule.not_paths, path) if rule.paths or rule.not_paths else True


def strongest(hits: list[Hit], rules: tuple[Rule, ...]) -> list[Hit]:
    """Each place once a rule; of secrets that overlap only the one whose rule is surest; in order of the text."""

    def strength(hit: Hit) -> tuple[int, int, int]:
        rule = rules[hit.rule]
        return certainty(rule.confidence), rank(rule.severity), hit.end - hit.start

    kept: list[Hit] = []
    secrets: list[Hit] = []
    seen: set[tuple[int, int, int]] = set()
    for hit in sorted(hits, key=strength, reverse=True):
        if (hit.rule, hit.start, hit.end) in seen:
            continue
        seen.add((hit.rule, hit.start, hit.end))
        if rules[hit.rule].family == "secret":
            if any(other.start < hit.end and hit.start < other.end for other in secrets):
                continue
            secrets.append(hit)
        kept.append(hit)
    return sorted(kept, key=lambda hit: (hit.start, hit.end, hit.rule))
