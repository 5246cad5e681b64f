"""A review as other programs read it: SARIF, rdjson, GitHub's workflow commands, GitLab's Code Quality, JUnit XML.

Findings that are dismissed are left out, but for SARIF, which has a word for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from tinycode_git import __version__
from tinycode_git.review.finding import Finding, State
from tinycode_git.review.record import Review

_SARIF = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
_RDJSON = {"critical": "ERROR", "high": "ERROR", "medium": "WARNING", "low": "INFO"}
_GITHUB = {"critical": "error", "high": "error", "medium": "warning", "low": "notice"}
_GITLAB = {"critical": "blocker", "high": "critical", "medium": "major", "low": "minor"}
_SCORE = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0"}
# What XML 1.0 does not allow in any spelling (section 2.2), and surrogates.
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def whole_message(one: Finding) -> str:
    """What is said, what to do, and the commits that show it, on one line."""
    shown = ", ".join(f"{cited.oid[:12]} ({cited.title})" if cited.title else cited.oid[:12] for cited in one.commits)
    parts = (one.message, one.advice, f"see {shown}" if shown else "")
    return "; ".join(part.rstrip(".") for part in parts if part)


def sarif(review: Review) -> str:
    """SARIF 2.1.0 (OASIS): a run a tool, whole paths as URIs, dismissals as suppressions."""
    tools: dict[str, list[Finding]] = {"git-tiny": []}
    for one in review.findings:
        tools.setdefault(one.tool, []).append(one)
    runs = [_run(tool, findings, review) for tool, findings in tools.items()]
    return _dumped({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": runs})


def _run(tool: str, findings: list[Finding], review: Review) -> dict[str, Any]:
    rules = {one.rule: one for one in findings}
    numbers = {name: at for at, name in enumerate(rules)}
    version = {"semanticVersion": __version__} if tool == "git-tiny" else {}
    listed = [{"id": one.rule, "shortDescription": {"text": one.message}} for one in rules.values()]
    notes = [{"level": "warning", "message": {"text": f"not looked at: {gap}"}} for gap in review.gaps]
    return {
        "tool": {"driver": {"name": tool, **version, "rules": listed}},
        "columnKind": "unicodeCodePoints",
        "automationDetails": {"id": f"review/{tool}/"},
        "invocations": [{"executionSuccessful": not review.gaps, "toolExecutionNotifications": notes}],
        "results": [_result(one, numbers) for one in findings],
    }


def _result(one: Finding, numbers: Mapping[str, int]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": one.rule,
        "ruleIndex": numbers[one.rule],
        "level": _SARIF[one.severity],
        "message": {"text": whole_message(one)},
        "partialFingerprints": {"gitTinyReview/v1": one.fingerprint},
        "properties": {
            "confidence": one.confidence,
            "source": one.source.value,
            "security-severity": _SCORE[one.severity],
            "commits": [cited.oid for cited in one.commits],
        },
    }
    if one.fix and one.where == "content":
        result["fixes"] = [_fix(one)]
    if one.state is State.OPEN:
        result["baselineState"] = "unchanged"
    elif one.state is State.NEW:
        result["baselineState"] = "new"
    if one.state is State.DISMISSED:
        result["suppressions"] = [{"kind": "external", "justification": one.reason}]
    result["locations"] = [_location(one)]
    return result


def _location(one: Finding) -> dict[str, Any]:
    """Where it is. GitHub takes no report with a result that is in no file or at no line ("SARIF support for code
    scanning"): a path stands at its line 1, a message in the file where git keeps it while it is written."""
    lines = {"startLine": one.line, "endLine": one.end_line} if one.where == "content" else {"startLine": 1}
    file = {"uri": _uri(one.path), "uriBaseId": "%SRCROOT%"} if one.path else {"uri": "COMMIT_EDITMSG"}
    place: dict[str, Any] = {"physicalLocation": {"artifactLocation": file, "region": lines}}
    if not one.path:
        place["logicalLocations"] = [{"fullyQualifiedName": f"{one.where} of {one.commit}"}]
    return place


def _fix(one: Finding) -> dict[str, Any]:
    """SARIF 3.55: the line whole, in its place the text."""
    region = {"startLine": one.line, "endLine": one.line}
    change = {
        "artifactLocation": {"uri": _uri(one.path), "uriBaseId": "%SRCROOT%"},
        "replacements": [{"deletedRegion": region, "insertedContent": {"text": one.fix}}],
    }
    return {"description": {"text": one.message}, "artifactChanges": [change]}


def _uri(path: str) -> str:
    uri = quote(path.encode("utf-8", "surrogateescape"), safe="/")
    return uri.lstrip("/").replace("..", "%2E%2E") if uri.startswith("/") or ".." in uri.split("/") else uri


def rdjson(review: Review) -> str:
    """reviewdog's diagnostic format; what is at no line of a file is left to the other formats."""
    rows = [
        {
            "message": whole_message(one),
            "location": {
                "path": _text(one.path),
                # Without columns a range is of whole lines, the last one too (reviewdog.rdf.Range).
                "range": _lines(one.line, one.end_line),
            },
            "severity": _RDJSON[one.severity],
            "source": {"name": one.tool},
            "code": {"value": one.rule},
            **_suggested(one),
        }
        for one in review.standing
        if one.where == "content"
    ]
    return _dumped({"source": {"name": "git-tiny"}, "severity": "WARNING", "diagnostics": rows})


def _suggested(one: Finding) -> dict[str, Any]:
    """What reviewdog offers in place of the line."""
    if not one.fix:
        return {}
    return {"suggestions": [{"range": _lines(one.line, one.line), "text": one.fix}]}


def _lines(first: int, last: int) -> dict[str, dict[str, int]]:
    return {"start": {"line": first}, "end": {"line": last}}


def gitlab(review: Review) -> str:
    """GitLab's Code Quality report. What is at no line stands at line 1 of its file."""
    rows = [
        {
            "description": whole_message(one),
            "check_name": one.rule,
            "fingerprint": one.fingerprint,
            "severity": _GITLAB[one.severity],
            "location": {"path": _text(one.path), "lines": {"begin": max(1, one.line), "end": max(1, one.end_line)}},
        }
        for one in review.standing
        if one.path
    ]
    return _dumped(rows)


def github(review: Review) -> str:
    """Workflow commands, which GitHub shows beside the lines (docs.github.com, "Workflow commands"); then the gaps."""
    gaps = [f"::warning title=not looked at::{_data(gap)}" for gap in review.gaps]
    return "".join(f"{row}\n" for row in (*map(_annotation, review.standing), *gaps))


def _annotation(one: Finding) -> str:
    fields = {"title": one.rule}
    if one.path:
        fields = {"file": _text(one.path), **fields}
    if one.where == "content":
        fields = {**fields, "line": str(one.line), "endLine": str(one.end_line)}
    shown = ",".join(f"{name}={_property(value)}" for name, value in fields.items())
    return f"::{_GITHUB[one.severity]} {shown}::{_data(whole_message(one))}"


def _data(text: str) -> str:
    return _text(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def junit(review: Review) -> str:
    """JUnit XML as Jenkins's junit-10.xsd has it: a case a file, failed where something was found.

    What was not looked at is skipped: it did not pass.
    """
    unseen = {one.path: why for one in review.coverage for name, why in one.not_by if name == "validator"}
    by_path: dict[str, list[Finding]] = {one.path: [] for one in review.coverage}
    for one in review.standing:
        by_path.setdefault(one.path or _where(one), []).append(one)
    failed = sum(bool(found) for found in by_path.values())
    skipped = sum(not by_path[path] for path in unseen)
    head = (
        f'<testsuite name="git tiny review" tests="{len(by_path)}" failures="{failed}" errors="0" skipped="{skipped}">'
    )
    cases = [_case(path, found, unseen.get(path, "")) for path, found in by_path.items()]
    gaps = [f"  <system-err>{escape(_xml(chr(10).join(review.gaps)))}</system-err>"] if review.gaps else []
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *cases, *gaps, "</testsuite>", ""])


def _case(path: str, found: list[Finding], unseen: str) -> str:
    named = f'  <testcase classname="review" name={quoteattr(_xml(path))}'
    if found:
        rows = [f"{one.severity} {one.rule} at {_where(one)}: {whole_message(one)}" for one in found]
        worst, rule = quoteattr(_xml(found[0].message)), quoteattr(_xml(found[0].rule))
        inside = f"<failure type={rule} message={worst}>{escape(_xml(chr(10).join(rows)))}</failure>"
        return f"{named}>\n    {inside}\n  </testcase>"
    if unseen:
        return f"{named}>\n    <skipped message={quoteattr(_xml(f'not looked at: {unseen}'))}/>\n  </testcase>"
    return f"{named}/>"


def _where(one: Finding) -> str:
    """Where a finding is, as compilers write it; a file as a whole has no line, a message no file."""
    if not one.path:
        return f"{one.where} of {one.commit[:12]}"
    return f"{one.path}:{one.line}" if one.where == "content" else one.path


def _xml(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)


def _text(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _dumped(value: object) -> str:
    return json.dumps(_clean(value), indent=1) + "\n"


def _clean(value: object) -> object:
    """Lone surrogates (bytes that are not UTF-8) replaced: parsers of other languages refuse them."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return [_clean(one) for one in value]
    if isinstance(value, dict):
        return {key: _clean(one) for key, one in value.items()}
    return value


FORMATS = {"sarif": sarif, "rdjson": rdjson, "gitlab": gitlab, "github": github, "junit": junit}
