"""Findings are on lines of the diff by construction; what came of them is known by fingerprint."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycode_git.git.patches import FilePatch, Hunk
from tinycode_git.review.finding import Finding, Source, State, chosen, compared, made
from tinycode_git.review.place import Changed
from tinycode_git.review.record import Head, Note, dump, load, settled
from tinycode_git.review.since import carried, mended


def patch(*hunks: Hunk, path: str = "a.py") -> FilePatch:
    return FilePatch("M", path, path, 0o100644, 0o100644, "1" * 40, "2" * 40, hunks)


HUNKS = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=5
).map(lambda rows: _laid_out(rows))  # fmt: skip


def _laid_out(rows: list[tuple[int, int, int]]) -> tuple[Hunk, ...]:
    found, at = [], 0
    for gap, removed, added in rows:
        at += gap
        start = at if added else at - 1
        found.append(Hunk(at, start, tuple(b"old" for _ in range(removed)), tuple(b"new" for _ in range(added))))
        at += added
    return tuple(found)


@given(HUNKS, st.integers(-2, 40), st.integers(0, 6))
def test_every_place_is_on_a_changed_line(hunks: tuple[Hunk, ...], line: int, length: int) -> None:
    changed = {n for hunk in hunks for n in range(hunk.new_start, hunk.new_start + len(hunk.added))}
    edges = {max(1, hunk.new_start) for hunk in hunks if not hunk.added}
    found = Changed([patch(*hunks)]).line("a.py", line, line + length)
    asked = set(range(line, line + length + 1))
    if found is None:
        assert line < 1 or not asked & changed
        assert line < 1 or line not in edges or length
    elif found.line not in changed:
        assert length == 0 and line in edges and (found.line, found.end_line) == (line, line)
    else:
        assert set(range(found.line, found.end_line + 1)) <= changed & asked
        assert found.text == "new"


def test_what_is_not_on_the_diff_has_no_place() -> None:
    changed = Changed([patch(Hunk(3, 3, (b"x",), (b"y",)))], commits=["c" * 40])
    assert changed.line("b.py", 3) is None
    assert changed.line("a.py", 4) is None
    assert changed.line("a.py", 0) is None
    assert changed.message("d" * 40) is None
    assert changed.file("b.py") is None
    assert changed.like("a.py", 9, b"  y") == changed.line("a.py", 3)
    assert changed.like("a.py", 9, b"z") is None


def finding(line: int = 3, text: bytes = b"y = 1", rule: str = "r", path: str = "a.py", **more: object) -> Finding:
    changed = Changed([patch(Hunk(line, line, (), (text,)), path=path)])
    place = changed.line(path, line)
    assert place is not None
    options = {"severity": "low", "confidence": "likely", "message": "m", "source": Source.LINTER, **more}
    return made(place, rule=rule, **options)  # type: ignore[arg-type]


def test_a_fingerprint_stays_when_the_line_moves_or_is_indented() -> None:
    assert finding(3, b"y = 1").fingerprint == finding(90, b"    y  =  1").fingerprint
    others = [finding(text=b"y = 2"), finding(rule="s"), finding(path="b.py"), finding(key="k")]
    assert len({finding().fingerprint, *(one.fingerprint for one in others)}) == 5


def test_new_open_fixed_dismissed() -> None:
    old = [finding(rule=name) for name in ("stays", "goes", "no", "resolved")]
    old[2] = replace(old[2], state=State.DISMISSED, reason="is none")
    old[3] = replace(old[3], state=State.RESOLVED)
    now = [finding(9, rule=name) for name in ("stays", "comes", "no", "resolved")]
    stated, fixed = compared(now, old)
    assert [(one.rule, one.state, one.reason) for one in stated] == [
        ("stays", State.OPEN, ""),
        ("comes", State.NEW, ""),
        ("no", State.DISMISSED, "is none"),
        ("resolved", State.OPEN, ""),
    ]
    assert [one.rule for one in fixed] == ["goes"]


@pytest.mark.parametrize(("lines", "last"), [((b"y = 1", b"z", b"w"), 8), ((b"y = 1",), 7)])
def test_what_stays_keeps_its_lines(lines: tuple[bytes, ...], last: int) -> None:
    """As many as it had, those that changed."""
    old = replace(finding(3, source=Source.LINTER), end_line=4)
    (kept,) = carried([old], [], Changed([patch(Hunk(7, 7, (), lines))]), {Source.LINTER})
    assert (kept.line, kept.end_line) == (7, last)


def test_what_was_not_asked_again_stays_while_its_line_does() -> None:
    changed = Changed([patch(Hunk(7, 7, (), (b"  y = 1",)))])
    old = finding(3, source=Source.MODEL)
    (kept,) = carried([old], [], changed, {Source.MODEL})
    assert (kept.line, kept.fingerprint) == (7, old.fingerprint)
    assert list(carried([old], [], changed, {Source.LINTER})) == []
    assert list(carried([old], [old], changed, {Source.MODEL})) == []
    assert list(carried([replace(old, state=State.RESOLVED)], [], changed, {Source.MODEL})) == []
    assert list(carried([old], [], Changed([patch(Hunk(7, 7, (), (b"z",)))]), {Source.MODEL})) == []
    moved = FilePatch("R", "b.py", "a.py", 0o100644, 0o100644, "1" * 40, "2" * 40, (Hunk(1, 1, (), (b"y = 1",)),))
    (kept,) = carried([old], [], Changed([moved]), {Source.MODEL})
    assert (kept.path, kept.fingerprint) == ("b.py", finding(1, path="b.py").fingerprint)


def test_fixed_is_what_was_looked_for_again_or_is_gone() -> None:
    rule, linted = finding(source=Source.VALIDATOR), finding(rule="l")
    secret = finding(rule="s", source=Source.VALIDATOR, redacted="y...1")
    assert mended([rule, linted, secret], {"a.py": {"y = 1"}}, covered=True) == (rule, secret)
    assert mended([rule, linted, secret], {"a.py": {"y = 1"}}, covered=False) == ()
    assert mended([rule, linted, secret], {"a.py": {"y = 2"}}, covered=False) == (rule, linted)


def test_a_renamed_file_keeps_its_findings() -> None:
    stated, fixed = compared([finding(path="new.py")], [finding(path="old.py")])
    assert ([one.state for one in stated], fixed) == ([State.OPEN], ())


def test_rules_all_history_the_surest() -> None:
    rules = [finding(rule=f"r{n}") for n in range(7)]
    told = [finding(rule=f"h{n}", source=Source.HISTORY, certainty=n / 10) for n in range(7)]
    kept, left_out = chosen([*told, *rules, rules[0]], 2)
    assert sorted(one.rule for one in kept) == sorted([*(f"r{n}" for n in range(7)), "h5", "h6"])
    assert left_out == 5


def test_a_note_is_read_back_as_it_was() -> None:
    head = Head("1" * 40, "2" * 40, "refs/heads/x", ("3" * 40,), "standard", 5, "Ada", "git-tiny", 2, 1)
    note = Note(head, (finding(text=b"caf\xe9"), finding(rule="s")))
    assert load(dump(note), "here") == note
    assert all(line.isascii() for line in dump(note).splitlines())
    first = note.findings[0].fingerprint
    assert [one.state for one in settled(note, first, State.DISMISSED, "x").findings] == [State.DISMISSED, State.NEW]
