"""A review for people: on a terminal, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tinycode_git.render.console import Console, Style
from tinycode_git.render.escape import visible
from tinycode_git.render.markup import code_block, code_span, markdown
from tinycode_git.render.table import cut

if TYPE_CHECKING:
    from tinycode_git.review.finding import Finding
    from tinycode_git.review.record import Looked, Review, Said

SEVERITY_STYLE = {"critical": Style.WORST, "high": Style.BAD, "medium": Style.WARN, "low": Style.REF}
_AROUND = 2
_MOST_LINES = 12

Texts = Mapping[str, Sequence[str]]


def frame(one: Finding, texts: Texts) -> list[tuple[int, str, bool]]:
    """The lines around a finding: number, text, whether it is about them. Nothing where there is no text."""
    lines = texts.get(one.path, ())
    if one.where != "content" or not lines:
        return []
    last = min(one.end_line, one.line + _MOST_LINES - 1)
    start, end = max(1, one.line - _AROUND), min(len(lines), last + _AROUND)
    return [(n, lines[n - 1], one.line <= n <= last) for n in range(start, end + 1)]


def fix_rows(one: Finding) -> list[str]:
    """The lines that a finding would put in the place of its own."""
    return one.fix.replace("\t", "    ").split("\n") if one.fix else []


def place(one: Finding) -> str:
    """Where it is, as editors read it."""
    if one.where == "message":
        return f"message of {one.commit[:12]}"
    if one.where == "file":
        return f"{visible(one.path)} (the path)"
    if one.where == "commit":
        return f"{visible(one.path)}:{one.line} in {one.commit[:12]}, gone at the end"
    return f"{visible(one.path)}:{one.line}"


def terminal(review: Review, texts: Texts, on: Console) -> str:
    """The findings that stand, a code frame under each; what was fixed since; one line that sums up."""
    rows: list[str] = []
    for one in review.standing:
        word = on.paint(one.severity, SEVERITY_STYLE[one.severity])
        state = f" ({one.state.value})" if one.state.value != "new" else ""
        rows += [f"{place(one)}: {word}: {visible(one.message)}{state}"]
        rows += _frame_rows(one, texts, on)
        rows += [f"      {visible(cited.oid[:12])} {visible(cited.title)}" for cited in one.commits]
        rows += [f"  do: {visible(one.advice)}"] if one.advice else []
        rows += ["  fix:"] * bool(one.fix) + [f"      + | {visible(row)}" for row in fix_rows(one)]
        rows += [on.paint(f"  {visible(one.tool)} {visible(one.rule)} {one.fingerprint[:12]}", Style.DIM), ""]
    rows += [f"fixed: {place(one)}: {visible(one.message)}" for one in review.fixed]
    return "\n".join([*rows, summary(review), ""])


def _frame_rows(one: Finding, texts: Texts, on: Console) -> Iterator[str]:
    width = (on.width or 120) - 9
    for number, text, about in frame(one, texts):
        shown = cut(visible(text.replace("\t", "    ")), max(20, width))
        yield f"{'>' if about else ' '}{number:>5} | {on.paint(shown, Style.STRONG) if about else shown}".rstrip()


_ALL = {0: "there are no hunks", 1: "its one hunk read"}


def summary(review: Review) -> str:
    """One line: findings, what became of them, what was read and what not. Never "clean" of what was not read."""
    standing = review.standing
    count = len(standing)
    new = sum(one.state.value == "new" for one in standing)
    parts = [f"{count} finding{'s' * (count != 1)}" if count else "no findings"]
    if review.before and count:
        parts.append(f"{new} new, {count - new} still open")
    if review.fixed:
        parts.append(f"{len(review.fixed)} fixed")
    dismissed = len(review.findings) - count
    if dismissed:
        parts.append(f"{dismissed} dismissed")
    if review.left_out:
        parts.append(f"{review.left_out} less sure left out (--most)")
    dropped = sum(review.dropped.values())
    if dropped:
        parts.append(f"{dropped} from linters not on changed lines")
    head = review.head
    seen = head.hunks - head.unseen
    looked = f"{seen} of {head.hunks} hunks read" if head.unseen else _ALL.get(seen, f"all {seen} hunks read")
    asked = f"; {head.asked} of them by {visible(head.model)}" if review.said else ""
    return f"{', '.join(parts)} ({looked}{asked}; tier {head.tier})"


def coverage(looked: Sequence[Looked], on: Console) -> str:
    """Which hunks were looked at, by whom, which not and why; a line a file."""
    rows = []
    for one in looked:
        by = ", ".join(one.by) if one.by else on.paint("nobody", Style.BAD)
        rows.append(f"{visible(one.path)}: {_spans(one.hunks)}: read by {by}")
        rows += [f"  not by {who}: {visible(why)}" for who, why in one.not_by]
    return "\n".join(rows) + "\n"


def coverage_markdown(looked: Sequence[Looked]) -> str:
    """The same for a comment."""
    rows = ["", "Looked at:", ""]
    for one in looked:
        by = ", ".join(one.by) or "nobody"
        rows.append(f"- {code_span(one.path)}: {_spans(one.hunks)}: read by {markdown(by)}")
        rows += [f"  - not by {markdown(who)}: {markdown(why)}" for who, why in one.not_by]
    return "\n".join(rows) + "\n"


def _spans(hunks: Sequence[tuple[int, int]]) -> str:
    """The lines of hunks in words."""
    if not hunks:
        return "no lines"
    shown = ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in hunks[:8])
    more = f" and {len(hunks) - 8} more" if len(hunks) > 8 else ""
    return f"{'line' if len(hunks) == 1 and hunks[0][0] == hunks[0][1] else 'lines'} {shown}{more}"


def as_markdown(review: Review, texts: Texts) -> str:
    """The review as a comment on a merge request: nothing from the repository is obeyed in it."""
    rows = [f"### git tiny review: {markdown(summary(review))}", ""]
    for one in review.standing:
        state = f" ({one.state.value})" if one.state.value != "new" else ""
        rows.append(f"- **{one.severity}** {code_span(_bare_place(one))}: {markdown(one.message)}{state}")
        rows += [f"  - {code_span(cited.oid[:12])} {markdown(cited.title)}" for cited in one.commits]
        if one.advice:
            rows.append(f"  - {markdown(one.advice)}")
        shown = frame(one, texts)
        if shown:
            text = "".join(f"{'>' if about else ' '}{n:>5} | {line}\n" for n, line, about in shown)
            rows += ["", *(f"  {row}" for row in code_block(text).splitlines()), ""]
        if one.fix:
            rows += ["  instead:", "", *(f"  {row}" for row in code_block(one.fix).splitlines()), ""]
    if review.fixed:
        rows += ["", "Fixed since the last review:", ""]
        rows += [f"- {code_span(_bare_place(one))}: {markdown(one.message)}" for one in review.fixed]
    rows += [f"\nNot looked at: {markdown(gap)}" for gap in review.gaps]
    return "\n".join(rows) + "\n"


def dropped_words(said: Said) -> str:
    """What a model said that is not shown, and why, on one line; empty where everything is."""
    rows = sorted(((count, why) for why, count in said.dropped.items() if count), reverse=True)
    return ", ".join(f"{count} {why}" for count, why in rows)


def _bare_place(one: Finding) -> str:
    if one.where == "message":
        return f"message of {one.commit[:12]}"
    return f"{one.path}:{one.line}" if one.line else one.path
