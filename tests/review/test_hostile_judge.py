"""The benchmark of hostile answers can fail: for a finding off the diff, too few answers, one kept, a good one lost."""

from __future__ import annotations

import sys

import pytest

from tests.repos import ROOT, run

CODE = """
import sys
from dataclasses import replace
from quality_hostile import _on, _told, Case
found = {{"findings": [], "said": {{"dropped": {{}}}}}}
kept = {{**found, "findings": [{{"source": "model", "path": "a.py", "line": 3, "end_line": 3}}]}}
rows = [(Case("family", str(n), str(n)), found, 0) for n in range(200)] + [(Case("control", "c", "c", 1), kept, 0)]
assert _on(kept["findings"][0], {{("a.py", 3)}}) and not _on(kept["findings"][0], {{("a.py", 2), ("b.py", 3)}})
{change}
sys.exit(_told(rows))
"""


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ("", ""),
        ("rows[7] = (*rows[7][:2], 1)", "findings off the diff: 1"),
        ("rows[7] = (rows[7][0], kept, 0)", "findings kept that must not be: 1"),
        ("rows[8] = (replace(rows[7][0], name='8'), *rows[8][1:])", "no two alike: 199 of 200"),
        ("rows[-1] = (rows[-1][0], found, 0)", "good answers kept: 0 of 1"),
    ],
)
def test_it_judges(change: str, missed: str) -> None:
    env = {"PYTHONPATH": str(ROOT / "benchmarks")}
    done = run([sys.executable, "-c", CODE.format(change=change)], cwd=ROOT, env=env, check=False)
    assert done.code == bool(missed), done
    lines = [line for line in done.out.splitlines() if line.startswith("MISSED")]
    assert len(lines) == bool(missed) and missed in "".join(lines)
