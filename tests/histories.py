"""Repositories with something to trip over: one builder a difficulty, all of them in ``ALL``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.repos import Exe, Link, Repo

NOT_UTF8 = b"caf\xe9/\xff name\n.txt".decode("utf-8", "surrogateescape")
BINARY = bytes(range(256)) * 8


def renames(path: Path) -> Repo:
    """A file renamed, renamed with an edit, a folder renamed, and a name that swaps with another."""
    repo = Repo.create(path)
    body = "".join(f"line {n}\n" for n in range(30))
    repo.commit("first", {"a.txt": body, "dir/b.txt": body * 2, "dir/c.txt": "c\n" * 9, "x": "x\n" * 9, "y": "y\n" * 9})
    repo.git("mv", "a.txt", "moved.txt")
    repo.commit("rename")
    repo.git("mv", "moved.txt", "edited.txt")
    repo.commit("rename and edit", {"edited.txt": body.replace("line 7\n", "line seven\n")})
    repo.git("mv", "dir", "folder")
    repo.commit("rename a folder")
    repo.commit("swap", {"x": "y\n" * 9, "y": "x\n" * 9})
    return repo


def deletes(path: Path) -> Repo:
    """Files and a whole folder deleted, one of them brought back."""
    repo = Repo.create(path)
    repo.commit("first", {"keep": "k\n", "gone": "g\n", "dir/one": "1\n", "dir/sub/two": "2\n"})
    repo.commit("delete", {"gone": None})
    repo.commit("delete a folder", {"dir/one": None, "dir/sub/two": None})
    repo.commit("back again", {"gone": "g\n"})
    return repo


def modes(path: Path) -> Repo:
    """A file that becomes executable and no longer, and one that is added executable."""
    repo = Repo.create(path)
    repo.commit("first", {"run.sh": "#!/bin/sh\n", "plain": "p\n"})
    repo.commit("executable", {"run.sh": Exe("#!/bin/sh\n"), "tool": Exe("t\n")})
    repo.commit("plain again", {"tool": "t\n"})
    return repo


def symlinks(path: Path) -> Repo:
    """Links to a file, to a folder, out of the repository and to nowhere; a file that becomes a link and back."""
    repo = Repo.create(path)
    repo.commit("first", {"file": "f\n", "dir/in": "i\n", "turns": "t\n"})
    links = {"to-file": Link("file"), "to-dir": Link("dir"), "out": Link("../.."), "dangling": Link("no\nwhere")}
    repo.commit("links", dict(links))
    repo.commit("a file becomes a link", {"turns": Link("file")})
    repo.commit("and a file again", {"turns": "t2\n", "to-dir": Link("dir/in")})
    return repo


def binary(path: Path) -> Repo:
    """Binary files that change, an empty file, a file without its last newline, a NUL in text."""
    repo = Repo.create(path)
    repo.commit("first", {"image.bin": BINARY, "empty": b"", "no-newline": "end", "nul.txt": b"a\0b\n"})
    repo.commit("change", {"image.bin": BINARY[:700] + b"changed" + BINARY[700:], "empty": b"x", "no-newline": "end\n"})
    return repo


def line_endings(path: Path) -> Repo:
    """CRLF kept by ``-text``, CRLF made on checkout by ``eol=crlf``, ``text=auto`` and mixed endings."""
    repo = Repo.create(path)
    rules = "*.txt text=auto\n*.bat text eol=crlf\n*.raw -text\n"
    repo.commit("rules", {".gitattributes": rules})
    repo.commit("files", {"a.txt": "one\ntwo\n", "b.bat": "dir\r\ncls\r\n", "c.raw": b"one\r\ntwo\n", "d": b"x\r\ny\n"})
    repo.commit("change", {"b.bat": "dir\r\ncls\r\nexit\r\n", "c.raw": b"one\r\ntwo\r\n"})
    return repo


def odd_names(path: Path) -> Repo:
    """Names that are not UTF-8, hold newlines, quotes, tabs, spaces at both ends, or look like options."""
    repo = Repo.create(path)
    names = [
        NOT_UTF8,
        "-n",
        "--all",
        " lead",
        "trail ",
        'qu"ote',
        "back\\slash",
        "tab\tname",
        "*",
        "é",
        "e\u0301x",
        ":a",
    ]
    repo.commit("odd names", {name: f"{n}\n" for n, name in enumerate(names)})
    repo.commit("changed", {name: f"{n} again\n" for n, name in enumerate(names)})
    return repo


def submodule(path: Path) -> Repo:
    """A submodule at ``vendor/lib``, moved forward once."""
    library = Repo.create(path.parent / f"{path.name}-library")
    library.commit("first", {"lib.c": "int one(void);\n"})
    repo = Repo.create(path)
    repo.commit("first", {"main.c": "int main(void);\n"})
    repo.git("submodule", "--quiet", "add", library.path, "vendor/lib")
    repo.commit("submodule")
    library.commit("second", {"lib.c": "int two(void);\n"})
    Repo(path / "vendor/lib").git("pull", "-q")
    repo.git("add", "vendor/lib")
    repo.commit("submodule forward")
    return repo


def nested(path: Path) -> Repo:
    """Deep folders, a file that becomes a folder, a folder that becomes a file, an unrelated neighbour ``a.b``."""
    repo = Repo.create(path)
    repo.commit("first", {"a/b/c/d/e.txt": "deep\n", "a.b": "n\n", "a-b": "n\n", "file": "f\n", "dir/x": "x\n"})
    repo.commit("file to folder", {"file": None})
    repo.commit("", {"file/inside": "i\n"})
    repo.commit("folder to file", {"dir/x": None})
    (path / "dir").rmdir() if (path / "dir").is_dir() else None
    repo.commit("now a file", {"dir": "d\n"})
    return repo


def merges(path: Path) -> Repo:
    """Two branches merged, a criss-cross, and an octopus of three."""
    repo = Repo.create(path)
    repo.commit("first", {"base": "0\n" * 9})
    for name in ("one", "two", "three", "four"):
        repo.branch(name, "main")
        repo.commit(name, {f"{name}.txt": f"{name}\n"})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "merge one", "one")
    repo.git("checkout", "-q", "two")
    repo.git("merge", "-q", "--no-ff", "-m", "two takes one", "one")
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "merge two", "two")
    repo.git("merge", "-q", "-m", "octopus", "three", "four")
    return repo


def empty_commits(path: Path) -> Repo:
    """An empty first commit, empty commits between, an empty message, a message of many lines."""
    repo = Repo.create(path)
    repo.commit("empty first")
    repo.commit("file", {"f": "f\n"})
    repo.commit("")
    repo.commit("subject\n\nbody line\n\nSigned-off-by: Ada Example <ada@example.com>")
    return repo


ALL: dict[str, Callable[[Path], Repo]] = {
    build.__name__: build
    for build in (
        renames,
        deletes,
        modes,
        symlinks,
        binary,
        line_endings,
        odd_names,
        submodule,
        nested,
        merges,
        empty_commits,
    )
}
