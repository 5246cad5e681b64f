"""The audit log at size: fold, verify, checkpoint, proof, and the memory that they take.

    python benchmarks/audit_log.py [ENTRIES_OF_THE_LARGE_LOG]

Each figure is taken in a process of its own that prints seconds and peak memory; imports are not counted where the
claim is about an operation, and are where it says "process".
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SMALL = 100_000

MAKE = """
import os, sys
from pathlib import Path
from tinycode_git.audit.details import Details, pack
from tinycode_git.audit.journal import Draft, Journal
folder, count = Path(sys.argv[1]) / "tiny", int(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
journal = Journal(folder)
def draft(n):
    details = Details(os.urandom(32), pack({"n": n, "paths": ["src/a.py", "src/b.py"]}))
    return Draft(os.urandom(12).hex(), "2026-01-02T12:00:00.%06dZ" % (n % 1000000), "propose", "done", "execute",
                 "Ada Example <ada@example.com>", "git-tiny", "low", "refs/heads/tiny/p", "a" * 40, "b" * 40,
                 "add-retries-%04x" % (n % 5000), "", details)
for start in range(0, count, 20000):
    journal.append([draft(n) for n in range(start, min(start + 20000, count))])
"""
HEAD = """
import json, resource, sys, time
from pathlib import Path
from tinycode_git.git.process import Git
git, common = Git(Path(sys.argv[1]), {}), Path(sys.argv[1]) / ".git"
def said(seconds):
    own, below = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"seconds": seconds, "megabytes": max(own, below) / 1024}))
"""
FOLD = """
from tinycode_git.audit.store import Store
begun = time.perf_counter()
Store(common / "tiny").fold()
said(time.perf_counter() - begun)
"""
VERIFY = """
from tinycode_git.audit.verify import verify
begun = time.perf_counter()
assert verify(git, common).exit == 0
said(time.perf_counter() - begun)
"""
CHECKPOINT = """
from statistics import median
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.audit.publish import checkpoint
from tinycode_git.ledger import Operation
ledger = JournalLedger(common, mode="execute", user="u", actor="a")
checkpoint(git, ledger, sign=False)
took = []
for _ in range(int(sys.argv[2])):
    ledger.note(Operation("apply"))
    begun = time.perf_counter()
    checkpoint(git, ledger, sign=False)
    took.append(time.perf_counter() - begun)
said(median(took))
"""
PROVE = """
from tinycode_git.audit.journal import Journal
from tinycode_git.audit.prove import prove
from tinycode_git.audit.published import objects, ref_of, refs
log = Journal(common / "tiny").tail().position.log.decode()
begun = time.perf_counter()
with objects(git) as store:
    head = store.head(refs(git)[ref_of(log)][1], "")
    prove(store, head, head.checkpoint.size // 3)
said(time.perf_counter() - begun)
"""


def run(code: str, *args: str | Path) -> str:
    """Run a program with the package of this checkout; what it printed."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code, *args], check=True, stdout=subprocess.PIPE, text=True, env=env
    ).stdout


def measured(code: str, *args: str | Path) -> dict[str, float]:
    """Seconds and megabytes of one program; the best of three, the machine's other work aside."""
    figures = [json.loads(run(HEAD + code, *args)) for _ in range(3)]
    return {"seconds": min(f["seconds"] for f in figures), "megabytes": max(f["megabytes"] for f in figures)}


def line(claim: str, found: str, held: bool) -> bool:
    """Print one claim."""
    print(f"{'holds ' if held else 'MISSED'} | {claim} | {found}", flush=True)
    return held


def made(folder: Path, count: int) -> Path:
    """A repository with a log of ``count`` entries."""
    repo = folder / f"log-{count}"
    subprocess.run(["git", "init", "-q", repo], check=True)
    run(MAKE, repo / ".git", str(count))
    return repo


def small(folder: Path) -> list[bool]:
    """The claims about 100,000 entries."""
    repo = made(folder, SMALL)
    database = repo / ".git/tiny/audit.duckdb"
    folds = []
    for _ in range(3):
        database.unlink(missing_ok=True)
        folds.append(json.loads(run(HEAD + FOLD, repo))["seconds"])
    verify = measured(VERIFY, repo)["seconds"]
    return [
        line("fold 100,000 entries in under 2 s", f"{min(folds):.2f} s", min(folds) < 2),
        line("verify 100,000 entries a second", f"{SMALL / verify:,.0f} entries/s", verify < 1),
    ]


def large(folder: Path, count: int) -> list[bool]:
    """The claims about a million."""
    repo = made(folder, count)
    first = json.loads(run(HEAD + CHECKPOINT, repo, "1"))["megabytes"]
    signed = measured(CHECKPOINT, repo, "7")
    proof = measured(PROVE, repo)
    verify = measured(VERIFY, repo)
    fold = json.loads(run(HEAD + FOLD, repo))
    names = {"first checkpoint": first, "verify": verify["megabytes"], "fold": fold["megabytes"]}
    peaks = ", ".join(f"{name} {peak:.0f} MB" for name, peak in names.items())
    return [
        line(
            f"a signed checkpoint under 30 ms, at {count:,} entries",
            f"{signed['seconds'] * 1000:.1f} ms",
            signed["seconds"] < 0.03,
        ),
        line(
            f"a proof out of {count:,} entries under 200 ms",
            f"{proof['seconds'] * 1000:.1f} ms",
            proof["seconds"] < 0.2,
        ),
        line(f"under 300 MB at {count:,} entries", peaks, max(names.values()) < 300),
        line(f"verify {count:,} entries", f"{count / verify['seconds']:,.0f} entries/s", True),
    ]


def main() -> None:
    """Measure; the exit code is 1 where a claim does not hold."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        for role in ("AUTHOR", "COMMITTER"):
            os.environ[f"GIT_{role}_NAME"], os.environ[f"GIT_{role}_EMAIL"] = "Ada", "ada@example.com"
        held = [*small(folder), *large(folder, count)]
    raise SystemExit(0 if all(held) else 1)


if __name__ == "__main__":
    main()
