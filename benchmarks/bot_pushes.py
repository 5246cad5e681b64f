"""The bot behind ``post-receive``: 100 pushes to five branches are all reviewed, in order for each, in a minute."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from frame import git, machine, once, tiny

PUSHES, BRANCHES, SECONDS = 100, 5, 60.0


def server(folder: Path) -> tuple[Path, Path]:
    """A bare repository with the hook, and a clone to push from."""
    bare, clone = folder / "server.git", folder / "clone"
    once(["git", "init", "-q", "--bare", str(bare)], folder)
    once(["git", "clone", "-q", str(bare), str(clone)], folder)
    (clone / "a.py").write_text("a = 0\n")
    git(clone, "add", "a.py")
    git(clone, "commit", "-q", "-m", "first")
    git(clone, "push", "-q", "origin", "HEAD:main")
    hook = bare / "hooks/post-receive"
    hook.write_text(f"#!/bin/sh\nexec {' '.join(tiny())} bot hook\n")
    hook.chmod(0o755)
    return bare, clone


def main() -> int:
    """Push, wait, compare; 1 where the claim does not hold."""
    print(machine())
    pushes = int(sys.argv[1]) if sys.argv[1:] else PUSHES
    folder = Path(tempfile.mkdtemp(prefix="git-tiny-bench-"))
    try:
        bare, clone = server(folder)
        begun, pushed = time.monotonic(), dict[str, list[str]]()
        for n in range(pushes):
            branch = f"b{n % BRANCHES}"
            git(clone, "checkout", "-q", *(["-b"] if n < BRANCHES else []), branch, *(["main"] if n < BRANCHES else []))
            (clone / "a.py").write_text(f"a = {n + 1}\n")
            git(clone, "commit", "-q", "-a", "-m", f"push {n}")
            git(clone, "push", "-q", "origin", branch)
            pushed.setdefault(branch, []).append(git(clone, "rev-parse", "HEAD").strip()[:12])
        sent = time.monotonic() - begun
        done: list[str] = []
        while len(done) < pushes and time.monotonic() - begun < sent + 4 * SECONDS:
            time.sleep(0.2)
            if "refs/notes/tiny-review" in git(bare, "for-each-ref"):
                log = git(bare, "log", "--reverse", "--format=%s", "refs/notes/tiny-review")
                done = [row.split()[1].rstrip(":") for row in log.splitlines()]
        took = time.monotonic() - begun
        ordered = all([oid for oid in done if oid in oids] == oids for oids in pushed.values())
        held = len(done) == pushes and ordered and took < SECONDS + sent
        print(
            f"{'holds ' if held else 'MISSED'} | {pushes} pushes in {sent:.1f} s: {len(done)} reviewed"
            f" {took - sent:.1f} s after the last, {'in order' if ordered else 'OUT OF ORDER'},"
            f" {len(done) - len(set(done))} twice"
        )
        return int(not held)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
