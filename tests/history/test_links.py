"""What messages say of other commits and of bugs; what kind of file a path is."""

from __future__ import annotations

import pytest

from tinycode_git.history.evidence import headline, reason_of
from tinycode_git.history.links import Link, Linked, LinkIndex, LinkKind, bugs_in, is_fix, links_in
from tinycode_git.pathkinds import Kind, kind_of

A, B = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678", "b" * 40


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (f'Revert "x"\n\nThis reverts commit {A}.', [(LinkKind.REVERTS, A)]),
        (f'Revert "x"\n\nThis reverts commit {A}, reversing\nchanges made to {B}.', [(LinkKind.REVERTS, A)]),
        (f"t\n\nFixes: {A[:12]} (\"x\")", [(LinkKind.FIXES, A[:12])]),
        (f"t\n\nThe check was introduced in {A[:9]}.", [(LinkKind.FIXES, A[:9])]),
        (f"t\n\nThis broke since commit\n{A[:9]}", [(LinkKind.FIXES, A[:9])]),
        (f"t\n\nFollow-up for {A[:10]}.", [(LinkKind.FOLLOWS, A[:10])]),
        (f"t\n\n(cherry picked from commit {A})", [(LinkKind.PICKED, A)]),
        (f"t\n\nreverts {A[:8]}; fixes: {B[:8]}", [(LinkKind.REVERTS, A[:8])]),
        ("t\n\nFixes: #1234567", []),
        ("t\n\nreverts 20240131", []),
        (f"t\n\nsee {A}", []),
        ("t\n\nFixes: deadbee", [(LinkKind.FIXES, "deadbee")]),
    ],
)  # fmt: skip
def test_links(message: str, found: list[tuple[LinkKind, str]]) -> None:
    assert [(link.kind, link.oid) for link in links_in(message)] == found


def test_a_revert_that_names_no_oid_goes_by_its_title() -> None:
    assert links_in('Revert "add x"\n\nit broke') == (Link(LinkKind.REVERTS, "", "add x"),)
    index = LinkIndex([Linked(B, links_in('Revert "add x"'))])
    assert list(index.to(A, "add x")) == [(B, LinkKind.REVERTS)]
    assert list(index.to(A, "add y")) == []


def test_an_abbreviated_oid_is_a_beginning() -> None:
    index = LinkIndex([Linked(B, (Link(LinkKind.FIXES, A[:9]),))])
    assert list(index.to(A, "")) == [(B, LinkKind.FIXES)]
    assert list(index.to(A[:8] + "0" * 32, "")) == []


@pytest.mark.parametrize(
    ("message", "bugs"),
    [
        ("Fix x (#12)", ("#12",)),
        ("x\n\nCloses #7, bug 4711 and CVE-2024-31449", ("#7", "bug 4711", "CVE-2024-31449")),
        ("JIRA-12: x", ("JIRA-12",)),
        ("UTF-8 and SHA-256", ()),
        ("color #fff, a#12", ()),
        ("see owner/name#3", ("owner/name#3",)),
    ],
)
def test_bugs(message: str, bugs: tuple[str, ...]) -> None:
    assert bugs_in(message) == bugs


@pytest.mark.parametrize(
    ("message", "fix"),
    [
        ("Fix crash in x", True),
        ("Avoid a leak", True),
        ("Fix typo", False),
        ("fix flaky test", False),
        ("Add x", False),
        (f"x\n\nFixes: {A[:12]}", True),
        ("prefix the name", False),
    ],
)
def test_what_counts_as_a_fix(message: str, fix: bool) -> None:
    assert is_fix(message) is fix


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("t", ""),
        ("t\n\nBecause it was slow.\n\nMore.\n", "Because it was slow."),
        ("t\n\nSigned-off-by: A <a@b>\n", ""),
        (f"Revert\n\nThis reverts commit {A}.\nIt broke the build.\n", "It broke the build."),
        (f"Revert\n\nThis reverts commit {A}.\n", ""),
        ("t\n\nIt was too slow.\nCo-authored-by: A <a@b>\n", "It was too slow."),
        ("t\n\nwip x\n", ""),
    ],
)
def test_the_stated_reason(message: str, reason: str) -> None:
    assert reason_of(message) == reason


LONG = "Add a context for cells and palettes and links when drawing to tty to avoid"


@pytest.mark.parametrize(
    ("message", "title", "reason"),
    [
        ("t\n\nIt was slow in large trees.", "t", "It was slow in large trees."),
        (f"{LONG}\npassing so much.\n", f"{LONG} passing so much.", ""),
        (
            f"{LONG}\npassing so much.\n\nIt was too slow before.\n",
            f"{LONG} passing so much.",
            "It was too slow before.",
        ),
        (f"{LONG}\npassing. This replaces what\nwas a mess.", f"{LONG} passing.", "This replaces what was a mess."),
        ("t\n\nPlan-Id: x-1\nPlan-Step: 1/1\n", "t", ""),
        ("t\n\nRe-entrancy: it was called\ntwice in a loop.\n", "t", "Re-entrancy: it was called twice in a loop."),
        ("Short title\nIt was slow in large trees.", "Short title", "It was slow in large trees."),
        (f"{LONG}\n- one thing more\n- another thing", LONG, "- one thing more - another thing"),
        (f"{LONG}\nSigned-off-by: A <a@x>", LONG, ""),
        ("", "", ""),
    ],
)
def test_a_title_is_a_sentence_that_ends(message: str, title: str, reason: str) -> None:
    assert headline(message) == (title, reason)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("src/a.c", Kind.CODE),
        ("tests/unit/a.tcl", Kind.TEST),
        ("src/a_test.go", Kind.TEST),
        ("test_a.py", Kind.TEST),
        ("regress/copy.sh", Kind.TEST),
        ("src/latest/a.py", Kind.CODE),
        ("docs/a.rst", Kind.DOCS),
        ("README.md", Kind.DOCS),
        ("package-lock.json", Kind.LOCK),
        ("a/b.min.js", Kind.GENERATED),
        ("api_pb2.py", Kind.GENERATED),
        (".github/workflows/ci.yml", Kind.BUILD),
        ("src/Makefile", Kind.BUILD),
        ("logo.png", Kind.OTHER),
    ],
)
def test_kinds(path: str, kind: Kind) -> None:
    assert kind_of(path) is kind
