"""Runs every benchmark, one process each: ``python benchmarks``. The exit code is 1 where a claim does not hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ALL = (
    "startup",
    "status_plans_show",
    "propose_series",
    "apply_merge",
    "memory",
    "throwaway",
    "partial_restack",
    "plans_many",
    "audit_append",
    "audit_log",
    "hook_commit",
    "models",
)

here = Path(__file__).resolve().parent
failed = []
for name in sys.argv[1:] or ALL:
    print(f"== {name}", flush=True)
    if subprocess.run([sys.executable, str(here / f"{name}.py")], check=False).returncode:
        failed.append(name)
if failed:
    raise SystemExit(f"not all held: {', '.join(failed)}")
