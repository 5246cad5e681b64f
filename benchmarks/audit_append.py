"""Durable appends a second over eight processes, their 99th percentile, one append alone, and a hook's.

python benchmarks/audit_append.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORKER = """
import sys, time
from pathlib import Path
from tinycode_git.audit.ledger import JournalLedger
from tinycode_git.ledger import Operation
ledger = JournalLedger(Path(sys.argv[1]), mode="execute", user="A U Thor <author@example.com>", actor="git-tiny")
details = {"paths": ["x"] * 10}
operation = Operation("apply", "low", "refs/heads/main", "a" * 40, "b" * 40, "add-retries-1a2b", "", details)
input()
for n in range(int(sys.argv[2])):
    start = time.perf_counter()
    ledger.note(operation)
    print(time.perf_counter() - start)
"""

HOOK = """
import sys, time
start = time.perf_counter()
from tinycode_git.audit.quick import note
imported = time.perf_counter() - start
fields = {"action": "hook-passed", "risk_level": "none", "mode": "execute", "user": "A U Thor <author@example.com>",
          "actor": "git-tiny-hook", "new": "a" * 40}
said = {"hook": "post-commit", "outcome": "passed", "tier": "standard", "not_looked_at": 0, "tips": ["a" * 40]}
start = time.perf_counter()
assert note(sys.argv[1] + "/tiny", fields, said)
print(time.perf_counter() - start, imported, "duckdb" in sys.modules)
"""


def in_a_hook(common: Path) -> tuple[float, float]:
    """The median of a process's first append by the short way, and of its imports."""
    rows = []
    for _ in range(41):
        done = subprocess.run([sys.executable, "-c", HOOK, common], capture_output=True, check=True, text=True)
        took, imported, duckdb = done.stdout.split()
        assert duckdb == "False"
        rows.append((float(took), float(imported)))
    return sorted(rows)[20][0], sorted(imported for _, imported in rows)[20]


def measure(common: Path, processes: int, each: int) -> tuple[float, list[float]]:
    """Appends a second of all, and the seconds that each append took, sorted."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, common, str(each)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(processes)
    ]
    time.sleep(1)
    start = time.perf_counter()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    took = sorted(float(line) for worker in workers for line in worker.communicate()[0].split())
    return processes * each / (time.perf_counter() - start), took


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        rate, took = measure(Path(folder), 8, 500)
        _, alone = measure(Path(folder), 1, 500)
        hook, imports = in_a_hook(Path(folder))
    p99, one = took[len(took) * 99 // 100] * 1000, alone[len(alone) // 2] * 1000
    claims = [
        ("1,000 durable appends a second over 8 processes", f"{rate:,.0f} appends/s", rate >= 1000),
        ("p99 under 20 ms", f"{p99:.1f} ms", p99 < 20),
        ("one append under 3 ms", f"{one:.2f} ms", one < 3),
        (
            "one append in a hook under 3 ms, without duckdb",
            f"{hook * 1000:.2f} ms, and {imports * 1000:.1f} ms of imports",
            hook < 0.003,
        ),
    ]
    for claim, found, held in claims:
        print(f"{'holds ' if held else 'MISSED'} | {claim} | {found}")
    raise SystemExit(0 if all(held for *_, held in claims) else 1)


if __name__ == "__main__":
    main()
