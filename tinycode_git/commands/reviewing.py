"""A review made: the diff, what the validator, linters and history say of it, what an earlier review said."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tinycode_git import __version__
from tinycode_git.commands.review_coverage import coverage, readable
from tinycode_git.git.patches import FilePatch, patch_staged, patch_trees
from tinycode_git.git.read import ReadRepo
from tinycode_git.git.trees import EMPTY_TREE
from tinycode_git.history.gather import shallow_gap
from tinycode_git.history.past import Past, past_of
from tinycode_git.history.remarks import DEFAULT, Remark, RemarkKind, remarks
from tinycode_git.review.finding import Cited, Finding, Source, chosen, compared, made
from tinycode_git.review.ingest import Reported
from tinycode_git.review.place import Changed, Place
from tinycode_git.review.record import Head, Looked, Note, Review
from tinycode_git.review.since import carried, mended
from tinycode_git.review.store import earlier, patch_ids
from tinycode_git.safety.finding import Finding as Seen
from tinycode_git.safety.outcome import Outcome

if TYPE_CHECKING:
    from tinycode_git.commands.review_model import Asking, Told

MOST = 5
_SEVERITY = {
    RemarkKind.BROUGHT_BACK: "medium",
    RemarkKind.UNSTABLE: "medium",
    RemarkKind.FIXED_LINES: "low",
    RemarkKind.TOGETHER: "low",
}
_ADVICE = {
    RemarkKind.BROUGHT_BACK: "say in the message what is different this time",
    RemarkKind.UNSTABLE: "read why they were reverted before this goes the same way",
    RemarkKind.FIXED_LINES: "make sure that the bug stays fixed",
    RemarkKind.TOGETHER: "change it too, or know why not",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to review: from ``base`` to ``tip``; an empty tip is the index. ``branch`` is the name it goes by."""

    base: str
    tip: str
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """How: other tools' findings, how many of history's and a model's, which kinds of history's, the tier, whether to
    compare, what to ask a model (None: nothing)."""

    reports: Sequence[Reported] = ()
    most: int = MOST
    tier: str = ""
    kinds: frozenset[RemarkKind] = DEFAULT
    compare: bool = True
    asking: Asking | None = None


@dataclass(slots=True)
class _Making:
    """A review while it is made."""

    repo: ReadRepo
    wanted: Wanted
    changed: Changed
    findings: list[Finding] = field(default_factory=list)
    secrets: dict[tuple[str, int], str] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    gaps: list[str] = field(default_factory=list)
    excused: int = 0
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A review with what its rendering needs: the lines of the files that it has findings in; and the change itself."""

    review: Review
    texts: dict[str, list[str]]
    changed: Changed
    secrets: Mapping[tuple[str, int], str]


def conduct(repo: ReadRepo, wanted: Wanted, options: Options) -> Made:
    """Review a change. Reads alone; what could not be looked at is in ``gaps``, never passed over."""
    commits = _commits(repo, wanted)
    patches = _patches(repo, wanted)
    making = _Making(repo, wanted, Changed(patches, commits))
    with _past(making) as past:
        outcome = _validated(repo, wanted, options.tier)
        _take_validator(making, outcome)
        _take_reports(making, options.reports)
        _take_history(making, past(), options.kinds)
    if options.asking is not None:
        _take_model(making, options.asking)
    ids = patch_ids(repo, wanted.base, wanted.tip) if wanted.tip else ()
    before = None
    if options.compare and wanted.tip:
        before = earlier(repo, wanted.tip, wanted.base, wanted.branch, ids)
    stated, fixed = _compared(making, before, options)
    findings, left_out = chosen(stated, options.most)
    told = making.told
    skipped = {skip.what: skip.reason for skip in outcome.result.receipt.skipped}
    looked = coverage(patches, skipped, told.unread if told else None)
    head = _head(repo, wanted, ids, outcome.tier, looked, told)
    review = Review(
        head=head,
        findings=findings,
        fixed=fixed,
        coverage=looked,
        dropped=dict(making.dropped),
        left_out=left_out,
        gaps=tuple(making.gaps),
        notes=(*outcome.result.notes, *_cut_off(repo)),
        before=before.head.tip if before else "",
        excused=making.excused,
        said=told.said if told else None,
        interrupted=told is not None and told.interrupted,
    )
    return Made(review, _texts(making, findings), making.changed, making.secrets)


def note_of(review: Review) -> Note:
    """What is kept of it."""
    return Note(review.head, review.findings)


def _commits(repo: ReadRepo, wanted: Wanted) -> list[str]:
    if not wanted.tip:
        return []
    text = repo.git.quiet("rev-list", wanted.tip, f"^{wanted.base}").text
    return text.split("\n") if text else []


def _patches(repo: ReadRepo, wanted: Wanted) -> tuple[FilePatch, ...]:
    if wanted.tip:
        return patch_trees(repo.git, wanted.base, wanted.tip)
    return patch_staged(repo.git, wanted.base)


def _validated(repo: ReadRepo, wanted: Wanted, tier: str) -> Outcome:
    from tinycode_git.safety.flow import check_staged, session
    from tinycode_git.safety.scan import scan_range

    if not wanted.tip:
        return check_staged(repo.git, tier=tier)
    opened = session(repo.git, wanted.base, tier=tier, cached=True)
    return opened.run(lambda scanner: scan_range(scanner, wanted.tip, f"^{wanted.base}"))


def _take_validator(making: _Making, outcome: Outcome) -> None:
    """The validator's findings, at the lines of the diff; its gaps."""
    for seen in outcome.result.findings:
        if seen.excused:
            making.excused += 1
            continue
        place = _place_of(making, seen)
        if place is None:
            making.excused += 1
            continue
        if seen.family == "secret" and place.where == "content":
            for line in range(place.line, place.end_line + 1):
                making.secrets[place.path, line] = seen.excerpt if line == place.line else "..."
        making.findings.append(
            made(
                place,
                rule=seen.rule,
                source=Source.VALIDATOR,
                family=seen.family,
                severity=seen.severity,
                confidence=seen.confidence,
                message=seen.message,
                advice=seen.advice,
                columns=(seen.column, seen.end_column),
                redacted=seen.redacted,
                oid=seen.oid,
                text=seen.excerpt,
            )
        )
    making.gaps += [f"{skip.what}: {skip.reason}" for skip in outcome.result.receipt.skipped]


def _place_of(making: _Making, seen: Seen) -> Place | None:
    changed = making.changed
    if seen.where in ("message", "identity"):
        return changed.message(seen.commit)
    if seen.where != "content":
        return changed.file(seen.path) or changed.gone(seen.commit, seen.path, 0)
    ends = {patch.path: patch.new_oid for patch in changed.patches}
    if seen.oid == ends.get(seen.path) or not seen.commit:
        return changed.line(seen.path, seen.line, seen.end_line) or changed.file(seen.path)
    (data,) = making.repo.read_many([seen.oid])
    lines = (data or b"").split(b"\n")
    text = lines[seen.line - 1] if seen.line <= len(lines) else b""
    return changed.like(seen.path, seen.line, text) or changed.gone(seen.commit, seen.path, seen.line)


def _take_reports(making: _Making, reports: Sequence[Reported]) -> None:
    """Linters' findings, those that are on changed lines; the others are counted."""
    for one in reports:
        place = making.changed.line(one.path, one.line, one.end_line)
        if place is None:
            making.dropped[one.tool] += 1
            continue
        making.findings.append(
            made(
                place,
                rule=one.rule or one.tool,
                source=Source.LINTER,
                tool=one.tool,
                severity=one.severity,
                confidence="likely",
                message=one.message,
                columns=(one.column, one.end_column),
                key=one.tool,
                text=making.secrets.get((place.path, place.line)),
            )
        )


@contextmanager
def _past(making: _Making) -> Iterator[Callable[[], Past]]:
    """The past of the files that history is asked about, read while the block runs."""
    base = making.wanted.base
    paths = sorted({path for one in readable(making.changed.patches) for path in (one.path, one.old_path)})
    with past_of(making.repo, base, paths if making.repo.find(base) else ()) as ended:
        yield ended


def _cut_off(repo: ReadRepo) -> tuple[str, ...]:
    """What to know where history ends before its beginning: who is silent there was not asked."""
    if not shallow_gap(repo):
        return ()
    return ("this clone is shallow: history was asked as far back as it goes (git fetch --unshallow)",)


def _take_history(making: _Making, past: Past, kinds: frozenset[RemarkKind]) -> None:
    """What history says of the change."""
    for one in remarks(making.repo, making.wanted.base, past, readable(making.changed.patches), kinds):
        place = making.changed.line(one.path, one.line, one.end_line)
        if place is not None:
            making.findings.append(_of_remark(one, place, making))


def _take_model(making: _Making, asking: Asking) -> None:
    """What a model says of the change."""
    from tinycode_git.commands.review_model import ask

    span = making.wanted.base, making.wanted.tip
    making.told = ask(making.repo, making.changed, span, asking, making.secrets, making.findings)
    making.findings += making.told.findings
    making.gaps += making.told.gaps


def _compared(
    making: _Making, before: Note | None, options: Options
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The findings with what they are against an earlier review, and those fixed since."""
    found = list({one.fingerprint: one for one in making.findings}.values())
    if before is None:
        return compared(found, ())
    unasked = {Source.MODEL} if options.reports else {Source.MODEL, Source.LINTER}
    found += carried(before.findings, found, making.changed, unasked)
    stated, gone = compared(found, before.findings)
    left = [one for one in gone if one.source is not Source.HISTORY or one.rule in options.kinds]
    return stated, _fixed(making, before, left, asked=bool(options.reports)) if left else ()


def _fixed(making: _Making, before: Note, gone: Sequence[Finding], *, asked: bool) -> tuple[Finding, ...]:
    """Of the findings that were not made again, those that are fixed and not only out of sight."""
    repo, wanted = making.repo, making.wanted
    base = before.head.base
    whole = wanted.base in (base, EMPTY_TREE)
    if not whole and base != EMPTY_TREE and repo.find(base) is not None:
        whole = repo.is_ancestor(wanted.base, base)
    paths = list(dict.fromkeys(one.path for one in gone if one.where == "content"))
    texts = repo.read_many([f"{wanted.tip}:{path}" for path in paths])
    lines = {
        path: {line.strip() for line in (text or b"").decode("utf-8", "surrogateescape").split("\n")}
        for path, text in zip(paths, texts, strict=True)
    }
    for (path, _), masked in making.secrets.items():
        lines.setdefault(path, set()).add(masked.strip())
    linted = tuple(one for one in gone if one.source is Source.LINTER and asked and whole)
    return tuple(dict.fromkeys((*linted, *mended(gone, lines, covered=whole))))


def _of_remark(one: Remark, place: Place, making: _Making) -> Finding:
    return made(
        place,
        rule=one.kind.value,
        source=Source.HISTORY,
        severity=_SEVERITY[one.kind],
        confidence="likely" if one.certainty >= 0.6 else "possible",
        message=one.message,
        advice=_ADVICE[one.kind],
        key=one.key,
        certainty=one.certainty,
        commits=[Cited(cited.oid, cited.title) for cited in one.commits],
        text=making.secrets.get((place.path, place.line)),
    )


def _head(
    repo: ReadRepo, wanted: Wanted, ids: tuple[str, ...], tier: str, looked: Sequence[Looked], told: Told | None
) -> Head:
    return Head(
        tip=wanted.tip,
        base=wanted.base,
        branch=wanted.branch,
        patches=ids,
        tier=tier,
        at=int(time.time()),
        by=repo.config("user.name") or "",
        program=f"git-tiny {__version__}",
        hunks=sum(len(one.hunks) for one in looked),
        unseen=sum(len(one.hunks) for one in looked if "validator" not in one.by),
        model=told.said.model if told else "",
        asked=sum(len(one.hunks) for one in looked if "model" in one.by),
    )


def _texts(making: _Making, findings: Sequence[Finding]) -> dict[str, list[str]]:
    """The lines of the files that have findings, secrets redacted."""
    oids = {patch.path: patch.new_oid for patch in making.changed.patches}
    paths = list(dict.fromkeys(one.path for one in findings if one.where == "content"))
    texts: dict[str, list[str]] = {}
    for path, data in zip(paths, making.repo.read_many([oids[path] for path in paths]), strict=True):
        lines = (data or b"").removesuffix(b"\n").decode("utf-8", "surrogateescape").split("\n")
        texts[path] = list(_masked(path, lines, making.secrets))
    return texts


def _masked(path: str, lines: Sequence[str], secrets: dict[tuple[str, int], str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        yield secrets.get((path, number), line)
