"""What a refusal shows: the wanted lines beside those lines of the file that come nearest, with their numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tinycode_git.edits.lines import printable

_SHOWN = 12
_SEARCHED = 20_000
_CUT = 200


def beside(path: str, lines: Sequence[bytes], wanted: Sequence[bytes]) -> str:
    """The ``wanted`` lines and the window of ``lines`` most like them; lines that differ are marked with ``!``."""
    at, wanted_at = _window(lines, wanted)
    out = ["wanted:"]
    out += [f"         {printable(line)}" for line in wanted[wanted_at : wanted_at + _SHOWN]]
    if len(wanted) > _SHOWN:
        out.append(f"         ({len(wanted)} lines in all)")
    if not lines:
        return "\n".join([*out, f"{printable(path.encode('utf-8', 'replace'))} is empty"])
    if at is None:
        return "\n".join([*out, f"no line of {printable(path.encode('utf-8', 'replace'))} is like them"])
    out.append(f"nearest lines of {printable(path.encode('utf-8', 'replace'))}:")
    known = {line.strip() for line in wanted}
    exact = {line.rstrip(b"\r\n") for line in wanted}
    for number in range(at, min(at + min(len(wanted), _SHOWN), len(lines))):
        line = lines[number]
        mark = " " if line.rstrip(b"\r\n") in exact else "~" if line.strip() in known else "!"
        out.append(f"{number + 1:>6} {mark} {printable(line)}")
    if any(" ~ " in row for row in out):
        out.append("         (~ differs in white space only)")
    return "\n".join(out)


def _window(lines: Sequence[bytes], wanted: Sequence[bytes]) -> tuple[int | None, int]:
    """Where the window of the file begins, and the first wanted line to show beside it."""
    votes: Counter[int] = Counter()
    wanted_at: dict[bytes, list[int]] = {}
    for j, line in enumerate(wanted[:_SEARCHED]):
        if (text := line.strip()) and len(places := wanted_at.setdefault(text, [])) < 4:
            places.append(j)
    for i, line in enumerate(lines):
        for j in wanted_at.get(line.strip(), ()):
            votes[i - j] += 1
    if votes:
        best = max(votes.items(), key=lambda item: (item[1], -item[0]))[0]
        shift = 0
        if len(wanted) > _SHOWN:
            # Show the part that differs first, with two lines above it.
            differing = (j for j, line in enumerate(wanted) if not _same(lines, best + j, line))
            shift = max(0, next(differing, 0) - 2)
        return max(best + shift, 0), shift
    return _similar(lines, wanted), 0


def _same(lines: Sequence[bytes], i: int, line: bytes) -> bool:
    return 0 <= i < len(lines) and lines[i].rstrip(b"\r\n") == line.rstrip(b"\r\n")


def _similar(lines: Sequence[bytes], wanted: Sequence[bytes]) -> int | None:
    """Where the line stands that is most like the longest of the ``wanted`` ones."""
    from difflib import get_close_matches

    longest = max(range(len(wanted)), key=lambda j: len(wanted[j].strip()), default=None)
    if longest is None or not (text := wanted[longest].strip()[:_CUT].decode("utf-8", "replace")):
        return None
    texts = [line.strip()[:_CUT].decode("utf-8", "replace") for line in lines[:_SEARCHED]]
    found = get_close_matches(text, dict.fromkeys(texts), n=1, cutoff=0.5)
    return max(texts.index(found[0]) - longest, 0) if found else None
