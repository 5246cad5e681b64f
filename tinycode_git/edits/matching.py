"""Finds the lines that an edit names in a file, and puts others in their place.

The ladder: exactly, else but for trailing white space, else but for indentation that is shifted by the same amount on
every line (the new lines are shifted with it). At the rung where lines are found they must be found once; nothing that
is merely alike is ever taken. Lines that an edit keeps stay as the file has them, byte for byte; new ones end as those
around them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from tinycode_git.edits.hunks import LineIndex
from tinycode_git.edits.indent import reindent
from tinycode_git.edits.lines import BOM, bare, ending, split_lines, usual_ending
from tinycode_git.edits.nearest import beside
from tinycode_git.edits.paths import shown
from tinycode_git.errors import Refused

# Keep, remove and add, as a diff marks them.
Op = tuple[str, bytes]
_HINT = "ask for the change again with the file as it is now; nothing was changed"
# Blocks that build on each other are looked for one after the other in the whole file; this bounds the work.
_CHAIN_BUDGET = 20_000_000
_PLACES = 1000


@dataclass(frozen=True, slots=True)
class Block:
    """One edit of a place: ``ops`` in order, without line ends. ``line`` is where the input has it.

    ``anchors`` (lines that stand above the place) and ``at_end`` only decide between places that fit equally.
    """

    ops: tuple[Op, ...]
    line: int
    anchors: tuple[bytes, ...] = ()
    at_end: bool = False

    @property
    def old(self) -> list[bytes]:
        """The lines that must be there."""
        return [text for tag, text in self.ops if tag != "+"]

    @property
    def new(self) -> list[bytes]:
        """The lines that will be there."""
        return [text for tag, text in self.ops if tag != "-"]

    @property
    def added(self) -> list[bytes]:
        """The lines that come in."""
        return [text for tag, text in self.ops if tag == "+"]


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    stop: int
    lines: list[bytes]


def exchange(old: Sequence[bytes], new: Sequence[bytes]) -> tuple[Op, ...]:
    """The operations that turn ``old`` into ``new``, lines that both have kept."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    ops: list[Op] = [(" ", text) for text in old[:head]]
    # difflib takes quadratic time; where lines are that many, keeping them byte for byte matters less.
    if middle_old and middle_new and len(middle_old) * len(middle_new) <= 1_000_000:
        from difflib import SequenceMatcher

        for tag, a, b, c, d in SequenceMatcher(None, middle_old, middle_new, autojunk=False).get_opcodes():
            if tag == "equal":
                ops += [(" ", text) for text in middle_old[a:b]]
            else:
                ops += [("-", text) for text in middle_old[a:b]]
                ops += [("+", text) for text in middle_new[c:d]]
    else:
        ops += [("-", text) for text in middle_old]
        ops += [("+", text) for text in middle_new]
    ops += [(" ", text) for text in old[len(old) - tail :]]
    return tuple(ops)


class FileText:
    """A file's lines without their ends, and an index of them for each rung."""

    def __init__(self, content: bytes) -> None:
        self.bom = BOM if content.startswith(BOM) else b""
        self.raw = split_lines(content[len(self.bom) :])
        self.texts = [bare(line) for line in self.raw]
        self.usual = usual_ending(self.raw)
        self._indexes: dict[Callable[[bytes], bytes], LineIndex] = {}

    def index(self, view: Callable[[bytes], bytes]) -> LineIndex:
        """The index of the lines as ``view`` shows them."""
        if view not in self._indexes:
            self._indexes[view] = LineIndex([view(text) for text in self.texts])
        return self._indexes[view]


def _exact(text: bytes) -> bytes:
    return text


def _no_trailing(text: bytes) -> bytes:
    return text.rstrip()


def _no_indent(text: bytes) -> bytes:
    return text.strip()


def apply_blocks(content: bytes, blocks: Sequence[Block], path: str) -> bytes:
    """``content`` with every block applied: each found in the file as it was, or else after those before it.

    Raises ``Refused`` where one is not found once, with the nearest lines of the file beside it.
    """
    if b"\0" in content:
        raise Refused(f"{shown(path)} is a binary file, which lines cannot be exchanged in", "give the whole file")
    text = FileText(content)
    try:
        found = sorted((_locate(text, block, path) for block in blocks), key=lambda place: place.start)
    except Refused:
        if len(blocks) == 1:
            raise
        return _chained(content, blocks, path)
    if any(one.stop > two.start for one, two in pairwise(found)):
        return _chained(content, blocks, path)
    return _spliced(text, found)


def _chained(content: bytes, blocks: Sequence[Block], path: str) -> bytes:
    budget = _CHAIN_BUDGET
    for block in blocks:
        text = FileText(content)
        budget -= len(text.raw)
        if budget < 0:
            raise Refused(f"too many edits of {shown(path)} build on each other", "give the whole file")
        content = _spliced(text, [_locate(text, block, path)])
    return content


def _spliced(text: FileText, found: Sequence[_Found]) -> bytes:
    out: list[bytes] = []
    done = 0
    for place in found:
        out += text.raw[done : place.start]
        out += place.lines
        done = place.stop
    out += text.raw[done:]
    # Only the last line may be without its end, and it is where the file's last line was.
    closed = not text.raw or text.raw[-1].endswith(b"\n")
    for i in range(len(out) - 1):
        if not out[i].endswith(b"\n"):
            out[i] += text.usual
    if out:
        out[-1] = out[-1] if closed and out[-1].endswith(b"\n") else bare(out[-1]) + (text.usual if closed else b"")
    return text.bom + b"".join(out)


def _locate(text: FileText, block: Block, path: str) -> _Found:
    """Where ``block`` goes and the lines, with their ends, that will stand there. Raises ``Refused``."""
    old = block.old
    where = f"the edit of {shown(path)}" + (f" on line {block.line} of the input" if block.line else "")
    if not any(line.strip() for line in old):
        raise Refused(f"{where} has no lines to find its place by", "ask for the lines around the change as well")
    for view in (_exact, _no_trailing, _no_indent):
        wanted = [view(line) for line in old]
        starts = list(islice(text.index(view).matches(wanted), _PLACES + 1))
        if len(starts) > _PLACES or len(starts) * len(old) > _CHAIN_BUDGET // 4:
            raise Refused(f"{where} fits at too many places", "ask for more lines around the change")
        options = [(start, reindent(text.texts[start : start + len(old)], old, block.added)) for start in starts]
        fits = [(start, added) for start, added in options if added] if view is _no_indent else options
        if len(fits) > 1:
            fits = _narrowed(text, block, fits)
        if len(fits) > 1:
            lines = ", ".join(str(start + 1) for start, _ in fits[:5])
            raise Refused(
                f"{where} fits at more than one place (lines {lines})", "ask for more lines around the change"
            )
        if fits:
            start, added = fits[0]
            if view is _no_indent and len(added) > 1:
                raise Refused(
                    f"{where} fits with more than one indentation", "ask for it with the file's own tabs or spaces"
                )
            chosen = added[0] if view is _no_indent else block.added
            return _Found(start, start + len(old), _rendered(text, block, start, chosen))
    raise Refused(f"{where} does not match the file", _HINT, detail=beside(path, text.texts, old))


def _rendered(text: FileText, block: Block, start: int, added: Sequence[bytes]) -> list[bytes]:
    """The lines of the place once ``block`` is applied, each with its end."""
    out: list[bytes] = []
    removed: deque[bytes] = deque()
    fresh = iter(added)
    at = start
    last = ending(text.raw[start]) or text.usual
    for tag, _ in block.ops:
        if tag == "+":
            # A new line ends like the line it replaces, else like the one before it.
            last = removed.popleft() if removed else last
            out.append(next(fresh) + last)
            continue
        line = text.raw[at]
        at += 1
        if tag == " ":
            removed.clear()
            out.append(line)
            last = ending(line) or text.usual
        else:
            removed.append(ending(line) or text.usual)
    return out


def rewrite(content: bytes, lines: Sequence[bytes]) -> bytes:
    """``content`` with ``lines`` (without ends) as the whole of it: mark, line ends and missing last end are kept."""
    text = FileText(content)
    if not text.raw:
        return text.bom + b"".join(line + b"\n" for line in lines)
    block = Block(exchange(text.texts, lines), 0)
    return _spliced(text, [_Found(0, len(text.raw), _rendered(text, block, 0, block.added))])


def _narrowed(
    text: FileText, block: Block, fits: list[tuple[int, list[list[bytes]]]]
) -> list[tuple[int, list[list[bytes]]]]:
    """Those of ``fits`` that the block's anchors and its mark of the file's end leave."""
    size = len(block.old)
    if block.at_end:
        fits = [fit for fit in fits if fit[0] + size == len(text.texts)]
    start = 0
    stop = len(text.texts)
    for anchor in block.anchors:
        wanted = anchor.strip()
        places = [i for i in range(start, len(text.texts)) if text.texts[i].strip().startswith(wanted)]
        if len(places) != 1:
            return fits
        start, stop = places[0] + 1, _scope_end(text.texts, places[0])
    inside = [fit for fit in fits if start <= fit[0] and fit[0] + size <= stop]
    return inside if inside or not block.anchors else [fit for fit in fits if fit[0] >= start]


def _scope_end(texts: Sequence[bytes], at: int) -> int:
    """Where the block that line ``at`` opens ends, by indentation."""
    depth = len(texts[at]) - len(texts[at].lstrip())
    for i in range(at + 1, len(texts)):
        if texts[i].strip() and len(texts[i]) - len(texts[i].lstrip()) <= depth:
            return i
    return len(texts)
