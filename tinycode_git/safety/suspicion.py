"""A quick question for sweeps over many texts: which rules may hold in a piece that did not hold there before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from tinycode_git.safety.ruleset import HIDDEN, SPLIT
from tinycode_git.safety.sweep import EVERY
from tinycode_git.safety.view import readable

if TYPE_CHECKING:
    from tinycode_git.safety.engine import Engine, Hit
    from tinycode_git.safety.firing import Fired
    from tinycode_git.safety.sweep import Fires, Piece

# Checks that go by a whole file: what they say of two pieces is not to be compared.
_NONE: frozenset[str] = frozenset()
_WHOLE = ("lock-hosts", "workflow-expression", "workflow-target-checkout", "workflow-self-hosted")


def suspicion(engine: Engine, where: str, *, structural: bool) -> Fires:
    """The question, for texts at ``where``.

    Text rules and builtins are confirmed in the piece, and what the old piece has as often does not count; with
    ``structural`` a structural rule whose literal is there makes it suspicious. What a change took away is not asked.
    """
    return _Suspicion(engine, where, structural=structural).suspicious


class _Suspicion:
    def __init__(self, engine: Engine, where: str, *, structural: bool) -> None:
        self.engine, self.where = engine, where
        rules = engine.rules
        here = [at for at, rule in enumerate(rules) if where in rule.where and rule.kind != "path" and not rule.removed]
        self.quick = frozenset(at for at in here if structural and rules[at].kind == "ast")
        self.text = frozenset(at for at in here if rules[at].kind != "ast")
        self.asked = frozenset((HIDDEN, SPLIT, *self.quick, *self.text))
        self.whole = frozenset(at for at in here if rules[at].kind == "builtin" and rules[at].body in _WHOLE)
        self.secrets = frozenset(at for at in here if rules[at].family == "secret")
        self._paths: Sequence[str] = ()
        self._known: dict[int, bool] = {}
        self.more = suspicion(engine.more, where, structural=structural) if engine.more is not None else None

    def suspicious(self, piece: Piece) -> frozenset[str]:
        found = _NONE
        fired = self.engine.fire(piece.text, late=bool(self.quick))
        if not self.asked.isdisjoint(fired):
            if not self.quick.isdisjoint(fired) or readable(piece.text) is not piece.text:
                return EVERY
            found = self._new(fired, piece)
        return found | self.more(piece) if self.more is not None else found

    def _new(self, fired: Fired, piece: Piece) -> frozenset[str]:
        """The rules confirmed in the piece, as it is or folded; none where all of it stood there before."""
        hits = list(self._hits(fired, piece.text, piece.paths, piece.binary))
        if not hits:
            return _NONE
        numbers = {hit.rule for hit in hits}
        if piece.before is not None and self.whole.isdisjoint(numbers):
            old = self._hits(self.engine.fire(piece.before, late=False), piece.before, piece.paths, piece.was_binary)
            if not self._counted(hits) - self._counted(old):
                return _NONE
        if not self.secrets.isdisjoint(numbers):
            # A secret hides weaker ones that overlap it, also where its own rule is not for the path.
            others = {at: ends for at, ends in fired.items() if at in self.secrets}
            every = self.engine.text_hits(others, piece.text, self.where, in_binary=piece.binary)
            numbers |= {hit.rule for hit in every}
        return frozenset(self.engine.rules[number].id for number in numbers)

    def _hits(self, fired: Fired, text: bytes, paths: Sequence[str], in_binary: bool) -> Iterator[Hit]:
        wanted = {at: ends for at, ends in fired.items() if at < 0 or (at in self.text and self._is_for(at, paths))}
        for hit in self.engine.text_hits(wanted, text, self.where, in_binary=in_binary):
            if hit.rule in self.text and self._is_for(hit.rule, paths):
                yield hit

    def _counted(self, hits: Iterable[Hit]) -> Counter[tuple[int, bytes]]:
        from tinycode_git.safety.describe import bare
        from tinycode_git.safety.engine import strongest

        return Counter((hit.rule, bare(hit.folded)) for hit in strongest(list(hits), self.engine.rules))

    def _is_for(self, at: int, paths: Sequence[str]) -> bool:
        if paths != self._paths:  # the versions of a file come one after the other
            self._paths, self._known = paths, {}
        known = self._known.get(at)
        if known is None:
            known = self._known[at] = not paths or any(self.engine.is_for(at, path) for path in paths)
        return known
