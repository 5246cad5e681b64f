"""Linters' reports: SARIF and rdjson, whole or a line each; what is neither is refused."""

from __future__ import annotations

import json

import pytest

from tinycode_git.errors import UsageError
from tinycode_git.review.ingest import Reported, read_report


def sarif(uri: str = "src/a.py", result: dict[str, object] | None = None) -> bytes:
    place = {"artifactLocation": {"uri": uri}, "region": {"startLine": 3, "startColumn": 2, "endLine": 4}}
    row = {"ruleId": "E1", "message": {"text": "bad"}, "locations": [{"physicalLocation": place}], **(result or {})}
    driver = {"name": "lint", "rules": [{"id": "E1", "defaultConfiguration": {"level": "error"}}]}
    return json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": [row]}]}).encode()


DIAGNOSTIC = {
    "message": "bad",
    "location": {"path": "./src/a.py", "range": {"start": {"line": 3, "column": 2}, "end": {"line": 4}}},
    "severity": "ERROR",
    "source": {"name": "lint"},
    "code": {"value": "E1"},
}
FOUND = Reported("lint", "E1", "high", "src/a.py", 3, 4, 2, 1, "bad")


@pytest.mark.parametrize(
    "data",
    [
        sarif(),
        sarif("file:///top/src/a.py"),
        sarif("/top/src/a.py"),
        sarif("src%2Fa.py"),
        b"\xef\xbb\xbf" + sarif(),
        json.dumps({"source": {"name": "x"}, "diagnostics": [DIAGNOSTIC]}).encode(),
        json.dumps(DIAGNOSTIC).encode(),
    ],
)
def test_reports(data: bytes) -> None:
    assert read_report(data, "r", "/top") == (FOUND,)


def test_rdjsonl() -> None:
    data = (json.dumps(DIAGNOSTIC) + "\n" + json.dumps(DIAGNOSTIC) + "\n").encode()
    assert read_report(data, "r", "") == (FOUND, FOUND)


@pytest.mark.parametrize("more", [{"suppressions": [{"kind": "inSource"}]}, {"baselineState": "absent"}])
def test_what_is_suppressed_is_none(more: dict[str, object]) -> None:
    assert read_report(sarif(result=more), "r", "") == ()


@pytest.mark.parametrize("level", ["note", "warning", "none"])
def test_levels(level: str) -> None:
    (one,) = read_report(sarif(result={"level": level}), "r", "")
    assert one.severity == {"note": "low", "warning": "medium", "none": "low"}[level]


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"{}", b'{"runs": 3}', b'{"runs": [{}]}', b'{"diagnostics": [{}]}', b"\xff", b"3", b"[" * 9999],
)
def test_what_is_no_report_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match="r is neither SARIF nor rdjson"):
        read_report(data, "r", "")
