"""What a model answers is kept only where the lines bear it out: a table of hostile answers, and the votes."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.review.hostile import Case, Ground, about, answer, cases, controls
from tinycode_git.git.patches import FilePatch, Hunk
from tinycode_git.llm.spoken import without_thinking
from tinycode_git.planners.model_syntax import broken
from tinycode_git.render.escape import is_visible
from tinycode_git.review.answer import BadAnswer, Checks, Claim, Drop, is_style, judged, names_in, read_answer, talks
from tinycode_git.review.sheet import MOST_ROWS, Ids, Part, Row, packed, parts_of
from tinycode_git.review.votes import agreed, open_still

FILE = '''\
"""Keeps values for a while."""
import time

LIMIT = 100


class Store:
    def __init__(self, limit=LIMIT):
        self.limit = limit
        self.values = {}

    def put(self, key, value):
        if len(self.values) > self.limit:
            oldest = min(self.values, key=lambda one: self.values[one][0])
            del self.values[oldest]
        self.values[key] = (time.time(), value)

    def get(self, key, default=None):
        found = self.values.get(key)
        return found[1] if found else default
'''
OTHER = "from store import Store\n\nshared = Store(limit=10)\nshared.put('first name', 'second value')\n"


def count(text: str) -> int:
    return len(text) // 4 + 1


def parts() -> list[Part]:
    """Two files as they are shown: lines changed in one, the other new."""
    lines = FILE.split("\n")
    old = tuple(line.encode() for line in ("        if self.full_at_last():", "            self.values.popitem()"))
    changed = Hunk(12, 13, old, tuple(line.encode() for line in lines[12:16]))
    first = FilePatch("M", "src/store.py", "src/store.py", 0o100644, 0o100644, "1" * 40, "2" * 40, (changed,))
    added = tuple(line.encode() for line in OTHER.split("\n")[:-1])
    second = FilePatch("A", "src/use.py", "src/use.py", 0, 0o100644, "0" * 40, "3" * 40, (Hunk(0, 1, (), added),))
    ids = Ids()
    functions = [(7, 20), (8, 10), (12, 16), (18, 20)]
    shown = parts_of(first, lines, functions, ids, 4000, count)
    return shown + parts_of(second, OTHER.split("\n"), [], ids, 4000, count)


CONTENTS = {"src/store.py": FILE, "src/use.py": OTHER}


def fixed(row: Row, fix: str) -> Drop | None:
    lines = CONTENTS[row.path].split("\n")
    after = [*lines[: row.line - 1], fix, *lines[row.line :]]
    return Drop.BREAKS if broken(row.path, CONTENTS[row.path].encode(), "\n".join(after).encode()) else None


PARTS = parts()
GROUND = Ground.of("\n\n".join(part.text for part in PARTS))
HOSTILE = cases(GROUND)
CHECKS = Checks(is_visible, fixed)


def kept(case: Case) -> tuple[list[Claim], Counter[Drop]]:
    """What comes of an answer; what is no answer is one drop."""
    try:
        return judged(read_answer(without_thinking(case.text)[0]), PARTS, CHECKS)
    except BadAnswer:
        return [], Counter([Drop.FORM])


def test_there_are_enough() -> None:
    assert len(HOSTILE) >= 200
    assert len({case.text for case in HOSTILE if not case.thinking and not case.calls}) >= 0.95 * len(HOSTILE)
    assert len({case.family for case in HOSTILE}) == 21


@pytest.mark.parametrize("family", dict.fromkeys(case.family for case in HOSTILE))
def test_no_hostile_answer_comes_through(family: str) -> None:
    for case in (case for case in HOSTILE if case.family == family):
        claims, dropped = kept(case)
        assert len(claims) <= case.most, (case.name, claims)
        assert all(claim.row in {row for part in PARTS for row in part.rows} for claim in claims)
        assert claims or dropped or case.text.endswith(answer()), case.name


def test_good_answers_do() -> None:
    for case in controls(GROUND):
        claims, dropped = kept(case)
        assert (len(claims), sum(dropped.values())) == (1, 0), (case, dropped)


ONE = GROUND.named[0]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({}, None),
        ({"what": "`put` drops `oldest` too late", "why": "`len(self.values)` may be `None` for `self.limit`"}, None),
        ({"what": "Raises `KeyError` where two threads write"}, None),
        ({"fix": "        if len(self.values) >= self.limit:"}, None),
        ({"fix": "if len(self.values) >= self.limit:"}, None),
        ({"quote": "len(self.values)"}, None),
        ({"what": "`found` is part of another function"}, Drop.NAME),
        ({"what": "`store` raises a `TypeError` for an empty `key`"}, None),
        ({"why": "The file name is split at whitespace, and names have some"}, None),
        ({"why": "It goes and runs for ever when the list is empty"}, None),
        ({"why": "The process is run with the rights of the caller"}, None),
        ({"line": "zzzz"}, Drop.LINE),
        ({"quote": "self.value[key]"}, Drop.QUOTE),
        ({"fix": "        if len(self.values >= self.limit:"}, Drop.BREAKS),
        ({"fix": "        if len(self.values) > self.limit:"}, Drop.FIX),
        ({"fix": "*** Begin Patch\n*** Update File: setup.py"}, Drop.FIX),
        ({"fix": "        ```python\n        if self.full():\n        ```"}, Drop.FIX),
        ({"kind": "style"}, Drop.STYLE),
        ({"what": "Run the tests again with more memory"}, Drop.TALK),
        ({"what": "The value\u202e is not checked"}, Drop.ACTS),
    ],
)
def test_one_finding(more: dict[str, str], reason: Drop | None) -> None:
    claims, dropped = judged([about(ONE, **more)], PARTS, CHECKS)
    assert dropped == (Counter([reason]) if reason else Counter())
    assert len(claims) == (reason is None)


def test_a_fix_keeps_the_indentation_of_its_line() -> None:
    (claim,), _ = judged([about(ONE, fix="if self.full():\n    pass")], PARTS, CHECKS)
    assert claim.fix == "        if self.full():\n            pass"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("`a.b(c, 'text')` and ``d``", ["a", "b", "c", "d"]),
        ("the 'name' and \"other()\" but 'not this' nor don't", ["name", "other"]),
        ("nothing here", []),
    ],
)
def test_names(text: str, names: list[str]) -> None:
    assert list(names_in(text)) == names


@pytest.mark.parametrize(
    "text", ["`open` leaves a file open", "a < b and b > c", "runs twice when x is 0", "x@y is lost"]
)
def test_plain_words_are_no_talk(text: str) -> None:
    assert not talks(text) and not is_style(text)


@given(st.text(max_size=400))
def test_any_text_is_an_answer_or_none(text: str) -> None:
    try:
        found = read_answer(text)
    except BadAnswer:
        return
    assert isinstance(found, list)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8) | st.sampled_from([ONE.id, ONE.text]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*about(ONE), "fix"]), inner, max_size=8)
    ),
    max_leaves=30,
)


@given(st.lists(JSON, max_size=30))
def test_whatever_is_listed_is_kept_or_counted(found: list[object]) -> None:
    claims, dropped = judged(found, PARTS, CHECKS)
    assert len(claims) + sum(dropped.values()) == len(found)


# The sheet.


def test_ids_are_the_same_each_time_and_none_is_given_twice() -> None:
    assert [row.id for part in parts() for row in part.rows] == [row.id for part in PARTS for row in part.rows]
    ids = Ids()
    assert len({ids.next("x", n) for n in range(5000)} | {ids.next("x", n) for n in range(100)}) == 5100


def test_a_hunk_is_shown_in_its_function() -> None:
    first = PARTS[0]
    assert "     - " + "        if self.full_at_last():" in first.text
    assert first.text.split("\n")[1] == "       " + "    def put(self, key, value):"
    assert {"full_at_last", "oldest", "put", "time"} <= first.names
    assert "default" not in first.names
    assert [row.line for row in first.rows] == [13, 14, 15, 16]


@pytest.mark.parametrize("room", [60, 200, 1000])
def test_what_is_large_is_shown_in_parts(room: int) -> None:
    lines = [f"value_{n} = compute_{n}({n})" for n in range(900)]
    hunk = Hunk(0, 1, (), tuple(line.encode() for line in lines))
    patch = FilePatch("A", "big.py", "big.py", 0, 0o100644, "0" * 40, "4" * 40, (hunk,))
    shown = parts_of(patch, lines, [], Ids(), room, count)
    assert [row.line for part in shown for row in part.rows] == list(range(1, 901))
    assert all(count(part.text) <= room + 8 * len(part.rows) and len(part.rows) <= MOST_ROWS for part in shown)
    questions, left = packed(shown, room + 20, 3, count)
    assert len(questions) <= 3 and sum(map(len, questions)) + len(left) == len(shown)


# The votes.


def claim(line: int, kind: str = "bug", severity: str = "medium", path: str = "a.py") -> Claim:
    return Claim(Row(f"i{line}", path, line, "x"), kind, "what", "why", severity, 0.9)


@pytest.mark.parametrize(
    ("samples", "of", "lines"),
    [
        ([[claim(3)]], 1, [3]),
        ([[claim(3)], [claim(3)], []], 3, [3]),
        ([[claim(3)], [claim(4)], []], 3, [3]),
        ([[claim(3)], [claim(4)], [claim(4)]], 3, [4]),
        ([[claim(3)], [claim(5)], []], 3, []),
        ([[claim(3)], [claim(3, "security")], []], 3, []),
        ([[claim(3)], [claim(3, path="b.py")], []], 3, []),
        ([[claim(3), claim(4)], [], []], 3, []),
        ([[claim(3)], [claim(3)]], 4, []),
        ([[claim(3), claim(9)], [claim(3), claim(9)], []], 3, [3, 9]),
        ([[claim(3)], [claim(4)], [claim(5)]], 3, [4]),
    ],
)
def test_votes(samples: list[list[Claim]], of: int, lines: list[int]) -> None:
    kept, left = agreed(samples, of)
    assert [one.claim.row.line for one in kept] == lines
    assert (left > 0) == (sum(map(len, samples)) > 0 and not lines)


def test_the_mildest_vote_counts_and_more_votes_are_surer() -> None:
    ((one,), _) = agreed([[claim(3, severity="high")], [claim(3, severity="low")], []], 3)
    ((sure,), _) = agreed([[claim(3)], [claim(3)], [claim(3)]], 3)
    assert one.claim.severity == "low"
    assert one.certainty == 0.6 < sure.certainty == 0.9


def test_when_no_more_answers_are_needed() -> None:
    assert open_still([], 3) and open_still([[]], 3) and open_still([[claim(1)], []], 3)
    assert not open_still([[], []], 3)
