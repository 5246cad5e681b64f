"""What became of an earlier review's findings: those that still stand unasked, and those that were mended."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from tinycode_git.review.finding import Finding, Source, State, fingerprint
from tinycode_git.review.place import Changed


def carried(
    before: Sequence[Finding], now: Sequence[Finding], changed: Changed, sources: Collection[Source]
) -> Iterator[Finding]:
    """What ``sources`` said in an earlier review of lines that are still there: it stays until the line changes.

    For those that are not asked the same again: a model, which may say something else or nothing and mends no fault by
    that; a linter whose report was not given this time.
    """
    names = {patch.old_path: patch.path for patch in changed.patches}
    known = {one.fingerprint for one in now}
    for one in before:
        if one.source not in sources or one.state is State.RESOLVED or one.fingerprint in known:
            continue
        path = one.path if one.path in changed else names.get(one.path, "")
        text = one.text.encode("utf-8", "surrogateescape")
        more = one.end_line - one.line
        place = changed.like(path, one.line, text, more) if text.strip() else changed.line(path, one.line)
        if place is not None and place.text.strip() == one.text.strip():
            stable = fingerprint(one.rule, path, one.text, one.key)
            yield replace(
                one, path=path, line=place.line, end_line=place.end_line, state=State.NEW, reason="", fingerprint=stable
            )


def mended(gone: Sequence[Finding], lines: Mapping[str, Collection[str]], *, covered: bool) -> tuple[Finding, ...]:
    """Those of the findings not made again of which it can be said that they are fixed.

    ``covered``: the change now is all of what was reviewed before, so that what is not found is not there. Otherwise
    the line must be gone from its file, whose ``lines`` are given bare (without a file there are none).
    """
    return tuple(one for one in gone if (covered and one.source is not Source.LINTER) or _is_gone(one, lines))


def _is_gone(one: Finding, lines: Mapping[str, Collection[str]]) -> bool:
    plain = one.where == "content" and one.text.strip() and not one.redacted
    return bool(plain) and one.text.strip() not in lines.get(one.path, ())
