"""Makes the repositories that the benchmarks run in: distinct files, a long history, the same bytes each time.

    python benchmarks/make_repo.py large        # 100,000 files, 50,000 commits
    python benchmarks/make_repo.py huge         # 1,000,000 files, 500 commits
    python benchmarks/make_repo.py medium       # 5,000 files, 200 commits
    python benchmarks/make_repo.py tiny         # 200 files, 100 commits

Folders of a hundred entries, files of about twenty lines; each commit rewrites lines of one to three files. Kept in
``TINY_BENCH_CACHE``, or in ``benchmarks/.cache``. Beside ``main`` there is ``series``, ten commits on top of it that
touch three files each, and ``series.mbox`` next to the repository, the same as a patch series.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

VERSION = 1
SERIES = 10
START = 1_600_000_000


@dataclass(frozen=True, slots=True)
class Size:
    """How many files and how many commits."""

    name: str
    files: int
    commits: int


SIZES = {
    size.name: size
    for size in (
        Size("tiny", 200, 100),
        Size("medium", 5_000, 200),
        Size("large", 100_000, 50_000),
        Size("huge", 1_000_000, 500),
    )
}

_VERBS = ("load", "store", "parse", "render", "merge", "split", "check", "build", "count", "trace")
_NOUNS = ("order", "ledger", "branch", "reader", "window", "packet", "account", "signal", "record", "matrix")


def cache() -> Path:
    """Where generated repositories are kept."""
    named = os.environ.get("TINY_BENCH_CACHE")
    return Path(named) if named else Path(__file__).resolve().parent / ".cache"


_CONFIG = (
    "[user]\n\tname = Bench\n\temail = bench@example.com\n[init]\n\tdefaultBranch = main\n"
    "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[core]\n\teditor = false\n"
)


def environment() -> dict[str, str]:
    """Of every process of a benchmark: no configuration of this machine's user, a fixed identity."""
    home = cache() / "home"
    home.mkdir(parents=True, exist_ok=True)
    config = home / ".gitconfig"
    if not config.exists() or config.read_text() != _CONFIG:  # somebody may be reading it
        config.write_text(_CONFIG)
    left = ("GIT_", "TINY_MODE", "XDG_", "PYTHONDONTWRITEBYTECODE")  # what is installed has its bytecode
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left)}
    sealed = {"HOME": str(home), "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"), "GIT_CONFIG_NOSYSTEM": "1"}
    return {**kept, **sealed, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}


def path_of(number: int, files: int) -> str:
    """The path of one of ``files`` files: a hundred entries a folder, as deep as that needs."""
    parts = [f"{_NOUNS[number % 10]}_{number % 100:02}.py"]
    number, left = number // 100, (files + 99) // 100
    while left > 1:
        parts.append(f"{_NOUNS[number // 10 % 10]}{number % 100:02}")
        number, left = number // 100, (left + 99) // 100
    return "/".join(reversed(parts))


def content(number: int, edits: tuple[tuple[int, int], ...] = ()) -> bytes:
    """About twenty lines that no other file has; ``edits`` are (line, commit) pairs that were made to it."""
    verb, noun = _VERBS[number % 10], _NOUNS[number // 10 % 10]
    lines = [f'"""Part {number}: {verb} each {noun}."""', "", "from __future__ import annotations", "", ""]
    lines.append(f"def {verb}_{noun}_{number}(value: int) -> int:")
    factor, modulus = number % 89 + 2, 1_000_003 + number
    lines += [f"    value = (value * {factor} + {n * 7 + number % 13}) % {modulus}" for n in range(10 + number % 7)]
    lines += ["    return value", "", "", f"LIMIT_{number} = {number * 31 % 65_537}"]
    for line, commit in edits:
        lines[6 + line % 10] = f"    value = value ^ {commit}  # {verb} {commit}"
    return ("\n".join(lines) + "\n").encode()


def stream(size: Size) -> Iterator[bytes]:
    """The whole history for ``git fast-import``."""
    random = Random(size.files)
    edits: dict[int, tuple[tuple[int, int], ...]] = {}
    yield b"feature done\n"
    yield _commit("main", 0, "first import")
    for number in range(size.files):
        yield _file(path_of(number, size.files), content(number))
    last = size.commits + SERIES
    for commit in range(1, last):
        if commit == size.commits:
            yield b"reset refs/heads/series\nfrom refs/heads/main\n\n"
        in_series = commit >= size.commits
        yield _commit("series" if in_series else "main", commit, f"{random.choice(_VERBS)} part {commit}")
        for number in random.sample(range(size.files), 3 if in_series else random.choice((1, 1, 2, 3))):
            edits[number] = (*edits.get(number, ()), (random.randrange(10), commit))[-6:]
            yield _file(path_of(number, size.files), content(number, edits[number]))
    yield b"done\n"


def _commit(branch: str, number: int, message: str) -> bytes:
    when = START + number * 600
    who = f"Author {number % 40} <author{number % 40}@example.com> {when} +0000"
    return (
        f"commit refs/heads/{branch}\nauthor {who}\ncommitter {who}\ndata {len(message) + 1}\n{message}\n\n"
    ).encode()


def _file(path: str, text: bytes) -> bytes:
    return b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(text), text)


def ensure(name: str) -> Path:
    """The repository of that size, made if it is not there yet, as its generator left it (see ``pristine``)."""
    size = SIZES[name]
    place = cache() / f"{name}-{size.files}-{size.commits}-v{VERSION}"
    if not place.is_dir():
        beside = place.with_suffix(".partial")
        shutil.rmtree(beside, ignore_errors=True)
        _make(size, beside)
        beside.rename(place)
    pristine(place / "repo")
    return place / "repo"


def _make(size: Size, place: Path) -> None:
    begun = time.monotonic()
    repo = place / "repo"
    repo.mkdir(parents=True)
    env = environment()
    print(f"making {size.files:,} files and {size.commits:,} commits in {place.parent} ...", file=sys.stderr)
    subprocess.run(["git", "init", "-q", "."], cwd=repo, env=env, check=True)
    importing = subprocess.Popen(
        ["git", "fast-import", "--quiet", "--done"], cwd=repo, env=env, stdin=subprocess.PIPE, bufsize=1 << 20
    )
    assert importing.stdin is not None
    with importing.stdin as pipe:
        pipe.writelines(stream(size))
    if importing.wait() != 0:
        raise SystemExit("git fast-import failed")
    subprocess.run(["git", "reset", "-q", "--hard"], cwd=repo, env=env, check=True)
    with (place / "series.mbox").open("wb") as file:
        series = ["git", "format-patch", "-q", "--stdout", "main..series"]
        subprocess.run(series, cwd=repo, env=env, stdout=file, check=True)
    print(f"made in {time.monotonic() - begun:.0f} s", file=sys.stderr)


def pristine(repo: Path) -> None:
    """Takes back what a run left behind: branches, plans, uncommitted work, half-done operations."""
    env = environment()

    def git(*args: str, check: bool = True) -> str:
        done = subprocess.run(["git", *args], cwd=repo, env=env, check=check, capture_output=True, text=True)
        return done.stdout

    if (repo / ".git/rebase-apply").exists():
        git("am", "--abort", check=False)
    for lock in repo.glob(".git/*.lock"):
        lock.unlink()
    base = git("rev-parse", f"series~{SERIES}").strip()
    git("symbolic-ref", "HEAD", "refs/heads/main")
    git("reset", "-q", "--hard", base)
    git("clean", "-fdxq")
    kept = {"refs/heads/main", "refs/heads/series"}
    others = [ref for ref in git("for-each-ref", "--format=%(refname)").split() if ref not in kept]
    deletes = "".join(f"delete {ref}\n" for ref in others)
    subprocess.run(["git", "update-ref", "--stdin"], cwd=repo, env=env, input=deletes.encode(), check=True)
    shutil.rmtree(repo / ".git/tiny", ignore_errors=True)
    shutil.rmtree(repo / ".git/logs/refs/heads/tiny", ignore_errors=True)


if __name__ == "__main__":
    for wanted in sys.argv[1:] or ["large"]:
        if wanted not in SIZES:
            raise SystemExit(f"unknown size {wanted!r}: one of {', '.join(SIZES)}")
        print(ensure(wanted))
