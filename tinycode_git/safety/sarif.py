"""SARIF 2.1.0 (OASIS standard): a scan as code-scanning services read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tinycode_git import __version__
from tinycode_git.safety.finding import Finding
from tinycode_git.safety.outcome import Outcome

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVEL = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
_SCORE = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0"}  # GitHub's security-severity
_PRECISION = {"certain": "very-high", "likely": "high", "possible": "medium"}


def log_of(outcome: Outcome) -> dict[str, Any]:
    """The SARIF log of a judged scan: one run, a rule for each that spoke, suppressions for what is excused."""
    findings = outcome.result.findings
    rules: dict[str, Finding] = {}
    for finding in findings:
        rules.setdefault(finding.rule, finding)
    numbers = {name: at for at, name in enumerate(rules)}
    blocking = {finding.fingerprint for finding in outcome.blocking}
    skipped = outcome.result.receipt.skipped
    run = {
        "tool": {
            "driver": {
                "name": "git-tiny",
                "semanticVersion": __version__,
                "informationUri": "https://github.com/tinycode-git/tinycode-git",
                "rules": [_rule(finding) for finding in rules.values()],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not outcome.incomplete,
                "toolExecutionNotifications": [
                    {"level": "warning", "message": {"text": f"not looked at: {skip.what}: {skip.reason}"}}
                    for skip in skipped
                ],
            }
        ],
        "results": [_result(finding, numbers, finding.fingerprint in blocking) for finding in findings],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.rule,
        "shortDescription": {"text": finding.message.split(" (")[0]},
        "help": {"text": finding.advice},
        "helpUri": finding.reference,
        "properties": {
            "tags": ["security", finding.family],
            "precision": _PRECISION[finding.confidence],
            "security-severity": _SCORE[finding.severity],
        },
    }


def _result(finding: Finding, numbers: Mapping[str, int], blocks: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": numbers[finding.rule],
        "level": _LEVEL[finding.severity],
        "message": {"text": f"{finding.message}. {finding.advice}"},
        "locations": [_location(finding)],
        "partialFingerprints": {"gitTiny/v1": finding.fingerprint},
        "properties": {"blocks": blocks, "confidence": finding.confidence, "where": finding.where},
    }
    if finding.commit:
        result["properties"]["commit"] = finding.commit
    if finding.excused:
        result["suppressions"] = [{"kind": "external", "justification": finding.excused}]
    return result


def _location(finding: Finding) -> dict[str, Any]:
    """Where it is. GitHub takes no report with a result that is in no file or at no line ("SARIF support for code
    scanning"): a path stands at its line 1, a message in the file where git keeps it while it is written."""
    region = {"startLine": 1}
    if finding.path and finding.where == "content":
        region = {
            "startLine": finding.line,
            "startColumn": finding.column,
            "endLine": finding.end_line,
            "endColumn": max(finding.end_column, finding.column + (finding.end_line == finding.line)),
        }
    uri = quote(finding.path.encode("utf-8", "surrogateescape"), safe="/") or "COMMIT_EDITMSG"
    if uri.startswith("/") or ".." in uri.split("/"):  # a path that leaves the tree is no relative reference
        uri = uri.lstrip("/").replace("..", "%2E%2E")
    file = {"uri": uri, "uriBaseId": "%SRCROOT%"}
    place: dict[str, Any] = {"physicalLocation": {"artifactLocation": file, "region": region}}
    if not finding.path:
        name = f"{finding.where} of {finding.oid or 'the new commit'}"
        place["logicalLocations"] = [{"fullyQualifiedName": name}]
    return place
