"""Whatever comes in, what comes out is a plan or a refusal in one line; and large inputs are read in one go.

The large inputs have no clock beside them: with a step that takes quadratic time these tests would not end.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.edits.judge import text
from tinycode_git.errors import TinyError
from tinycode_git.planners.patch import plan_patch
from tinycode_git.planners.plan_file import plan_from_file
from tinycode_git.planners.reply import plan_reply
from tinycode_git.proposal import MemorySnapshot, Proposal

FILES = text(**{"a.py": "def f():\n    return 1\n", "dir/b.txt": "one\ntwo\nthree\n", "e": ""})
TOKENS = [
    "```\n",
    "```python\n",
    "```diff\n",
    "````\n",
    "~~~\n",
    "  ```\n",
    "a.py\n",
    "**dir/b.txt**\n",
    "`new.txt`\n",
    "<<<<<<< SEARCH\n",
    "=======\n",
    ">>>>>>> REPLACE\n",
    "def f():\n",
    "    return 1\n",
    "    return 2\n",
    "one\n",
    "two\n",
    "*** Begin Patch\n",
    "*** End Patch\n",
    "*** Update File: a.py\n",
    "*** Add File: n\n",
    "*** Delete File: a.py\n",
    "*** Move to: m\n",
    "*** End of File\n",
    "@@\n",
    "@@ def f():\n",
    "@@ -1,2 +1,2 @@\n",
    "@@ -1 +1 @@\n",
    "-one\n",
    "+one\n",
    " one\n",
    "-    return 1\n",
    "+    return 2\n",
    " def f():\n",
    "--- a/a.py\n",
    "+++ b/a.py\n",
    "--- /dev/null\n",
    "+++ b/new\n",
    "diff --git a/a.py b/a.py\n",
    "index 1..2 100644\n",
    "new file mode 100644\n",
    "deleted file mode 100644\n",
    "rename from a.py\n",
    "rename to z.py\n",
    "old mode 100644\n",
    "new mode 100755\n",
    "GIT binary patch\n",
    "literal 1\n",
    "IcmZPo000310RR91\n",
    "Binary files a/a.py and b/a.py differ\n",
    "\\ No newline at end of file\n",
    "From: A <a@b.c>\n",
    "Subject: [PATCH] x\n",
    "---\n",
    "\n",
    "From x@y Mon Sep 17 00:00:00 2001\n",
    "## Step 1: x\n",
    "## Step 2: y\n",
    "# ...\n",
    "\r\n",
    "\t",
    "\x00",
    "x",
    "\u200b",
    '"',
    "{",
    "[",
    ":",
    "1",
]
SOUP = st.lists(st.sampled_from(TOKENS), max_size=25).map(lambda parts: "".join(parts).encode())


def answered(data: bytes, files: dict[str, tuple[int, bytes]] = FILES) -> list[Proposal | None]:
    """What each planner makes of ``data``; None where it refuses, which it does in one line."""
    found: list[Proposal | None] = []
    for planner in (plan_patch, plan_reply, plan_from_file):
        try:
            found.append(planner(MemorySnapshot(dict(files)), data))
        except TinyError as error:
            assert "\n" not in error.message
            assert error.message.isprintable()
            found.append(None)
    return found


@settings(max_examples=400, deadline=None)
@given(SOUP)
def test_soup(data: bytes) -> None:
    for proposal in answered(data):
        if proposal is not None:
            assert proposal.steps
            assert all(step.changes and step.title and "\n" not in step.title for step in proposal.steps)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_bytes(data: bytes) -> None:
    answered(data)


N = 100_000
LARGE = {
    "one long line": b"x" * (1 << 20),
    "blank lines": b"\n" * N,
    "spaces": b" " * (1 << 20),
    "fences": b"```\n" * N,
    "fences with a language": b"```a\n" * N,
    "open fences around open blocks": b"```\n<<<<<<< SEARCH\n```\n" * N,
    "open fences around open envelopes": b"```\n*** Begin Patch\n```\n" * N,
    "dividers": b"<<<<<<< SEARCH\n" + b"=======\n" * N + b">>>>>>> REPLACE\n",
    "file lines": b"--- a\n+++ b\n" * N,
    "git headers": b"diff --git a/a b/a\n" * N,
    "quotes": b'diff --git "' + b'\\"' * N + b"\n",
    "a long name": b"diff --git a/" + b"x" * N + b" b/" + b"x" * N + b"\nnew file mode 100644\n",
    "a deep path": b"diff --git a/" + b"x/" * N + b"y b/" + b"x/" * N + b"y\nnew file mode 100644\n",
    "messages": b"From x@y Mon Sep 17 00:00:00 2001\n" * N,
    "folded headers": b"From: a@b\nSubject: x\n" + b" y\n" * N + b"\n---\n",
    "folded headers in the body": b"From: a@b\nSubject: x\n\nSubject: y\n" + b" y\n" * N + b"\n---\n",
    "encoded words": b"From: a@b\nSubject: " + b"=?utf-8?q?x?= " * N + b"\n\n---\n",
    "broken words": b"From: a@b\nSubject: " + b"=?" * N + b"\n\n---\n",
    "parts": b"From: a@b\nSubject: x\nContent-Type: multipart/mixed; boundary=x\n\n" + b"--x\n" * N,
    "nested json": b'{"a":' * N,
    "prose about the rest": b"rest of file " * N,
    "headings": b"# Step 1: x\n" * N,
    "stars": b"*" * N + b"\n" + b"`" * N + b"\n```\nx\n```\n",
}


@pytest.mark.parametrize("name", LARGE)
def test_large_nonsense(name: str) -> None:
    assert answered(LARGE[name]) == [None, None, None]


BIG = b"".join(b"line %d\n" % n for n in range(N))
SAME = b"x\n" * N
HUNK = b"@@ -%d,3 +%d,3 @@\n line %d\n-line %d\n+new\n line %d\n"
SEARCH = b"f.txt\n<<<<<<< SEARCH\n%s\n=======\n%s\n>>>>>>> REPLACE\n"


@pytest.mark.parametrize("shift", [0, 77])
def test_many_hunks(shift: int) -> None:
    hunks = b"".join(HUNK % (n + shift + 1, n + shift + 1, n, n + 1, n + 2) for n in range(10, N - 10, 8))
    head = b"--- a/f.txt\n+++ b/f.txt\n"
    patch, reply, _ = answered(head + hunks, {"f.txt": (0o100644, BIG)})
    assert patch is not None
    assert reply is not None
    assert patch.steps[0].changes == reply.steps[0].changes


def test_many_blocks() -> None:
    blocks = b"".join(SEARCH % (b"line %d" % n, b"new %d" % n) for n in range(0, N, 5))
    _, reply, _ = answered(blocks, {"f.txt": (0o100644, BIG)})
    assert reply is not None


def test_blocks_that_build_on_each_other() -> None:
    blocks = b"".join(SEARCH % (b"line %d" % n, b"line %d\nline x%d" % (n + 1, n)) for n in range(5000))
    assert answered(blocks + SEARCH % (b"nothing", b""), {"f.txt": (0o100644, BIG)}) == [None, None, None]


@pytest.mark.parametrize("lines", [b" x\n" * 5 + b"-x\n+y\n x\n", b" x\n" * (N // 2) + b"-z\n+y\n x\n"])
def test_a_file_that_repeats_itself(lines: bytes) -> None:
    old = lines.count(b"\n") - 1
    patch = b"--- a/f.txt\n+++ b/f.txt\n@@ -%d,%d +%d,%d @@\n" % (N * 2, old, N * 2, old) + lines
    assert answered(patch, {"f.txt": (0o100644, SAME)}) == [None, None, None]


def test_a_search_text_that_repeats_itself() -> None:
    files = {"f.txt": (0o100644, SAME)}
    assert answered(SEARCH % (b"  x\n" * (N // 2) + b"z", b"y"), files) == [None, None, None]
    assert answered(SEARCH % (b"  x\n" * (N // 2), b"y"), files) == [None, None, None]


def test_a_whole_file_in_reverse() -> None:
    lines = b"\n".join(reversed(BIG.split(b"\n")[:-1]))
    _, reply, _ = answered(b"**f.txt**\n```\n" + lines + b"\n```\n", {"f.txt": (0o100644, BIG)})
    assert reply is not None


def test_a_plan_with_many_edits() -> None:
    edits = [{"op": "put", "path": f"a/b/{n}.txt", "content": "x"} for n in range(N // 10)]
    plan = {"version": 1, "declared": ["**/a*/**/*.txt"], "steps": [{"title": "T", "edits": edits}]}
    *_, proposal = answered(json.dumps(plan).encode())
    assert proposal is not None
    assert len(proposal.steps[0].changes) == N // 10


def test_a_task_of_a_megabyte() -> None:
    patch = b"--- a/e\n+++ b/e\n@@ -0,0 +1 @@\n+x\n"
    proposal = plan_patch(MemorySnapshot(dict(FILES)), patch, task="word " * 200_000)
    assert len(proposal.steps[0].title) <= 100
