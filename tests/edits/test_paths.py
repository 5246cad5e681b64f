"""The path guard: what git refuses is refused, near misses pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.edits.judge import Judge
from tinycode_git.edits.paths import check_collisions, check_link, check_parents, check_path, folded, shown
from tinycode_git.errors import Refused
from tinycode_git.proposal import MODE_EXEC, MODE_FILE, MODE_LINK, MemorySnapshot, TreeEntry, path_str

GIT = "git's own folder"
REFUSED = [
    ("", "empty"),
    ("/etc/passwd", "absolute"),
    ("//x", "absolute"),
    ("a//b", "an empty component"),
    ("a/", "an empty component"),
    (".", "'.' as a component"),
    ("./a", "'.' as a component"),
    ("a/./b", "'.' as a component"),
    ("..", "'..' as a component"),
    ("../a", "'..' as a component"),
    ("a/../b", "'..' as a component"),
    ("a\0b", "NUL"),
    ("\ud800", "not valid Unicode"),
    (".git", GIT),
    (".git/config", GIT),
    (".GIT/config", GIT),
    (".Git", GIT),
    ("a/.giT/hooks/pre-commit", GIT),
    (".git.", GIT),
    (".git ", GIT),
    (".git . .", GIT),
    (".git::$INDEX_ALLOCATION/config", GIT),
    (".git:stream", GIT),
    ("git~1", GIT),
    ("GIT~1/config", GIT),
    ("sub/git~2", GIT),
    ("git~1 ", GIT),
    (".g\u200cit", GIT),
    (".\u200dgit/config", GIT),
    ("\ufeff.git", GIT),
    (".gi\u206ft\u202a", GIT),
    ("a\\.git\\config", GIT),
    ("a\\..\\b", "climbs"),
    ("a\\b", "backslash"),
    ("C:x", "drive letter"),
    ("c:/x", "drive letter"),
    ("a\nb", "control character"),
    ("a\rb", "control character"),
    ("a\tb", "control character"),
    ("a\x1bb", "control character"),
    ("a\x7fb", "control character"),
    ("a\x9bb", "control character"),
    ("con", "device"),
    ("src/AUX.c", "device"),
    ("nul.tar.gz", "device"),
    ("com1", "device"),
    ("lpt9.txt", "device"),
    ("COM²", "device"),
    ("prn ", "device"),
    ("nul:x", "device"),
    ("conout$", "device"),
    ("x" * 256, "a component is longer than 255 bytes"),
    ("é" * 128, "a component is longer than 255 bytes"),
    ("/".join(["abcdefgh"] * 460), "longer than 4095 bytes"),
]
PASSED = [
    "a",
    "a/b/c.py",
    ".gitignore",
    ".gitattributes",
    ".github/workflows/ci.yml",
    ".gitmodules",
    "git",
    "git~",
    "git~10",
    "a.git",
    "..a",
    "a..",
    "...",
    ".gitx",
    "x.git/y",
    "console.py",
    "com10",
    "com",
    "auxiliary.c",
    "nulls",
    "a b/c d",
    "ünï/文件.txt",
    "ab:c",
    "~/x",
    "-rf",
    "x" * 255,
    path_str(b"latin\xe9"),
]


@pytest.mark.parametrize(("path", "reason"), REFUSED)
def test_refuses(path: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        check_path(path)
    assert reason in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("path", PASSED)
def test_passes(path: str) -> None:
    check_path(path)


@pytest.mark.parametrize("path", ["Icon\r", "aux.c", "a\\x2db.mount", "C:x", "y" * 300])
def test_what_is_there_already_may_be_changed(path: str) -> None:
    check_path(path, existing=True)


@pytest.mark.parametrize("path", ["", "..", "/a", ".GIT/x", "a\\.git", "a\0"])
def test_what_reaches_out_is_refused_even_where_it_exists(path: str) -> None:
    with pytest.raises(Refused):
        check_path(path, existing=True)


PIECES = st.sampled_from(
    [".git", ".GIT", "git~1", "GIT~1", ".", "..", "", " ", "a", "/", ":", "\u200c", "\u206f", "\ufeff"]
)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    return Judge.create(tmp_path_factory.mktemp("paths") / "judge")


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=6).map("".join))
def test_what_git_refuses_is_refused(judge: Judge, path: str) -> None:
    if not path:
        return
    blob = judge.git("hash-object", "-w", "--stdin").decode().strip()
    options = ("-c", "core.protectHFS=true", "-c", "core.protectNTFS=true")
    done = judge.run(*options, "update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
    (judge.path / "index").unlink(missing_ok=True)
    if done.returncode:
        with pytest.raises(Refused):
            check_path(path)


def test_links_may_not_be_gitmodules() -> None:
    for path in (".gitmodules", ".GITMODULES", "gitmod~1", "GI7EBA~1", ".gitmodules ", "sub/.git\u200cmodules"):
        with pytest.raises(Refused, match="may not be a symbolic link"):
            check_link(path)
    for path in ("gitmodules", ".gitmodule", "gitmod~5", "link"):
        check_link(path)


def test_parents_are_folders() -> None:
    files = {"link": (MODE_LINK, b"/etc"), "a/file": (MODE_FILE, b""), "run": (MODE_EXEC, b"")}
    snapshot = MemorySnapshot(files)
    check_parents("a/other", snapshot)
    check_parents("new/deep/file", snapshot)
    check_parents("link", snapshot)
    for path, reason in (
        ("link/passwd", "beyond the symbolic link 'link'"),
        ("link/deep/er", "beyond the symbolic link 'link'"),
        ("a/file/x", "'a/file' is a file"),
        ("run/x", "'run' is a file"),
    ):
        with pytest.raises(Refused, match=reason):
            check_parents(path, snapshot)


def test_a_submodule_is_another_repository() -> None:
    class Submodule:
        def entry(self, path: str) -> TreeEntry | None:
            return TreeEntry(path, 0o160000, "1" * 40) if path == "vendor/lib" else None

    with pytest.raises(Refused, match="inside the submodule 'vendor/lib'"):
        check_parents("vendor/lib/x.c", Submodule())


@pytest.mark.parametrize(
    ("added", "existing", "other"),
    [
        (["README"], ["readme"], "readme"),
        (["a", "A"], [], "a"),
        (["src/x"], ["Src/y"], "Src"),
        (["caf\u00e9"], ["cafe\u0301"], None),
        (["stra\u00dfe"], ["STRASSE"], "STRASSE"),
        (["x."], ["x"], "x"),
        (["x "], ["x"], "x"),
        (["a\u200cb"], ["ab"], "ab"),
        (["d/e"], ["D"], "D"),
    ],
)
def test_collisions(added: list[str], existing: list[str], other: str | None) -> None:
    with pytest.raises(Refused, match="is the same name") as caught:
        check_collisions(added, existing)
    assert other is None or shown(other) in caught.value.message


def test_no_collisions() -> None:
    check_collisions(["a/b", "a/c", "a"], ["a/d", "ab"])
    check_collisions(["new"], ["xt_DSCP.c", "xt_dscp.c"])
    check_collisions(["README"], ["README"])
    check_collisions([], ["a", "A"])


@given(st.text())
def test_folding_is_stable(path: str) -> None:
    assert folded(folded(path)) == folded(path)


@given(st.text(max_size=400))
def test_any_text_is_answered(path: str) -> None:
    assert "\n" not in shown(path)
    try:
        check_path(path)
    except Refused as refused:
        assert refused.message.isprintable()
    else:
        assert not Path(path).is_absolute()
        assert ".." not in Path(path).parts


@pytest.mark.parametrize(
    ("path", "hint"), [("../a", "relative to the top"), ("a\nb", "give it another name"), ("con", "another name")]
)
def test_the_hint_says_what_would_do(path: str, hint: str) -> None:
    with pytest.raises(Refused) as refused:
        check_path(path)
    assert hint in refused.value.hint
