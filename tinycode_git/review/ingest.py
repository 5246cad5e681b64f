"""Other tools' findings, from SARIF 2.1.0 (OASIS) and reviewdog's rdjson and rdjsonl."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from tinycode_git.errors import UsageError

_LEVELS = {"error": "high", "warning": "medium", "note": "low", "none": "low", "info": "low"}


@dataclass(frozen=True, slots=True)
class Reported:
    """What a tool says of some lines; columns and lines count from 1, 0 where the tool names none."""

    tool: str
    rule: str
    severity: str
    path: str
    line: int
    end_line: int
    column: int
    end_column: int
    message: str


def read_report(data: bytes, name: str, top: str) -> tuple[Reported, ...]:
    """The findings of a file; ``top`` is the working tree's folder, which absolute paths are made relative to.

    Raises UsageError, naming the file, where it is neither SARIF nor rdjson nor rdjsonl.
    """
    try:
        return tuple(_read(data, top))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as wrong:
        raise UsageError(
            f"{name} is neither SARIF nor rdjson: {wrong}", "linters write them with --format sarif or the like"
        ) from wrong


def _read(data: bytes, top: str) -> Iterator[Reported]:
    text = data.decode("utf-8-sig")
    try:
        whole = json.loads(text)
    except ValueError:
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        if not rows:
            raise
        whole = {"diagnostics": rows}
    if isinstance(whole, dict) and "runs" in whole:
        yield from _sarif(whole, top)
    elif isinstance(whole, dict) and "diagnostics" in whole:
        yield from _rdjson(whole, top)
    elif isinstance(whole, dict) and "message" in whole and "location" in whole:
        yield from _rdjson({"diagnostics": [whole]}, top)
    else:
        raise ValueError("it has neither runs nor diagnostics")


def _sarif(log: Mapping[str, Any], top: str) -> Iterator[Reported]:
    for run in log["runs"]:
        driver = run["tool"]["driver"]
        levels = {
            rule["id"]: rule.get("defaultConfiguration", {}).get("level", "warning") for rule in driver.get("rules", ())
        }
        for result in run.get("results") or ():
            if result.get("suppressions") or result.get("baselineState") == "absent":
                continue
            rule = str(result.get("ruleId") or result.get("rule", {}).get("id", ""))
            level = result.get("level") or levels.get(rule, "warning")
            for location in (result.get("locations") or ())[:1]:
                place = location.get("physicalLocation", {})
                region = place.get("region", {})
                line = int(region.get("startLine", 0))
                yield Reported(
                    tool=str(driver["name"]),
                    rule=rule,
                    severity=_LEVELS.get(str(level), "medium"),
                    path=_path(unquote(str(place.get("artifactLocation", {}).get("uri", ""))), top),
                    line=line,
                    end_line=int(region.get("endLine", line)),
                    column=int(region.get("startColumn", 1)),
                    end_column=int(region.get("endColumn", 1)),
                    message=str(result["message"].get("text") or result["message"].get("markdown", "")),
                )


def _rdjson(log: Mapping[str, Any], top: str) -> Iterator[Reported]:
    source = (log.get("source") or {}).get("name", "")
    severity = log.get("severity", "WARNING")
    for row in log["diagnostics"]:
        spot = row["location"].get("range") or {}
        start = spot.get("start") or {}
        end = spot.get("end") or start
        line = int(start.get("line", 0))
        level = str(row.get("severity") or severity).lower()
        yield Reported(
            tool=str((row.get("source") or {}).get("name") or source or "linter"),
            rule=str((row.get("code") or {}).get("value", "")),
            severity=_LEVELS.get(level, "medium"),
            path=_path(row["location"]["path"], top),
            line=line,
            end_line=int(end.get("line", line)),
            column=int(start.get("column", 1)),
            end_column=int(end.get("column", 1)),
            message=str(row["message"]),
        )


def _path(name: str, top: str) -> str:
    """A path from the top of the tree; one that is elsewhere stays as it is, and is on no diff."""
    path = name
    if name.startswith("file://"):
        path = "/" + name.removeprefix("file://").partition("/")[2]
    if top and path.startswith(top.rstrip("/") + "/"):
        path = path[len(top.rstrip("/")) + 1 :]
    return path.removeprefix("./")
