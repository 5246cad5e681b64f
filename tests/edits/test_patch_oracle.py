"""Git makes diffs of random trees, ours and git's own apply are compared on them, whole and damaged."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.edits.judge import Files, Judge, result
from tinycode_git.edits.paths import parents
from tinycode_git.errors import TinyError
from tinycode_git.planners.patch import plan_patch
from tinycode_git.proposal import MemorySnapshot, path_str

NAMES = ["a", "b.py", "dir/c", "dir/d e", "dir/sub/ü", "x/y", "x", 'q"uote', "sp ace/f", path_str(b"latin\xe9")]
LINES = st.sampled_from(
    [b"", b" ", b"x", b"y", b"def f():", b"    return 1", b"\treturn", b"}", b"-- ", b"--- a", b"+++ b", b"@@ -1 +1 @@"]
    + [b"crlf\r", b"\r", b"diff --git a/a b/a", b"\\ No newline at end of file", b"From me", b"\x1b[31m", b"\xff\xfe"]
    + [b"line %d" % n for n in range(20)]
)
TEXT = st.builds(
    lambda lines, newline: b"\n".join(lines) + (b"\n" if newline and lines else b""),
    st.lists(LINES, max_size=25),
    st.booleans(),
)
BINARY = st.binary(min_size=1, max_size=200).map(lambda raw: b"\0" + raw + b"\0" * 40)
ENTRY = st.tuples(st.sampled_from([0o100644, 0o100644, 0o100755]), st.one_of(TEXT, TEXT, TEXT, BINARY)) | st.tuples(
    st.just(0o120000), st.sampled_from([b"a", b"../elsewhere", b"dir/sub"])
)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Files, Files]:
    """Two trees where many files of the second come from the first: kept, moved, changed in a few lines."""
    before: Files = draw(st.dictionaries(st.sampled_from(NAMES), ENTRY, max_size=5))
    after: Files = {}
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=6)):
        source = draw(st.sampled_from([*before, name])) if before else name
        entry = before.get(source) or draw(ENTRY)
        if entry[0] != 0o120000 and draw(st.booleans()):
            entry = (draw(st.sampled_from([entry[0], 0o100755])), draw(changed(entry[1])))
        after[name] = entry
    first, second = (
        {path: files[path] for path in files if "x" not in files or path != "x/y"} for files in (before, after)
    )
    return first, second


@st.composite
def changed(draw: st.DrawFn, content: bytes) -> bytes:
    """``content`` with some lines put in, taken out or exchanged."""
    lines = content.split(b"\n")
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines)))
        lines[at : at + draw(st.integers(0, 2))] = draw(st.lists(LINES, max_size=2))
    return b"\n".join(lines)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    return Judge.create(tmp_path_factory.mktemp("oracle") / "judge")


OPTIONS = st.sampled_from([("-M",), ("-M", "-C", "--find-copies-harder"), (), ("-U1",), ("-U8", "-M"), ("-M20%", "-C")])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), OPTIONS)
def test_a_diff_of_git_gives_the_tree_it_was_made_for(
    judge: Judge, pair: tuple[Files, Files], options: tuple[str, ...]
) -> None:
    before, after = pair
    patch, _ = judge.diff(before, after, *options)
    if before == after:
        assert patch == b""
        return
    assert result(before, plan_patch(MemorySnapshot(before), patch)) == after


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), st.sampled_from(["--no-prefix", "--src-prefix=i/", "--dst-prefix=w/", "-R"]))
def test_prefixes_do_not_matter(judge: Judge, pair: tuple[Files, Files], option: str) -> None:
    before, after = pair
    if before == after:
        return
    more = {"--src-prefix=i/": ["--dst-prefix=w/"], "--dst-prefix=w/": ["--src-prefix=c/"]}.get(option, [])
    sides = (after, before) if option == "-R" else (before, after)
    patch, _ = judge.diff(*sides, "-M", option, *more)
    assert result(before, plan_patch(MemorySnapshot(before), patch)) == after


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), st.integers(0, 2**32), st.booleans())
def test_what_git_refuses_of_a_damaged_patch_is_refused(
    judge: Judge, pair: tuple[Files, Files], seed: int, stale: bool
) -> None:
    before, after = pair
    patch, trees = judge.diff(before, after, "-M")
    if not patch:
        return
    rng = random.Random(seed)
    base = dict(before)
    if stale and base:
        path = rng.choice(list(base))
        mode, content = base[path]
        base[path] = (mode, damage(rng, content) or b"x")
        trees = judge.trees(base)
    else:
        patch = damage(rng, patch)
    expected, said = judge.apply(trees[0], patch)
    try:
        got = result(base, plan_patch(MemorySnapshot(base), patch))
    except TinyError as error:
        assert "\n" not in error.message
        return
    if "beyond a symbolic link" in said:
        # Git looks at links that the same patch moves away; what counts is that none is in the way afterwards.
        assert not any(parent in got for path in got for parent in parents(path))
        return
    assert expected is not None, f"git refuses what was applied here: {said}\n{patch!r}"
    assert judge.trees(got) == [expected]


def damage(rng: random.Random, data: bytes) -> bytes:
    """``data`` with one line dropped, doubled, exchanged, cut short, or with one byte changed."""
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    kind = rng.randrange(5)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(at, lines[at])
    elif kind == 2:
        other = rng.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == 3:
        lines = lines[: at + 1]
    elif lines[at]:
        place = rng.randrange(len(lines[at]))
        lines[at] = lines[at][:place] + bytes([rng.choice(b" +-@0127abx/\r")]) + lines[at][place + 1 :]
    return b"\n".join(lines)
