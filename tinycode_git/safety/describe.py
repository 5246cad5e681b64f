"""From byte spans to what may be stored and shown: lines, columns, digests, a redacted excerpt."""

from __future__ import annotations

import secrets
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING

from tinycode_git.safety.finding import EXCERPT, Match, printable, redact
from tinycode_git.safety.rule import Rule

if TYPE_CHECKING:
    from tinycode_git.safety.engine import Hit

# The spans of secrets in a part of the text, in its order; they do not overlap, but for those of the same rule.
Near = Callable[[int, int], Sequence[tuple[int, int]]]
_LINE, _CROWD = 1024, 64
_BLANK = bytes.maketrans(b"'`", b'""')


@cache
def process_key() -> bytes:
    """The key of digests where nothing stores one: good for this process."""
    return secrets.token_bytes(16)


def describe(hits: Sequence[Hit], text: bytes, rules: Sequence[Rule], key: bytes) -> tuple[Match, ...]:
    """Matches without a word of a secret. ``hits`` are in the order of ``text``."""
    lines = _Lines(text)
    hidden = [(hit.start, hit.end) for hit in hits if rules[hit.rule].family == "secret"]
    starts, reach = [start for start, _ in hidden], max((end - start for start, end in hidden), default=0)

    def near(begin: int, end: int) -> Sequence[tuple[int, int]]:
        return hidden[bisect_left(starts, begin - reach) : bisect_right(starts, end)]

    return tuple(_match(hit, text, rules[hit.rule], lines, near, key) for hit in hits)


class _Lines:
    """Where lines start, found once a text."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.starts = [0]
        at = text.find(b"\n")
        while at >= 0:
            self.starts.append(at + 1)
            at = text.find(b"\n", at + 1)

    def place(self, at: int) -> tuple[int, int]:
        """Line and column (characters), 1-based."""
        line = bisect_right(self.starts, at)
        begin = self.starts[line - 1]
        return line, len(self.text[begin:at].decode("utf-8", "replace")) + 1

    def around(self, at: int) -> tuple[int, int]:
        """The line that ``at`` is on, cut to what is around it where it is long."""
        number = bisect_right(self.starts, at)
        begin = self.starts[number - 1]
        end = self.starts[number] - 1 if number < len(self.starts) else len(self.text)
        return max(begin, at - _LINE), min(end, at + _LINE)


def _match(hit: Hit, text: bytes, rule: Rule, lines: _Lines, near: Near, key: bytes) -> Match:
    line, column = lines.place(hit.start)
    end_line, end_column = lines.place(max(hit.start, hit.end - 1))
    begin, end = lines.around(hit.start)
    crowded = len(near(begin, end)) > _CROWD
    shown = (max(begin, hit.start - _CROWD), min(end, hit.start + _CROWD)) if crowded else (begin, end)
    excerpt, caret = _excerpt(text, *shown, hit, near)
    return Match(
        rule=rule.id,
        start=hit.start,
        end=hit.end,
        line=line,
        column=column,
        end_line=end_line,
        end_column=end_column + 1,
        digest=digest(rule.id, hit.folded, key),
        context=digest(rule.id, text[begin:end], key)[:8],
        redacted=_shown(text, hit, rule, near),
        excerpt=excerpt,
        caret=caret,
        note=hit.note,
    )


def digest(rule: str, text: bytes, key: bytes) -> bytes:
    """What tells whether two matches of a rule are the same; the key is one of this process where there is none."""
    key = key or process_key()
    return blake2b(rule.encode() + b"\0" + bare(text), key=key, digest_size=16).digest()


def bare(text: bytes) -> bytes:
    """The text apart from white space and the kind of quotes: what a digest is of."""
    return b"".join(text.translate(_BLANK).split())


def _shown(text: bytes, hit: Hit, rule: Rule, near: Near) -> str:
    if rule.family == "secret":
        return redact(text[hit.start : hit.end].decode("utf-8", "replace"))
    pieces, _ = _masked(text, hit.start, min(hit.end, hit.start + EXCERPT), hit, near)
    shown = "".join(pieces)
    return shown if hit.end - hit.start <= EXCERPT else shown + "..."


def _masked(text: bytes, begin: int, end: int, hit: Hit, near: Near) -> tuple[list[str], tuple[int, int]]:
    """``text[begin:end]`` in printable pieces with secrets redacted, and where the hit starts and ends in it."""
    hidden = near(begin, end)
    marks = sorted({begin, end, *(at for span in (*hidden, (hit.start, hit.end)) for at in span if begin < at < end)})
    pieces: list[str] = []
    size, caret, first = 0, [0, 0], 0
    for start, stop in pairwise(marks):
        if start <= hit.start:
            caret[0] = size
        while first < len(hidden) and hidden[first][1] <= start:
            first += 1
        secret = next(((a, b) for a, b in hidden[first : first + 8] if a <= start and stop <= b), None)
        if secret is None:
            pieces.append(printable(text[start:stop].decode("utf-8", "replace")))
        elif start in (secret[0], begin):
            pieces.append(redact(text[secret[0] : secret[1]].decode("utf-8", "replace")))
        else:
            pieces.append("")
        size += len(pieces[-1])
        if stop <= hit.end:
            caret[1] = size
    return pieces, (caret[0], max(1, caret[1] - caret[0]))


def _excerpt(text: bytes, begin: int, end: int, hit: Hit, near: Near) -> tuple[str, tuple[int, int]]:
    """The line of a hit as it may be shown, cut to a width, and where the span is in it."""
    pieces, (at, count) = _masked(text, begin, end, hit, near)
    line = "".join(pieces)
    cut = len(line) - len(line.lstrip(" "))
    if line.startswith("\\t"):  # printable() writes tabs as escapes: indentation is no news
        cut = 0
        while line.startswith("\\t", cut):
            cut += 2
    cut = min(cut, at)
    line, at = line[cut:], at - cut
    if at > EXCERPT // 2 and len(line) > EXCERPT:
        off = at - EXCERPT // 4
        line, at = "..." + line[off:], at - off + 3
    if len(line) > EXCERPT:
        line = line[:EXCERPT] + "..."
    return line.rstrip(), (at, max(1, min(count, len(line.rstrip()) - at)))
