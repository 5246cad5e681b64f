"""Patches over trees: what they make, and the one line for each way in which they do not apply."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from tests.edits.judge import Files, result, text
from tinycode_git.errors import Exit, Refused, TinyError, UsageError
from tinycode_git.planners.patch import plan_patch
from tinycode_git.proposal import (
    MODE_EXEC,
    MODE_FILE,
    MODE_GITLINK,
    MODE_LINK,
    Change,
    MemorySnapshot,
    PutObject,
    Snapshot,
    TreeEntry,
)

TWENTY = "".join(f"line {n}\n" for n in range(1, 21))
TWICE = "start\n" + "a\nb\nc\nd\n" * 3 + "end\n"
BASE: Files = {
    **text(**{"f.txt": TWENTY, "twice.txt": TWICE, "dir/g.txt": "g\n", "dos.txt": "a\r\nb\r\nc\r\n", "empty": ""}),
    "run.sh": (MODE_EXEC, b"#!/bin/sh\n"),
    "link": (MODE_LINK, b"dir"),
    "Icon\r": (MODE_FILE, b"i\n"),
    "aux.c": (MODE_FILE, b"x\n"),
    "bin": (MODE_FILE, b"\0\1"),
}


def one(old: int, new: int, *lines: str, path: str = "f.txt", before: str = "") -> bytes:
    """A diff of one hunk whose counts are right."""
    counts = [sum(line[0] in marks for line in lines) for marks in (" -", " +")]
    head = before or f"--- a/{path}\n+++ b/{path}\n"
    return (head + f"@@ -{old},{counts[0]} +{new},{counts[1]} @@\n" + "".join(f"{line}\n" for line in lines)).encode()


def plan(patch: bytes, base: Files = BASE) -> Files:
    """The files after ``patch``."""
    return result(base, plan_patch(MemorySnapshot(dict(base)), patch))


def changed(patch: bytes, base: Files = BASE) -> dict[str, bytes | None]:
    """What is different after ``patch``."""
    after = plan(patch, base)
    paths = base.keys() | after.keys()
    return {p: after[p][1] if p in after else None for p in sorted(paths) if base.get(p) != after.get(p)}


MIDDLE = (" line 9", "-line 10", "+ten", " line 11")
TEN = TWENTY.replace("line 10\n", "ten\n").encode()


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        (one(9, 9, *MIDDLE), {"f.txt": TEN}),
        (one(2, 2, *MIDDLE), {"f.txt": TEN}),
        (one(500, 500, *MIDDLE), {"f.txt": TEN}),
        (b"some prose\n\n" + one(9, 9, *MIDDLE) + b"-- \n2.39\n", {"f.txt": TEN}),
        (one(9, 9, *MIDDLE).replace(b"a/f", b"f").replace(b"b/f", b"f"), {"f.txt": TEN}),
        (one(9, 9, *MIDDLE).replace(b"a/f", b"old-1.0/f").replace(b"b/f", b"new-1.1/f"), {"f.txt": TEN}),
        (one(9, 9, *MIDDLE).replace(b"a/f.txt", b"f.txt.orig").replace(b"b/f", b"f"), {"f.txt": TEN}),
        (one(9, 9, *MIDDLE).replace(b".txt\n", b".txt\t2024-01-01 10:00:00.000000000 +0100\n"), {"f.txt": TEN}),
        (
            one(2, 2, " b", "-c", "+C", " d", path="twice.txt").replace(b"-2,3 +2,3", b"-7,3 +7,3"),
            {"twice.txt": b"start\na\nb\nc\nd\na\nb\nC\nd\na\nb\nc\nd\nend\n"},
        ),
        (one(1, 1, " a\r", "-b\r", "+B\r", " c\r", path="dos.txt"), {"dos.txt": b"a\r\nB\r\nc\r\n"}),
        (one(0, 1, "+x", path="new/file", before="--- /dev/null\n+++ b/new/file\n"), {"new/file": b"x\n"}),
        (
            one(0, 1, "+x", path="new", before="--- new\t1970-01-01 00:00:00.000000000 +0000\n+++ new\t2024-01-01\n"),
            {"new": b"x\n"},
        ),
        (one(0, 1, "+x", path="new"), {"new": b"x\n"}),
        (one(0, 1, "+x", path="empty"), {"empty": b"x\n"}),
        (one(1, 0, "-g", before="--- a/dir/g.txt\n+++ /dev/null\n"), {"dir/g.txt": None}),
        (one(1, 1, "-i", "+j", before='--- "a/Icon\\r"\n+++ "b/Icon\\r"\n'), {"Icon\r": b"j\n"}),
        (one(1, 1, "-x", "+y", path="aux.c"), {"aux.c": b"y\n"}),
        (b"diff --git a/run.sh b/run.sh\nold mode 100755\nnew mode 100644\n", {"run.sh": b"#!/bin/sh\n"}),
        (b"diff --git a/x y b/x y\nnew file mode 100644\nindex 0000000..e69de29\n", {"x y": b""}),
        (b"diff --git a/empty b/e\nsimilarity index 100%\nrename from empty\nrename to e\n", {"e": b"", "empty": None}),
        (
            one(9, 9, *MIDDLE) + one(19, 19, " line 19", "-line 20", "+XX"),
            {"f.txt": TEN.replace(b"line 20\n", b"XX\n")},
        ),
        (
            b"diff --git a/dir/g.txt b/dir/g.txt\ndeleted file mode 100644\n"
            + one(1, 0, "-g", before="--- a/dir/g.txt\n+++ /dev/null\n")
            + one(0, 1, "+file now", before="--- /dev/null\n+++ b/dir\n"),
            {"dir": b"file now\n", "dir/g.txt": None},
        ),
    ],
)
def test_what_applies(patch: bytes, expected: dict[str, bytes | None]) -> None:
    assert changed(patch) == expected


@pytest.mark.parametrize(
    ("patch", "message", "code"),
    [
        (b"", "there is no patch in the input", 2),
        (b"Only prose.\n", "there is no patch in the input", 2),
        (b"\xff\xfed\0i\0f\0f\0", "the patch is UTF-16", 2),
        (
            one(9, 9, " line 9", "-line X", "+ten", " line 11"),
            "the patch does not apply to 'f.txt': hunk 1 (input line 3): line 9",
            1,
        ),
        (one(9, 9, " line 9 ", "-line 10", "+ten", " line 11"), "hunk 1 (input line 3): line 9 is not as expected", 1),
        (
            one(3, 3, " b", "-c", "+C", " d", path="twice.txt").replace(b"-3,3", b"-30,3"),
            "more than one place (lines 3 and 7), none",
            1,
        ),
        (one(1, 1, " line 9", "-line 10", "+ten", " line 11"), "but not at the beginning of the file", 1),
        (one(9, 9, " line 9", "-line 10", "+ten"), "but not at the end of the file", 1),
        (one(5, 6, "+x"), "no lines of context to tell its place by", 1),
        (one(9, 9, *MIDDLE) + one(2, 2, " line 2", "-line 3", "+3", " line 4").split(b"\n", 2)[2], "hunk 2 of 2", 1),
        (one(9, 9, *MIDDLE, path="gone.txt"), "the patch changes 'gone.txt', which is not there", 1),
        (one(9, 9, *MIDDLE, path="dir"), "the patch changes 'dir', which is a folder", 1),
        (one(1, 0, "-x", before="--- a/gone\n+++ /dev/null\n"), "the patch deletes 'gone', which is not there", 1),
        (one(1, 0, "-line 1", before="--- a/f.txt\n+++ /dev/null\n"), "but not at the whole of the file", 1),
        (one(0, 1, "+x", before="--- /dev/null\n+++ b/f.txt\n"), "the patch adds 'f.txt', which is there already", 1),
        (one(0, 1, "+x", before="--- /dev/null\n+++ b/link/x\n"), "it is beyond the symbolic link 'link'", 1),
        (one(1, 1, "-g", "+h", path="link/g.txt"), "it is beyond the symbolic link 'link'", 1),
        (one(0, 1, "+x", before="--- /dev/null\n+++ b/f.txt/x\n"), "'f.txt' is a file, not a folder", 1),
        (one(0, 1, "+x", before="--- /dev/null\n+++ b/../x\n"), "'..' as a component", 1),
        (one(0, 1, "+x", before="--- /dev/null\n+++ b/.git/hooks/x\n"), "git's own folder", 1),
        (one(0, 1, "+x", before="--- /dev/null\n+++ /etc/x\n"), "it is absolute", 1),
        (one(0, 1, "+x", before='--- /dev/null\n+++ "b/a\\nb"\n'), "a control character", 1),
        (one(0, 1, "+x", before="--- /dev/null\n+++ b/dir\n"), "it is a folder", 1),
        (
            one(0, 1, "+x", before="--- /dev/null\n+++ b/n\n") + one(0, 1, "+x", before="--- /dev/null\n+++ b/N\n"),
            "is the same name",
            1,
        ),
        (
            b"diff --git a/l b/l\nnew file mode 120000\nindex 0000000..1234567\n--- /dev/null\n+++ b/.gitmodules\n",
            "do not agree",
            2,
        ),
        (
            b"diff --git a/.gitmodules b/.gitmodules\nnew file mode 120000\n--- /dev/null\n+++ b/.gitmodules\n"
            b"@@ -0,0 +1 @@\n+x\n"
            b"\\ No newline at end of file\n",
            "it may not be a symbolic link",
            1,
        ),
        (b"diff --git a/x b/x\nnew file mode 040000\n", "mode 40000 is none of a file or link", 1),
        (b"diff --git a/run.sh b/run.sh\nold mode 100755\nnew mode 100755\n", "the patch changes nothing", 1),
        (
            b"diff --git a/run.sh b/run.sh\nold mode 120000\nnew mode 120000\n",
            "the patch expects 'run.sh' with mode 120000",
            1,
        ),
        (b"diff --git a/run.sh b/run.sh\nold mode 1007\nnew mode 100755\n", "a malformed mode", 2),
        (
            b"diff --git a/empty b/run.sh\nsimilarity index 100%\nrename from empty\nrename to run.sh\n",
            "'run.sh', which is there already",
            1,
        ),
        (
            b"diff --git a/no b/e\nsimilarity index 100%\ncopy from no\ncopy to e\n",
            "the patch copies 'no', which is not there",
            1,
        ),
        (
            b"diff --git a/bin b/bin\nindex 123456..abcdef 100644\nBinary files a/bin and b/bin differ\n",
            "it has no binary data",
            1,
        ),
        (
            b"diff --git a/bin b/bin\nindex 123456..abcdef 100644\nGIT binary patch\nliteral 0\nHcmV?d00001\n\n",
            "lacks full blob names",
            1,
        ),
        (
            b"diff --git a/bin b/bin\nindex "
            + b"1" * 40
            + b".."
            + b"2" * 40
            + b" 100644\nGIT binary patch\nliteral 0\nHcmV?d00001\n\n",
            "the file is another one",
            1,
        ),
        (
            b"diff --git a/bin b/bin\nindex "
            + b"1" * 40
            + b".."
            + b"2" * 40
            + b"\nGIT binary patch\nliteral 9\nHcmV?d00001\n\n",
            "not the size",
            2,
        ),
        (b"diff --git a/bin b/bin\nindex 1234..5678\nGIT binary patch\nliteral 5\nzz\n\n", "damaged binary data", 2),
        (
            b"diff --git a/bin b/bin\nindex 1234..5678\nGIT binary patch\nliteral 999999999999\nHcmV?d00001\n\n",
            "would be larger than",
            2,
        ),
        (b"diff --git a/f.txt b/f.txt\n", "line 1: nothing follows the file header", 2),
        (b"diff --cc f.txt\nindex 1,2..3\n", "a merge's combined diff", 2),
        (b"@@ -1 +1 @@\n-a\n+b\n", "line 1: a hunk without a file header", 2),
        (one(9, 9, *MIDDLE)[:-2], "ends inside a line", 2),
        (one(9, 9, *MIDDLE)[:-9], "ends before all the lines", 2),
        (one(9, 9, *MIDDLE).replace(b"@@ -9,3 +9,3", b"@@ -9,4 +9,3"), "ends before all the lines", 2),
        (one(9, 9, *MIDDLE).replace(b" line 11", b"line 11"), "neither space, plus nor minus", 2),
        (one(9, 9, *MIDDLE).replace(b"@@ -9,3 +9,3", b"@@ -9,3 +9,2"), "more lines than its header counts", 2),
        (one(9, 9, " line 9"), "a hunk changes nothing", 2),
        (one(9, 9, *MIDDLE).replace(b"b/f.txt", b"b/other"), "the two sides name different files", 2),
        (one(1, 1, "-a", "+b", before="--- /dev/null\n+++ /dev/null\n"), "neither side names a file", 2),
        (one(1, 1, "-a", "+b", before="--- /dev/null\n+++ b/x\n"), "a new file's hunks name old lines", 2),
    ],
)
def test_what_is_refused(patch: bytes, message: str, code: int) -> None:
    with pytest.raises(TinyError) as caught:
        plan(patch)
    assert message in caught.value.message
    assert caught.value.exit == code
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_the_nearest_lines_are_shown() -> None:
    with pytest.raises(Refused) as caught:
        plan(one(9, 9, " line 9", "-line ten", "+10", "  line 11"))
    assert caught.value.detail.split("\n") == [
        "wanted:",
        "         line 9",
        "         line ten",
        "          line 11",
        "nearest lines of f.txt:",
        "     9   line 9",
        "    10 ! line 10",
        "    11 ~ line 11",
        "         (~ differs in white space only)",
    ]


def test_what_is_shown_is_harmless() -> None:
    base = {"f.txt": (MODE_FILE, b"\x1b[31mred\x07 \xe2\x80\xae\xff " + b"x" * 5000 + b"\n")}
    with pytest.raises(Refused) as caught:
        plan(one(1, 1, "-\x1b[31mred", "+b"), base)
    assert all(line.isprintable() and len(line) < 200 for line in caught.value.detail.split("\n"))


@dataclass(slots=True)
class Counting:
    """A snapshot that writes down what it is asked."""

    inner: Snapshot
    asked: list[str] = field(default_factory=list)

    def entry(self, path: str) -> TreeEntry | None:
        self.asked.append(path)
        return self.inner.entry(path)

    def read(self, path: str) -> bytes | None:
        self.asked.append(path)
        return self.inner.read(path)

    def paths(self, under: Sequence[str] = ()) -> Iterator[TreeEntry]:
        assert under, "the whole tree was listed"
        return self.inner.paths(under)

    def is_dir(self, path: str) -> bool:
        self.asked.append(path)
        return self.inner.is_dir(path)

    def after(self, changes: Sequence[Change]) -> Snapshot:
        return Counting(self.inner.after(changes), self.asked)


def test_only_the_named_paths_and_their_folders_are_looked_at() -> None:
    snapshot = Counting(MemorySnapshot(dict(BASE)))
    patch = one(9, 9, *MIDDLE) + one(0, 1, "+x", before="--- /dev/null\n+++ b/dir/sub/new\n")
    plan_patch(snapshot, patch)
    assert set(snapshot.asked) == {"f.txt", "dir", "dir/sub", "dir/sub/new"}


class WithSubmodule:
    """A tree with nothing but a submodule."""

    def entry(self, path: str) -> TreeEntry | None:
        return TreeEntry("lib", MODE_GITLINK, "1" * 40) if path == "lib" else None

    def read(self, path: str) -> bytes | None:
        return None

    def paths(self, under: Sequence[str] = ()) -> Iterator[TreeEntry]:
        return iter(())

    def is_dir(self, path: str) -> bool:
        return False

    def after(self, changes: Sequence[Change]) -> WithSubmodule:
        return self


def submodule(old: str, new: str) -> bytes:
    """The diff of a submodule."""
    head = "diff --git a/lib b/lib\nindex 1111111..2222222 160000\n--- a/lib\n+++ b/lib\n@@ -1 +1 @@\n"
    return f"{head}-Subproject commit {old}\n+Subproject commit {new}\n".encode()


def test_submodules() -> None:
    (step,) = plan_patch(WithSubmodule(), submodule("1" * 40, "2" * 40)).steps
    assert step.changes == (PutObject("lib", "2" * 40, MODE_GITLINK),)
    with pytest.raises(Refused, match="line 1 is not as expected"):
        plan_patch(WithSubmodule(), submodule("3" * 40, "2" * 40))
    with pytest.raises(Refused, match="points the submodule 'lib' at no commit"):
        plan_patch(WithSubmodule(), submodule("1" * 40, "2" * 40 + "-dirty"))
    with pytest.raises(Refused, match="inside the submodule 'lib'"):
        plan_patch(WithSubmodule(), one(0, 1, "+x", before="--- /dev/null\n+++ b/lib/x\n"))


HEAD = b"From: Ada <ada@b.c>\nDate: Tue, 14 Nov 2023 23:13:20 +0100\nSubject: [PATCH 1/2] Ten\n\n---\n"


def test_a_series_that_stops_in_the_middle_says_where() -> None:
    start = b"From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
    good = start + HEAD + one(9, 9, *MIDDLE)
    again = start + HEAD.replace(b"1/2] Ten", b"2/2] Again") + one(9, 9, *MIDDLE)
    with pytest.raises(Refused) as caught:
        plan(good + again)
    assert caught.value.message.startswith(
        "patch 2 of 2 (Again): the patch does not apply to 'f.txt': hunk 1 (input line 22)"
    )
    assert caught.value.detail
    with pytest.raises(UsageError, match=r"^patch 2 of 2 \(Again\): the patch is corrupt at line 25"):
        plan(good + again[:-9])
    with pytest.raises(UsageError, match=r"^patch 1 of 1 \(Ten\): there is no diff in it"):
        plan(start + HEAD)
    with pytest.raises(UsageError, match="it names no author"):
        plan(start + HEAD.replace(b"From: Ada <ada@b.c>\n", b"") + one(9, 9, *MIDDLE))


def test_a_patch_without_a_date_is_of_now() -> None:
    mail = HEAD.replace(b"Date: Tue, 14 Nov 2023 23:13:20 +0100\n", b"") + one(9, 9, *MIDDLE)
    (step,) = plan_patch(MemorySnapshot(dict(BASE)), mail, now=1234).steps
    assert step.author is not None
    assert (step.author.when, step.author.offset) == (1234, 0)


def test_titles() -> None:
    snapshot = MemorySnapshot(dict(BASE))
    assert plan_patch(snapshot, one(9, 9, *MIDDLE)).steps[0].title == "Apply a patch to f.txt"
    assert plan_patch(snapshot, one(9, 9, *MIDDLE), task="Use words\n\nmore").steps[0].title == "Use words"
    assert plan_patch(snapshot, HEAD + one(9, 9, *MIDDLE), task="Use words").steps[0].title == "Ten"
    assert plan_patch(snapshot, HEAD + one(9, 9, *MIDDLE), task="Use words").task == "Use words"
    assert plan_patch(snapshot, one(9, 9, *MIDDLE)).planner == "patch"
    assert int(Exit.USAGE) == 2


@pytest.mark.parametrize(
    ("lead", "titles"),
    [
        (b"", ["Ten", "Again"]),
        (b"$ git format-patch --stdout main\n", ["Ten", "Again"]),
        (b"Here they are:\n\nthanks\n", ["Ten", "Again"]),
        (one(8, 8, " line 8", " line 9", "-line 10", "+10", " line 11"), ["Apply a patch to f.txt"]),
    ],
)
def test_a_series_keeps_its_steps_behind_a_remark(lead: bytes, titles: list[str]) -> None:
    start = b"From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
    first = start + HEAD + one(9, 9, *MIDDLE)
    second = start + HEAD.replace(b"1/2] Ten", b"2/2] Again") + one(1, 1, " line 1", "-line 2", "+two", " line 3")
    data = lead + (first + second if len(titles) == 2 else b"")
    assert [step.title for step in plan_patch(MemorySnapshot(dict(BASE)), data).steps] == titles


def test_the_lines_of_a_series_are_counted_with_the_remark_before_it() -> None:
    start = b"A remark\nFrom 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
    wrong = start + HEAD + one(9, 9, " no such line", "-line 10", "+10", " line 11")
    with pytest.raises(Refused, match=r"hunk 1 \(input line 10\)"):
        plan_patch(MemorySnapshot(dict(BASE)), wrong)
