"""The parts of a text that an older version of it does not have, each with what stands around it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from tinycode_git.rows import NamedTuple

AROUND = 1024
_BLOCK = 16 << 10
_FINE = 256
_PROBE = 64
_FAR = 64 << 10
_TRIES = 24


class Part(NamedTuple):
    """``start:stop`` of the new text stands where ``old_start:old_stop`` of the old one stood."""

    start: int
    stop: int
    old_start: int
    old_stop: int


def differing(old: bytes, new: bytes) -> list[Part]:
    """Parts of ``new`` outside of which all of it stands in ``old`` as well, in the same order; none where both are
    the same. Every part begins and ends with AROUND bytes that are the same in both, but for the ends of the texts.
    """
    if old == new:
        return []
    most = min(len(old), len(new))
    same = _ahead(old, 0, new, 0, most)
    tail = _behind(old, len(old), new, len(new), most - same)
    cores = _cores(old, same, len(old) - tail, new, same, len(new) - tail)
    parts: list[Part] = []
    for core in cores:
        wide = _widened(core, len(old), len(new))
        if parts and wide.start <= parts[-1].stop:
            wide = wide._replace(start=parts[-1].start, old_start=parts[-1].old_start)
            parts.pop()
        parts.append(wide)
    return parts


def _widened(core: Part, old_size: int, new_size: int) -> Part:
    before = min(AROUND, core.start, core.old_start)
    after = min(AROUND, new_size - core.stop, old_size - core.old_stop)
    return Part(core.start - before, core.stop + after, core.old_start - before, core.old_stop + after)


def _cores(old: bytes, a: int, old_end: int, new: bytes, b: int, end: int) -> Iterator[Part]:
    """The range cut where it goes on as in the old text for long enough to be worth it."""
    at, step, tries = b + AROUND, AROUND, _TRIES
    while tries and at + 2 * AROUND < end:
        found = old.find(new[at : at + _PROBE], a, min(old_end, a + (at - b) * 2 + _FAR))
        if found >= 0:
            back = _behind(old, found, new, at, min(found - a, at - b))
            ahead = _ahead(old, found, new, at, min(old_end - found, end - at))
            if back + ahead > 3 * AROUND:
                yield Part(b, at - back, a, found - back)
                a, b = found + ahead, at + ahead
                at, step, tries = b + AROUND, AROUND, _TRIES
                continue
        at, step, tries = at + step, step * 5 // 4, tries - 1
    if b < end or a < old_end:
        yield Part(b, end, a, old_end)


def _ahead(old: bytes, a: int, new: bytes, b: int, most: int) -> int:
    """How many bytes are the same from ``a`` and ``b`` on, of ``most``, to within a step of _FINE."""
    done, step = 0, _BLOCK
    while done < most:
        size = min(step, most - done)
        if old[a + done : a + done + size] == new[b + done : b + done + size]:
            done += size
        elif size <= _FINE:
            break
        else:
            step = size // 4
    return done


def _behind(old: bytes, a: int, new: bytes, b: int, most: int) -> int:
    """As ``_ahead``, backwards from the ends."""
    done, step = 0, _BLOCK
    while done < most:
        size = min(step, most - done)
        if old[a - done - size : a - done] == new[b - done - size : b - done]:
            done += size
        elif size <= _FINE:
            break
        else:
            step = size // 4
    return done
