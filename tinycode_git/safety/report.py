"""Findings for people: what, where with a caret under the span, why it is dangerous, what to do instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tinycode_git.safety.finding import Finding, printable

if TYPE_CHECKING:
    from tinycode_git.safety.look import Receipt

_MOST = 50
_COLORS = {"critical": "1;31", "high": "31", "medium": "33", "low": "36"}


def place(finding: Finding) -> str:
    """Where a finding is, as editors read it: ``path:line:column``, with the commit in front where it is history."""
    commit = f"{finding.commit[:12]} " if finding.commit else ""
    if finding.where == "content":
        return f"{commit}{printable(finding.path)}:{finding.line}:{finding.column}"
    if finding.where in ("path", "symlink"):
        what = "the path" if finding.where == "path" else "the link"
        return f"{commit}{printable(finding.path)} ({what})"
    return f"{commit}{finding.where}:{finding.line}:{finding.column}"


def lines(finding: Finding, *, color: bool = False) -> list[str]:
    """One finding in full."""
    word = finding.severity
    shown = f"\x1b[{_COLORS[word]}m{word}\x1b[m" if color else word
    at, count = finding.caret
    caret = " " * at + "^" * min(count, max(1, len(finding.excerpt) - at))
    said = [f"{place(finding)}: {shown}: {finding.rule}"]
    if finding.excerpt:
        said += [f"    {finding.excerpt}", f"    {caret}"]
    said += [f"  why: {printable(finding.message)}", f"  do:  {printable(finding.advice)}"]
    if finding.excused:
        said.append(f"  excused: {printable(finding.excused)}")
    return said


def told(findings: Sequence[Finding], blocking: Sequence[Finding], receipt: Receipt, tier: str, *, color: bool) -> str:
    """The whole report: what blocks in full, the rest in a line each, the receipt last."""
    stopping = set(blocking)
    rest = [finding for finding in findings if finding not in stopping]
    out: list[str] = []
    for finding in _unlike(blocking)[:_MOST]:
        out += [*lines(finding, color=color), ""]
    if len(blocking) > _MOST:
        out += [f"... and {len(blocking) - _MOST} more that block (--json has them all)", ""]
    for finding in rest[:_MOST]:
        note = f" (excused: {printable(finding.excused)})" if finding.excused else ""
        out.append(f"note: {place(finding)}: {finding.severity}: {finding.rule}{note}")
    if len(rest) > _MOST:
        out.append(f"note: ... and {len(rest) - _MOST} more (--json has them all)")
    return "\n".join([*out, *gaps(receipt), summary(findings, blocking, receipt, tier), ""])


def _unlike(findings: Iterable[Finding]) -> list[Finding]:
    return list(dict.fromkeys(findings))


def gaps(receipt: Receipt) -> list[str]:
    """What could not be looked at, a line each."""
    shown = [f"not looked at: {printable(skip.what)}: {skip.reason}" for skip in receipt.skipped[:_MOST]]
    if len(receipt.skipped) > _MOST:
        shown.append(f"not looked at: ... and {len(receipt.skipped) - _MOST} more")
    return shown


def summary(findings: Sequence[Finding], blocking: Sequence[Finding], receipt: Receipt, tier: str) -> str:
    """One line: how many findings, how many block, what was looked at."""
    looked = f"{receipt.scanned} scanned"
    if receipt.cached:
        looked += f", {receipt.cached} known from before"
    if receipt.paths:
        looked += f", {receipt.paths} path{'s' * (receipt.paths != 1)}"
    if receipt.skipped:
        looked += f", {len(receipt.skipped)} not looked at"
    if not findings:
        return f"no findings ({looked}; tier {tier})"
    return f"{len(findings)} finding{'s' * (len(findings) != 1)}, {len(blocking)} block ({looked}; tier {tier})"
